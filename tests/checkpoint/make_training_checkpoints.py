#!/usr/bin/env python3
"""Writes what whole training loops save beside the weights, for tests/checkpoint/test_checkpoint_training.c.

Run it from anywhere with a Python that has torch and numpy (1.13 and 1.24 wrote the committed files):

    python3 tests/checkpoint/make_training_checkpoints.py

The weights are those of make_checkpoints.py. Everything else stands for what people keep: it must be passed over, and
none of it may be called.
"""

import argparse
import collections
import datetime
import decimal
import enum
import fractions
import functools
import pathlib
import random
import uuid

import numpy
import torch

import make_checkpoints


class Phase(enum.Enum):
    WARM_UP = 1


Metrics = collections.namedtuple("Metrics", "precision recall")


class ModelEma:
    """A moving average as an object of the training script: pickled by its name, which the reader does not know."""

    def __init__(self, shadow):
        self.decay, self.shadow, self.updates = 0.9999, shadow, 12
        self.owner = self  # a cycle


def optimizers(model):
    made = {
        "sgd": torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True),
        "adam": torch.optim.Adam(model.parameters(), lr=0.001, amsgrad=True),
        "adamw": torch.optim.AdamW(model.parameters(), lr=0.001),
        "rmsprop": torch.optim.RMSprop(model.parameters(), lr=0.01, momentum=0.9),
    }
    model(torch.ones(1, 2)).sum().backward()
    for optimizer in made.values():
        optimizer.step()
    return made


def schedulers(optimizer):
    kinds = torch.optim.lr_scheduler
    return {
        "step": kinds.StepLR(optimizer, 10),
        "milestones": kinds.MultiStepLR(optimizer, [3, 3, 7]),  # keeps a collections.Counter
        "cosine": kinds.CosineAnnealingLR(optimizer, 20),
        "plateau": kinds.ReduceLROnPlateau(optimizer),
        "once": kinds.OneCycleLR(optimizer, 0.1, total_steps=10),
        "lambda": kinds.LambdaLR(optimizer, functools.partial(pow, 0.9)),
    }


def scaler_state():
    """As torch.cuda.amp.GradScaler.state_dict() is on a machine with a GPU."""
    return {"scale": 65536.0, "growth_factor": 2.0, "backoff_factor": 0.5, "growth_interval": 2000, "_growth_tracker": 7}


def training_state(weights):
    torch.manual_seed(1)
    numpy.random.seed(1)
    random.seed(1)
    model = torch.nn.Linear(2, 2)
    made = optimizers(model)
    average = torch.optim.swa_utils.AveragedModel(model)
    return {
        "epoch": 12,
        "global_step": 1 << 40,
        "phase": Phase.WARM_UP,
        "best": float("-inf"),
        "nan": float("nan"),
        "args": argparse.Namespace(lr=0.1, data=pathlib.PurePosixPath("data/cells"), seed=None, ratio=numpy.float32(0.5)),
        "path": pathlib.PurePosixPath("runs/1"),
        "windows_path": pathlib.PureWindowsPath("C:/runs/1"),
        "date": datetime.date(2024, 2, 29),
        "time": datetime.datetime(2024, 2, 29, 12, 0, tzinfo=datetime.timezone.utc),
        "took": datetime.timedelta(seconds=90),
        "run": uuid.UUID(int=5),
        "ratio": fractions.Fraction(1, 3),
        "price": decimal.Decimal("0.10"),
        "complex": 1 + 2j,
        "range": range(3),
        "slice": slice(1, None, 2),
        "ellipsis": ...,
        "bytes": b"\x00\xff",
        "bytearray": bytearray(b"\x00\xff"),
        "frozen": frozenset({1, 2}),
        "metrics": Metrics(0.5, numpy.float64(0.25)),
        "counts": collections.Counter("abca"),
        "lists": collections.defaultdict(list, {"loss": [1.0, 0.5]}),
        "recent": collections.deque([1, 2, 3], maxlen=8),
        "type": torch.float16,
        "device": torch.device("cuda", 1),
        "size": torch.Size([2, 3]),
        "class": torch.nn.Conv2d,
        "function": torch.nn.functional.relu,
        "builtin": len,
        "numpy": {
            "bool": numpy.bool_(True),
            "int": numpy.int64(3),
            "half": numpy.float16(1.5),
            "array": numpy.arange(6, dtype=numpy.float32).reshape(2, 3),
            "fortran": numpy.asfortranarray(numpy.ones((2, 3))),
            "strings": numpy.array(["a", "bc"]),
            "objects": numpy.array([None, {"a": 1}], dtype=object),
            "type": numpy.dtype("<f4"),
        },
        "random": {
            "python": random.getstate(),
            "numpy": numpy.random.get_state(),
            "torch": torch.get_rng_state(),
        },
        "optimizers": {name: optimizer.state_dict() for name, optimizer in made.items()},
        "schedulers": {name: scheduler.state_dict() for name, scheduler in schedulers(made["sgd"]).items()},
        "plateau": schedulers(made["adam"])["plateau"].state_dict(),
        "scaler": scaler_state(),
        "swa": average.state_dict(),
        "ema": ModelEma(collections.OrderedDict((name, tensor.clone()) for name, tensor in weights.items())),
        "parameter": torch.nn.Parameter(torch.ones(2)),
        "sparse": torch.eye(2).to_sparse(),
        "quantized": torch.quantize_per_tensor(torch.ones(2), 0.5, 0, torch.qint8),
        "complex_tensor": torch.ones(2, dtype=torch.complex64),
        "bool_tensor": torch.ones(2, dtype=torch.bool),
        "state_dict": weights,
    }


def main():
    # The legacy format carries the source of a class of modules; ours is a placeholder, so that no path gets in.
    torch.serialization.get_source_lines_and_file = lambda _: (["class Placeholder: pass\n"], 1, "placeholder.py")
    state = training_state(make_checkpoints.weights())
    make_checkpoints.save("zip_training.pth", state)
    make_checkpoints.save("legacy_training.pth", state, legacy=True)
    half = training_state(make_checkpoints.weights(torch.float16, prefix="module."))
    torch.save(half, f"{make_checkpoints.HERE}/zip_training_half.pth", pickle_protocol=4)
    # As on a machine with a GPU: where a tensor lay is a word in the file, which nobody needs.
    torch.serialization.register_package(0, lambda storage: "cuda:1", lambda storage, location: None)
    make_checkpoints.save("zip_from_gpu.pth", {"epoch": 3, "model": make_checkpoints.weights()})
    make_checkpoints.save("legacy_from_gpu.pth", {"epoch": 3, "model": make_checkpoints.weights()}, legacy=True)


if __name__ == "__main__":
    main()
