"""The notebook's network, data and evaluation in PyTorch, shared by the scripts beside this file."""

import hashlib
import pathlib

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

CLASSES = 10
INPUTS = 3072


def widths_of(hidden):
    """`2048,1024,64` (or nothing) as [3072, 2048, 1024, 64, 10]."""
    return [INPUTS, *(int(width) for width in hidden.split(",") if width), CLASSES]


class Classifier(nn.Module):
    """Fully connected layers named layer1, layer2, … with ReLU between them, constructed in order."""

    def __init__(self, widths):
        super().__init__()
        self.depth = len(widths) - 1
        for place, (inputs, outputs) in enumerate(zip(widths, widths[1:]), 1):
            setattr(self, f"layer{place}", nn.Linear(inputs, outputs))

    def forward(self, images):
        out = images.reshape(images.size(0), -1)
        for place in range(1, self.depth):
            out = F.relu(getattr(self, f"layer{place}")(out))
        return getattr(self, f"layer{self.depth}")(out)


def train_step(model, optimizer, images, labels):
    """Forward, cross entropy, backward, update: the loss as a tensor."""
    loss = F.cross_entropy(model(images), labels)
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    return loss.detach()


@torch.no_grad()
def evaluate(model, batches):
    """Mean loss and accuracy, exact over the samples whatever the batches' sizes."""
    loss, correct, samples = 0.0, 0, 0
    for images, labels in batches:
        logits = model(images)
        loss += F.cross_entropy(logits, labels, reduction="sum").item()
        correct += (logits.argmax(1) == labels).sum().item()
        samples += len(labels)
    return {"loss": loss / samples, "acc": correct / samples}


def formula_images(count):
    """Images from a formula, so that both sides make the same: bytes [count, 3072] and labels [count]."""
    image = np.arange(count, dtype=np.int64)[:, None]
    value = np.arange(INPUTS, dtype=np.int64)[None, :]
    pixels = (image * 7919 + value * 104729 + image * value * 31) % 256
    return pixels.astype(np.uint8), np.arange(count) * 7 % CLASSES


def read_records(folder, names):
    """Files of CIFAR-10's binary release: bytes [N, 3072] and labels [N]."""
    records = [np.fromfile(pathlib.Path(folder) / name, np.uint8).reshape(-1, 1 + INPUTS) for name in names]
    records = np.concatenate(records)
    return np.ascontiguousarray(records[:, 1:]), records[:, 0].astype(np.int64)


def training_records(folder):
    """The 50,000 training images."""
    return read_records(folder, [f"data_batch_{part}.bin" for part in range(1, 6)])


def parameters_sha256(model):
    """SHA-256 over every parameter as little-endian f32, layer1.weight row by row, layer1.bias, layer2.weight, …"""
    digest = hashlib.sha256()
    for parameter in model.parameters():
        digest.update(parameter.detach().numpy().astype("<f4").tobytes())
    return digest.hexdigest()


def indices_sha256(indices):
    """SHA-256 over indices as little-endian u32."""
    return hashlib.sha256(np.asarray(indices).astype("<u4").tobytes()).hexdigest()
