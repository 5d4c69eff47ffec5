"""Makes what pictures must give that are turned and cropped: Pillow turns by ImageOps.exif_transpose, crops, resizes."""
import os

import numpy as np
from PIL import Image, ImageOps

import make_resize
import tensor_file

HERE = os.path.dirname(os.path.abspath(__file__))
ORIENTATION = 0x0112
WIDTH, HEIGHT = 45, 31  # as stored

# kind, target width and height, crop (x, y, width, height) of the upright picture, wide or high; None: all of it
WIDE = [("stretch", 32, 16, None),
        ("stretch", 16, 16, (3, 5, 20, 17)),
        ("letterbox", 32, 32, None),
        ("letterbox", 48, 16, (43, 0, 2, 31)),     # two columns
        ("letterbox", 16, 32, (11, 27, 34, 4)),    # a few rows, to the corner
        ("stretch", 13, 7, (1, 1, 43, 29)),
        ("stretch", 32, 16, (40, 26, 5, 5))]
HIGH = [(kind, width, height, crop and (crop[1], crop[0], crop[3], crop[2])) for kind, width, height, crop in WIDE]


def turned(source, orientation):
    picture = Image.fromarray(source, "RGB")
    picture.getexif()[ORIENTATION] = orientation
    return ImageOps.exif_transpose(picture)


if __name__ == "__main__":
    source = make_resize.draw("turned", "mixed", WIDTH, HEIGHT)
    tensors, metadata, count = {"source": source}, {}, 0
    for orientation in range(1, 9):
        upright = turned(source, orientation)
        for kind, width, height, crop in WIDE if upright.width == WIDTH else HIGH:
            case = f"case{count:02d}"
            part = upright if crop is None else upright.crop((crop[0], crop[1], crop[0] + crop[2], crop[1] + crop[3]))
            tensors[f"{case}.expected"] = make_resize.expected(kind, np.asarray(part), width, height)
            metadata[f"{case}.kind"] = kind
            metadata[f"{case}.orientation"] = str(orientation)
            metadata[f"{case}.crop"] = " ".join(str(number) for number in crop or (0, 0, 0, 0))
            count += 1
    metadata["case_count"] = str(count)
    tensor_file.write(os.path.join(HERE, "turned.safetensors"), tensors, metadata)
