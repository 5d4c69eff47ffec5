"""Makes timm.safetensors: GhostNet the classifier as timm builds it, over a picture, with filled weights.

The module here is written from the paper's Table 1 and timm's names of layers, apart from reference.py: squeeze-excite
takes its mean without a pooling layer and its gate from PyTorch's own hard sigmoid, a norm holds its activation, and
the stride of a stage stands in a list of its own. The golden's metadata have the names and shapes of its state dict.

The logits are those of tests/images/png-rgb.png, scaled as by the network's authors (bilinear) and as by timm (bicubic),
computed in fp64; with them the ten best classes and their softmax.
"""
import os

import numpy as np
import torch
from PIL import Image
from torch import nn

import make_classifier_input
import make_goldens
import tensor_file

WIDTH, CLASSES, SIDE, BEST = 0.5, 1000, 64, 10
PICTURE = os.path.join(make_goldens.HERE, "..", "images", "png-rgb.png")

# For each bottleneck: stage, kernel, channels inside, channels out, whether it squeezes; and the stages that halve.
ROWS = """0 3 16 16 -, 1 3 48 24 -, 2 3 72 24 -, 3 5 72 40 s, 4 5 120 40 s, 5 3 240 80 -, 6 3 200 80 -, 6 3 184 80 -,
          6 3 184 80 -, 6 3 480 112 s, 6 3 672 112 s, 7 5 672 160 s, 8 5 960 160 -, 8 5 960 160 s, 8 5 960 160 -,
          8 5 960 160 s"""
HALVING = {1, 3, 5, 7}


def fours(channels):
    """The nearest multiple of four, which may be a tenth too small at most."""
    nearest = max(4, 4 * int(channels / 4 + 0.5))
    return nearest if nearest >= 0.9 * channels else nearest + 4


def convolution(inputs, outputs, kernel=1, stride=1, groups=1, bias=False):
    return nn.Conv2d(inputs, outputs, kernel, stride, (kernel - 1) // 2, groups=groups, bias=bias)


class NormAct(nn.BatchNorm2d):
    def forward(self, x):
        return super().forward(x).relu()


class ConvBnAct(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv, self.bn1 = convolution(inputs, outputs), NormAct(outputs)

    def forward(self, x):
        return self.bn1(self.conv(x))


class SqueezeExcite(nn.Module):
    def __init__(self, channels):
        super().__init__()
        inside = fours(channels / 4)
        self.conv_reduce = convolution(channels, inside, bias=True)
        self.conv_expand = convolution(inside, channels, bias=True)

    def forward(self, x):
        gate = self.conv_expand(self.conv_reduce(x.mean((2, 3), keepdim=True)).relu())
        return x * nn.functional.hardsigmoid(gate)


class Ghost(nn.Module):
    def __init__(self, inputs, outputs, act):
        super().__init__()
        half = (outputs + 1) // 2
        self.outputs = outputs
        self.primary_conv = nn.Sequential(convolution(inputs, half), nn.BatchNorm2d(half), act())
        self.cheap_operation = nn.Sequential(convolution(half, half, 3, groups=half), nn.BatchNorm2d(half), act())

    def forward(self, x):
        x = self.primary_conv(x)
        return torch.cat((x, self.cheap_operation(x)), 1).narrow(1, 0, self.outputs)


class Bottleneck(nn.Module):
    def __init__(self, inputs, inside, outputs, kernel, stride, squeezes):
        super().__init__()
        self.ghost1 = Ghost(inputs, inside, nn.ReLU)
        if stride == 2:
            self.conv_dw, self.bn_dw = convolution(inside, inside, kernel, 2, inside), nn.BatchNorm2d(inside)
        if squeezes:
            self.se = SqueezeExcite(inside)
        self.ghost2 = Ghost(inside, outputs, nn.Identity)
        same = stride == 1 and inputs == outputs
        self.shortcut = nn.Sequential() if same else nn.Sequential(
            convolution(inputs, inputs, kernel, stride, inputs), nn.BatchNorm2d(inputs),
            convolution(inputs, outputs), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = self.ghost1(x)
        for part in (["conv_dw", "bn_dw"] if hasattr(self, "conv_dw") else []) + (["se"] if hasattr(self, "se") else []):
            y = getattr(self, part)(y)
        return self.ghost2(y) + self.shortcut(x)


class GhostNet(nn.Module):
    def __init__(self, width, classes):
        super().__init__()
        channels = fours(16 * width)
        self.conv_stem, self.bn1 = convolution(3, channels, 3, 2), nn.BatchNorm2d(channels)
        stages = [[] for _ in range(10)]
        for row in ROWS.split(","):
            stage, kernel, inside, outputs = map(int, row.split()[:4])
            stride = 2 if stage in HALVING else 1
            inside, outputs = fours(inside * width), fours(outputs * width)
            stages[stage].append(Bottleneck(channels, inside, outputs, kernel, stride, row.split()[4] == "s"))
            channels = outputs
        stages[9].append(ConvBnAct(channels, fours(960 * width)))
        self.blocks = nn.Sequential(*(nn.Sequential(*stage) for stage in stages))
        self.conv_head = convolution(fours(960 * width), 1280, bias=True)
        self.classifier = nn.Linear(1280, classes)

    def forward(self, x):
        x = self.blocks(self.bn1(self.conv_stem(x)).relu()).mean((2, 3), keepdim=True)
        return self.classifier(self.conv_head(x).relu().flatten(1))


def look(network, interpolation):
    """The logits of the picture in fp64, and how far off fp32 is."""
    picture = Image.open(PICTURE).convert("RGB")
    scaled = make_classifier_input.resized(picture, int(SIDE / 0.875), interpolation)
    cut = np.asarray(make_classifier_input.cropped(scaled, SIDE, SIDE))
    planes = torch.from_numpy(make_classifier_input.normalised(cut))[None]
    single = make_goldens.run(network.float(), planes)[0]
    return make_goldens.run(network.double(), planes.double())[0], single


if __name__ == "__main__":
    torch.set_num_threads(1)
    network = make_goldens.fill(GhostNet(WIDTH, CLASSES))
    tensors = {}
    for interpolation in ("bilinear", "bicubic"):
        logits, single = look(network, interpolation)
        make_goldens.describe("timm", f"{interpolation}.logits", logits, single)
        scores, classes = torch.softmax(logits[0], 0).topk(BEST)
        print("apart by", (scores[:-1] - scores[1:]).min().item(), "the best", scores[:3].tolist(), classes[:3].tolist())
        tensors[f"{interpolation}.logits"] = logits.float().numpy()
        tensors[f"{interpolation}.classes"] = classes.float().numpy()
        tensors[f"{interpolation}.scores"] = scores.float().numpy()
    shapes = [f"{key} {'x'.join(str(side) for side in value.shape)}" for key, value in network.state_dict().items()
              if not key.endswith("num_batches_tracked")]
    tensor_file.write(os.path.join(make_goldens.HERE, "timm.safetensors"), tensors,
                      {"width": str(WIDTH), "class_count": str(CLASSES), "input_size": f"{SIDE}x{SIDE}",
                       "parameters": str(sum(p.numel() for p in network.parameters())), "state_dict": "\n".join(shapes)})
