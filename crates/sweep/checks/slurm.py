#!/usr/bin/env python3
"""A sweep on a real Slurm, against the same sweep without one.

    slurm.sh start DIR; SLURM_CONF=DIR/slurm.conf slurm.py PROGRAM WORK; slurm.sh stop DIR

PROGRAM is a built `strata` (configs with `hidden = []` need no other network). Thirty members: one fails (its folder is taken), one is requeued as a preemption
would, one reaches its time limit, one is cancelled, and a node goes down in their midst. What was lost is submitted again, collected, and must be, to
the byte, what a run of the same sweep on this machine alone gives. Then a method that learns: an array of three drivers on the shared journal, one of them requeued, must
propose and run what one driver alone does.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

program, work = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
SWEEP = """base = "base.toml"
method = "random"
budget = { members = 30 }
[keys]
"phases.0.lr" = { low = 1e-4, high = 1e-1, scale = "log" }
[launcher]
cpus = 1
throttle = 4
grace = 15
time = "2"
"""
BASE = """[dataset]
kind = "synthetic"
train = 2000
test = 100
validation = 100
batch = 16
[model]
hidden = []
[[phases]]
epochs = 8
lr = 0.1
"""


def run(*words, check=True):
    done = subprocess.run([str(word) for word in words], cwd=work, text=True, capture_output=True)
    if check and done.returncode != 0:
        sys.exit(f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done


def states(job):
    """Each task's state in squeue, by its number."""
    lines = run("squeue", "-h", "-r", "-j", job, "-o", "%K %T", check=False).stdout.split("\n")
    return {int(line.split()[0]): line.split()[1] for line in lines if line.strip() and line.split()[0].isdigit()}


def until(what, condition, seconds=300):
    end = time.time() + seconds
    while not condition():
        if time.time() > end:
            sys.exit(f"waited in vain until {what}")
        time.sleep(0.3)


def results(runs, sweep="s"):
    members = sorted(path for path in (work / runs / sweep).glob("p*") if path.is_dir())
    return {path.name: [(path / name).read_bytes() for name in ("model.safetensors", "history.jsonl")] for path in members}


def submitted(sweep):
    return run(program, "sweep", sweep, "--launcher", "slurm", "--threads", 1).stdout.split()[1].rstrip(",")


shutil.rmtree(work, ignore_errors=True)
work.mkdir(parents=True)
(work / "base.toml").write_text(BASE)
(work / "s.toml").write_text(SWEEP)
run(program, "sweep", "s.toml", "--runs", "local", "--threads", 1)
expected = results("local")
print(f"local: {len(expected)} members")

script = run(program, "sweep", "s.toml", "--launcher", "slurm", "--dry-run", "--threads", 1).stdout
print(script)
taken = work / "runs/s/p0003-s0"
taken.mkdir(parents=True)
(taken / "config.toml").write_text("seed = 1\n")
job = submitted("s.toml")
history = work / "runs/s/p0000-s0/history.jsonl"
until("a member trains", lambda: history.exists() and history.read_text().count("\n") > 1)
run("scontrol", "requeue", f"{job}_0", check=False)
until("some have ended", lambda: len(list((work / "runs/s").glob("p*/model.safetensors"))) >= 6)
running = [task for task, state in states(job).items() if state == "RUNNING"]
run("scancel", f"{job}_{running[0]}", check=False)
run("scancel", "--signal=USR1", "--batch", f"{job}_{running[-1]}", check=False)
run("scontrol", "update", "nodename=n2", "state=down", "reason=check")
print(f"cancelled {running[0]}, its time limit announced to {running[-1]}, node n2 down")
time.sleep(8)
run("scontrol", "update", "nodename=n2", "state=resume", check=False)
until("the queue is empty", lambda: not states(job), 900)
print(run(program, "sweep", "collect", "s").stdout)
status = run(program, "sweep", "status", "s").stdout
print(status)
if "1 failed" not in status or "p0003-s0 failed: exit code 2: error: " not in status:
    sys.exit("the task that failed is not told")

shutil.rmtree(taken)
job = submitted("s.toml")
until("the queue is empty", lambda: not states(job), 900)
print(run(program, "sweep", "collect", "s").stdout)
found = results("runs")
wrong = [name for name in expected if found.get(name) != expected[name]]
parts = {name: (work / "runs/s" / name / "record.json").read_text().count('"first_epoch"') for name in found}
print(f"{len(found)} members; trained in several parts: {[name for name, count in parts.items() if count > 1]}")
if wrong or len(found) != len(expected):
    sys.exit(f"these differ from the local run: {wrong}")
print("each member is, to the byte, the local run's")

LEARNING = SWEEP.replace('"random"', '"tpe"').replace("members = 30", "members = 16").replace("throttle = 4", "throttle = 3")
(work / "t.toml").write_text(LEARNING)
run(program, "sweep", "t.toml", "--runs", "local", "--threads", 1, "--jobs", 1)
expected = results("local", "t")
print(run(program, "sweep", "t.toml", "--launcher", "slurm", "--dry-run", "--threads", 1).stdout)
job = submitted("t.toml")
journal = work / "runs/t/journal.jsonl"
until("a member has finished", lambda: journal.exists() and '"finished"' in journal.read_text())
run("scontrol", "requeue", f"{job}_1", check=False)
until("the queue is empty", lambda: not states(job), 900)
lines = [json.loads(line) for line in journal.read_text().splitlines()]
drivers = {line["driver"] for line in lines if line["event"] == "claimed"}
ends = [line["point"] for line in lines if line["event"] == "finished"]
print(run(program, "sweep", "status", "t").stdout)
if results("runs", "t") != expected or sorted(ends) != list(range(16)):
    sys.exit(f"the drivers' members differ from those of one driver alone: {sorted(ends)}")
print(f"{len(ends)} members by {len(drivers)} drivers, each finished once: to the byte those of one driver alone")
