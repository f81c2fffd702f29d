#!/usr/bin/env python3
"""Sweeps that are killed, shared and stopped, and sweeps that are wrong, with the real program: longer than a test may take.

    trials.py PROGRAM WORK

PROGRAM is a built `strata` (configs with `hidden = []` need no other network). Forty members whose drivers, and every second time their runs too, are killed with
-9 twenty times; two and three drivers at once, one of them stopped with SIGSTOP; each must end in the weights and histories of a sweep that nothing happened to,
no member finished twice. Then one sweep for each mistake, with the seconds until its error.
"""

import collections
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

program, work = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
BASE = """seed = 43
[dataset]
kind = "synthetic"
train = 1000
test = 50
validation = 50
batch = 16
[model]
hidden = []
[optimizer]
kind = "adam"
[checkpoint]
every_steps = 10
[[phases]]
epochs = 5
lr = 0.1
schedule = "cosine"
"""
SWEEP = """base = "base.toml"
method = "random"
seeds = 2
budget = { members = 40 }
[keys]
"phases.0.lr" = { low = 1e-4, high = 1e-1, scale = "log" }
"""


def start(runs, jobs, name="s.toml"):
    # In a session of its own: of a group whose shell has gone the kernel ends what is stopped (SIGHUP).
    return subprocess.Popen([program, "sweep", name, "--runs", runs, "--jobs", str(jobs)], cwd=work, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True)


def ended(driver):
    errors = driver.communicate()[1]
    if driver.returncode != 0:
        sys.exit(f"exit code {driver.returncode}: {errors}")


def journal(runs):
    path = work / runs / "s/journal.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def finished(runs):
    return sum(line["event"] == "finished" for line in journal(runs))


def results(runs):
    members = sorted(path for path in (work / runs / "s").glob("p*") if path.is_dir())
    return {path.name: [(path / name).read_bytes() for name in ("model.safetensors", "history.jsonl")] for path in members}


def check(runs, what):
    counts = collections.Counter((line["point"], line["seed"]) for line in journal(runs) if line["event"] == "finished")
    claims = collections.Counter((line["point"], line["seed"]) for line in journal(runs) if line["event"] == "claimed")
    if len(counts) != 40 or set(counts.values()) != {1} or results(runs) != expected:
        sys.exit(f"{what}: {len(counts)} members finished, {counts}, equal: {results(runs) == expected}")
    print(f"{what}: 40 members, each finished once, to the byte those of a sweep that nothing happened to; {sum(claims.values())} claims", flush=True)


def runs_of(driver):
    """The processes that a driver started."""
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(driver.pid)], capture_output=True, text=True).stdout
    return [int(word) for word in found.split()]


shutil.rmtree(work, ignore_errors=True)
work.mkdir(parents=True)
(work / "base.toml").write_text(BASE)
(work / "s.toml").write_text(SWEEP)
begin = time.time()
ended(start("whole", 2))
seconds = time.time() - begin
expected = results("whole")
print(f"undisturbed: {len(expected)} members, {seconds:.1f} s", flush=True)

draw = random.Random(1)
kills = 0
while kills < 20:
    before, driver = finished("killed"), start("killed", 2)
    # One further member finishes first, every second time: twenty kills find it before its end, however fast the machine is just then.
    further = before + kills % 2
    while driver.poll() is None and finished("killed") < further:
        time.sleep(0.005)
    time.sleep(draw.random() * min(seconds / 40, 1))
    members = runs_of(driver) if kills % 2 else []
    if driver.poll() is not None:
        sys.exit(f"it ended after {kills} kills: make the sweep longer")
    for process in [driver.pid, *members]:
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            pass
    driver.wait()
    kills += 1
print(f"20 kills, {finished('killed')} members finished by then", flush=True)
ended(start("killed", 2))
check("killed", "killed 20 times")

for count in (2, 3):
    drivers = [start(f"drivers{count}", 1) for _ in range(count)]
    for driver in drivers:
        ended(driver)
    check(f"drivers{count}", f"{count} drivers")

first = start("stopped", 1)
while finished("stopped") < 2:
    time.sleep(0.01)
os.kill(first.pid, signal.SIGSTOP)
others = [start("stopped", 1) for _ in range(2)]
for driver in others:
    ended(driver)
print(f"one of three stopped: the others end with {finished('stopped')} of 40 finished", flush=True)
time.sleep(20)
os.kill(first.pid, signal.SIGCONT)
ended(first)
check("stopped", "one driver stopped until the others had ended, and 20 s more")

LR = '"phases.0.lr" = { low = 1e-4, high = 1e-1, scale = "log" }'
many = ", ".join(str(value) for value in range(1, 217))
for what, old, new in [
    ("a misspelt key", '"phases.0.lr"', '"phases.0.lrr"'),
    ("an empty list", LR, '"phases.0.lr" = []'),
    ("an empty range", LR, '"phases.0.lr" = { low = 0.1, high = 0.1 }'),
    ("a logarithmic range from 0", "low = 1e-4", "low = 0.0"),
    ("a network too large", LR, '"model.hidden" = [[65536, 65536, 65536]]'),
    ("a condition that excludes everything", LR, '"optimizer.kind" = ["sgd"]\n"optimizer.momentum" = { values = [0.9], when = { "optimizer.kind" = "adam" } }'),
    ("ten million combinations", 'method = "random"', f'method = "grid"'),
]:
    text = SWEEP.replace(old, new)
    if what.startswith("ten million"):
        text = text.replace("budget = { members = 40 }\n", "").replace(LR, "\n".join(f'"{key}" = [{many}]' for key in ("dataset.batch", "dataset.evaluation_batch", "phases.0.epochs")))
    (work / "bad.toml").write_text(text)
    begin = time.time()
    done = subprocess.run([program, "sweep", "bad.toml"], cwd=work, capture_output=True, text=True)
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    print(f"{what}: exit code {done.returncode}, {time.time() - begin:.2f} s, {' | '.join(errors)[:300]}", flush=True)
    if len(errors) != 1 or done.returncode != 2 or (work / "runs").exists():
        sys.exit(f"not one clear error: {done.stderr}")
