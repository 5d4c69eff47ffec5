"""GhostNet and GhostNet-YOLOv4 in PyTorch: the numerical truth that the goldens are computed from.

The attribute names are the ones that published checkpoints use, so a state dict
trained elsewhere loads here without renaming:

  detector    backbone.model.conv_stem.weight, backbone.model.blocks.S.B.ghost1.primary_conv.0.weight,
              conv1.0.conv.weight, yolo_head3.0.0.weight, ...
  classifier  conv_stem.weight, blocks.S.B..., conv_head.weight, classifier.weight

Sources: Han et al., "GhostNet: More Features from Cheap Operations", CVPR 2020 (Table 1) for the backbone and the
classifier; Bochkovskiy et al., "YOLOv4: Optimal Speed and Accuracy of Object Detection", 2020, for the neck, the heads,
the anchors and the decoding.
"""
import math
from collections import OrderedDict

import torch
from torch import nn
from torch.nn import functional as F

# One row per stage: (kernel, expansion channels, output channels, SE ratio, stride) for each bottleneck.
STAGES = [
    [(3, 16, 16, 0, 1)],
    [(3, 48, 24, 0, 2)],
    [(3, 72, 24, 0, 1)],
    [(5, 72, 40, 0.25, 2)],
    [(5, 120, 40, 0.25, 1)],
    [(3, 240, 80, 0, 2)],
    [(3, 200, 80, 0, 1), (3, 184, 80, 0, 1), (3, 184, 80, 0, 1), (3, 480, 112, 0.25, 1), (3, 672, 112, 0.25, 1)],
    [(5, 672, 160, 0.25, 2)],
    [(5, 960, 160, 0, 1), (5, 960, 160, 0.25, 1), (5, 960, 160, 0, 1), (5, 960, 160, 0.25, 1)],
]
ANCHORS = [(12, 16), (19, 36), (40, 28), (36, 75), (76, 55), (72, 146), (142, 110), (192, 243), (459, 401)]
ANCHOR_MASK = [[6, 7, 8], [3, 4, 5], [0, 1, 2]]


def make_divisible(value, divisor=4):
    rounded = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * value else rounded


def batch_norm_relu(channels, relu):
    return [nn.BatchNorm2d(channels), nn.ReLU(inplace=True) if relu else nn.Sequential()]


class GhostModule(nn.Module):
    def __init__(self, inp, oup, relu):
        super().__init__()
        self.oup = oup
        primary = math.ceil(oup / 2)
        self.primary_conv = nn.Sequential(nn.Conv2d(inp, primary, 1, bias=False), *batch_norm_relu(primary, relu))
        self.cheap_operation = nn.Sequential(
            nn.Conv2d(primary, primary, 3, padding=1, groups=primary, bias=False), *batch_norm_relu(primary, relu))

    def forward(self, x):
        intrinsic = self.primary_conv(x)
        return torch.cat([intrinsic, self.cheap_operation(intrinsic)], 1)[:, :self.oup]


class SqueezeExcite(nn.Module):
    def __init__(self, channels, ratio):
        super().__init__()
        reduced = make_divisible(channels * ratio)
        self.conv_reduce = nn.Conv2d(channels, reduced, 1)
        self.conv_expand = nn.Conv2d(reduced, channels, 1)

    def forward(self, x):
        gate = F.relu(self.conv_reduce(F.adaptive_avg_pool2d(x, 1)))
        return x * (F.relu6(self.conv_expand(gate) + 3) / 6)


class GhostBottleneck(nn.Module):
    def __init__(self, inp, mid, oup, kernel, se_ratio, stride):
        super().__init__()
        self.ghost1 = GhostModule(inp, mid, relu=True)
        self.stride = stride
        if stride > 1:
            self.conv_dw = nn.Conv2d(mid, mid, kernel, stride, kernel // 2, groups=mid, bias=False)
            self.bn_dw = nn.BatchNorm2d(mid)
        self.se = SqueezeExcite(mid, se_ratio) if se_ratio else None
        self.ghost2 = GhostModule(mid, oup, relu=False)
        if inp == oup and stride == 1:
            self.shortcut = nn.Sequential()
        else:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inp, inp, kernel, stride, kernel // 2, groups=inp, bias=False), nn.BatchNorm2d(inp),
                nn.Conv2d(inp, oup, 1, bias=False), nn.BatchNorm2d(oup))

    def forward(self, x):
        y = self.ghost1(x)
        if self.stride > 1:
            y = self.bn_dw(self.conv_dw(y))
        if self.se is not None:
            y = self.se(y)
        return self.ghost2(y) + self.shortcut(x)


