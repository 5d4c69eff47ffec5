"""Makes the goldens of GhostNet-YOLOv4's siblings: raw maps for filled weights and a filled input, computed in fp64 and
rounded to fp32 once. The metadata hold the state dict's names and shapes as PyTorch has them, a line each, so that the
tests need no list of their own. Prints the rows of README.md's table.
"""
import os

import torch

import filler
import make_goldens
import mobilenets
import tensor_file

CLASSES, INPUT_WIDTH, INPUT_HEIGHT, BATCH = 3, 96, 64, 2


def make(name, classes, input_width, input_height, batch):
    golden = f"{name.lower()}_c{classes}_{input_width}x{input_height}_b{batch}"
    network = make_goldens.fill(mobilenets.detector(name, classes))
    picture = torch.from_numpy(filler.fill_input("input", (batch, 3, input_height, input_width)))
    singles = make_goldens.run(network, picture)
    truths = make_goldens.run(network.double(), picture.double())
    maps = ("stride32", "stride16", "stride8")
    for map_name, truth, single in zip(maps, truths, singles):
        make_goldens.describe(golden, map_name, truth, single)
    shapes = [f"{key} {'x'.join(str(side) for side in value.shape)}" for key, value in network.state_dict().items()
              if not key.endswith("num_batches_tracked")]
    parameters = sum(p.numel() for p in network.parameters())
    unused = sum(p.numel() for key, p in network.named_parameters() if is_unused(key))
    tensor_file.write(os.path.join(make_goldens.HERE, golden + ".safetensors"),
                      {key: truth.float().numpy() for key, truth in zip(maps, truths)},
                      {"network": name, "class_count": str(classes), "batch": str(batch),
                       "input_size": f"{input_width}x{input_height}", "parameters": str(parameters - unused),
                       "state_dict": "\n".join(shapes)})


def is_unused(key):
    """Of the classifier that a backbone keeps and the detector never runs."""
    return key.startswith(("backbone.model.fc.", "backbone.model.classifier.", "backbone.model.conv.",
                           "backbone.model.features.18."))


if __name__ == "__main__":
    torch.set_num_threads(1)
    for sibling in mobilenets.DETECTORS:
        make(sibling, CLASSES, INPUT_WIDTH, INPUT_HEIGHT, BATCH)
