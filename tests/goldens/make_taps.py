"""Makes taps.safetensors: what PyTorch has in the middle of GhostNet-YOLOv4, read by forward hooks, for filled weights
and a filled input; computed in fp64 and rounded to fp32 once.

Names are those of the graph's nodes. A batch norm's is the map behind its activation, because the activation is a part
of that node; it is read at the module behind the batch norm. What no module makes (a sum, a concat) is read at the
module around it.
"""
import os

import torch

import filler
import make_goldens
import tensor_file

WIDTH, CLASSES, SIDE = "0.5", 3, 64
BLOCKS = "backbone.model.blocks."
# Node, and the module whose output it is.
TAPS = [
    # The halves of a ghost module, and both together.
    (BLOCKS + "5.0.ghost1.primary_conv.1", BLOCKS + "5.0.ghost1.primary_conv"),
    (BLOCKS + "5.0.ghost1.cheap_operation.1", BLOCKS + "5.0.ghost1.cheap_operation"),
    (BLOCKS + "5.0.ghost1.concat", BLOCKS + "5.0.ghost1"),
    # The same without activation, in front of a sum, with which a rewrite makes one dispatch of them.
    (BLOCKS + "5.0.ghost2.primary_conv.1", BLOCKS + "5.0.ghost2.primary_conv"),
    (BLOCKS + "5.0.ghost2.cheap_operation.1", BLOCKS + "5.0.ghost2.cheap_operation"),
    (BLOCKS + "5.0.ghost2.concat", BLOCKS + "5.0.ghost2"),
    (BLOCKS + "5.0.add", BLOCKS + "5.0"),
    # Halves that end inside of a quad.
    (BLOCKS + "3.0.ghost2.primary_conv.1", BLOCKS + "3.0.ghost2.primary_conv"),
    (BLOCKS + "3.0.ghost2.cheap_operation.1", BLOCKS + "3.0.ghost2.cheap_operation"),
    (BLOCKS + "3.0.ghost2.concat", BLOCKS + "3.0.ghost2"),
    # A convolution whose batch norm is folded into it, and batch norms without activation.
    (BLOCKS + "5.0.ghost1.primary_conv.0", BLOCKS + "5.0.ghost1.primary_conv.0"),
    (BLOCKS + "5.0.bn_dw", BLOCKS + "5.0.bn_dw"),
    (BLOCKS + "5.0.shortcut.3", BLOCKS + "5.0.shortcut.3"),
    # Squeeze-excite: its gate goes into the next convolution.
    (BLOCKS + "6.3.se.multiply", BLOCKS + "6.3.se"),
    (BLOCKS + "6.3.se.conv_reduce", BLOCKS + "6.3.se.conv_reduce"),
    # An upsampling that is stored by the convolution in front of it, and that convolution.
    ("upsample1.upsample.0.bn", "upsample1.upsample.0"),
    ("upsample1.upsample.1", "upsample1"),
]
RELU_BEHIND = {BLOCKS + "6.3.se.conv_reduce"}  # the node has the activation that the module's caller applies


def read_taps(network, picture):
    found, handles = {}, []
    for node, module in TAPS:
        def keep(_module, _inputs, output, node=node):
            found[node] = torch.relu(output) if node in RELU_BEHIND else output.clone()
        handles.append(dict(network.named_modules())[module].register_forward_hook(keep))
    make_goldens.run(network, picture)
    for handle in handles:
        handle.remove()
    return found


if __name__ == "__main__":
    torch.set_num_threads(1)
    net = make_goldens.build("detector", WIDTH, CLASSES)
    image = torch.from_numpy(filler.fill_input("input", (1, 3, SIDE, SIDE)))
    singles = read_taps(net, image)
    truths = read_taps(net.double(), image.double())
    for name, truth in truths.items():
        error = ((singles[name].double() - truth).abs().max() / truth.abs().max()).item()
        print(f"{name}: {'x'.join(map(str, truth.shape))}, fp32 off by {error:.1e}")
    tensor_file.write(os.path.join(make_goldens.HERE, "taps.safetensors"),
                      {name: truths[name].float().numpy() for name, _ in TAPS},
                      {"kind": "detector", "width": WIDTH, "class_count": str(CLASSES), "batch": "1",
                       "input_size": f"{SIDE}x{SIDE}"})
