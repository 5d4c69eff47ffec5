"""Makes the goldens of whole networks: raw maps or logits for filled weights and a filled input.

Computed in fp64 and rounded to fp32 once. Prints for each map how it varies and how far PyTorch's own fp32 is from it.
"""
import os

import torch

import filler
import reference
import tensor_file

HERE = os.path.dirname(os.path.abspath(__file__))

# Width multiplier, classes, input width, input height, batch. 416 x 416 is made once and 608 x 320 twice, to keep the
# files small; apart from pairs with these sizes, every pair of values of two columns occurs.
DETECTORS = [("1.0", 80, 416, 416, 1),
             ("0.5", 20, 608, 320, 1), ("1.3", 3, 608, 320, 2),
             ("0.5", 3, 64, 64, 1), ("0.5", 80, 64, 64, 2), ("1.0", 3, 64, 64, 2),
             ("1.0", 20, 64, 64, 1), ("1.3", 20, 64, 64, 2), ("1.3", 80, 64, 64, 1)]
CLASSIFIERS = [("1.0", 1000, 224, 224, 1), ("0.5", 10, 224, 224, 2), ("1.3", 37, 224, 224, 1)]


def build(kind, width, classes):
    if kind == "detector":
        network = reference.GhostNetYolov4(classes, float(width))
    else:
        network = reference.GhostNet(classes, float(width))
    return fill(network)


def fill(network):
    state = network.state_dict()
    for name, value in state.items():
        if not name.endswith("num_batches_tracked"):
            state[name] = torch.from_numpy(filler.fill_tensor(name, tuple(value.shape)))
    network.load_state_dict(state)
    return network.eval()


def run(network, picture):
    with torch.no_grad():
        out = network(picture)
    return out if isinstance(out, tuple) else (out,)


def describe(golden, name, truth, single):
    """A row of README.md's table."""
    channels = truth.mean((2, 3)).std().item() if truth.dim() == 4 else truth.std().item()
    positions = f"{truth.std((2, 3)).mean().item():.2f}" if truth.dim() == 4 else ""
    items = f"{(truth[0] - truth[1]).pow(2).mean().sqrt().item():.2f}" if len(truth) > 1 else ""
    error = ((single.double() - truth).abs().max() / truth.abs().max()).item()
    print(f"| {golden} | {name} | {truth.min().item():.2f} | {truth.max().item():.2f} | {truth.std().item():.2f} | "
          f"{channels:.2f} | {positions} | {items} | {error:.1e} |", flush=True)


def make(kind, width, classes, input_width, input_height, batch):
    golden = f"{kind}_w{width.replace('.', '')}0_c{classes}_{input_width}x{input_height}_b{batch}"
    network = build(kind, width, classes)
    picture = torch.from_numpy(filler.fill_input("input", (batch, 3, input_height, input_width)))
    singles = run(network, picture)
    truths = run(network.double(), picture.double())
    names = ("stride32", "stride16", "stride8") if kind == "detector" else ("logits",)
    for name, truth, single in zip(names, truths, singles):
        describe(golden, name, truth, single)
    tensor_file.write(os.path.join(HERE, golden + ".safetensors"),
                      {name: truth.float().numpy() for name, truth in zip(names, truths)},
                      {"kind": kind, "width": width, "class_count": str(classes), "batch": str(batch),
                       "input_size": f"{input_width}x{input_height}"})


if __name__ == "__main__":
    torch.set_num_threads(1)
    print("| golden | map | min | max | deviation | of channel means | over positions | between items | fp32 off by |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for row in DETECTORS:
        make("detector", *row)
    for row in CLASSIFIERS:
        make("classifier", *row)
