#!/usr/bin/env python3
"""Writes the small checkpoints that tests/test_checkpoint*.c read.

Run it from anywhere with a Python that has torch (1.13 wrote the committed files):

    python3 tests/checkpoint/make_checkpoints.py

Every float tensor holds value(i, salt) at its flat row-major index i, where the salt is the tensor's own; the C test
knows the same formula. All values are multiples of 1/8 in [-1, 1], so each float type holds them exactly.
"""

import argparse
import collections
import datetime
import json
import os
import struct
import zipfile

import numpy
import torch

HERE = os.path.dirname(os.path.abspath(__file__))

# name -> (shape, salt)
WEIGHTS = {
    "stem.weight": ((4, 3, 3, 3), 1),
    "stem.bias": ((4,), 2),
    "bn.weight": ((4,), 3),
    "bn.running_var": ((4,), 4),
    "head.model.weight": ((2, 4), 5),
}


def value(i, salt):
    return ((i * 3 + salt) % 17 - 8) / 8


def tensor(shape, salt, dtype=torch.float32):
    count = int(numpy.prod(shape))
    return torch.tensor([value(i, salt) for i in range(count)], dtype=torch.float32).reshape(shape).to(dtype)


def weights(dtype=torch.float32, prefix=""):
    made = collections.OrderedDict((prefix + n, tensor(s, k, dtype)) for n, (s, k) in WEIGHTS.items())
    made[prefix + "bn.num_batches_tracked"] = torch.tensor(7)
    return made


def save(name, thing, legacy=False):
    torch.save(thing, os.path.join(HERE, name), _use_new_zipfile_serialization=not legacy)


def extras(state, key):
    """A training script's checkpoint: the weights lie under `key`."""
    parameter = torch.nn.Parameter(torch.zeros(3))
    optimizer = torch.optim.Adam([parameter], lr=0.1)
    parameter.sum().backward()
    optimizer.step()
    return {
        "epoch": 12,
        "best_accuracy": torch.tensor([0.5]),
        "loss": numpy.float64(0.25),
        "history": numpy.arange(3),
        "args": argparse.Namespace(lr=0.1, names=["a", "b"], nested={"x": (1, 2.5, None)}),
        "when": datetime.datetime(2020, 1, 2, 3, 4, 5),
        "huge": 1 << 100,
        "negative": -3,
        "tags": {"a", "b"},
        "blob": b"\x00\x01",
        "device": torch.device("cpu"),
        "size": torch.Size([1, 2]),
        "optimizer": optimizer.state_dict(),
        key: state,
    }


class Tiny(torch.nn.Module):
    """Only pickled by name; the reader must not need it."""

    def __init__(self):
        super().__init__()
        self.stem = torch.nn.Conv2d(1, 1, 1)


