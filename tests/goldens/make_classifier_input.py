"""Makes what a classifier is given for a picture: torchvision's Resize, CenterCrop, ToTensor and Normalize as GhostNet's
authors validate it (Resize(256), CenterCrop(224)), and timm for other sizes (crop_pct 0.875), whose Resize is bicubic.
torchvision need not be there: of a Pillow picture its Resize is Pillow's resize to the size below, and the rest is
written out.
"""
import math
import os

import numpy as np
import torch
from PIL import Image

import make_resize
import tensor_file

HERE = os.path.dirname(os.path.abspath(__file__))
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

# content (or a file of tests/images), source width and height, input width and height
CASES = [("mixed", 97, 61, 224, 224),               # the usual size, up, and a half pixel left over
         ("extreme", 200, 157, 128, 128),           # a little down, 185.9 columns
         ("noise", 61, 97, 64, 64),                 # upright
         ("noise", 73, 73, 64, 64),                 # the size it is scaled to: no pass at all
         ("noise", 73, 200, 64, 64),                # the same, and long
         ("mixed", 200, 146, 64, 64),               # half
         ("extreme", 301, 83, 32, 32),              # down
         ("checkers", 36, 37, 32, 32),              # odd, nearly nothing
         ("mixed", 130, 70, 96, 32),                # wide input
         ("mixed", 130, 70, 32, 96),                # high input
         ("noise", 1, 1, 32, 32),
         ("noise", 2, 300, 32, 32),                 # 36 by 5400
         ("noise", 300, 1, 32, 32),
         ("png-rgb.png", 37, 29, 64, 64)]
# The same with the interpolation and the shorter side of the scaled picture; None: the usual one.
CHOSEN = [("checkers", 47, 31, 96, 96, "bicubic", None),   # up, with sharp edges that a cubic overshoots
          ("extreme", 97, 80, 64, 64, "bicubic", None),    # a little down
          ("noise", 61, 97, 64, 64, "bicubic", None),
          ("noise", 73, 73, 64, 64, "bicubic", None),      # no pass at all
          ("extreme", 151, 83, 32, 32, "bicubic", None),   # down
          ("checkers", 36, 37, 32, 32, "bicubic", None),
          ("noise", 1, 1, 32, 32, "bicubic", None),
          ("noise", 2, 300, 32, 32, "bicubic", None),
          ("png-rgb.png", 37, 29, 64, 64, "bicubic", None),
          ("mixed", 130, 70, 64, 64, "bilinear", 64),      # no wider than the cut
          ("mixed", 70, 130, 64, 64, "bicubic", 100)]


def resized(picture, size, interpolation):
    """torchvision's Resize(size): the shorter side becomes `size`."""
    short, long = sorted(picture.size)
    other = int(size * long / short)
    width, height = (size, other) if picture.width <= picture.height else (other, size)
    return picture.resize((width, height), Image.BICUBIC if interpolation == "bicubic" else Image.BILINEAR)


def cropped(picture, width, height):
    """torchvision's CenterCrop."""
    left, top = int(round((picture.width - width) / 2.0)), int(round((picture.height - height) / 2.0))
    return picture.crop((left, top, left + width, top + height))


def normalised(pixels):
    """torchvision's ToTensor and Normalize of bytes (H, W, 3), in fp32."""
    tensor = torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1))).to(torch.float32).div(255)
    mean, deviation = torch.tensor(MEAN).view(-1, 1, 1), torch.tensor(DEVIATION).view(-1, 1, 1)
    return tensor.sub(mean).div(deviation).numpy()


if __name__ == "__main__":
    cases = [case + ("bilinear", None) for case in CASES] + CHOSEN
    tensors, metadata = {}, {"case_count": str(len(cases))}
    for index, (content, width, height, input_width, input_height, interpolation, shorter) in enumerate(cases):
        case = f"case{index:02d}"
        if content.endswith(".png"):
            picture = Image.open(os.path.join(HERE, "..", "images", content)).convert("RGB")
        else:
            picture = Image.fromarray(make_resize.draw(f"classifier.{case}", content, width, height), "RGB")
        tensors[f"{case}.source"] = np.asarray(picture)
        side = shorter or math.floor(max(input_width, input_height) / 0.875)
        scaled = resized(picture, side, interpolation)
        tensors[f"{case}.expected"] = np.asarray(cropped(scaled, input_width, input_height))
        metadata[f"{case}.interpolation"] = interpolation
        if shorter:
            metadata[f"{case}.shorter"] = str(shorter)
    # What becomes of each byte is the same everywhere.
    tensors["normalised"] = normalised(np.arange(256, dtype=np.uint8).reshape(1, 256, 1).repeat(3, axis=2))[:, 0]
    tensor_file.write(os.path.join(HERE, "classifier_input.safetensors"), tensors, metadata)
