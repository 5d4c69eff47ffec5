"""Makes what the resize must give: Pillow's BICUBIC on small pictures, stretched to the input's size or letterboxed.

A letterboxed picture keeps its aspect ratio: scale = min(W / w, H / h), resized to int(w * scale) x int(h * scale), put
at ((W - w) // 2, (H - h) // 2) of a grey 128 canvas.
"""
import os

import numpy as np
from PIL import Image

import filler
import tensor_file

HERE = os.path.dirname(os.path.abspath(__file__))

# kind, content, source width and height, target width and height
CASES = [("stretch", "mixed", 1, 1, 32, 32),            # one pixel
         ("stretch", "mixed", 1, 40, 32, 32),           # one column
         ("stretch", "mixed", 40, 1, 64, 32),           # one row
         ("stretch", "mixed", 7, 5, 32, 32),            # up
         ("stretch", "mixed", 33, 17, 64, 32),          # up, odd factors
         ("stretch", "mixed", 101, 75, 32, 32),         # down
         ("stretch", "noise", 45, 31, 64, 32),          # up by a little
         ("stretch", "noise", 50, 130, 64, 96),         # up and down at once
         ("stretch", "mixed", 64, 32, 64, 32),          # nothing changes: no pass at all
         ("stretch", "mixed", 64, 21, 64, 32),          # the width stays: no horizontal pass
         ("stretch", "mixed", 50, 32, 96, 32),          # the height stays: no vertical pass
         ("stretch", "noise", 300, 3, 32, 64),          # extreme aspect
         ("stretch", "noise", 2, 255, 96, 32),
         ("stretch", "extreme", 31, 29, 64, 64),        # overshoot is clamped at 0 and 255, up
         ("stretch", "extreme", 97, 61, 32, 32),        # and down
         ("stretch", "checkers", 33, 33, 96, 96),
         ("stretch", "mixed", 640, 480, 416, 416),      # a real size
         ("letterbox", "mixed", 1, 1, 64, 32),
         ("letterbox", "mixed", 160, 120, 96, 64),      # down, bars left and right
         ("letterbox", "mixed", 45, 80, 64, 32),
         ("letterbox", "noise", 33, 100, 32, 96),       # an odd bar: one pixel more on the right
         ("letterbox", "noise", 10, 7, 64, 64),         # up, bars above and below
         ("letterbox", "extreme", 200, 7, 32, 32),      # one row of picture
         ("letterbox", "mixed", 3, 2, 96, 64),          # the aspect ratio fits: no bars
         ("letterbox", "noise", 64, 32, 64, 32),        # nothing changes
         ("letterbox", "noise", 49, 20, 32, 32),        # int(49 * (32 / 49)) is 31 in fp64
         ("letterbox", "mixed", 64, 20, 64, 32)]        # not resized, bars only


# Too large to be stored: both sides compute them. Source width and height, target width and height.
LARGE = [(8200, 5600, 64, 64),     # more than 128 MiB of pixels
         (20, 60000, 640, 32),     # rows between the passes that take more than 128 MiB
         (12000, 9000, 64, 64)]    # the camera of a phone


def draw_large(width, height):
    y, x, channel = np.ogrid[:height, :width, :3]
    y, x, channel = y.astype(np.uint32), x.astype(np.uint32), channel.astype(np.uint32)
    return (((x * (channel + 3)) ^ (y * (2 * channel + 5))) + (x * y >> np.uint32(8)) & 255).astype(np.uint8)


def draw(name, content, width, height):
    """A picture that `name` and size decide: a smooth part, a noisy part, a part of zeros and 255s, or one of them."""
    noise = filler.stream(name, height * width * 3).reshape(height, width, 3)
    y, x, channel = np.ogrid[:height, :width, :3]
    if content == "checkers":
        return (((x + y + channel) % 2) * 255).astype(np.uint8)
    smooth = filler.triangle(2 * x + 20 * channel, 64) * filler.triangle(3 * y + 9 * channel, 128)
    extreme = (noise >= 0.5) * 1.0
    if content == "noise":
        value = noise
    elif content == "extreme":
        value = extreme
    else:
        value = np.where((x + y) % 48 < 16, noise, np.where((x + 2 * y) % 80 < 20, extreme, 0.8 * smooth + 0.2 * noise))
    return np.minimum(np.floor(value * 256), 255).astype(np.uint8)


def expected(kind, source, width, height):
    picture = Image.fromarray(source, "RGB")
    if kind == "stretch":
        return np.asarray(picture.resize((width, height), Image.BICUBIC))
    scale = min(width / picture.width, height / picture.height)
    size = (int(picture.width * scale), int(picture.height * scale))
    canvas = Image.new("RGB", (width, height), (128, 128, 128))
    canvas.paste(picture.resize(size, Image.BICUBIC), ((width - size[0]) // 2, (height - size[1]) // 2))
    return np.asarray(canvas)


if __name__ == "__main__":
    tensors, metadata = {}, {"case_count": str(len(CASES))}
    for index, (kind, content, width, height, target_width, target_height) in enumerate(CASES):
        case = f"case{index:02d}"
        source = draw(f"resize.{case}", content, width, height)
        tensors[f"{case}.source"] = source
        tensors[f"{case}.expected"] = expected(kind, source, target_width, target_height)
        metadata[f"{case}.kind"] = kind
    for index, (width, height, target_width, target_height) in enumerate(LARGE):
        source = draw_large(width, height)
        tensors[f"large{index}.expected"] = expected("stretch", source, target_width, target_height)
    tensor_file.write(os.path.join(HERE, "resize.safetensors"), tensors, metadata)
