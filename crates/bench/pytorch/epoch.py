"""An epoch of the notebook's network in PyTorch on the real images, validation included, and the memory it takes.

Two ways: `tensors` holds all images as float tensors in memory and gathers batches from them, the least that PyTorch can do;
`notebook` is as the notebook has it: PIL images, `ToTensor` on each, DataLoader(num_workers=4).

    python epoch.py --data cifar-10-batches-bin --way notebook
"""

import argparse
import json
import resource
import time

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, random_split

from notebook import CLASSES, INPUTS, Classifier, evaluate, train_step, training_records

WIDTHS = [INPUTS, 2048, 1024, 64, CLASSES]
HELD_OUT, BATCH = 5000, 128


class Pictures(Dataset):
    """torchvision's CIFAR10 with ToTensor: arrays [32, 32, 3], a PIL image and then a tensor of it for each sample."""

    def __init__(self, pixels, labels):
        self.pixels = np.ascontiguousarray(pixels.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))
        self.labels = labels.tolist()

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        from PIL import Image

        return to_tensor(Image.fromarray(self.pixels[index])), self.labels[index]


def to_tensor(image):
    """torchvision.transforms.ToTensor on an RGB image."""
    values = torch.from_numpy(np.array(image, np.uint8, copy=True))
    return values.view(image.size[1], image.size[0], 3).permute(2, 0, 1).contiguous().to(torch.float32).div(255)


def tensors(pixels, labels):
    """Training and validation passes that gather from tensors in memory."""
    images, labels = torch.from_numpy(pixels).float().div_(255), torch.from_numpy(labels)
    order = torch.randperm(len(labels))
    train, held_out = order[:-HELD_OUT], order[-HELD_OUT:]

    def batches(indices, size):
        for part in indices.split(size):
            yield images[part], labels[part]

    return lambda: batches(train[torch.randperm(len(train))], BATCH), lambda: batches(held_out, 2 * BATCH)


def notebook(pixels, labels):
    """Training and validation passes as the notebook has them."""
    pictures = Pictures(pixels, labels)
    train, held_out = random_split(pictures, [len(pictures) - HELD_OUT, HELD_OUT])
    train = DataLoader(train, BATCH, shuffle=True, num_workers=4)
    held_out = DataLoader(held_out, 2 * BATCH, num_workers=4)
    return lambda: train, lambda: held_out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="the folder of CIFAR-10's .bin files")
    parser.add_argument("--way", choices=["tensors", "notebook"], default="notebook")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(43)
    passes = {"tensors": tensors, "notebook": notebook}[arguments.way]
    train, held_out = passes(*training_records(arguments.data))
    model = Classifier(WIDTHS)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    initial = evaluate(model, held_out())
    seconds = []
    for _ in range(arguments.epochs):
        begin = time.perf_counter()
        for images, labels in train():
            # The notebook reads every loss for its progress line.
            train_step(model, optimizer, images, labels).item()
        score = evaluate(model, held_out())
        seconds.append(time.perf_counter() - begin)
    peak, workers = (
        round(resource.getrusage(who).ru_maxrss * 1024 / 1e6)
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    print(json.dumps({
        "seconds": [round(second, 3) for second in seconds], "peak_mb": peak, "largest_worker_mb": workers,
        "initial": initial, "val": score,
    }))


if __name__ == "__main__":
    main()
