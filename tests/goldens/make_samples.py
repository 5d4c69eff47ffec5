"""Makes what the shipped model finds in the shipped pictures: its weights in fp64, letterboxed by Pillow, thresholds of
the file's metadata.

Prints how far the nearest candidate's score is from the threshold, and the nearest IoU of two candidates of one class
from the IoU threshold: a device within these margins finds the same boxes.
"""
import os
from types import SimpleNamespace

import numpy as np
import torch
from PIL import Image, ImageOps

import make_decode
import make_resize
import reference
import tensor_file

HERE = os.path.dirname(os.path.abspath(__file__))
MODELS = os.path.join(HERE, "..", "..", "models")
PICTURES = ("smear-1", "smear-2", "smear-7")
SIZES = ((416, 416), (608, 320))


def load_network():
    """The network in fp64, and the file's metadata."""
    tensors, metadata = tensor_file.read(os.path.join(MODELS, "blood-cells.safetensors"))
    network = reference.GhostNetYolov4(len(metadata["classes"].split("\n")))
    state = network.state_dict()
    for name in state:
        if not name.endswith("num_batches_tracked"):
            state[name] = torch.from_numpy(tensors[name].astype(np.float32))
    network.load_state_dict(state)
    return network.double().eval(), metadata


def run(network, pixels):
    picture = torch.from_numpy(pixels.transpose(2, 0, 1)[None].astype(np.float64) / 255)
    with torch.no_grad():
        maps = network(picture)
    return reference.decode(maps, network.num_classes, pixels.shape[:2])[0]


def margins(decoded, confidence, iou):
    score, label = decoded[:, 4] * decoded[:, 5:].max(1), decoded[:, 5:].argmax(1)
    candidates = np.flatnonzero(score >= confidence)
    box = make_decode.corners(decoded)[candidates]
    nearest, _ = make_decode.iou_margin(SimpleNamespace(iou=iou), box, label[candidates])
    return np.abs(score - confidence).min(), nearest


if __name__ == "__main__":
    torch.set_num_threads(1)
    network, metadata = load_network()
    confidence, iou = float(metadata["confidence"]), float(metadata["iou"])
    tensors = {}
    print("| picture | input | detections | score off threshold by | IoU off threshold by |")
    print("| --- | --- | --- | --- | --- |")
    for name in PICTURES:
        picture = ImageOps.exif_transpose(Image.open(os.path.join(MODELS, "samples", name + ".jpg"))).convert("RGB")
        source = np.asarray(picture)
        for width, height in SIZES:
            decoded = run(network, make_resize.expected("letterbox", source, width, height))
            found = reference.detections(decoded, confidence, iou).numpy()
            case = SimpleNamespace(width=width, height=height, letterbox=True)
            box = make_decode.to_picture(case, found[:, :4], picture.size)
            tensors[f"{name}.{width}x{height}"] = np.concatenate([box, found[:, 4:]], 1).astype(np.float32)
            score_margin, iou_margin = margins(decoded.numpy(), confidence, iou)
            print(f"| {name} | {width}x{height} | {len(found)} | {score_margin:.1e} | {iou_margin:.1e} |", flush=True)
    tensor_file.write(os.path.join(MODELS, "samples", "expected.safetensors"), tensors,
                      {"confidence": str(confidence), "iou": str(iou)})
