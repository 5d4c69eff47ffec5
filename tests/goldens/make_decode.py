"""Makes what decode and non-maximum suppression must give on given raw maps.

The raw maps have margins, so that fp32 arithmetic of any driver comes to the same detections in the same order: scores
stay away from the threshold and from each other (except where a case means them to be equal), IoUs of candidates of one
class stay away from the IoU threshold, and the best class of a candidate is far ahead of the second. The margins that
hold are printed and kept in the metadata. Expectations are computed in fp64 from the maps as stored.
"""
import os

import numpy as np
import torch

import reference
import tensor_file

HERE = os.path.dirname(os.path.abspath(__file__))
STRIDES = (32, 16, 8)


class Case:
    """What a case is; its maps and detections are made by make_item()."""

    def __init__(self, seed, width, height, classes, confidence, iou, passing, images, letterbox=False,
                 dtype=np.float32, score_range=None, per_object=8, shared_scores=False, iou_margin=1e-3):
        self.seed, self.width, self.height, self.classes = seed, width, height, classes
        self.confidence, self.iou = confidence, iou
        self.passing = passing              # candidates an item that reach the confidence
        self.images = images                # width and height of each item's picture
        self.letterbox = letterbox
        self.dtype = dtype
        self.score_range = score_range or (confidence + 0.01, 0.99)
        self.per_object = per_object        # so many candidates see the same object, so that there is much to suppress
        self.shared_scores = shared_scores  # all candidates of two objects have one and the same score
        self.iou_margin = iou_margin        # IoUs of candidates of one class stay so far from the threshold

    def levels(self):
        """How many different scores an item has."""
        return self.passing // (2 * self.per_object) if self.shared_scores else self.passing


CASES = [
    # Ordinary pictures' worth of candidates.
    Case(1, 416, 416, 3, 0.5, 0.3, 300, [(640, 480)]),
    # All candidates that there are at this size.
    Case(2, 608, 608, 20, 0.001, 0.5, 22743, [(1920, 1080)], dtype=np.float16, score_range=(0.002, 0.985),
         per_object=12),
    # Two items with pictures of different sizes.
    Case(3, 64, 96, 80, 0.25, 0.45, 120, [(500, 375), (123, 457)], per_object=5),
    # No candidate.
    Case(4, 64, 64, 3, 0.5, 0.3, 0, [(64, 64)]),
    # Not square; bars above and below; the letterboxed height, 300.5, is rounded to even.
    Case(5, 608, 320, 3, 0.5, 0.3, 150, [(1216, 601)], letterbox=True),
    # Bars left and right; the width, 502.5, is rounded to even. A portrait picture, whose bars hold many detections,
    # which clipping leaves without area.
    Case(6, 608, 320, 3, 0.5, 0.3, 150, [(1005, 640), (413, 777)], letterbox=True),
    # The same input size, stretched.
    Case(7, 608, 320, 3, 0.5, 0.3, 150, [(1333, 751)]),
    # Scores equal in groups of twelve, across scales, places and classes: the candidate's index decides.
    Case(8, 128, 96, 3, 0.5, 0.3, 96, [(128, 96)], per_object=6, shared_scores=True),
    # One class; nothing is suppressed at an IoU threshold of 1.
    Case(9, 96, 64, 1, 0.1, 1.0, 60, [(333, 222)]),
    # What real maps give at the thresholds that the family evaluates with: one class, and nearly every candidate passes, in
    # clusters of hundreds.
    Case(10, 416, 416, 1, 0.001, 0.5, 10000, [(640, 480)], score_range=(0.002, 0.985), per_object=250,
         iou_margin=1e-5),
]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def logit(p):
    return np.log(p / (1 - p))


