"""Makes anchor_cases.inc of test_anchors.c: boxes, and the anchors that k-means with 1 - IoU and medians finds in them,
computed here with NumPy from the method's description: boxes against all centres as matrices, the start of k-means++
with a SplitMix64 stream.

    python3 tests/evaluation/make_anchor_cases.py

In one of the cases a centre loses all its boxes in a later round, in one boxes are alike in many pairs.

With folders of Annotations it prints, for each, the family's anchors (a start at nine boxes by chance, 20 seeds) and
their mean IoU and recall, to compare with:

    python3 tests/evaluation/make_anchor_cases.py VOCdevkit/VOC2007/Annotations
"""
import glob
import os
import sys
import xml.etree.ElementTree as ElementTree

import numpy as np

ANCHORS, MASK = 9, (1 << 64) - 1
HERE = os.path.dirname(os.path.abspath(__file__))


def overlaps(boxes, centres):
    shared = np.minimum(boxes[:, None], centres[None]).prod(axis=2)
    return shared / (boxes.prod(axis=1)[:, None] + centres.prod(axis=1)[None] - shared)


def stream(seed):
    while True:
        seed = (seed + 0x9E3779B97F4A7C15) & MASK
        z = seed
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        yield ((z ^ (z >> 31)) >> 11) / 2.0**53


def start(boxes, seed):
    draws = stream(seed)
    centres = [boxes[int(next(draws) * len(boxes))]]
    while len(centres) < ANCHORS:
        weights = (1 - overlaps(boxes, np.array(centres)).max(axis=1)) ** 2
        sums = np.cumsum(weights)
        centres.append(boxes[int(np.searchsorted(sums, next(draws) * sums[-1], side="right"))])
    return np.array(centres)


def cluster(boxes, centres):
    """The centres by area, and whether one was without boxes on the way."""
    nearest, had_empty = None, False
    while True:
        now = overlaps(boxes, centres).argmax(axis=1)
        if nearest is not None and (now == nearest).all():
            return centres[np.argsort(centres.prod(axis=1), kind="stable")], had_empty
        nearest = now
        for index in range(ANCHORS):
            mine = boxes[nearest == index]
            if len(mine):
                centres[index] = np.median(mine, axis=0)
            else:
                had_empty = True


def measure(boxes, centres):
    best = overlaps(boxes, centres).max(axis=1)
    return best.mean(), (best >= 0.5).mean()


def family(folder):
    boxes = []
    for path in sorted(glob.glob(os.path.join(folder, "*.xml"))):
        tree = ElementTree.parse(path)
        size = [float(tree.findtext("size/" + key)) for key in ("width", "height")]
        for box in tree.iter("bndbox"):
            left, top, right, bottom = (float(box.findtext(key)) for key in ("xmin", "ymin", "xmax", "ymax"))
            if right > left and bottom > top:
                boxes.append(((right - left) / size[0], (bottom - top) / size[1]))
    boxes = np.array(boxes)
    print(folder, len(boxes), "boxes")
    rows = []
    for seed in range(20):
        random = np.random.RandomState(seed)
        centres, had_empty = cluster(boxes, boxes[random.choice(len(boxes), ANCHORS, replace=False)])
        rows.append(measure(boxes, centres))
        print(seed, "mean IoU %.4f, recall %.4f" % rows[-1], (centres * 416).round().astype(int).ravel().tolist())
    rows = np.array(rows)
    print("mean IoU %.4f to %.4f, middle %.4f" % (rows[:, 0].min(), rows[:, 0].max(), np.median(rows[:, 0])))
    for seed in (1, 2, 3):
        centres, had_empty = cluster(boxes, start(boxes, seed))
        print("k-means++", seed, "mean IoU %.4f, recall %.4f" % measure(boxes, centres),
              (centres * 416).round().astype(int).ravel().tolist())


def write_case(file, name, boxes, seed):
    centres, had_empty = cluster(boxes, start(boxes, seed))
    numbers = lambda rows: ", ".join("{%s, %s}" % (float(a).hex(), float(b).hex()) for a, b in rows)
    file.write("{.name = \"%s\", .seed = %d, .count = %d, .mean = %.17g, .recall = %.17g,\n" %
               (name, seed, len(boxes), *measure(boxes, centres)))
    file.write(" .boxes = {%s},\n .anchors = {%s}},\n" % (numbers(boxes), numbers(centres)))


if __name__ == "__main__":
    for folder in sys.argv[1:]:
        family(folder)
    if len(sys.argv) > 1:
        sys.exit()
    random = np.random.default_rng(7)
    with open(os.path.join(HERE, "anchor_cases.inc"), "w") as file:
        file.write("/* Made by make_anchor_cases.py. */\n")
        spread = np.exp(random.uniform(-4, 0, (60, 2)))
        write_case(file, "spread", spread, 1)
        write_case(file, "spread, large seed", spread, 0xFFFFFFFF)
        write_case(file, "pairs alike", np.repeat(np.round(random.uniform(1, 20, (20, 2))) / 20, 3, axis=0), 5)
        write_case(file, "as many as anchors", random.uniform(0.1, 1, (ANCHORS, 2)), 2)
        for attempt in range(100000):
            boxes = random.uniform(0.01, 1, (40, 2))
            if cluster(boxes, start(boxes, 3))[1]:
                write_case(file, "a centre without boxes", boxes, 3)
                break
        else:
            sys.exit("no such case was found")
