"""Makes the COCO cases of test_metrics.c: annotations and results drawn at random, and the twelve numbers that
pycocotools computes from them. The numbers are pycocotools' own: it is not needed to run the tests.

    python3 tests/evaluation/make_cases.py COCOEVAL

COCOEVAL is pycocotools' cocoeval.py (from Debian's python3-pycocotools, or its sources). Its overlaps of boxes come
from a compiled part; where that is missing, those of its bbIou are written down here: intersection over union of
x, y, width and height, and over the detection's area alone where the truth is a crowd.

What the cases hold: crowds, objects of every size and of sizes on the borders of the ranges, more than 100 boxes of a
class in a picture, scores that are equal, truths without boxes and boxes without truths, pictures with neither, a class
without any truth, ids of 63 bits, overlaps that are exactly a threshold.
"""
import contextlib
import importlib.util
import io
import json
import os
import sys
import types

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))


def overlaps(found, truths, crowds):
    out = np.zeros((len(found), len(truths)))
    for i, d in enumerate(found):
        for j, g in enumerate(truths):
            width = min(d[2] + d[0], g[2] + g[0]) - max(d[0], g[0])
            height = min(d[3] + d[1], g[3] + g[1]) - max(d[1], g[1])
            if width > 0 and height > 0:
                common = width * height
                out[i, j] = common / (d[2] * d[3] if crowds[j] else d[2] * d[3] + g[2] * g[3] - common)
    return out if len(found) and len(truths) else []


def load_cocoeval(path):
    package = types.ModuleType("pycocotools")
    package.__path__ = [os.path.dirname(path)]
    mask = types.ModuleType("pycocotools.mask")
    mask.iou = overlaps
    package.mask = mask
    sys.modules.update({"pycocotools": package, "pycocotools.mask": mask})
    spec = importlib.util.spec_from_file_location("pycocotools.cocoeval", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Annotations:
    """What COCOeval asks of a dataset."""

    def __init__(self, images, categories, annotations):
        self.images, self.categories, self.annotations = images, categories, annotations

    def getImgIds(self):
        return [image["id"] for image in self.images]

    def getCatIds(self):
        return [category["id"] for category in self.categories]

    def getAnnIds(self, imgIds=(), catIds=()):
        images, categories = set(imgIds), set(catIds)
        return [index for index, one in enumerate(self.annotations)
                if one["image_id"] in images and one["category_id"] in categories]

    def loadAnns(self, ids):
        return [self.annotations[index] for index in ids]


def evaluate(module, dataset, results):
    truths = Annotations(dataset["images"], dataset["categories"], [dict(one) for one in dataset["annotations"]])
    found = [dict(one, id=index + 1, iscrowd=0, area=one["bbox"][2] * one["bbox"][3])
             for index, one in enumerate(results)]
    evaluation = module.COCOeval(truths, Annotations(dataset["images"], dataset["categories"], found), "bbox")
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    precision = evaluation.eval["precision"][:, :, :, 0, 2]
    classes = []
    for k, category in enumerate(sorted(dataset["categories"], key=lambda one: one["id"])):
        mine = precision[:, :, k]
        classes.append([category["name"], *(float(part[part > -1].mean()) if (part > -1).any() else -1
                                            for part in (mine[0], mine))])
    return [float(value) for value in evaluation.stats], classes


def make(random, pictures, classes, crowded, big):
    first = 9223372036854775000 if big else 1
    images = [{"id": int(first + 7 * i), "file_name": f"{i:012}.jpg", "width": 640, "height": 480}
              for i in range(pictures)]
    categories = [{"id": int(3 * k + 1), "name": f"class {k}"} for k in range(classes)]
    annotations, results = [], []
    for image in images[:-1]: # the last one stays empty
        for k in range(classes):
            count = int(random.integers(0, 6)) if k < classes - 1 else 0
            for _ in range(count):
                side = float(random.choice([20, 32, 50, 96, 150]))
                box = [float(random.integers(0, 400)), float(random.integers(0, 300)), side,
                       float(side if random.random() < 0.4 else random.integers(10, 180))]
                area = box[2] * box[3] * (1 if random.random() < 0.5 else 0.7)
                annotations.append({"id": len(annotations) + 1, "image_id": image["id"],
                                    "category_id": categories[k]["id"], "bbox": box, "area": area,
                                    "iscrowd": int(random.random() < 0.15)})
                for _ in range(int(random.integers(0, 4))):
                    moved = [value + float(random.integers(-12, 13)) * (random.random() < 0.7) for value in box]
                    moved = moved[:2] + [max(moved[2], 1.0), max(moved[3], 1.0)]
                    results.append((image["id"], k, moved))
            extra = 130 if crowded and image is images[0] and k == 0 else int(random.integers(0, 3))
            for _ in range(extra):
                results.append((image["id"], k, [float(random.integers(0, 500)), float(random.integers(0, 400)),
                                                 float(random.integers(5, 120)), float(random.integers(5, 120))]))
    # Half of each of two boxes in the other: overlaps of exactly a threshold.
    annotations.append({"id": len(annotations) + 1, "image_id": images[0]["id"], "category_id": 1,
                        "bbox": [0.0, 0.0, 40.0, 40.0], "area": 1600.0, "iscrowd": 0})
    results.append((images[0]["id"], 0, [0.0, 0.0, 40.0, 20.0]))
    results.append((images[0]["id"], 0, [0.0, 0.0, 40.0, 30.0]))
    order = random.permutation(len(results))
    found = [{"image_id": results[i][0], "category_id": categories[results[i][1]]["id"], "bbox": results[i][2],
              "score": round(float(random.random()), 2)} for i in order]
    return {"images": images, "categories": categories, "annotations": annotations}, found


if __name__ == "__main__":
    module = load_cocoeval(sys.argv[1])
    expected = {}
    for name, seed, choice in (("plain", 1, (6, 3, False, False)), ("crowded", 2, (4, 4, True, False)),
                               ("large_ids", 3, (5, 2, False, True))):
        dataset, found = make(np.random.default_rng(seed), *choice)
        summary, classes = evaluate(module, dataset, found)
        expected[name] = {"summary": summary, "classes": classes}
        for kind, value in (("instances", dataset), ("results", found)):
            with open(os.path.join(HERE, "coco", f"{name}.{kind}.json"), "w") as file:
                json.dump(value, file, separators=(",", ":"))
                file.write("\n")
    with open(os.path.join(HERE, "coco", "expected.json"), "w") as file:
        json.dump(expected, file, indent=1)
        file.write("\n")
