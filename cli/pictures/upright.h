/* Turning a picture the way a person sees it. */
#ifndef GHOSTVK_CLI_PICTURES_UPRIGHT_H
#define GHOSTVK_CLI_PICTURES_UPRIGHT_H

#include "cli/pictures/formats/image.h"

/* Turns the pixels as the orientation says, 1 to 8 as EXIF counts. False when memory ran out; then nothing has changed.
 */
bool image_turn_upright(struct image *image, unsigned orientation);

#endif
