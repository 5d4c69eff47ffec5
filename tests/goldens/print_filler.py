"""Prints what tests/filler/test_filler.c expects of tests/filler/filler.c and tests/filler/checkpoint_maker.c."""
import numpy as np

import filler
import reference

TENSORS = [("backbone.model.conv_stem.weight", (16, 3, 3, 3)),
           ("backbone.model.blocks.3.0.se.conv_reduce.bias", (20,)),
           ("backbone.model.blocks.8.3.ghost1.primary_conv.0.weight", (624, 208, 1, 1)),
           ("conv1.1.1.weight", (512,)),
           ("conv1.1.1.running_mean", (512,)),
           ("conv1.1.1.running_var", (512,)),
           ("make_five_conv2.3.0.weight", (128, 1, 3, 3)),
           ("yolo_head3.1.weight", (255, 256, 1, 1)),
           ("classifier.weight", (10, 1280))]
NETWORKS = [("DETECTOR", 0.5, 20), ("DETECTOR", 1.0, 80), ("DETECTOR", 1.3, 3),
            ("CLASSIFIER", 0.5, 10), ("CLASSIFIER", 1.0, 1000), ("CLASSIFIER", 1.3, 37)]


def line(name, array):
    shape = ", ".join(map(str, array.shape))
    first = ", ".join(f"{value!r}" for value in array.ravel()[:3].tolist())
    print(f'{{"{name}", {array.ndim}, {{{shape}}}, {{{first}}}, UINT64_C({filler.fnv1a64(array.tobytes()):#018x})}},')


for name, shape in TENSORS:
    line(name, filler.fill_tensor(name, shape))
line("input", filler.fill_input("input", (2, 3, 96, 160)))

# A network's hash is over its names and shapes in order, written as "name:2,3;".
for kind, width, classes in NETWORKS:
    if kind == "DETECTOR":
        network = reference.GhostNetYolov4(classes, width)
    else:
        network = reference.GhostNet(classes, width)
    text, elements = "", 0
    tensors = [(name, tuple(value.shape)) for name, value in network.state_dict().items() if "num_batches" not in name]
    for name, shape in tensors:
        text += f"{name}:{','.join(map(str, shape))};"
        elements += int(np.prod(shape))
    print(f"{{NETWORK_{kind}, {width}, {classes}, {len(tensors)}, {elements}, "
          f"UINT64_C({filler.fnv1a64(text.encode()):#018x})}},")
