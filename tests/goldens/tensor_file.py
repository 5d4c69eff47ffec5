"""Reads and writes safetensors files: an 8-byte little-endian header length, a JSON header, the data."""
import json
import os
import struct

import numpy as np

TYPES = {"F32": "<f4", "F16": "<f2", "U8": "u1"}


def write(path, tensors, metadata):
    """Writes a dict of arrays (fp32, fp16 or uint8) and a dict of strings; a file that exists is replaced."""
    header, blocks, offset = {"__metadata__": metadata}, [], 0
    for name, array in tensors.items():
        kind = next(kind for kind, code in TYPES.items() if np.dtype(code) == array.dtype)
        blocks.append(np.ascontiguousarray(array, TYPES[kind]).tobytes())
        end = offset + len(blocks[-1])
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(blocks))
    print(f"{os.path.basename(path)}: {8 + len(text) + offset} bytes")


def read(path):
    """The arrays and the metadata of a file."""
    with open(path, "rb") as file:
        data = file.read()
    start = 8 + struct.unpack_from("<Q", data)[0]
    header = json.loads(data[8:start])
    metadata = header.pop("__metadata__", {})
    tensors = {name: np.frombuffer(data[start + entry["data_offsets"][0]:start + entry["data_offsets"][1]],
                                   TYPES[entry["dtype"]]).reshape(entry["shape"]) for name, entry in header.items()}
    return tensors, metadata
