"""Golden values of a small training run in PyTorch, for Strata's tests.

The run is the notebook's in small: manual_seed; random_split; nn.Linear layers constructed in order; an evaluation; then each
epoch a pass of DataLoader(shuffle=True, num_workers=0) with SGD without momentum, and an evaluation. Every pass of a loader,
an evaluation's too, draws from the global generator.

    python golden.py --seed 7 --hidden 96,48,24 --batch 64 --epochs 2 > seed7.json
"""

import argparse
import json
import sys

import torch
from torch.utils.data import DataLoader, TensorDataset, random_split

from notebook import (
    Classifier, evaluate, formula_images, indices_sha256, parameters_sha256, train_step, training_records, widths_of,
)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--hidden", default="64,32", help="widths of the hidden layers, separated by commas")
    parser.add_argument("--batch", type=int, default=50)
    parser.add_argument("--lr", type=float, default=0.1)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--images", type=int, default=2000, help="how many images the formula makes")
    parser.add_argument("--validation", type=int, help="by default a tenth of the images")
    parser.add_argument("--data", help="a folder of CIFAR-10's binary release, instead of the formula's images")
    arguments = parser.parse_args()
    # One thread: the sums' order, and so the last bits, depend on it.
    torch.set_num_threads(1)
    json.dump(run(arguments), sys.stdout, indent=1)
    print()


def run(arguments):
    pixels, labels = training_records(arguments.data) if arguments.data else formula_images(arguments.images)
    count = len(labels)
    validation = arguments.validation or count // 10
    everything = TensorDataset(
        torch.from_numpy(pixels).float() / 255, torch.from_numpy(labels), torch.arange(count)
    )
    widths = widths_of(arguments.hidden)

    torch.manual_seed(arguments.seed)
    train, held_out = random_split(everything, [count - validation, validation])
    model = Classifier(widths)
    parameters = parameters_sha256(model)
    train_loader = DataLoader(train, arguments.batch, shuffle=True, num_workers=0)
    held_out_loader = DataLoader(held_out, 2 * arguments.batch, num_workers=0)

    def held_out_score():
        return evaluate(model, ((images, labels) for images, labels, _ in held_out_loader))

    initial = held_out_score()
    optimizer = torch.optim.SGD(model.parameters(), arguments.lr)
    epochs = []
    for _ in range(arguments.epochs):
        losses, order = [], []
        for images, labels, indices in train_loader:
            losses.append(train_step(model, optimizer, images, labels).item())
            order.extend(indices.tolist())
        epochs.append({
            "first_batch": order[: arguments.batch],
            "order_sha256": indices_sha256(order),
            "train_losses": losses,
            "val": held_out_score(),
        })
    return {
        "about": "Golden values that PyTorch gave; made by crates/bench/pytorch/golden.py, which says how, with the arguments below.",
        "arguments": " ".join(f"--{name} {value}" for name, value in vars(arguments).items() if value is not None and name != "data"),
        "torch": torch.__version__,
        "data": "CIFAR-10" if arguments.data else (
            "image i, value j (channel-major, 0..3071): byte (i*7919 + j*104729 + i*j*31) mod 256; label i*7 mod 10"
        ),
        "seed": arguments.seed,
        "images": count,
        "widths": widths,
        "batch": arguments.batch,
        "lr": arguments.lr,
        "split_sha256": indices_sha256(list(train.indices) + list(held_out.indices)),
        "validation": list(held_out.indices),
        "parameters_sha256": parameters,
        "initial": initial,
        "epochs": epochs,
    }


if __name__ == "__main__":
    main()
