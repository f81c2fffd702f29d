"""Golden values of training steps in PyTorch in double precision, for Strata's tests: each optimizer, loss, clipping and average, 50 steps.

A network of odd sizes, samples and initial parameters by formulas that Strata's test repeats, batches in order, a rate for all steps.

    python steps.py > ../../trainer/tests/golden/steps.json
"""

import json

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, get_swa_multi_avg_fn, update_bn

SAMPLES, FEATURES, HIDDEN, CLASSES, BATCH, STEPS = 55, 7, 5, 3, 11, 50


def samples():
    i, j = torch.arange(SAMPLES)[:, None], torch.arange(FEATURES)[None, :]
    labels = (torch.arange(SAMPLES) * 5 + torch.arange(SAMPLES) // 7) % CLASSES
    x = ((i * 37 + j * 11 + i * j) % 23).double() / 11.5 - 1
    # Something to learn: a feature for each class.
    x[torch.arange(SAMPLES), labels] += 1.5
    return x, labels


def network(batch_norm):
    layers = [nn.Linear(FEATURES, HIDDEN), nn.BatchNorm1d(HIDDEN)] if batch_norm else [nn.Linear(FEATURES, HIDDEN)]
    model = nn.Sequential(*layers, nn.Tanh(), nn.Linear(HIDDEN, CLASSES)).double()
    with torch.no_grad():
        for number, parameter in enumerate(p for m in model if isinstance(m, nn.Linear) for p in m.parameters()):
            k = torch.arange(parameter.numel())
            parameter.copy_(((((k * 29 + number * 13) % 31).double() / 31 - 0.5) * 0.8).reshape(parameter.shape))
    return model


def batches(size=BATCH):
    x, labels = samples()
    while True:
        for first in range(0, SAMPLES, size):
            yield x[first:first + size], labels[first:first + size]


def cross_entropy(smoothing=0.0):
    return nn.CrossEntropyLoss(label_smoothing=smoothing)


def squares(logits, labels):
    return nn.functional.mse_loss(logits, nn.functional.one_hot(labels, CLASSES).double())


def mixed(smoothing):
    """Each sample's target 0.7 of its own class and 0.3 of the next."""
    loss = nn.CrossEntropyLoss(label_smoothing=smoothing)

    def of(logits, labels):
        one_hot = nn.functional.one_hot(labels, CLASSES).double()
        next_one = nn.functional.one_hot((labels + 1) % CLASSES, CLASSES).double()
        return loss(logits, 0.7 * one_hot + 0.3 * next_one)

    return of


def train(optimizer, loss=None, clip_norm=None, clip_value=None, average=None, batch_norm=False, accumulate=1, prepare=None):
    """The parameters after the steps; of an average, those of the average, batch normalisation's statistics estimated again."""
    model = network(batch_norm)
    loss = loss or cross_entropy()
    optimizer = optimizer(model)
    averaged = AveragedModel(model, multi_avg_fn=average[1]) if average else None
    served = batches(BATCH * accumulate)
    for step in range(STEPS):
        x, labels = next(served)
        optimizer.zero_grad()
        loss(model(x), labels).backward()
        if clip_norm:
            nn.utils.clip_grad_norm_(model.parameters(), clip_norm)
        if clip_value:
            nn.utils.clip_grad_value_(model.parameters(), clip_value)
        optimizer.step()
        if averaged and step >= average[0]:
            averaged.update_parameters(model)
    if averaged and batch_norm:
        x, labels = samples()
        update_bn([(x[first:first + BATCH],) for first in range(0, SAMPLES, BATCH)], averaged)
    tensors = averaged.module.state_dict() if averaged else model.state_dict()
    return [t.flatten().tolist() for name, t in tensors.items() if not name.endswith("num_batches_tracked")]


def of(kind, **numbers):
    return lambda model: kind(model.parameters(), **numbers)


def weights_decay(kind, weight_decay, **numbers):
    """Decay of weights only: neither biases nor gains."""
    def make(model):
        weights = [p for p in model.parameters() if p.dim() > 1]
        others = [p for p in model.parameters() if p.dim() < 2]
        return kind([{"params": weights, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}], **numbers)
    return make


class Lion(torch.optim.Optimizer):
    """Algorithm 2 of Chen et al. 2023, which PyTorch does not have."""

    def __init__(self, parameters, lr, betas, weight_decay):
        super().__init__(parameters, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for p in group["params"]:
                average = self.state[p].setdefault("exp_avg", torch.zeros_like(p))
                update = (beta1 * average + (1 - beta1) * p.grad).sign()
                p.sub_(group["lr"] * (update + group["weight_decay"] * p))
                average.mul_(beta2).add_((1 - beta2) * p.grad)


class Muon(torch.optim.Optimizer):
    """Muon by its definition in double precision (torch.optim.Muon iterates in bfloat16), the step fitted to AdamW's, for the first layer's weight."""

    def __init__(self, model, lr, momentum, nesterov, weight_decay, iterations=5):
        hidden = model[0].weight
        super().__init__([hidden], {"lr": lr})
        self.numbers = lr, momentum, nesterov, weight_decay, iterations
        rest = [p for p in model.parameters() if p is not hidden]
        self.rest = torch.optim.AdamW(rest, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=weight_decay)

    @torch.no_grad()
    def step(self):
        lr, momentum, nesterov, weight_decay, iterations = self.numbers
        p = self.param_groups[0]["params"][0]
        velocity = self.state[p].setdefault("momentum_buffer", torch.zeros_like(p))
        velocity.lerp_(p.grad, 1 - momentum)
        x = p.grad.lerp(velocity, momentum) if nesterov else velocity.clone()
        x = x.T if x.shape[0] > x.shape[1] else x
        x = x / x.norm().clamp(min=1e-7)
        for _ in range(iterations):
            gram = x @ x.T
            x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
        x = x.T if p.shape[0] > p.shape[1] else x
        p.mul_(1 - lr * weight_decay).sub_(lr * 0.2 * max(p.shape) ** 0.5 * x)
        self.rest.step()

    def zero_grad(self):
        super().zero_grad()
        self.rest.zero_grad()


class BetaLasso(torch.optim.Optimizer):
    """Algorithm 1 of Neyshabur 2020, which PyTorch does not have."""

    def __init__(self, parameters, lr, lam, beta):
        super().__init__(parameters, {"lr": lr, "lam": lam, "beta": beta})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                p.sub_(group["lr"] * (p.grad + group["lam"] * p.sign()))
                p[p.abs() < group["beta"] * group["lam"]] = 0


OPTIM = torch.optim
CASES = {
    "sgd": lambda: train(of(OPTIM.SGD, lr=0.1)),
    "sgd, weight decay": lambda: train(of(OPTIM.SGD, lr=0.1, weight_decay=0.01)),
    "momentum": lambda: train(of(OPTIM.SGD, lr=0.05, momentum=0.9, weight_decay=0.01)),
    "nesterov": lambda: train(of(OPTIM.SGD, lr=0.05, momentum=0.9, nesterov=True)),
    "adam": lambda: train(of(OPTIM.Adam, lr=0.02, betas=(0.9, 0.99), eps=1e-8, weight_decay=0.01)),
    "adamw": lambda: train(of(OPTIM.AdamW, lr=0.02, betas=(0.9, 0.999), eps=1e-6, weight_decay=0.1)),
    "nadam": lambda: train(of(OPTIM.NAdam, lr=0.02, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01)),
    "rmsprop": lambda: train(of(OPTIM.RMSprop, lr=0.005, alpha=0.9, eps=1e-6, weight_decay=0.01)),
    "rmsprop, momentum": lambda: train(of(OPTIM.RMSprop, lr=0.002, alpha=0.99, eps=1e-6, momentum=0.9)),
    "adagrad": lambda: train(of(OPTIM.Adagrad, lr=0.1, lr_decay=0.01, eps=1e-10, weight_decay=0.01)),
    "lion": lambda: train(of(Lion, lr=0.005, betas=(0.9, 0.99), weight_decay=0.1)),
    "muon": lambda: train(lambda model: Muon(model, 0.02, 0.95, True, 0.1)),
    "muon, no look-ahead": lambda: train(lambda model: Muon(model, 0.05, 0.9, False, 0.0, iterations=3)),
    "beta-lasso": lambda: train(of(BetaLasso, lr=0.1, lam=1e-3, beta=50)),
    "decay of weights": lambda: train(weights_decay(OPTIM.AdamW, 0.2, lr=0.02, betas=(0.9, 0.999), eps=1e-8)),
    "smoothing": lambda: train(of(OPTIM.SGD, lr=0.1), cross_entropy(0.2)),
    "mse": lambda: train(of(OPTIM.SGD, lr=0.2), squares),
    "mixed": lambda: train(of(OPTIM.SGD, lr=0.1), mixed(0.0)),
    "mixed, smoothing": lambda: train(of(OPTIM.SGD, lr=0.1), mixed(0.1)),
    "clip norm": lambda: train(of(OPTIM.SGD, lr=0.2), clip_norm=0.3),
    "clip value": lambda: train(of(OPTIM.SGD, lr=0.2), clip_value=0.05),
    "clip norm, value": lambda: train(of(OPTIM.Adam, lr=0.02), clip_norm=0.3, clip_value=0.05),
    "batch norm": lambda: train(of(OPTIM.SGD, lr=0.05, momentum=0.9), batch_norm=True),
    "accumulation": lambda: train(of(OPTIM.SGD, lr=0.05, momentum=0.9), accumulate=2),
    "accumulation, clip norm": lambda: train(of(OPTIM.Adam, lr=0.02), accumulate=2, clip_norm=0.3),
    "ema": lambda: train(of(OPTIM.SGD, lr=0.1), average=(0, get_ema_multi_avg_fn(0.9))),
    "swa": lambda: train(of(OPTIM.SGD, lr=0.1), average=(30, get_swa_multi_avg_fn())),
    # A bias before batch normalisation has no gradient but rounding, which Adam would make steps of.
    "ema, batch norm": lambda: train(of(OPTIM.SGD, lr=0.05, momentum=0.9), average=(0, get_ema_multi_avg_fn(0.95)), batch_norm=True),
    "swa, batch norm": lambda: train(of(OPTIM.SGD, lr=0.1), average=(37, get_swa_multi_avg_fn()), batch_norm=True),
}


def main():
    torch.set_num_threads(1)
    cases = {name: [[float(f"{value:.9g}") for value in tensor] for tensor in case()] for name, case in CASES.items()}
    about = "Parameters that PyTorch gave in double precision after 50 steps; made by crates/bench/pytorch/steps.py, which says how."
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(tensors)}" for name, tensors in cases.items())
    print(f'{{"about": {json.dumps(about)},\n"torch": {json.dumps(torch.__version__)},\n"cases": {{\n{lines}\n}}}}')


if __name__ == "__main__":
    main()
