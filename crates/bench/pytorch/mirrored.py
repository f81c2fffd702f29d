"""Golden values of a network of mirror symmetry in PyTorch, in double precision, for Strata's tests: its definition, written out by plain matrices.

Odd widths and batches; the gradients of the first step, then steps of SGD with Nesterov's momentum. Parameters begin as single-precision draws of the seed, so that
the same numbers are where Strata begins.

    python mirrored.py > ../../trainer/tests/golden/mirrored.json
"""

import json
import math
import sys

import torch
from torch import nn

from residual import CLASSES, INPUTS, Skip, batch

SEED, STEPS, RATE = 5, 8, 0.1


def mirror(x):
    """The first four features change places with the next four, the ninth to eleventh turn their signs, the rest stays."""
    return torch.cat([x[:, 4:8], x[:, :4], -x[:, 8:11], x[:, 11:]], 1)


class Views(nn.Module):
    """Layers of both views, one below the other, and the mean of what becomes of them."""

    def __init__(self, *layers):
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        a, b = self.layers(torch.cat([x, mirror(x)])).chunk(2)
        return (a + b) / 2


class Both(nn.Module):
    """a Pᵀ + b Qᵀ + bias, and b Pᵀ + a Qᵀ + bias, of the views a and b."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.even = nn.Linear(inputs, outputs)
        self.odd = nn.Linear(inputs, outputs, bias=False)

    def forward(self, x):
        a, b = x.chunk(2)
        p, q = (self.even.weight + self.odd.weight) / 2, (self.even.weight - self.odd.weight) / 2
        return torch.cat([a @ p.T + b @ q.T, b @ p.T + a @ q.T]) + self.even.bias


def network():
    """net!(13, mirrored(11 batch_norm gelu, skip(layer_norm, 7 silu, 11), 9 batch_norm tanh), 5)."""
    return nn.Sequential(
        Views(
            nn.Linear(INPUTS, 11), nn.BatchNorm1d(11), nn.GELU(),
            Skip(nn.LayerNorm(11), Both(11, 7), nn.SiLU(), Both(7, 11)),
            Both(11, 9), nn.BatchNorm1d(9), nn.Tanh(),
        ),
        nn.Linear(9, CLASSES),
    )


def tensors(values):
    """In Strata's order: a layer's bias behind both of its weights, and what mirroring does to the inputs behind the first layer's."""
    ordered, held = [], None
    for name, value in values:
        if name.endswith("even.bias"):
            held = value
            continue
        ordered.append(value.flatten().tolist())
        if name.endswith("odd.weight"):
            ordered.append(held.flatten().tolist())
    return ordered


def main():
    torch.manual_seed(SEED)
    model = network().double()
    optimizer = torch.optim.SGD(model.parameters(), RATE, momentum=0.9, nesterov=True, weight_decay=0.01)
    gradients, losses = None, []
    for step in range(STEPS):
        features, labels = batch(step)
        loss = nn.functional.cross_entropy(model(features), labels)
        optimizer.zero_grad()
        loss.backward()
        if gradients is None:
            gradients = tensors((name, parameter.grad) for name, parameter in model.named_parameters())
        losses.append(loss.item())
        optimizer.step()
    assert math.isfinite(sum(losses))
    parameters = tensors((name, parameter.detach()) for name, parameter in model.named_parameters())
    model.eval()
    logits = model(batch(0)[0])
    assert torch.allclose(logits, model(mirror(batch(0)[0])), atol=1e-12)
    golden = {"torch": torch.__version__, "seed": SEED, "rate": RATE, "losses": losses, "gradients": gradients, "parameters": parameters, "logits": logits.flatten().tolist()}
    json.dump(golden, sys.stdout)
    print()


if __name__ == "__main__":
    main()
