"""Where the time of a whole run goes, from program start to exit, by the files that it opens and syncs (strace, Linux).

    python crates/bench/whole_run.py configs/quickstart.toml [--rounds 5] [--program target/release/strata] [-- --set report.page=false …]

What follows `--` is for `strata experiment`. Each figure is the least of the rounds, in milliseconds. A round is two runs, since tracing makes the steps half as long
again: all, steps and evaluations are those of a run by itself, the rest is seen from outside of the other.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LINE = re.compile(r"(?P<pid>\d+) +(?P<time>\d+\.\d+) (?P<call>\w+)\((?P<rest>.*?)(?:<(?P<took>\d+\.\d+)>)?$")
SYNCS = ("fsync", "fdatasync")


def calls(trace):
    """(start, end, call, name of the file or rest of the line), in order."""
    for line in trace.read_text().splitlines():
        found = LINE.match(line)
        if found:
            start, took = float(found["time"]), float(found["took"] or 0)
            path = re.findall(r'"([^"]*)"', found["rest"])
            yield start, start + took, found["call"], Path(path[-1]).name if path else found["rest"]


def parts(trace):
    """Seconds of each part of a traced run."""
    events = list(calls(trace))
    opened = [event for event in events if event[2] == "openat"]
    first = lambda name: next(start for start, _, _, found in opened if found == name)
    written = lambda name: [number for number, e in enumerate(events) if e[2] == "rename" and e[3] == name]
    # The folder is synced after the rename.
    done = lambda name: [next(e[1] for e in events[number:] if e[2] in SYNCS) for number in written(name)]
    # Plots and record are written now and then too: the last time counts.
    begun = lambda name: [e[0] for e in opened if e[3].startswith(".strata-tmp") and e[3].endswith(name)][-1]
    lines = [start for start, _, _, found in opened if found == "history.jsonl"]
    times = [end for _, end, _, found in opened if found == "timing.jsonl"]
    checkpoints = [max(t for t in done("last.safetensors") if t < limit) for limit in [*lines[1:], float("inf")]]
    plots = begun("loss.svg")
    drawn = max(done("loss.svg")[-1], done("accuracy.svg")[-1])
    page = done("report.html")[-1] if written("report.html") else drawn
    rows = {
        "start: command line, config, threads, data, split, inputs, parameters": first("lock") - events[0][0],
        "the run's folder, config and first record": done("record.json")[0] - first("lock"),
        "checkpoints: copies, checksums, files": sum(b - a for a, b in zip(times, checkpoints)),
        "the weights' file": done("model.safetensors")[-1] - checkpoints[-1],
        "the test images": plots - done("model.safetensors")[-1],
        "plots": drawn - plots,
        "page": page - drawn,
        "the last record, end": max(e[1] for e in events) - page,
    }
    rows["of these waiting for the disk (fsync)"] = sum(e[1] - e[0] for e in events if e[2] in SYNCS)
    return rows


def by_itself(run, seconds):
    """Seconds of a run that took `seconds`, by its own clock."""
    timing = [json.loads(line) for line in (run / "timing.jsonl").read_text().splitlines()]
    training = sum(row["training_seconds"] or 0 for row in timing)
    evaluations = sum(row["seconds"] for row in timing) - training
    return {"all": seconds, "training steps, waiting for batches": training, "evaluations, with their lines": evaluations}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--program", default="target/release/strata")
    options = parser.parse_args(sys.argv[1 : sys.argv.index("--")] if "--" in sys.argv else None)
    extra = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
    rounds = []
    for _ in range(options.rounds):
        with tempfile.TemporaryDirectory(dir=".") as folder:
            trace = Path(folder) / "trace"
            strace = ["strace", "-f", "--seccomp-bpf", "-ttt", "-T", "-o", str(trace)]
            strace += ["-e", "trace=execve,openat,fsync,fdatasync,rename,exit_group"]
            run = [options.program, "experiment", options.config, "--plain", "--runs", folder, *extra]
            begin = time.perf_counter()
            subprocess.run([*run, "--name", "alone"], check=True, stdout=subprocess.DEVNULL)
            alone = by_itself(Path(folder) / "alone", time.perf_counter() - begin)
            subprocess.run([*strace, *run, "--name", "traced"], check=True, stdout=subprocess.DEVNULL)
            rounds.append(alone | parts(trace))
    print("| part | ms |\n| --- | --- |")
    for name in rounds[0]:
        print(f"| {name} | {1000 * min(row[name] for row in rounds):.0f} |")


if __name__ == "__main__":
    main()
