#!/usr/bin/env python3
"""What other programs make of the boxes in test_results.c: makes expected.h. usage: make_expected.py > expected.h

Family texts as its get_map_txt formats numpy's numbers; CSV by Python's csv; JSON Lines and COCO's results by its json.
"""
import csv
import io
import json

import numpy as np

CLASSES = ["cell", "two words", 'comma, "quoted"', "line\nbreak"]
PICTURES = [  # path, width, height, [(class, score, x1, y1, x2, y2)] best score first
    ("a/blood, \"one\".jpg", 640, 480, [
        (1, 0.97354198, -3.75, 10.5, 100.25, 700.5), (0, 0.5, 20.25, 30.75, 40.125, 60.625),
        (1, 0.12345678, 0.5, 0.25, 639.5, 479.75), (3, 0.0010000000, 5.5, 6.5, 7.5, 8.5), (2, 0.00099, -0.5, -0.75, 1.5, 2.5)]),
    ("000000397133.jpg", 200, 100, [(0, 1.0, 0.5, 0.5, 199.5, 99.5)]),
    ("empty.png", 32, 32, []),
]


def shortest(value):
    text = np.format_float_positional(np.float32(value), unique=True, trim="-")
    return text


def clip(box, width, height):
    return [min(max(v, 0.0), float(e)) for v, e in zip(box, (width, height, width, height))]


def number(value):  # as JSON has it: the shortest digits of the float, integers without a point
    text = shortest(value)
    return int(text) if "." not in text else float(text)


def family(boxes):
    rows = []
    for label in sorted({b[0] for b in boxes}):
        for c, score, left, top, right, bottom in boxes:
            if c == label:
                name = CLASSES[c].replace("\n", "_")
                rows.append("%s %s %s %s %s %s\n" % (name, str(np.float32(score))[:6], int(np.float32(left)),
                                                     int(np.float32(top)), int(np.float32(right)), int(np.float32(bottom))))
    return "".join(rows)


def yolo(boxes, width, height, with_score):
    rows = []
    for c, score, *box in boxes:
        x1, y1, x2, y2 = clip(box, width, height)
        row = "%d %.6f %.6f %.6f %.6f" % (c, (x1 + x2) / 2 / width, (y1 + y2) / 2 / height, (x2 - x1) / width,
                                          (y2 - y1) / height)
        rows.append(row + (" %.6f" % np.float32(score) if with_score else "") + "\n")
    return "".join(rows)


def literal(text):
    out = []
    for byte in text.encode():
        out.append({0x0A: "\\n", 0x22: '\\"', 0x5C: "\\\\"}.get(byte) or chr(byte))
    return '"' + "".join(out).replace("\\n", '\\n"\n    "') + '"'


table = io.StringIO()
writer = csv.writer(table, lineterminator="\n")
writer.writerow("file,frame,time,width,height,class,class_id,score,x1,y1,x2,y2,track".split(","))
coco, lines = [], ""
for path, width, height, boxes in PICTURES:
    detections = []
    for c, score, *box in boxes:
        clipped = clip(box, width, height)
        writer.writerow([path, "", "", width, height, CLASSES[c], c, shortest(score), *map(shortest, clipped), ""])
        stem = path.rsplit("/", 1)[-1].rsplit(".", 1)[0]
        coco.append({"image_id": int(stem) if stem.isdigit() else stem, "category_id": c + 1,
                     "bbox": [number(clipped[0]), number(clipped[1]), number(clipped[2] - clipped[0]),
                              number(clipped[3] - clipped[1])], "score": number(score)})
        detections.append({"class": CLASSES[c], "class_id": c, "score": number(score),
                           "box": [number(v) for v in clipped]})
    lines += json.dumps({"file": path, "width": width, "height": height, "detections": detections, "ms": {
        "load": 1.5, "resize": None, "network": 2.25, "decode": 0.125, "total": 4}}) + "\n"
coco = "[\n" + ",\n".join("  " + json.dumps(row) for row in coco) + "\n]\n"

print("/* Made by make_expected.py. */\n/* clang-format off */")
print("static const char expected_csv[] =\n    %s;" % literal(table.getvalue()))
print("static const char expected_coco[] =\n    %s;" % literal(coco))
print("static const char expected_lines[] =\n    %s;" % literal(lines))
for index, (path, width, height, boxes) in enumerate(PICTURES[:2]):
    print("static const char expected_family_%d[] =\n    %s;" % (index, literal(family(boxes))))
    print("static const char expected_yolo_%d[] =\n    %s;" % (index, literal(yolo(boxes, width, height, False))))
    print("static const char expected_scores_%d[] =\n    %s;" % (index, literal(yolo(boxes, width, height, True))))
