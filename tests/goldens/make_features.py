"""Makes features.safetensors, what the tests of `ghostvk features` compare with:

- means, deviations and correlations of given maps, as NumPy computes them;
- heat over a picture from given raw maps, enlarged by Pillow's BICUBIC;
- numbers of the shipped model's maps on smear-1.jpg at 96x96, read by PyTorch's hooks (in fp64): of the results of
  modules, and of every ghost module, whose ghosts are correlated with what they were made of by NumPy.
"""
import os

import numpy as np
import torch
from PIL import Image

import make_goldens
import make_resize
import make_samples
import tensor_file

SIDE = 96
MODULES = ["backbone.model.blocks.1.0.ghost1", "backbone.model.blocks.3.0", "backbone.model.blocks.3.0.se", "conv1",
           "upsample1", "make_five_conv1", "down_sample1", "yolo_head3"]
PAIRED = "backbone.model.blocks.1.0.ghost1"
PICTURE = (40, 30)  # width, height
INPUT = (96, 64)
CLASSES = 2


def correlate(one, other):
    """Pearson's r of each pair of maps; NaN where one is flat."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.array([np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(one, other)])


def statistics(maps):
    maps = maps.astype(np.float64).reshape(len(maps), -1)
    return np.stack([maps.min(1), maps.max(1), maps.mean(1), maps.std(1)], 1).astype(np.float32)


def make_maps(tensors):
    random = np.random.default_rng(7)
    one = random.normal(size=(8, 9, 7))
    mixed = np.linspace(-1, 1, 8)[:, None, None]
    other = mixed * one + (1 - np.abs(mixed)) * random.normal(size=one.shape)
    one[5] = 4  # flat
    one[6] = 5000 + 0.01 * one[6]  # far from 0
    one, other = one.astype(np.float32), other.astype(np.float32)
    tensors["maps.one"], tensors["maps.other"] = one, other
    tensors["maps.statistics"] = statistics(one)
    tensors["maps.correlation"] = correlate(one.astype(np.float64), other.astype(np.float64)).astype(np.float32)


def sigmoid(values):
    return 1 / (1 + np.exp(-values.astype(np.float64)))


def heat(raw, chosen, box_of):
    """The largest of the scales; `box_of` gives where the picture lies in a map of that width and height."""
    most = np.zeros(PICTURE[::-1])
    for values in raw:
        _, height, width = values.shape
        parts = sigmoid(values.reshape(3, 5 + CLASSES, height, width))
        classes = {"all": parts[:, 5:].max(1), "objectness": 1}.get(chosen)
        if classes is None:
            classes = parts[:, 5 + int(chosen)]
        cells = Image.fromarray((parts[:, 4] * classes).max(0).astype(np.float32), mode="F")
        enlarged = np.asarray(cells.resize(PICTURE, Image.Resampling.BICUBIC, box_of(width, height)))
        most = np.maximum(most, np.clip(enlarged, 0, 1))
    return most.astype(np.float32)


def letterboxed(width, height):
    scale = min(INPUT[0] / PICTURE[0], INPUT[1] / PICTURE[1])
    inside = [int(side * scale) for side in PICTURE]
    left, top = [(whole - side) // 2 for whole, side in zip(INPUT, inside)]
    across, down = width / INPUT[0], height / INPUT[1]
    return left * across, top * down, (left + inside[0]) * across, (top + inside[1]) * down


def make_heat(tensors):
    random = np.random.default_rng(11)
    raw = [random.normal(0, 2, (3 * (5 + CLASSES), INPUT[1] // stride, INPUT[0] // stride)).astype(np.float32)
           for stride in (32, 16, 8)]
    for stride, values in zip((32, 16, 8), raw):
        tensors[f"heat.stride{stride}"] = values
    for chosen in ("all", "objectness", "1"):
        tensors[f"heat.{chosen}.letterbox"] = heat(raw, chosen, letterboxed)
        tensors[f"heat.{chosen}.stretch"] = heat(raw, chosen, lambda width, height: (0, 0, width, height))


def read_modules(network, pixels, names):
    found, handles = {}, []
    modules = dict(network.named_modules())
    for name in names:
        def keep(_module, _inputs, output, name=name):
            found[name] = output[0].numpy().copy()
        handles.append(modules[name].register_forward_hook(keep))
    make_goldens.run(network, torch.from_numpy(pixels.transpose(2, 0, 1)[None].astype(np.float64) / 255))
    for handle in handles:
        handle.remove()
    return found


def make_model(tensors):
    network, _ = make_samples.load_network()
    path = os.path.join(make_samples.MODELS, "samples", "smear-1.jpg")
    pixels = make_resize.expected("letterbox", np.asarray(Image.open(path).convert("RGB")), SIDE, SIDE)
    ghosts = [name[:-len(".primary_conv")] for name, _ in network.named_modules() if name.endswith(".primary_conv")]
    halves = [ghost + half for ghost in ghosts for half in (".primary_conv", ".cheap_operation")]
    found = read_modules(network, pixels, MODULES + halves)
    for name in MODULES:
        tensors["numbers." + name] = statistics(found[name])
    magnitudes = []
    for ghost in ghosts:
        r = correlate(found[ghost + ".primary_conv"], found[ghost + ".cheap_operation"])
        magnitudes.append(np.nanmean(np.abs(r)))
        if ghost == PAIRED:
            tensors["ghosts.correlation"] = r.astype(np.float32)
            for half in (".primary_conv", ".cheap_operation"):
                tensors["ghosts" + half] = statistics(found[ghost + half])
    tensors["ghosts.magnitude"] = np.array(magnitudes, np.float32)
    return ghosts


if __name__ == "__main__":
    torch.set_num_threads(1)
    made = {}
    make_maps(made)
    make_heat(made)
    names = make_model(made)
    tensor_file.write(os.path.join(make_goldens.HERE, "features.safetensors"), made, {"ghosts": "\n".join(names)})