class ConvBnAct(nn.Module):
    def __init__(self, inp, oup):
        super().__init__()
        self.conv = nn.Conv2d(inp, oup, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(oup)

    def forward(self, x):
        return F.relu(self.bn1(self.conv(x)))


class GhostNet(nn.Module):
    """Image classifier: N x 3 x H x W in, N x num_classes logits out."""

    def __init__(self, num_classes=1000, width=1.0, features_only=False):
        super().__init__()
        channels = make_divisible(16 * width)
        self.conv_stem = nn.Conv2d(3, channels, 3, 2, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        stages = []
        for rows in STAGES:
            blocks = []
            for kernel, mid, oup, se_ratio, stride in rows:
                mid, oup = make_divisible(mid * width), make_divisible(oup * width)
                blocks.append(GhostBottleneck(channels, mid, oup, kernel, se_ratio, stride))
                channels = oup
            stages.append(nn.Sequential(*blocks))
        self.features_only = features_only
        if not features_only:
            wide = make_divisible(960 * width)
            stages.append(nn.Sequential(ConvBnAct(channels, wide)))
            self.conv_head = nn.Conv2d(wide, 1280, 1)
            self.classifier = nn.Linear(1280, num_classes)
        self.blocks = nn.Sequential(*stages)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv_stem(x)))
        if not self.features_only:
            x = F.relu(self.conv_head(F.adaptive_avg_pool2d(self.blocks(x), 1)))
            return self.classifier(x.flatten(1))
        features = []
        for index, stage in enumerate(self.blocks):
            x = stage(x)
            if index in (4, 6, 8):
                features.append(x)
        return features


class Backbone(nn.Module):
    def __init__(self, width=1.0):
        super().__init__()
        self.model = GhostNet(width=width, features_only=True)

    def forward(self, x):
        return self.model(x)


