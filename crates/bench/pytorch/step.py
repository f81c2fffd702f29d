"""The time of a whole training step in PyTorch: forward, cross entropy, backward, plain SGD, on random pixels.

Prints what Strata's step bench prints: one line of JSON, or with --products a line for each product of the step.

    python step.py --widths 3072-2048-1024-64-10 --batch 128 --way compiled --precision bf16
    python step.py --widths 192-512bn-256bn-10 --batch 256 --optimizer momentum     # batch normalisation after the layers that say bn

Compiled is the network and its loss; the optimizer is PyTorch's own, whose update is one call for all tensors. In bfloat16 the products are, by
autocast, and everything that stays is in f32.
"""

import argparse
import json
import resource
import time
from statistics import median

import torch
from torch.nn import functional as F

from notebook import CLASSES, Classifier


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--widths", default="3072-2048-1024-64-10")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--warmup", type=int, default=5)
    parser.add_argument("--way", choices=["eager", "compiled"], default="eager")
    parser.add_argument("--precision", choices=["f32", "bf16"], default="f32")
    parser.add_argument("--optimizer", choices=["sgd", "momentum"], default="sgd")
    parser.add_argument("--products", action="store_true", help="time each product instead of the whole step")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(43)
    normalised = [layer.endswith("bn") for layer in arguments.widths.split("-")]
    widths = [int(layer.removesuffix("bn")) for layer in arguments.widths.split("-")]
    images = torch.rand(arguments.batch, widths[0])
    labels = torch.randint(CLASSES, (arguments.batch,))
    if arguments.products:
        return products(widths, images, arguments)

    model = normalised_network(widths, normalised) if any(normalised) else Classifier(widths)
    numbers = {"lr": 1e-3, "momentum": 0.9 if arguments.optimizer == "momentum" else 0.0}
    optimizer = torch.optim.SGD(model.parameters(), **numbers)
    losses = []

    def loss_of(batch):
        with torch.autocast("cpu", torch.bfloat16, enabled=arguments.precision == "bf16"):
            return F.cross_entropy(model(batch), labels)

    if arguments.way == "compiled":
        loss_of = torch.compile(loss_of)

    def work(batch):
        loss = loss_of(batch)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.detach())

    # The batch is made again each time, as a loader does, and not timed.
    times = repeat(arguments, images.clone, work)
    assert torch.stack(losses).isfinite().all()
    operations = sum(
        (2 if place == 0 else 3) * 2 * arguments.batch * inputs * outputs
        for place, (inputs, outputs) in enumerate(zip(widths, widths[1:]))
    )
    print(json.dumps({
        "median_ms": round(median(times) * 1e3, 4),
        "least_ms": round(min(times) * 1e3, 4),
        "gflops": round(operations / median(times) / 1e9, 1),
        "steps": len(times),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6),
    }))


def normalised_network(widths, normalised):
    """Linear layers, batch normalisation and a rectifier after those that say so, a rectifier after the other hidden ones."""
    layers = []
    for place, (inputs, outputs) in enumerate(zip(widths, widths[1:]), 1):
        layers.append(torch.nn.Linear(inputs, outputs))
        if place < len(widths) - 1:
            layers += [torch.nn.BatchNorm1d(outputs)] if normalised[place] else []
            layers.append(torch.nn.ReLU())
    return torch.nn.Sequential(*layers)


def repeat(arguments, prepare, work):
    """Times `work` until the seconds are over, at least three times; seconds each."""
    for _ in range(arguments.warmup):
        work(prepare())
    times, start = [], time.perf_counter()
    while len(times) < 3 or time.perf_counter() - start < arguments.seconds:
        batch = prepare()
        begin = time.perf_counter()
        work(batch)
        times.append(time.perf_counter() - begin)
    return times


@torch.no_grad()
def products(widths, images, arguments):
    """The products one by one, in a step's order, so that each finds its operands as cold as it does there."""
    layers = []
    for inputs, outputs in zip(widths, widths[1:]):
        layers.append({
            "shape": (inputs, outputs),
            "x": torch.randn(arguments.batch, inputs) * 1e-2,
            "weight": torch.randn(outputs, inputs) * 1e-2,
            "bias": torch.zeros(outputs),
            "y": torch.empty(arguments.batch, outputs),
            "dx": torch.empty(arguments.batch, inputs),
            "gradient": torch.empty(outputs, inputs),
            "times": {"forward": [], "input gradient": [], "weight gradient": [], "update": []},
        })

    def clock(times, work):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)

    def step(_):
        for layer in layers:
            clock(layer["times"]["forward"], lambda: torch.addmm(layer["bias"], layer["x"], layer["weight"].T, out=layer["y"]))
        for place, layer in reversed(list(enumerate(layers))):
            if place > 0:
                clock(layer["times"]["input gradient"], lambda: torch.mm(layer["y"], layer["weight"], out=layer["dx"]))
            clock(layer["times"]["weight gradient"], lambda: torch.mm(layer["y"].T, layer["x"], out=layer["gradient"]))
        # The optimizer comes after the whole backward pass.
        for layer in layers:
            clock(layer["times"]["update"], lambda: layer["weight"].add_(layer["gradient"], alpha=-1e-6))

    repeat(arguments, images.clone, step)
    total = 0.0
    for place, layer in enumerate(layers, 1):
        inputs, outputs = layer["shape"]
        for what, times in layer["times"].items():
            if not times:
                continue
            seconds = median(times)
            total += seconds
            rate = "" if what == "update" else f", {2 * arguments.batch * inputs * outputs / seconds / 1e9:.0f} GFLOP/s"
            print(f"layer{place} {inputs}-{outputs} {what}: {seconds * 1e3:.3f} ms{rate}")
    print(f"all: {total * 1e3:.3f} ms")


if __name__ == "__main__":
    main()
