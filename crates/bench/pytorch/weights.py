"""The weights after some steps of plain gradient descent, against Strata's and dfdx's from the same start and batches.

Draws from the seed as the notebook does: random_split, nn.Linear layers in order, then one shuffled pass of a DataLoader after
the other. `crates/bench/compare.py weights` runs both sides; this one reads the files that `cargo xtask bench weights` wrote and prints
a table of ||a - b|| / ||b|| for each parameter, and how far it moved from its start in the same measure.

    python weights.py --ours FOLDER --widths 3072-2048-1024-64-10 --steps 200
"""

import argparse
import json
import pathlib

import numpy as np
import torch
from torch.utils.data import DataLoader, TensorDataset, random_split

from notebook import Classifier, formula_images, train_step, training_records


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ours", required=True, help="the folder of strata.safetensors and dfdx.safetensors")
    parser.add_argument("--widths", default="3072-2048-1024-64-10")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--lr", type=float, default=0.1)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--seed", type=int, default=43)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--data", help="the folder of CIFAR-10's .bin files; by default the formula's images")
    parser.add_argument("--images", type=int, default=10_000, help="how many images the formula makes")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    start, theirs = train(arguments, torch.float32)
    _, exact = train(arguments, torch.float64)
    ours = read_safetensors(pathlib.Path(arguments.ours) / "strata.safetensors")
    dfdx = read_safetensors(pathlib.Path(arguments.ours) / "dfdx.safetensors")
    columns = [
        ("Strata, PyTorch", ours, theirs), ("Strata, dfdx", ours, dfdx), ("dfdx, PyTorch", dfdx, theirs),
        ("Strata, f64", ours, exact), ("PyTorch, f64", theirs, exact), ("moved", theirs, start),
    ]
    print(f"| parameter | {' | '.join(name for name, _, _ in columns)} |\n|{' --- |' * (len(columns) + 1)}")
    for name in start:
        print(f"| {name} | {' | '.join(f'{distance(a[name], b[name]):.1e}' for _, a, b in columns)} |")


def train(arguments, kind):
    """Parameters before the first step and after the last, in double precision, by name."""
    pixels, labels = training_records(arguments.data) if arguments.data else formula_images(arguments.images)
    everything = TensorDataset(torch.from_numpy(pixels), torch.from_numpy(labels))
    torch.manual_seed(arguments.seed)
    split_off = len(everything) // 10
    images, _ = random_split(everything, [len(everything) - split_off, split_off])
    # Drawn in single precision, whatever the steps compute in.
    model = Classifier([int(width) for width in arguments.widths.split("-")]).to(kind)
    start = parameters(model)
    optimizer = torch.optim.SGD(model.parameters(), arguments.lr)
    steps = 0
    while steps < arguments.steps:
        for batch, batch_labels in DataLoader(images, arguments.batch, shuffle=True):
            # Pixels are single-precision quotients on both sides.
            train_step(model, optimizer, (batch.float() / 255).to(kind), batch_labels)
            steps += 1
            if steps == arguments.steps:
                break
    return start, parameters(model)


def parameters(model):
    return {name: value.detach().double().clone() for name, value in model.named_parameters()}


def distance(a, b):
    return ((a - b).norm() / b.norm()).item()


def read_safetensors(path):
    """Every f32 tensor of a file, by name, in double precision: an 8-byte length, a JSON header, the bytes."""
    raw = path.read_bytes()
    size = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + size])
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        assert entry["dtype"] == "F32", entry
        begin, end = (8 + size + offset for offset in entry["data_offsets"])
        values = np.frombuffer(raw[begin:end], "<f4").reshape(entry["shape"])
        tensors[name] = torch.from_numpy(values.astype(np.float64))
    return tensors


if __name__ == "__main__":
    main()