def solve_scores(case, random, scores):
    """Objectness and class logits, representable in the case's type, whose sigmoids' product is close to each score."""
    objectness, label = np.empty(len(scores), case.dtype), np.empty(len(scores), case.dtype)
    for begin in range(0, len(scores), 2048):
        target = scores[begin:begin + 2048, None]
        tries = 400 if case.dtype == np.float16 else 1
        # Objectness between score and 1, in logits: the class then lies between score and 1 too.
        share = random.uniform(0.15, 0.85, (len(target), tries))
        o = logit(target ** share).astype(case.dtype)
        c = logit(np.minimum(target / sigmoid(o.astype(np.float64)), 1 - 1e-9)).astype(case.dtype)
        error = np.abs(sigmoid(o.astype(np.float64)) * sigmoid(c.astype(np.float64)) - target)
        best = error.argmin(1)[:, None]
        objectness[begin:begin + 2048] = np.take_along_axis(o, best, 1)[:, 0]
        label[begin:begin + 2048] = np.take_along_axis(c, best, 1)[:, 0]
    return objectness, label


def list_cells(case):
    """Of every candidate, in order: x, y and side of its cell, width and height of its anchor, in pixels."""
    cells = []
    for stride, mask in zip(STRIDES, reference.ANCHOR_MASK):
        for anchor in mask:
            for y in range(case.height // stride):
                for x in range(case.width // stride):
                    cells.append((x * stride, y * stride, stride, *reference.ANCHORS[anchor]))
    return np.array(cells, np.float64)


class Scene:
    """Objects with centre, size and class, and the candidates that see them."""

    def __init__(self, case, random):
        self.cells = list_cells(case)
        count = -(-case.passing // case.per_object)
        field = np.array([case.width, case.height], np.float64)
        self.centres = random.uniform(0, 1, (count, 2)) * field
        self.sizes = np.exp(random.uniform(np.log(10), np.log(0.5 * field.min()), (count, 2)))
        self.labels = random.integers(0, case.classes, count)
        middles = self.cells[:, :2] + self.cells[:, 2:3] / 2
        owner = np.full(len(self.cells), -1)
        for index in random.permutation(count):
            distance = np.linalg.norm(middles - self.centres[index], axis=1) * random.uniform(1, 2, len(middles))
            distance[owner >= 0] = np.inf
            wanted = min(case.per_object, case.passing - np.count_nonzero(owner >= 0))
            owner[np.argsort(distance, kind="stable")[:wanted]] = index
        self.passing = np.flatnonzero(owner >= 0)
        self.owner = owner[self.passing]

    def draw_boxes(self, case, random, which):
        """Raw x, y, width and height of some of the passing candidates: their object's, seen inexactly."""
        cells, owner = self.cells[self.passing[which]], self.owner[which]
        inside = (self.centres[owner] - cells[:, :2]) / cells[:, 2:3] + random.normal(0, 0.1, (len(which), 2))
        xy = logit(np.clip(inside, 0.05, 0.95)) + random.normal(0, 0.2, (len(which), 2))
        wh = np.log(self.sizes[owner] / cells[:, 3:]) + random.normal(0, 0.2, (len(which), 2))
        return np.concatenate([xy, wh], 1).astype(case.dtype)


def draw_rows(case, random):
    """One item's scene and raw rows, candidates x (5 + classes)."""
    scene = Scene(case, random)
    count, passing = len(scene.cells), scene.passing
    rows = np.empty((count, 5 + case.classes), case.dtype)
    rows[:, :2] = random.normal(0, 1.5, (count, 2))
    rows[:, 2:4] = random.normal(0, 0.4, (count, 2))
    rows[:, 4] = random.normal(-4, 1, count)
    rows[:, 5:] = random.normal(-3, 1, (count, case.classes))
    # A candidate that does not pass stays clearly below the threshold whatever its class.
    score = sigmoid(rows[:, 4].astype(np.float64)) * sigmoid(rows[:, 5:].astype(np.float64)).max(1)
    rows[score > case.confidence - 0.01, 4] = -9
    rows[passing, :4] = scene.draw_boxes(case, random, np.arange(len(passing)))
    # One candidate in ten takes its object for one of another class.
    labels = np.where(random.uniform(size=len(passing)) < 0.1, random.integers(0, case.classes, len(passing)),
                      scene.labels[scene.owner])
    levels = random.permutation(np.linspace(*case.score_range, case.levels()))
    objectness, label = solve_scores(case, random, levels)
    order = scene.owner // 2 if case.shared_scores else np.arange(len(passing))
    # The best class is at least 0.5 ahead of the others.
    rows[passing, 4] = objectness[order]
    rows[passing, 5:] = label[order, None] - random.uniform(0.5, 6, (len(passing), case.classes))
    rows[passing, 5 + labels] = label[order]
    return rows, scene


def to_maps(case, rows):
    """Rows in candidate order (stride, anchor, y, x) to raw maps of 1 x 3(5 + classes) x h x w."""
    maps, begin = [], 0
    for stride in STRIDES:
        height, width = case.height // stride, case.width // stride
        end = begin + 3 * height * width
        part = rows[begin:end].reshape(3, height, width, 5 + case.classes)
        maps.append(np.ascontiguousarray(part.transpose(0, 3, 1, 2)).reshape(1, -1, height, width))
        begin = end
    return maps


def decode(case, rows):
    """The item's decoded rows in fp64, from the maps as stored."""
    maps = [torch.from_numpy(part.astype(np.float64)) for part in to_maps(case, rows)]
    return reference.decode(maps, case.classes, (case.height, case.width))[0].numpy()


def corners(decoded):
    return np.concatenate([decoded[:, :2] - decoded[:, 2:4] / 2, decoded[:, :2] + decoded[:, 2:4] / 2], 1)


def ious(box, others):
    """IoU of each box with each other."""
    size = np.minimum(box[:, None, 2:], others[None, :, 2:]) - np.maximum(box[:, None, :2], others[None, :, :2])
    inter = np.prod(np.maximum(size, 0), 2)
    area, other_area = np.prod(box[:, 2:] - box[:, :2], 1), np.prod(others[:, 2:] - others[:, :2], 1)
    return inter / (area[:, None] + other_area[None] - inter)


def iou_margin(case, box, label):
    """The distance between the threshold and the nearest IoU of two boxes of one class, and the boxes that are too near."""
    margin, close = 1.0, []
    for index in np.unique(label):
        members = np.flatnonzero(label == index)
        for begin in range(0, len(members), 1000):
            rows = members[begin:begin + 1000]
            distance = np.abs(ious(box[rows], box[members[begin:]]) - case.iou)
            distance[np.arange(len(rows)), np.arange(len(rows))] = 1
            margin = min(margin, distance.min())
            close.extend(rows[np.flatnonzero(np.triu(distance < case.iou_margin).any(1))])
    return margin, np.array(close, int)


def suppress(case, decoded):
    """Greedy suppression: rows of the detections, best first."""
    score, label = decoded[:, 4] * decoded[:, 5:].max(1), decoded[:, 5:].argmax(1)
    box = corners(decoded)
    candidates = np.flatnonzero(score >= case.confidence)
    candidates = candidates[np.argsort(-score[candidates], kind="stable")]
    kept = []
    for index in range(case.classes):
        members = candidates[label[candidates] == index]
        alive = np.ones(len(members), bool)
        for i in range(len(members)):
            if alive[i]:
                kept.append(members[i])
                alive[i + 1:] &= ~(ious(box[members[i:i + 1]], box[members[i + 1:]]) > case.iou)[0]
    rank = {candidate: position for position, candidate in enumerate(candidates)}
    return np.array(sorted(kept, key=rank.get), int)


def to_picture(case, box, image):
    """Corners in [0, 1] of the input to pixels of a picture, as far beyond it as they are."""
    centre, size = (box[:, :2] + box[:, 2:]) / 2, box[:, 2:] - box[:, :2]
    image, given = np.array(image, np.float64), np.array([case.width, case.height], np.float64)
    if case.letterbox:
        resized = np.round(image * np.min(given / image))
        offset, scale = (given - resized) / 2 / given, given / resized
        centre, size = (centre - offset) * scale, size * scale
    return np.concatenate([centre - size / 2, centre + size / 2], 1) * np.tile(image, 2)


def make_item(case, random, item):
    """Raw maps, detections, margins (scores, IoUs) and the boxes before clipping of one item."""
    rows, scene = draw_rows(case, random)
    passing = scene.passing
    for _ in range(200):
        decoded = decode(case, rows)
        box, label = corners(decoded)[passing], decoded[passing, 5:].argmax(1)
        nearest_iou, close = iou_margin(case, box, label)
        if len(close) == 0:
            break
        rows[passing[close], :4] = scene.draw_boxes(case, random, close)
    assert nearest_iou >= case.iou_margin
    score = decoded[:, 4] * decoded[:, 5:].max(1)
    assert (np.flatnonzero(score >= case.confidence) == passing).all()
    levels = np.unique(score[passing])
    assert len(levels) == case.levels()
    gaps = [np.abs(score - case.confidence).min(), *np.diff(levels)]
    kept = suppress(case, decoded)
    # The reference must come to the same.
    truth = reference.detections(torch.from_numpy(decoded), case.confidence, case.iou).numpy()
    assert len(truth) == len(kept) and (truth[:, 5] == decoded[kept, 5:].argmax(1)).all()
    assert np.allclose(truth[:, :4], corners(decoded)[kept], atol=1e-12) and (truth[:, 4] == score[kept]).all()
    unclipped = to_picture(case, corners(decoded)[kept], case.images[item])
    clipped = np.clip(unclipped, 0, np.tile(np.array(case.images[item], np.float64), 2))
    detections = np.concatenate([clipped, score[kept, None], truth[:, 5:6], kept[:, None],
                                 np.full((len(kept), 1), item)], 1)
    return to_maps(case, rows), detections, min(gaps), nearest_iou, unclipped


if __name__ == "__main__":
    torch.set_num_threads(1)
    tensors, metadata = {}, {"case_count": str(len(CASES))}
    print("| case | candidates | detections | scores apart by | IoU off threshold by |")
    print("| --- | --- | --- | --- | --- |")
    for index, case in enumerate(CASES):
        name, random = f"case{index:02d}", np.random.Generator(np.random.PCG64(case.seed))
        items = [make_item(case, random, item) for item in range(len(case.images))]
        for position, stride in enumerate(STRIDES):
            tensors[f"{name}.stride{stride}"] = np.concatenate([item[0][position] for item in items])
        tensors[f"{name}.detections"] = np.concatenate([item[1] for item in items]).astype(np.float32)
        tensors[f"{name}.unclipped"] = np.concatenate([item[4] for item in items]).astype(np.float32)
        score_margin, nearest_iou = min(item[2] for item in items), min(item[3] for item in items)
        for key, value in {"confidence": case.confidence, "iou": case.iou, "class_count": case.classes,
                           "batch": len(items), "input_size": f"{case.width}x{case.height}",
                           "image_sizes": ",".join(f"{w}x{h}" for w, h in case.images),
                           "letterbox": "true" if case.letterbox else "false",
                           "candidate_count": case.passing * len(items),
                           "score_margin": f"{score_margin:.2e}", "iou_margin": f"{nearest_iou:.2e}"}.items():
            metadata[f"{name}.{key}"] = str(value)
        print(f"| {name} | {case.passing * len(items)} | {len(tensors[name + '.detections'])} | {score_margin:.1e} | "
              f"{nearest_iou:.1e} |", flush=True)
    tensor_file.write(os.path.join(HERE, "decode.safetensors"), tensors, metadata)
