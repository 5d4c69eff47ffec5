"""Average precision of a model on a Pascal VOC folder, in PyTorch, NumPy and Pillow alone: what `ghostvk eval` is held
against. The network is that of tests/goldens/reference.py, in fp32; nothing here is shared with the program.

    python3 tests/evaluation/evaluate_in_pytorch.py DATASET [--model FILE] [--set NAME] [--conf X] [--iou X] [--json FILE]

The protocol is the mobilenet-yolov4 family's get_map: Pillow's bicubic, letterbox as the model's metadata say;
confidence 0.001, suppression above an IoU of 0.5 in each class; boxes are written with their fractions cut off and
scores as the first six characters of their digits; overlaps count pixels (sides one longer than their difference); each
box is held against the truth of its class that it overlaps most; a second box on one truth is wrong; difficult truths
make no box right or wrong; the area under the whole curve. Also the mean over overlaps 0.5, 0.55, ..., 0.95.
"""
import argparse
import json
import os
import sys
import xml.etree.ElementTree as ET

import numpy as np
import torch
from PIL import Image

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "goldens"))
import reference  # noqa: E402
import tensor_file  # noqa: E402


def load_network(path):
    tensors, metadata = tensor_file.read(path)
    network = reference.GhostNetYolov4(len(metadata["classes"].split("\n")))
    state = network.state_dict()
    for name in state:
        if not name.endswith("num_batches_tracked"):
            state[name] = torch.from_numpy(tensors[name].astype(np.float32))
    network.load_state_dict(state)
    return network.eval(), metadata


def fit(picture, width, height, letterbox):
    """The network's input as an array, and for each axis the part of it that the picture takes, as boxes are mapped."""
    if not letterbox:
        return np.asarray(picture.resize((width, height), Image.BICUBIC)), [(0.0, 1.0), (0.0, 1.0)]
    scale = min(width / picture.width, height / picture.height)
    used = int(picture.width * scale), int(picture.height * scale)
    canvas = Image.new("RGB", (width, height), (128, 128, 128))
    canvas.paste(picture.resize(used, Image.BICUBIC), ((width - used[0]) // 2, (height - used[1]) // 2))
    places = []
    for side, whole in ((picture.width, width), (picture.height, height)):
        rounded = float(np.round(side * scale))
        places.append(((whole - rounded) / 2 / whole, rounded / whole))
    return np.asarray(canvas), places


def find(network, metadata, path, confidence, iou):
    """(class, score, x1, y1, x2, y2) for each box, in pixels and not cut off at the picture's edges."""
    picture = Image.open(path).convert("RGB")
    width, height = (int(metadata.get(key, 416)) for key in ("input_width", "input_height"))
    pixels, places = fit(picture, width, height, metadata.get("letterbox", "false").lower() in ("true", "1"))
    with torch.no_grad():
        maps = network(torch.from_numpy(pixels.transpose(2, 0, 1)[None].astype(np.float32) / 255))
    anchors = [float(value) for value in metadata["anchors"].replace(",", " ").split()]
    decoded = reference.decode(maps, network.num_classes, (height, width), list(zip(anchors[::2], anchors[1::2])))[0]
    found = reference.detections(decoded, confidence, iou).numpy().astype(np.float64)
    for axis, (offset, share) in enumerate(places):
        for corner in (axis, axis + 2):
            found[:, corner] = (found[:, corner] - offset) / share * picture.size[axis]
    return [(int(row[5]), row[4], *row[:4]) for row in found]


def read_labels(path):
    labels = []
    for thing in ET.parse(path).getroot().findall("object"):
        box = thing.find("bndbox")
        labels.append((thing.findtext("name"), thing.findtext("difficult", "0").strip() == "1",
                       [float(box.findtext(side)) for side in ("xmin", "ymin", "xmax", "ymax")]))
    return labels


def overlap(a, b):
    width, height = (min(a[i + 2], b[i + 2]) - max(a[i], b[i]) + 1 for i in (0, 1))
    if width <= 0 or height <= 0:
        return 0.0
    area = [(box[2] - box[0] + 1) * (box[3] - box[1] + 1) for box in (a, b)]
    return width * height / (sum(area) - width * height)


def average_precision(boxes, truths, least):
    """boxes: (score, picture, corners), best first; truths: {picture: [(difficult, corners), ...]}, of one class."""
    taken, right, wrong = set(), [], []
    for _, name, corners in boxes:
        overlaps = [overlap(corners, truth) for _, truth in truths.get(name, [])]
        best = int(np.argmax(overlaps)) if overlaps else -1
        hit = best >= 0 and overlaps[best] >= least
        difficult = hit and truths[name][best][0]
        right.append(hit and not difficult and (name, best) not in taken)
        wrong.append(not right[-1] and not difficult)
        if right[-1]:
            taken.add((name, best))
    count = sum(not difficult for labels in truths.values() for difficult, _ in labels)
    right, wrong = np.cumsum(right), np.cumsum(wrong)
    recall = np.concatenate([[0], right / count, [1]])
    precision = np.concatenate([[0], right / np.maximum(right + wrong, 1), [0]])
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(recall) * precision[1:]))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("dataset")
    parser.add_argument("--model", default=os.path.join(HERE, "..", "..", "models", "blood-cells.safetensors"))
    parser.add_argument("--set", default="test")
    parser.add_argument("--conf", type=float, default=0.001)
    parser.add_argument("--iou", type=float, default=0.5)
    parser.add_argument("--json", help="a file for all boxes: picture, class, score, corners")
    options = parser.parse_args()
    network, metadata = load_network(options.model)
    classes = metadata["classes"].split("\n")
    names = sorted(set(open(os.path.join(options.dataset, "ImageSets", "Main", options.set + ".txt")).read().split()),
                   key=lambda name: name + ".txt")
    boxes, truths, everything = {}, {}, []
    for name in names:
        for label, difficult, corners in read_labels(os.path.join(options.dataset, "Annotations", name + ".xml")):
            if label in classes:
                truths.setdefault(label, {}).setdefault(name, []).append((difficult, corners))
        found = find(network, metadata, os.path.join(options.dataset, "JPEGImages", name + ".jpg"), options.conf,
                     options.iou)
        for label, score, *corners in found:
            written = float(str(np.float32(score))[:6])
            boxes.setdefault(classes[label], []).append((written, name, [float(int(side)) for side in corners]))
            everything.append([name, classes[label], score, *corners])
    if options.json:
        with open(options.json, "w") as file:
            json.dump(everything, file)
    at_half, at_all = [], []
    for label in sorted(truths):
        if not any(not difficult for labels in truths[label].values() for difficult, _ in labels):
            continue
        mine = sorted(boxes.get(label, []), key=lambda box: box[0], reverse=True)
        steps = [average_precision(mine, truths[label], least) for least in np.linspace(0.5, 0.95, 10)]
        at_half.append(steps[0])
        at_all.append(np.mean(steps))
        print(f"{label:12} {len(mine):6} boxes  AP50 {steps[0]:.6f}  AP {np.mean(steps):.6f}")
    print(f"map50 {np.mean(at_half):.6f}  map {np.mean(at_all):.6f}")
