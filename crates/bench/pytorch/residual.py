"""Golden values of a residual network in PyTorch, in double precision, for Strata's tests.

Odd widths and batches, every normalisation, two skip connections; the gradients of the first step, then steps of SGD with Nesterov's momentum,
gradients clipped by their norm, the learning rate along half a cosine. Parameters begin as single-precision draws of the seed, so that the same
numbers are where Strata begins.

    python residual.py > ../../trainer/tests/golden/residual.json
"""

import json
import math
import sys

import torch
from torch import nn

SEED, STEPS, PEAK, CLIP, CLASSES, INPUTS = 5, 12, 0.2, 0.6, 5, 13
# Batches of odd sizes, none of them the same twice in a row.
SIZES = [17, 9, 31, 3]


class Skip(nn.Module):
    def __init__(self, *layers):
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        return x + self.layers(x)


def network():
    """net!(13, 11 batch_norm gelu, skip(layer_norm, 23 silu, 11), skip(rms_norm, 7 batch_norm tanh, 11), activation(leaky_relu), 5)."""
    return nn.Sequential(
        nn.Linear(INPUTS, 11), nn.BatchNorm1d(11), nn.GELU(),
        Skip(nn.LayerNorm(11), nn.Linear(11, 23), nn.SiLU(), nn.Linear(23, 11)),
        # PyTorch's default for single precision; in double it would be another.
        Skip(nn.RMSNorm(11, eps=torch.finfo(torch.float32).eps), nn.Linear(11, 7), nn.BatchNorm1d(7), nn.Tanh(), nn.Linear(7, 11)),
        nn.LeakyReLU(), nn.Linear(11, CLASSES),
    )


def batch(step):
    """The numbers of a formula, the same in single precision wherever they are worked out."""
    size = SIZES[step % len(SIZES)]
    value = lambda sample, i: ((sample * 7919 + i * 104729 + sample * i * 31 + step * 17) % 257 - 128) / 64
    features = torch.tensor([[value(sample, i) for i in range(INPUTS)] for sample in range(size)], dtype=torch.float64)
    return features, torch.tensor([(sample * 3 + step) % CLASSES for sample in range(size)])


def main():
    torch.manual_seed(SEED)
    model = network().double()
    optimizer = torch.optim.SGD(model.parameters(), PEAK, momentum=0.9, nesterov=True, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    gradients, norms, losses, rates = None, [], [], []
    for step in range(STEPS):
        features, labels = batch(step)
        loss = nn.functional.cross_entropy(model(features), labels)
        optimizer.zero_grad()
        loss.backward()
        if gradients is None:
            gradients = [parameter.grad.flatten().tolist() for parameter in model.parameters()]
        norms.append(nn.utils.clip_grad_norm_(model.parameters(), CLIP).item())
        losses.append(loss.item())
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    assert any(norm < CLIP for norm in norms) and any(norm > CLIP for norm in norms) and math.isfinite(sum(losses)), norms
    # Running statistics too, without the count of batches, which Strata does not keep.
    tensors = [tensor.flatten().tolist() for name, tensor in model.state_dict().items() if "num_batches" not in name]
    golden = {
        "torch": torch.__version__, "seed": SEED, "peak": PEAK, "clip": CLIP, "losses": losses, "rates": rates, "norms": norms,
        "gradients": gradients, "tensors": tensors,
    }
    json.dump(golden, sys.stdout)
    print()


if __name__ == "__main__":
    main()
