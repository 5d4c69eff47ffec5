/* What a file is, by its first bytes. */
#ifndef GVK_FILE_KIND_H
#define GVK_FILE_KIND_H

#include "text.h"

typedef enum gvk_file_kind { GVK_FILE_SAFETENSORS, GVK_FILE_TORCH_ZIP, GVK_FILE_TORCH_LEGACY } gvk_file_kind;

/* Decides by the first bytes (4096 are enough) and refuses what no reader takes, saying what it seems to be. */
gvk_result gvk_recognise(const gvk_source *source, const unsigned char *head, size_t count, gvk_file_kind *out);

#endif
