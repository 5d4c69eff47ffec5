"""Weights and inputs from a named generator, bit for bit the same as tests/filler/filler.c makes them.

Every tensor has its own stream: SplitMix64 seeded with the 64-bit FNV-1a of the tensor's name in UTF-8. The n-th value
of the stream gives u = (next >> 40) / 2^24, exact in fp32, and from it element n (row-major). README.md in this folder
lists the fill rules. They use integers and dyadic fractions only, so that each element is computed exactly in fp64 and
rounded once, to fp32.
"""
from math import isqrt, prod

import numpy as np

MASK = (1 << 64) - 1


def fnv1a64(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = ((value ^ byte) * 0x100000001B3) & MASK
    return value


def stream(name, count):
    """The first `count` values of the stream of `name`, each a multiple of 2^-24 in [0, 1)."""
    steps = np.arange(1, count + 1, dtype=np.uint64)
    with np.errstate(over="ignore"):
        z = np.uint64(fnv1a64(name.encode())) + steps * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(40)).astype(np.float64) * 2.0 ** -24


def half_gains_of(name):
    """Twice the variance that a layer's weights pass on, for inputs of variance 1 and mean 0."""
    if "blocks." in name:
        return 2  # residual sums add up over sixteen bottlenecks
    if ".stage" in name:
        return 5  # a chain of ReLU6 without a sum beside it
    if ".features." in name and name.rpartition(".conv.")[2].count(".") == 1:
        return 4  # less, since some blocks have a sum
    if "yolo_head" in name:
        return 10  # raw maps of a few units, as a trained network's
    return 3  # enough to keep positions apart through the neck; more would amplify rounding errors as well


def bound_of(half_gains, fan_in):
    """sqrt(3 * gain / fan_in) rounded down to a multiple of 2^-16; uniform in +-bound has variance gain / fan_in."""
    return isqrt(3 * half_gains * 2 ** 31 // fan_in) * 2.0 ** -16


def fill_tensor(name, shape):
    u = stream(name, prod(shape))
    part = name.rsplit(".", 1)[-1]
    if part == "weight" and len(shape) > 1:
        value = bound_of(half_gains_of(name), prod(shape[1:])) * (2 * u - 1)
    elif part == "weight":
        value = 0.75 + 0.5 * u
    elif part == "running_var":
        value = 0.5 + u
    else:
        value = 0.1875 * (2 * u - 1)
    return value.astype(np.float32).reshape(shape)


def triangle(positions, period):
    """A wave that falls from 1 to 0 and rises again over `period` (a power of two) positions."""
    half = period // 2
    return np.abs(positions % period - half) / half


def fill_input(name, shape):
    """Half noise, half the product of two slow triangle waves, whose phase depends on item and channel."""
    batch, channels, height, width = shape
    noise = stream(name, prod(shape)).reshape(shape)
    n, c, y, x = np.ogrid[:batch, :channels, :height, :width]
    wave = triangle(x + 21 * c + 37 * n, 128) * triangle(y + 45 * c + 11 * n, 64)
    return (0.5 * noise + 0.5 * wave).astype(np.float32)
