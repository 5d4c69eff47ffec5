/* A pickle as plain data. gvk_pickle_read runs the opcodes of protocols 2 to 5 and calls nothing: what the pickle would
 * call is either known here as data (ordered dicts, torch's tensors, parameters and storages) or becomes an opaque
 * value that remembers its maker. */
#ifndef GVK_CHECKPOINT_PICKLE_H
#define GVK_CHECKPOINT_PICKLE_H

#include "ghostnet/files/content.h"
#include "value.h"

/* Reads one pickle from the front of `bytes` and says how many bytes it took. `offset` is added to the positions in
 * messages. `content` loads the bytes, in which they begin at `offset`; NULL: they are all there. Of a text of more
 * than 4096 bytes only these are loaded. What it uses is taken from the budget. A refused pickle leaves nothing. */
gvk_result gvk_pickle_read(const gvk_source *source, gvk_pickle_budget *budget, gvk_content *content,
                           const unsigned char *bytes, size_t count, size_t offset, gvk_pickle **out, size_t *used);

#endif
