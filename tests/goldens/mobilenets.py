"""MobileNetV1, V2 and V3 (large) as backbones of YOLOv4 in PyTorch: the numerical truth for GhostNet-YOLOv4's siblings.

Attributes are named as in the files that the family's training writes, so a state dict trained elsewhere loads here:
each detector also holds its backbone's own classifier, which it never runs.

Sources: Howard et al., "MobileNets", 2017, Table 1; Sandler et al., "MobileNetV2", CVPR 2018, Table 2; Howard et al.,
"Searching for MobileNetV3", ICCV 2019, Table 1, where squeeze-excite stands in front of the activation.
"""
import torch
from torch import nn
from torch.nn import functional as F

from reference import Yolov4, conv_dw, make_divisible


class Taps(nn.Module):
    """A network whose maps of stride 8, 16 and 32 are those behind the given modules of a sequence."""

    def __init__(self, model, sequence, ends):
        super().__init__()
        self.model = model
        self.sequence, self.ends = sequence, ends

    def forward(self, x):
        maps = []
        for index, block in enumerate(self.sequence(self.model)):
            x = block(x)
            if index in self.ends:
                maps.append(x)
        return maps


# ---- V1 ----

def stem(inp, oup, activation):
    return nn.Sequential(nn.Conv2d(inp, oup, 3, 2, 1, bias=False), nn.BatchNorm2d(oup), activation())


class MobileNetV1(nn.Module):
    def __init__(self):
        super().__init__()
        self.stage1 = nn.Sequential(stem(3, 32, nn.ReLU6), conv_dw(32, 64), conv_dw(64, 128, 2), conv_dw(128, 128),
                                    conv_dw(128, 256, 2), conv_dw(256, 256))
        self.stage2 = nn.Sequential(conv_dw(256, 512, 2), *[conv_dw(512, 512) for _ in range(5)])
        self.stage3 = nn.Sequential(conv_dw(512, 1024, 2), conv_dw(1024, 1024))
        self.fc = nn.Linear(1024, 1000)


# ---- V2: expansion, channels, repeats, stride ----

V2_ROWS = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]


def norm_relu6(inp, oup, kernel, stride=1, groups=1):
    return nn.Sequential(nn.Conv2d(inp, oup, kernel, stride, kernel // 2, groups=groups, bias=False),
                         nn.BatchNorm2d(oup), nn.ReLU6())


class InvertedResidual(nn.Module):
    """Layers of which the input is added where it fits."""

    def __init__(self, inp, oup, stride, layers):
        super().__init__()
        self.fits = stride == 1 and inp == oup
        self.conv = nn.Sequential(*layers)

    def forward(self, x):
        return x + self.conv(x) if self.fits else self.conv(x)


def v2_block(inp, oup, stride, expansion):
    wide = inp * expansion
    layers = [norm_relu6(inp, wide, 1)] if expansion > 1 else []
    layers += [norm_relu6(wide, wide, 3, stride, wide), nn.Conv2d(wide, oup, 1, bias=False), nn.BatchNorm2d(oup)]
    return InvertedResidual(inp, oup, stride, layers)


class MobileNetV2(nn.Module):
    def __init__(self):
        super().__init__()
        blocks, channels = [norm_relu6(3, 32, 3, 2)], 32
        for expansion, oup, repeats, stride in V2_ROWS:
            for index in range(repeats):
                blocks.append(v2_block(channels, oup, 1 if index else stride, expansion))
                channels = oup
        self.features = nn.Sequential(*blocks, norm_relu6(channels, 1280, 1))
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(1280, 1000))


# ---- V3: kernel, expanded channels, channels, squeeze-excite, hard-swish (else relu), stride ----

V3_ROWS = [(3, 16, 16, 0, 0, 1), (3, 64, 24, 0, 0, 2), (3, 72, 24, 0, 0, 1), (5, 72, 40, 1, 0, 2),
           (5, 120, 40, 1, 0, 1), (5, 120, 40, 1, 0, 1), (3, 240, 80, 0, 1, 2), (3, 200, 80, 0, 1, 1),
           (3, 184, 80, 0, 1, 1), (3, 184, 80, 0, 1, 1), (3, 480, 112, 1, 1, 1), (3, 672, 112, 1, 1, 1),
           (5, 672, 160, 1, 1, 2), (5, 960, 160, 1, 1, 1), (5, 960, 160, 1, 1, 1)]


class HardSwish(nn.Module):
    def forward(self, x):
        return x * F.relu6(x + 3) / 6


class SqueezeExcite(nn.Module):
    def __init__(self, channels):
        super().__init__()
        reduced = make_divisible(channels // 4, 8)
        self.fc = nn.Sequential(nn.Linear(channels, reduced), nn.ReLU(), nn.Linear(reduced, channels))

    def forward(self, x):
        gate = self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1))
        return x * (F.relu6(gate + 3) / 6)[:, :, None, None]


def v3_block(inp, kernel, wide, oup, squeeze, swish, stride):
    activation = HardSwish if swish else nn.ReLU
    depthwise = [nn.Conv2d(wide, wide, kernel, stride, kernel // 2, groups=wide, bias=False), nn.BatchNorm2d(wide)]
    squeeze = SqueezeExcite(wide) if squeeze else nn.Identity()
    last = [nn.Conv2d(wide, oup, 1, bias=False), nn.BatchNorm2d(oup)]
    if wide == inp:
        return InvertedResidual(inp, oup, stride, depthwise + [activation(), squeeze] + last)
    first = [nn.Conv2d(inp, wide, 1, bias=False), nn.BatchNorm2d(wide), activation()]
    return InvertedResidual(inp, oup, stride, first + depthwise + [squeeze, activation()] + last)


class MobileNetV3(nn.Module):
    def __init__(self):
        super().__init__()
        blocks, channels = [stem(3, 16, HardSwish)], 16
        for kernel, wide, oup, squeeze, swish, stride in V3_ROWS:
            blocks.append(v3_block(channels, kernel, wide, oup, squeeze, swish, stride))
            channels = oup
        self.features = nn.Sequential(*blocks)
        self.conv = nn.Sequential(nn.Conv2d(160, 960, 1, bias=False), nn.BatchNorm2d(960), HardSwish())
        self.classifier = nn.Sequential(nn.Linear(960, 1280), HardSwish(), nn.Dropout(0.2), nn.Linear(1280, 1000))


# ---- the detectors, by their names in the table of networks: backbone, its modules in order, the three that maps are
# taken behind, and the maps' channels

DETECTORS = {
    "MobileNetV1-YOLOv4": (MobileNetV1, lambda model: [*model.stage1, *model.stage2, *model.stage3], (5, 11, 13),
                           (256, 512, 1024)),
    "MobileNetV2-YOLOv4": (MobileNetV2, lambda model: model.features[:18], (6, 13, 17), (32, 96, 320)),
    "MobileNetV3-YOLOv4": (MobileNetV3, lambda model: model.features, (6, 12, 15), (40, 112, 160)),
}


def detector(name, num_classes):
    backbone, sequence, ends, channels = DETECTORS[name]
    return Yolov4(Taps(backbone(), sequence, ends), channels, num_classes)
