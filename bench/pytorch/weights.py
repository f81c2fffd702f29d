"""The weights after a number of steps, against those of a run of Strata from the same seed.

An epoch of 200 batches of 128 leaves 24,400 of the 50,000 images to validate on:

    cargo xtask experiment configs/a.toml --data DATA --name weights-200 \\
        --set dataset.validation=24400 --set phases='[{epochs=1,lr=0.1}]'
    python weights.py --data DATA --run runs/weights-200
"""

import argparse
import json
import pathlib

import numpy as np
import torch
from torch.utils.data import DataLoader, TensorDataset, random_split

from notebook import Classifier, evaluate, train_step, training_records, widths_of


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="the folder of CIFAR-10's .bin files")
    parser.add_argument("--run", required=True, help="the folder of a finished run of one epoch")
    arguments = parser.parse_args()
    run = pathlib.Path(arguments.run)
    record = json.loads((run / "record.json").read_text())
    ours = read_safetensors(run / "model.safetensors")
    settings, line = record["hyperparameters"], record["history"][1]
    held_out_count, batch = record["dataset"]["validation"], settings["batch_size"]

    pixels, labels = training_records(arguments.data)
    everything = TensorDataset(torch.from_numpy(pixels), torch.from_numpy(labels))
    torch.manual_seed(settings["seed"])
    train, held_out = random_split(everything, [len(everything) - held_out_count, held_out_count])
    model = Classifier(widths_of(",".join(map(str, settings["hidden"]))))
    start = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    train, held_out = DataLoader(train, batch, shuffle=True), DataLoader(held_out, 2 * batch)

    def scaled(loader):
        return ((images.float() / 255, labels) for images, labels in loader)

    evaluate(model, scaled(held_out))
    optimizer = torch.optim.SGD(model.parameters(), line["lr"])
    steps = 0
    for images, batch_labels in scaled(train):
        train_step(model, optimizer, images, batch_labels)
        steps += 1
    print(f"after {steps} steps: |ours - theirs| / |theirs|, and |theirs - start| / |theirs| for scale")
    squares = np.zeros(3)
    for name, parameter in model.named_parameters():
        theirs, mine = parameter.detach().double(), torch.from_numpy(ours[name].copy()).double()
        moved = theirs - start[name].double()
        part = np.array([value.square().sum().item() for value in (mine - theirs, moved, theirs)])
        squares += part
        error, change = np.sqrt(part[:2] / part[2])
        print(f"{name}: {error:.2e} (moved by {change:.2e})")
    error, change = np.sqrt(squares[:2] / squares[2])
    print(f"all parameters: {error:.2e} (moved by {change:.2e})")


def read_safetensors(path):
    """Every f32 tensor of a file, by name: an 8-byte length, a JSON header, the bytes."""
    raw = path.read_bytes()
    size = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + size])
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        assert entry["dtype"] == "F32", entry
        begin, end = (8 + size + offset for offset in entry["data_offsets"])
        tensors[name] = np.frombuffer(raw[begin:end], "<f4").reshape(entry["shape"])
    return tensors


if __name__ == "__main__":
    main()