def conv2d(inp, oup, kernel=1, stride=1):
    return nn.Sequential(OrderedDict([
        ("conv", nn.Conv2d(inp, oup, kernel, stride, kernel // 2, bias=False)),
        ("bn", nn.BatchNorm2d(oup)),
        ("relu", nn.ReLU6(inplace=True))]))


def conv_dw(inp, oup, stride=1):
    return nn.Sequential(
        nn.Conv2d(inp, inp, 3, stride, 1, groups=inp, bias=False), nn.BatchNorm2d(inp), nn.ReLU6(inplace=True),
        nn.Conv2d(inp, oup, 1, bias=False), nn.BatchNorm2d(oup), nn.ReLU6(inplace=True))


def three_convs(narrow, wide, inp):
    return nn.Sequential(conv2d(inp, narrow), conv_dw(narrow, wide), conv2d(wide, narrow))


def five_convs(narrow, wide, inp):
    return nn.Sequential(conv2d(inp, narrow), conv_dw(narrow, wide), conv2d(wide, narrow),
                         conv_dw(narrow, wide), conv2d(wide, narrow))


def head(inp, hidden, oup):
    return nn.Sequential(conv_dw(inp, hidden), nn.Conv2d(hidden, oup, 1))


class Upsample(nn.Module):
    def __init__(self, inp, oup):
        super().__init__()
        self.upsample = nn.Sequential(conv2d(inp, oup), nn.Upsample(scale_factor=2, mode="nearest"))

    def forward(self, x):
        return self.upsample(x)


def spatial_pyramid(x):
    return torch.cat([F.max_pool2d(x, k, 1, k // 2) for k in (13, 9, 5)] + [x], 1)


class Yolov4(nn.Module):
    """Detector: N x 3 x H x W in [0, 1]; three raw maps out, strides 32, 16, 8, each N x 3(5+C) x h x w.

    `channels` are those of the backbone's maps of stride 8, 16 and 32.
    """

    def __init__(self, backbone, channels, num_classes):
        super().__init__()
        self.num_classes = num_classes
        self.backbone = backbone
        c3, c4, c5 = channels
        out = 3 * (5 + num_classes)
        self.conv1 = three_convs(512, 1024, c5)
        self.conv2 = three_convs(512, 1024, 2048)
        self.upsample1 = Upsample(512, 256)
        self.conv_for_P4 = conv2d(c4, 256)
        self.make_five_conv1 = five_convs(256, 512, 512)
        self.upsample2 = Upsample(256, 128)
        self.conv_for_P3 = conv2d(c3, 128)
        self.make_five_conv2 = five_convs(128, 256, 256)
        self.yolo_head3 = head(128, 256, out)
        self.down_sample1 = conv_dw(128, 256, stride=2)
        self.make_five_conv3 = five_convs(256, 512, 512)
        self.yolo_head2 = head(256, 512, out)
        self.down_sample2 = conv_dw(256, 512, stride=2)
        self.make_five_conv4 = five_convs(512, 1024, 1024)
        self.yolo_head1 = head(512, 1024, out)

    def forward(self, x):
        c3, c4, c5 = self.backbone(x)
        p5 = self.conv2(spatial_pyramid(self.conv1(c5)))
        p4 = self.make_five_conv1(torch.cat([self.conv_for_P4(c4), self.upsample1(p5)], 1))
        p3 = self.make_five_conv2(torch.cat([self.conv_for_P3(c3), self.upsample2(p4)], 1))
        p4 = self.make_five_conv3(torch.cat([self.down_sample1(p3), p4], 1))
        p5 = self.make_five_conv4(torch.cat([self.down_sample2(p4), p5], 1))
        return self.yolo_head1(p5), self.yolo_head2(p4), self.yolo_head3(p3)


class GhostNetYolov4(Yolov4):
    def __init__(self, num_classes, width=1.0):
        super().__init__(Backbone(width), [make_divisible(c * width) for c in (40, 112, 160)], num_classes)


def decode(maps, num_classes, input_hw, anchors=ANCHORS, masks=ANCHOR_MASK):
    """Raw maps to N x boxes x (5 + C): centre x and y, width, height in [0, 1] of the input, objectness, classes."""
    rows = []
    for raw, mask in zip(maps, masks):
        n, _, h, w = raw.shape
        p = raw.view(n, len(mask), 5 + num_classes, h, w)
        gy, gx = torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij")
        a = torch.tensor([anchors[i] for i in mask], dtype=torch.float32).view(1, len(mask), 2, 1, 1)
        x = (p[:, :, 0].sigmoid() + gx) / w
        y = (p[:, :, 1].sigmoid() + gy) / h
        bw = p[:, :, 2].exp() * a[:, :, 0] / input_hw[1]
        bh = p[:, :, 3].exp() * a[:, :, 1] / input_hw[0]
        box = torch.stack([x, y, bw, bh], 2)
        row = torch.cat([box, p[:, :, 4:].sigmoid()], 2)
        rows.append(row.permute(0, 1, 3, 4, 2).reshape(n, -1, 5 + num_classes))
    return torch.cat(rows, 1)


def iou(box, boxes):
    """Intersection over union of one (x1, y1, x2, y2) box with K others."""
    size = (torch.min(box[2:], boxes[:, 2:]) - torch.max(box[:2], boxes[:, :2])).clamp(min=0)
    inter = size[:, 0] * size[:, 1]
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return inter / ((box[2] - box[0]) * (box[3] - box[1]) + area - inter)


def detections(decoded, conf_threshold=0.5, iou_threshold=0.3):
    """One image's decoded rows to K x (x1, y1, x2, y2, score, class): per-class greedy NMS, best first.

    Candidates rank by score, then by their row in `decoded` (stride 32, 16, 8; anchor; y; x). A candidate is dropped
    when its IoU with a kept one of its class is above the threshold.
    """
    score, label = decoded[:, 5:].max(1)
    score = score * decoded[:, 4]
    rows = (score >= conf_threshold).nonzero()[:, 0]
    rows = rows[torch.sort(score[rows], descending=True, stable=True)[1]]
    d = decoded[rows]
    box = torch.cat([d[:, :2] - d[:, 2:4] / 2, d[:, :2] + d[:, 2:4] / 2], 1)
    score, label = score[rows], label[rows]
    alive, kept = torch.ones(len(rows), dtype=torch.bool), []
    for i in range(len(rows)):
        if alive[i]:
            kept.append(i)
            alive &= (label != label[i]) | ~(iou(box[i], box) > iou_threshold)
    kept = torch.tensor(kept, dtype=torch.long)
    return torch.cat([box[kept], score[kept, None], label[kept, None].float()], 1)
