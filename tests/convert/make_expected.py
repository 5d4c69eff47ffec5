#!/usr/bin/env python3
"""What numpy reads and rounds, for test_cli_convert.c: makes expected.h. usage: make_expected.py MODEL > expected.h

The sum over all tensors of MODEL, as fp32, and numbers with what fp16 makes of them: ties, the smallest, the largest.
"""
import json
import struct
import sys

import numpy as np


def read(path):
    content = open(path, "rb").read()
    length = struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8 : 8 + length])
    header.pop("__metadata__", None)
    types = {"F32": np.float32, "F16": np.float16}
    return {
        name: np.frombuffer(content[8 + length :][slice(*entry["data_offsets"])], types[entry["dtype"]])
        for name, entry in header.items()
    }


def fnv(data, state):  # FNV-1a over words of 32 bits
    for word in np.frombuffer(data, "<u4"):
        state = ((state ^ int(word)) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return state


tensors = read(sys.argv[1])
state = 0xCBF29CE484222325
for name in sorted(tensors):
    state = fnv(tensors[name].astype("<f4").tobytes()[: 4 * 64], state)  # the first 64 numbers of each
total = sum(t.size for t in tensors.values())

generator = np.random.default_rng(7)
halves = np.arange(0, 0x7C00, 97, dtype=np.uint16).view(np.float16).astype(np.float32)
after = np.arange(1, 0x7C00, 97, dtype=np.uint16)[: len(halves)].view(np.float16).astype(np.float32)
ties = ((halves.astype(np.float64) + after[: len(halves)]) / 2).astype(np.float32)
edges = np.array([0.0, -0.0, 65504, 65519, -65519.996, 2**-14, 2**-24, 2**-25, 2**-26, 5.9e-8, 1e-45, 6.1035153e-05,
                  3.3e-8, -2.98e-8, 1.0009765, 0.33333334, 2047.5, 2048.5, 4097, 6.097e-05], np.float32)
numbers = np.concatenate([edges, ties, np.nextafter(ties, np.float32(0)), np.nextafter(ties, np.float32(1e9)),
                          generator.standard_normal(40).astype(np.float32)])
numbers = numbers[np.abs(numbers) < 65520][:432]
rounded = numbers.astype(np.float16)
assert np.isfinite(rounded).all()
print("/* Made by make_expected.py. */\n/* clang-format off */")
print("enum { EXPECTED_TENSORS = %d, EXPECTED_NUMBERS = %d };" % (len(tensors), total))
print("static const uint64_t expected_sum = UINT64_C(0x%016x);" % state)
print("static const struct {\n    uint32_t fp32;\n    uint16_t fp16;\n} expected_roundings[] = {")
for start in range(0, len(numbers), 6):
    print("    " + " ".join("{0x%08x, 0x%04x}," % pair for pair in zip(
        numbers[start : start + 6].view(np.uint32), rounded[start : start + 6].view(np.uint16))))
print("};")
