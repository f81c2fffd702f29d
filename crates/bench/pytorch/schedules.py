"""Golden values of learning rates from torch.optim.lr_scheduler, for Strata's tests: a phase of 6 epochs of 7 steps, peak 0.2, a scheduler step each.

    python schedules.py > ../../trainer/tests/golden/schedules.json
"""

import json
import math

import torch
from torch.optim import lr_scheduler as schedulers

PEAK, EPOCHS, PER_EPOCH = 0.2, 6, 7
STEPS = EPOCHS * PER_EPOCH


def rates(make, steps=STEPS):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], PEAK)
    scheduler = make(optimizer)
    found = []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


def after_warmup(make):
    """A third of the steps, 14, rise; the schedule has the other 28."""
    rising = STEPS // 3

    def both(optimizer):
        rise = schedulers.LinearLR(optimizer, 1 / (rising + 1), 1.0, rising)
        return schedulers.SequentialLR(optimizer, [rise, make(optimizer)], [rising])

    return rates(both)


def plateau(losses, **numbers):
    """The rate of each epoch, which its loss follows."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], PEAK)
    scheduler = schedulers.ReduceLROnPlateau(optimizer, threshold_mode="abs", **numbers)
    found = []
    for loss in losses:
        found.append(optimizer.param_groups[0]["lr"])
        scheduler.step(loss)
    return found


LEFT = STEPS - STEPS // 3
CASES = {
    "constant": rates(lambda o: schedulers.ConstantLR(o, 1.0)),
    "step": rates(lambda o: schedulers.StepLR(o, 2 * PER_EPOCH, 0.3)),
    "exponential": rates(lambda o: schedulers.ExponentialLR(o, 0.5 ** (1 / PER_EPOCH))),
    "linear": rates(lambda o: schedulers.LinearLR(o, 1.0, 0.0, STEPS)),
    "polynomial": rates(lambda o: schedulers.PolynomialLR(o, STEPS, 1.7)),
    "cosine": rates(lambda o: schedulers.CosineAnnealingLR(o, STEPS)),
    "restarts": rates(lambda o: schedulers.CosineAnnealingWarmRestarts(o, 2 * PER_EPOCH)),
    "longer restarts": rates(lambda o: schedulers.CosineAnnealingWarmRestarts(o, PER_EPOCH, 2)),
    "one cycle": rates(lambda o: schedulers.OneCycleLR(o, PEAK, STEPS, pct_start=0.25, cycle_momentum=False)),
    "warm-up, constant": after_warmup(lambda o: schedulers.ConstantLR(o, 1.0)),
    "warm-up, step": after_warmup(lambda o: schedulers.StepLR(o, PER_EPOCH, 0.3)),
    "warm-up, exponential": after_warmup(lambda o: schedulers.ExponentialLR(o, 0.5 ** (1 / PER_EPOCH))),
    "warm-up, polynomial": after_warmup(lambda o: schedulers.PolynomialLR(o, LEFT, 2.0)),
    "warm-up, cosine": after_warmup(lambda o: schedulers.CosineAnnealingLR(o, LEFT)),
    "warm-up, restarts": after_warmup(lambda o: schedulers.CosineAnnealingWarmRestarts(o, PER_EPOCH)),
    "plateau": plateau([3.0, 2.0, 1.95, 1.92, 1.91, 2.5, 1.0, 0.95, 0.97, 0.94, 0.5, 0.5], factor=0.3, patience=1, threshold=0.1),
}


def main():
    about = "Learning rates that PyTorch gave; made by crates/bench/pytorch/schedules.py, which says how."
    rounded = {name: [float(f"{rate:.15g}") for rate in found] for name, found in CASES.items()}
    assert all(math.isfinite(rate) for found in rounded.values() for rate in found)
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(found)}" for name, found in rounded.items())
    print(f'{{"about": {json.dumps(about)},\n"torch": {json.dumps(torch.__version__)},\n"cases": {{\n{lines}\n}}}}')


if __name__ == "__main__":
    main()
