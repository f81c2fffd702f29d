#!/usr/bin/env python3
"""TPE and CMA-ES against random draws on a search that trains: twenty repetitions of each, the best value so far after each member.

    against_random.py PROGRAM CIFAR-10-BATCHES-BIN WORK [SVG]

PROGRAM is a `strata` built with the feature `cma-es` and the network `192, 256 batch_norm relu, 10` (a line of target/architectures.txt). Needs numpy. The images are 3,000 of CIFAR-10 to train on
and 2,000 for validation, so that a member takes half a second. Prints a table of means and deviations, and draws the curves.
"""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

program, images, work = (Path(word).resolve() for word in sys.argv[1:4])
drawing = Path(sys.argv[4]) if len(sys.argv) > 4 else None
METHODS = {"random": ("random draws", "#57606a", ""), "tpe": ("tpe", "#0b62c4", ""), "cma_es": ("cma_es", "#c2410c", "6 3")}
REPETITIONS, MEMBERS = 20, 28
BASE = """[dataset]
kind = "arrays"
path = "cifar.npz"
shape = [3, 32, 32]
classes = 10
train = 5000
validation = 2000
test = 100
batch = 64
evaluation_batch = 1000
input = "frequencies"
coefficients = 64
[model]
network = "256 batch_norm relu"
[optimizer]
kind = "sgd"
momentum = 0.9
[evaluation]
test = false
[[phases]]
epochs = 2
lr = 0.1
schedule = "one_cycle"
warmup = 0.2
"""
SWEEP = """base = "base.toml"
method = "METHOD"
seed = SEED
seeds = [SEED]
objective = "val_acc"
budget = { members = MEMBERS }
[keys]
"phases.0.lr" = { low = 1e-4, high = 1.0, scale = "log" }
"optimizer.momentum" = { low = 0.0, high = 0.98 }
"optimizer.weight_decay" = { low = 1e-5, high = 1e-1, scale = "log" }
"loss.label_smoothing" = { low = 0.0, high = 0.4 }
"dataset.power" = { low = 0.0, high = 1.0 }
"""


def arrays():
    records = np.fromfile(images / "data_batch_1.bin", np.uint8).reshape(-1, 3073)
    pixels, labels = records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), records[:, 0].astype(np.int64)
    parts = {"train": slice(0, 3000), "validation": slice(3000, 5000), "test": slice(5000, 5100)}
    named = {f"x_{part}": np.ascontiguousarray(pixels[rows]) for part, rows in parts.items()}
    np.savez(work / "cifar.npz", **named, **{f"y_{part}": labels[rows] for part, rows in parts.items()})


def values(method, seed):
    """Each member's validation accuracy, in the order of the points."""
    name = f"{method}{seed}"
    text = SWEEP.replace("METHOD", method).replace("SEED", str(seed)).replace("MEMBERS", str(MEMBERS))
    (work / f"{name}.toml").write_text(text)
    done = subprocess.run([program, "sweep", f"{name}.toml", "--jobs", "2"], cwd=work, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(done.stderr)
    lines = [json.loads(line) for line in (work / "runs" / name / "journal.jsonl").read_text().splitlines()]
    found = {line["point"]: line["value"] for line in lines if line["event"] == "finished"}
    # Runs are many and of no further use.
    shutil.rmtree(work / "runs" / name)
    return [found[point] for point in range(MEMBERS)]


def draw(curves):
    """Means and deviations as a picture, and as a table."""
    low = min((mean - spread)[3] for mean, spread in curves.values())
    high = max((mean + spread).max() for mean, spread in curves.values()) + 0.003
    x = lambda number: 46 + (number - 1) / (MEMBERS - 1) * 430
    y = lambda value: 236 - (max(value, low) - low) / (high - low) * 220
    svg = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 490 290" font-family="sans-serif" font-size="11"><rect width="490" height="290" fill="#fff"/>'
    for tick in np.arange(np.ceil(low * 100) / 100, high, 0.01):
        svg += f'<path d="M46 {y(tick):.1f}H476" stroke="#d0d7de"/><text x="40" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:.2f}</text>'
    for number in range(4, MEMBERS + 1, 4):
        svg += f'<text x="{x(number):.1f}" y="252" text-anchor="middle">{number}</text>'
    for place, (method, (mean, spread)) in enumerate(curves.items()):
        name, colour, dashes = METHODS[method]
        there = [(x(number + 1), value) for number, value in enumerate(mean + spread)]
        back = [(x(number + 1), value) for number, value in enumerate(mean - spread)][::-1]
        area = " ".join(f"{at:.1f},{y(value):.1f}" for at, value in there + back)
        line = " ".join(f"{x(number + 1):.1f},{y(value):.1f}" for number, value in enumerate(mean))
        svg += f'<polygon points="{area}" fill="{colour}" opacity="0.13"/><polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dashes}"/>'
        svg += f'<path d="M{60 + 120 * place} 276h24" stroke="{colour}" stroke-width="2" stroke-dasharray="{dashes}"/><text x="{88 + 120 * place}" y="280">{name}</text>'
    svg += f'<text x="476" y="266" text-anchor="end">members</text></svg>\n'
    drawing.write_text(svg)


shutil.rmtree(work, ignore_errors=True)
work.mkdir(parents=True)
(work / "base.toml").write_text(BASE)
arrays()
best = {method: [] for method in METHODS}
begin = time.time()
for seed in range(REPETITIONS):
    for method in METHODS:
        best[method].append(np.maximum.accumulate(values(method, seed)))
    print(f"{seed + 1} repetitions, {time.time() - begin:.0f} s", flush=True)
    (work / "best.json").write_text(json.dumps({method: [list(curve) for curve in found] for method, found in best.items()}))
curves = {method: (np.mean(found, 0), np.std(found, 0, ddof=1)) for method, found in best.items()}
print("members " + " ".join(f"{method:>16}" for method in METHODS))
for number in [4, 8, 12, 16, 20, 24, 28]:
    print(f"{number:7} " + " ".join(f"{mean[number - 1]:.4f} ± {spread[number - 1]:.4f}" for mean, spread in curves.values()))
for method in list(METHODS)[1:]:
    against = np.array(best[method])[:, -1] - np.array(best["random"])[:, -1]
    print(f"{method} less random, pair by pair: {against.mean():.4f} ± {against.std(ddof=1):.4f}, higher in {(against > 0).sum()}, lower in {(against < 0).sum()} of {REPETITIONS}")
    reached = [int(np.argmax(curve >= other[-1])) + 1 if curve[-1] >= other[-1] else MEMBERS + 1 for curve, other in zip(best[method], best["random"])]
    print(f"{method} reaches random's best after {np.median(reached):.0f} members (median)")
if drawing:
    draw(curves)
