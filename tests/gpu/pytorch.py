#!/usr/bin/env python3
"""How fast PyTorch runs the same network on the same GPU: GhostNet-YOLOv4 of 80 classes at 416x416, from a batch on the
device to its three maps there; no resize, no boxes. Ways that people use, in turns, so that a slow moment meets all:

  eager          as it is written, fp32 without TF32
  channels_last  the same with the channels innermost
  tf32           channels_last, with TF32 (10 bits of mantissa) in its convolutions
  fp16           weights and input in fp16, channels_last
  ... graph      the same captured once in a CUDA graph and replayed

usage: pytorch.py [--json FILE] [--batches 1,8,32] [--rounds N] [--runs N] [--size N] [--device cuda|cpu]
Ends with 3 where there is no such device (or no PyTorch at all): nothing to compare with."""
import argparse
import json
import os
import pathlib
import statistics
import sys
import time

try:
    import torch
except ImportError:
    print("This Python has no PyTorch.")
    sys.exit(3)

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "goldens"))
import reference  # noqa: E402

WAYS = ["eager", "channels_last", "tf32", "fp16", "eager graph", "channels_last graph", "tf32 graph", "fp16 graph"]


def capture(network, batch):
    """A function that replays the network on `batch`; needs a few runs first, on a stream of its own."""
    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for _ in range(3):
            network(batch)
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        maps = network(batch)
    return lambda: (graph.replay(), maps)[1]


def use_tf32(on):
    torch.backends.cudnn.allow_tf32 = on
    torch.backends.cuda.matmul.allow_tf32 = on


def prepare(way, count, size, device):
    kind = way.split()[0]
    use_tf32(kind == "tf32")
    torch.manual_seed(1)
    network = reference.GhostNetYolov4(80).eval().to(device)
    batch = torch.rand(count, 3, size, size, device=device)
    if kind == "fp16":
        network, batch = network.half(), batch.half()
    if kind != "eager":
        network, batch = network.to(memory_format=torch.channels_last), batch.to(memory_format=torch.channels_last)
    run = capture(network, batch) if way.endswith("graph") else lambda: network(batch)
    return kind, run, (network, batch)  # a graph does not keep alive what it reads


def measure(device, kind, run, runs):
    """Milliseconds of each of `runs`, one after the other, each waited for."""
    use_tf32(kind == "tf32")
    wait = torch.cuda.synchronize if device == "cuda" else lambda: None
    took = []
    for _ in range(runs):
        wait()
        start = time.perf_counter()
        run()
        wait()
        took.append((time.perf_counter() - start) * 1e3)
    return took


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def prepare_all(ways, count, size, device):
    """(way, kind, run, kept) of each; one that this machine cannot run is said and left out."""
    prepared = []
    for way in ways:
        try:
            prepared.append((way, *prepare(way, count, size, device)))
        except Exception as error:  # an old CUDA, too little memory: the others are worth having
            print(f"batch {count:3}  {way:20} cannot run: {str(error).splitlines()[0] if str(error) else repr(error)}",
                  flush=True)
    return prepared


def write_whole(path, text):
    """The file is there whole or as it was: who is ended in the middle leaves no half of it."""
    part = pathlib.Path(path + ".part")
    part.write_text(text)
    os.replace(part, path)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--json")
    parser.add_argument("--batches", default="1,8,32")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--size", type=int, default=416)
    parser.add_argument("--device", default="cuda")
    asked = parser.parse_args()
    if asked.device == "cuda" and not torch.cuda.is_available():
        print("This PyTorch has no CUDA device.")
        sys.exit(3)
    torch.backends.cudnn.benchmark = True
    name = torch.cuda.get_device_name() if asked.device == "cuda" else "CPU"
    print(f"PyTorch {torch.__version__} on {name}")
    ways = WAYS if asked.device == "cuda" else WAYS[:2]
    rows = []
    with torch.inference_mode():
        for count in map(int, asked.batches.split(",")):
            prepared = prepare_all(ways, count, asked.size, asked.device)
            took = {way: [] for way, *_ in prepared}
            for round_index in range(asked.rounds + 1):
                for way, kind, run, _ in prepared:
                    times = measure(asked.device, kind, run, asked.runs)
                    if round_index:  # the first one is for warming up
                        took[way] += times
            for way in took:
                row = {"batch": count, "way": way, "ms": statistics.median(took[way]),
                       "p5": percentile(took[way], 0.05), "p95": percentile(took[way], 0.95)}
                rows.append(row)
                print(f"batch {count:3}  {way:20} {row['ms']:9.3f} ms  ({row['p5']:.3f} to {row['p95']:.3f})", flush=True)
            del prepared  # its memory, before the next batch
            if asked.json:  # after each batch: a run that is late has told something
                result = {"pytorch": torch.__version__, "device": name, "size": f"{asked.size}x{asked.size}", "rows": rows}
                write_whole(asked.json, json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
