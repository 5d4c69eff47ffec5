"""Makes the small Pascal VOC folder voc/ of test_cli_eval.c, results for it, and what evaluate_in_pytorch.py's own
formulas make of them. The pictures are cut out of models/samples.

    python3 tests/evaluation/make_voc_case.py

The labels hold difficult objects, two objects that overlap each other, an object beyond the picture's edge, a class with
difficult objects alone, parts inside an object; the results hold equal scores, scores that differ in the fifth decimal,
second boxes on one object, boxes beyond the picture, and a class without any object.
"""
import json
import os

import numpy as np
from PIL import Image

import evaluate_in_pytorch as formulas

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = os.path.join(HERE, "voc")
CLASSES = ("RBC", "WBC", "Platelets")
WIDTH, HEIGHT = 96, 64


def write_labels(name, objects):
    with open(os.path.join(FOLDER, "Annotations", name + ".xml"), "w") as file:
        file.write(f"<annotation>\n\t<size><width>{WIDTH}</width><height>{HEIGHT}</height><depth>3</depth></size>\n")
        for label, difficult, box in objects:
            sides = "".join(f"<{key}>{value}</{key}>" for key, value in zip(("xmin", "ymin", "xmax", "ymax"), box))
            part = "<part><name>WBC</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox></part>"
            file.write(f"\t<object>\n\t\t<name>{label}</name>\n\t\t<difficult>{int(difficult)}</difficult>\n"
                       f"\t\t<bndbox>{sides}</bndbox>{part}\n\t</object>\n")
        file.write("</annotation>\n")


if __name__ == "__main__":
    random = np.random.default_rng(4)
    for part in ("Annotations", "ImageSets/Main", "JPEGImages"):
        os.makedirs(os.path.join(FOLDER, part), exist_ok=True)
    sample = Image.open(os.path.join(HERE, "..", "..", "models", "samples", "smear-1.jpg")).convert("RGB")
    names = ["b", "a-1", "a", "c"]
    with open(os.path.join(FOLDER, "ImageSets", "Main", "test.txt"), "w") as file:
        file.write("".join(name + "\n" for name in names) + "a\n")
    boxes, truths, lines = {}, {}, []
    for place, name in enumerate(sorted(names, key=lambda name: name + ".txt")):
        sample.crop((40 + 120 * place, 60, 40 + 120 * place + 2 * WIDTH, 60 + 2 * HEIGHT)).resize(
            (WIDTH, HEIGHT), Image.BICUBIC).save(os.path.join(FOLDER, "JPEGImages", name + ".jpg"), quality=80)
        objects, found = [], []
        for _ in range(7 if name != "c" else 0):
            label = CLASSES[int(random.integers(0, 3))]
            left, top = int(random.integers(0, 80)), int(random.integers(0, 50))
            box = [left, top, left + int(random.integers(4, 40)), top + int(random.integers(4, 40))]
            difficult = label == "Platelets" or random.random() < 0.2
            objects.append((label, difficult, box))
            truths.setdefault(label, {}).setdefault(name, []).append((difficult, [float(value) for value in box]))
            for _ in range(int(random.integers(0, 3))):
                moved = [float(np.float32(value + random.normal() * 2 * (random.random() < 0.6))) for value in box]
                found.append((CLASSES[int(random.integers(0, 3))] if random.random() < 0.15 else label, moved))
        found.append(("other", [1.0, 1.0, 20.0, 20.0]))
        found.append(("RBC", [-7.5, -3.25, 30.75, 20.5]))
        write_labels(name, objects)
        detections = []
        for label, box in found:
            score = float(np.float32(random.choice([0.5, 0.25, 0.73215, 0.73218, round(random.random(), 6)])))
            detections.append({"class": label, "class_id": 0, "score": score, "box": box})
            boxes.setdefault(label, []).append((float(str(np.float32(score))[:6]), name,
                                                [float(int(side)) for side in box]))
        lines.append({"file": f"pictures/{name}.jpg", "width": WIDTH, "height": HEIGHT, "detections": detections})
    with open(os.path.join(HERE, "voc", "results.jsonl"), "w") as file:
        file.writelines(json.dumps(line, separators=(",", ":")) + "\n" for line in reversed(lines))
    classes = []
    for label in sorted(truths):
        if not any(not difficult for labels in truths[label].values() for difficult, _ in labels):
            continue
        mine = sorted(boxes.get(label, []), key=lambda box: box[0], reverse=True)
        steps = [formulas.average_precision(mine, truths[label], least) for least in np.linspace(0.5, 0.95, 10)]
        classes.append([label, steps[0], float(np.mean(steps))])
    expected = {"map50": float(np.mean([one[1] for one in classes])), "map": float(np.mean([one[2] for one in classes])),
                "classes": classes}
    with open(os.path.join(HERE, "voc", "expected.json"), "w") as file:
        json.dump(expected, file, indent=1)
        file.write("\n")