def safetensors(path, entries, metadata):
    header, data = {"__metadata__": metadata}, b""
    for name, (dtype, made) in entries.items():
        view = made.contiguous().view(torch.int16) if made.dtype == torch.bfloat16 else made.contiguous()
        raw = view.numpy().tobytes()
        header[name] = {"dtype": dtype, "shape": list(made.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def main():
    for name, dtype in (("fp32", torch.float32), ("fp16", torch.float16), ("bf16", torch.bfloat16),
                        ("fp64", torch.float64)):
        save(f"zip_{name}.pth", weights(dtype))
        save(f"legacy_{name}.pth", weights(dtype), legacy=True)

    save("zip_module_prefix.pth", weights(prefix="module.model."))
    averaged = weights(prefix="module._orig_mod.")
    averaged["n_averaged"] = torch.tensor(3)
    save("legacy_compiled_prefix.pth", averaged, legacy=True)

    for key in ("state_dict", "model", "net", "ema"):
        save(f"zip_under_{key}.pth", extras(weights(prefix="module."), key))
    save("legacy_under_state_dict.pth", extras(weights(), "state_dict"), legacy=True)
    save("zip_both.pth", {"ema": {"stem.bias": torch.zeros(4)}, "state_dict": weights(), "epoch": 1})

    parameters = collections.OrderedDict((n, torch.nn.Parameter(t) if t.is_floating_point() else t)
                                         for n, t in weights().items())
    save("zip_parameters.pth", parameters)
    save("legacy_parameters.pth", parameters, legacy=True)
    attributed = torch.nn.Linear(2, 2).state_dict()  # an OrderedDict with the attribute _metadata
    attributed["weight"] = tensor((2, 2), 5)
    attributed["bias"] = tensor((2,), 2)
    save("zip_metadata_attribute.pth", attributed)

    # Views: all of them are value(i, salt) again once they are contiguous.
    for legacy in (False, True):
        shared = tensor((4, 6), 9)
        views = collections.OrderedDict()
        views["transposed"] = tensor((5, 3), 6).t().contiguous().t()
        views["channels_last"] = tensor((2, 3, 4, 5), 7).contiguous(memory_format=torch.channels_last)
        views["doubles"] = tensor((3, 4), 8, torch.float64).t().contiguous().t()
        views["whole"] = shared
        views["rows"] = shared[1:3]  # value(i + 6, 9)
        views["tied"] = shared.view(24)
        views["scalar"] = tensor((1,), 1).reshape(())
        views["empty"] = torch.zeros(0, 3)
        views["strided_one"] = tensor((2, 3), 3).t()[0:1].t()  # items 0 and 3 of salt 3
        views["half.counter"] = torch.arange(3)
        save("legacy_views.pth" if legacy else "zip_views.pth", views, legacy=legacy)
    save("zip_expanded.pth", {"weight": torch.zeros(1).expand(1000, 1000)})

    for protocol in (3, 4, 5):
        torch.save(extras(weights(), "model"), os.path.join(HERE, f"zip_protocol{protocol}.pth"),
                   pickle_protocol=protocol)

    save("zip_whole_module.pth", Tiny())
    # The legacy format carries the source of a model's class; ours is a placeholder, so that no path gets in.
    torch.serialization.get_source_lines_and_file = lambda _: (["class Placeholder: pass\n"], 1, "placeholder.py")
    save("legacy_whole_module.pth", {"epoch": 1, "model": torch.nn.Sequential(torch.nn.Linear(1, 1))}, legacy=True)
    save("zip_one_tensor.pth", torch.zeros(2))
    save("zip_no_weights.pth", {"epoch": 1, "optimizer": {"state": {}}})
    save("zip_list.pth", [torch.zeros(2)])
    # The shape of what torch.jit.save writes.
    with zipfile.ZipFile(os.path.join(HERE, "torchscript.pth"), "w") as archive:
        for name, content in (("data.pkl", b"\x80\x02}."), ("constants.pkl", b"\x80\x02)."), ("code/a.py", b"pass\n")):
            archive.writestr(zipfile.ZipInfo("net/" + name), content)
    # As torch.jit.save writes it: the pickles are stored, the code is deflated.
    with zipfile.ZipFile(os.path.join(HERE, "torchscript_deflated.pth"), "w") as archive:
        for name, content in (("data/0", bytes(8)), ("data.pkl", b"\x80\x02c__torch__\nNet\n)\x81}(X\x01\x00\x00\x00aK\x01ub."),
                              ("code/__torch__.py", b"class Net(Module):\n" + b"  pass\n" * 40),
                              ("code/__torch__.py.debug_pkl", b"\x80\x02)." + b" " * 200),
                              ("constants.pkl", b"\x80\x02)."), ("version", b"3\n")):
            info = zipfile.ZipInfo("net/" + name)
            info.compress_type = zipfile.ZIP_DEFLATED if name.startswith("code/") else zipfile.ZIP_STORED
            archive.writestr(info, content)
    # The smallest files of each kind, for the tests that damage every byte.
    save("zip_small.pth", collections.OrderedDict(weight=tensor((2, 3), 5), bias=tensor((2,), 2)))
    save("legacy_small.pth", collections.OrderedDict(weight=tensor((2, 3), 5), bias=tensor((2,), 2)), legacy=True)

    with open(os.path.join(HERE, "text.pth"), "w", encoding="utf-8") as file:
        file.write("These are not the weights. Voilà.\n")
    with open(os.path.join(HERE, "lfs_pointer.pth"), "w", encoding="utf-8") as file:
        file.write("version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 22479688\n")
    with open(os.path.join(HERE, "page.pth"), "w", encoding="utf-8") as file:
        file.write("\n<!DOCTYPE html>\n<html><body>404</body></html>\n")
    with open(os.path.join(HERE, "empty.pth"), "wb"):
        pass

    types = (("F32", torch.float32), ("F16", torch.float16), ("BF16", torch.bfloat16))
    entries = {n: (types[k % 3][0], tensor(s, salt, types[k % 3][1])) for k, (n, (s, salt)) in
               enumerate(WEIGHTS.items())}
    entries["bn.num_batches_tracked"] = ("I64", torch.tensor(7))
    entries["empty"] = ("F32", torch.zeros(0, 3))
    safetensors(os.path.join(HERE, "plain.safetensors"), entries,
                {"kind": "detector", "classes": "RBC\nWBC\nPlatelets", "note": "\U0001f47b ü \"quoted\" \\ /"})
    safetensors(os.path.join(HERE, "small.safetensors"),
                {"weight": ("F32", tensor((2, 3), 5)), "bias": ("F16", tensor((2,), 2, torch.float16))}, {"a": "b"})
    safetensors(os.path.join(HERE, "prefix.safetensors"),
                {"module." + n: e for n, e in entries.items()}, {})


if __name__ == "__main__":
    main()
