"""Strata beside PyTorch on this machine: the two programs in turn, round after round, and the medians of their ratios.

    python crates/bench/compare.py step                              # the notebook's network, batches of 128 and 512
    python crates/bench/compare.py step --widths 3072-512-10,3072-777-333-10 --batch 128,1024
    python crates/bench/compare.py step --widths 192-512bn-256bn-10 --optimizer momentum   # batch normalisation after the layers that say bn
    python crates/bench/compare.py step --modes "eager f32"          # beside one mode of PyTorch instead of the best of four
    python crates/bench/compare.py step --precision bf16             # Strata's products of bfloat16
    python crates/bench/compare.py epoch --data cifar-10-batches-bin # both ways of PyTorch: as the notebook, and from tensors
    python crates/bench/compare.py recipe --data cifar-10-batches-bin --configs configs/speedrun.toml   # training by a config, without its test
    python crates/bench/compare.py weights --data cifar-10-batches-bin   # 200 steps from one start: how far the weights are apart

Steps are set beside each mode of PyTorch (eager and compiled, f32 and bfloat16), and the ratio is to the fastest of them, which is named.

A round counts only on a quiet machine: it starts when the processors have been idle for a second, and it is thrown away
where other processes took more than a twentieth of the processors' time meanwhile (--busy takes it all the same).
"""

import argparse
import json
import os
import pathlib
import platform
import subprocess
import sys
import tempfile
import time
from statistics import median

ROOT = pathlib.Path(__file__).resolve().parents[2]
NOTEBOOK = "3072-2048-1024-64-10"
# They tune OpenBLAS for another processor and slow PyTorch's products where they are set.
HARMFUL = ["OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"]
# What Strata's programs ask of glibc at their start.
HUGE_PAGES = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
QUIET = 0.05
MODES = ["eager f32", "compiled f32", "eager bf16", "compiled bf16"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["step", "epoch", "recipe", "weights"])
    parser.add_argument("--widths", default=NOTEBOOK, help="networks, separated by commas")
    parser.add_argument("--batch", help="samples a step, separated by commas; 128,512 for steps, 128 for weights by default")
    parser.add_argument("--lr", default="0.1", help="the learning rate of weights' steps")
    parser.add_argument("--steps", default="200", help="how many steps weights take")
    parser.add_argument("--seed", default="43", help="what weights' start and batches are drawn from")
    parser.add_argument("--seconds", default="2", help="of a program in a round of steps")
    parser.add_argument("--data", help="the folder of CIFAR-10's .bin files, for epochs and weights")
    parser.add_argument("--configs", default="configs/speedrun.toml", help="recipes, separated by commas")
    parser.add_argument("--epochs", help="of a recipe, in place of the config's")
    parser.add_argument("--way", choices=["tensors", "notebook", "both"], default="both")
    parser.add_argument("--modes", default=",".join(MODES), help="PyTorch's ways to make a step, separated by commas")
    parser.add_argument("--optimizer", choices=["sgd", "momentum"], default="sgd", help="in steps, of both")
    parser.add_argument("--precision", choices=["f32", "bf16"], default="f32", help="of Strata's products in steps")
    parser.add_argument("--huge-pages", action="store_true", help="ask for huge pages in PyTorch's steps too")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", default="2")
    parser.add_argument("--python", default=sys.executable, help="a Python that has PyTorch")
    parser.add_argument("--patience", type=float, default=600, help="seconds to wait for a quiet machine in all")
    parser.add_argument("--busy", action="store_true", help="take rounds on a busy machine too")
    arguments = parser.parse_args()
    if arguments.what in ("epoch", "recipe") and not arguments.data:
        parser.error(f"{arguments.what} needs --data")
    arguments.modes = arguments.modes.split(",")
    if unknown := [mode for mode in arguments.modes if mode not in MODES]:
        parser.error(f"--modes: {unknown[0]!r} is none of {', '.join(MODES)}")
    print(f"{processor()}, {os.cpu_count()} processors, commit {commit()}\n", flush=True)
    {"step": steps, "epoch": epochs, "recipe": recipes, "weights": weights}[arguments.what](arguments)


def steps(arguments):
    pages = HUGE_PAGES if arguments.huge_pages else {}
    patience = Patience(arguments)
    header("step, ms", "widths, batch", "PyTorch's fastest mode")
    for widths in arguments.widths.split(","):
        for batch in (arguments.batch or "128,512").split(","):
            options = ["--widths", widths, "--batch", batch, "--seconds", arguments.seconds, "--threads", arguments.threads]
            options += ["--optimizer", arguments.optimizer]
            ours = bench("step", *options, "--precision", arguments.precision)
            theirs = [arguments.python, "-B", script("step.py"), *options]
            modes = {mode: [*theirs, "--way", mode.split()[0], "--precision", mode.split()[1]] for mode in arguments.modes}
            # Builds the network where it must, outside of the rounds.
            step(bench("step", "--widths", widths, "--batch", "2", "--seconds", "0"))
            sides = {mode: lambda command=command: step(command, **pages) for mode, command in modes.items()}
            compare(f"{widths}, {batch}", lambda: step(ours), sides, arguments, patience)


def epochs(arguments):
    ours = [strata(), "experiment", "configs/a.toml", "--device", "cpu", "--data", arguments.data, "--threads",
            arguments.threads, "--set", "phases=[{epochs=1,lr=0.1}]"]
    patience = Patience(arguments)
    header("epoch, s", "PyTorch's way")
    for way in ["notebook", "tensors"] if arguments.way == "both" else [arguments.way]:
        theirs = [arguments.python, "-B", script("epoch.py"), "--data", arguments.data, "--way", way,
                  "--threads", arguments.threads]
        compare(way, lambda: strata_epoch(ours), {"": lambda: pytorch_epoch(theirs)}, arguments, patience)


def recipes(arguments):
    """Training by a config: seconds of all epochs, validation and, of ours, checkpoints included; neither the images' preparation nor the test."""
    patience = Patience(arguments)
    header("training, s", "config")
    data = str(pathlib.Path(arguments.data).absolute())
    for config in arguments.configs.split(","):
        options = ["--data", data, "--threads", arguments.threads]
        sets = ["--set", "evaluation.test=false"]
        theirs = [arguments.python, "-B", script("recipe.py"), "--config", config, *options]
        if arguments.epochs:
            sets += ["--set", f"phases.0.epochs={arguments.epochs}"]
            theirs += ["--epochs", arguments.epochs]
        ours = [strata(), "experiment", config, "--device", "cpu", *options, *sets]
        compare(config, lambda: strata_recipe(ours), {"": lambda: pytorch_recipe(theirs)}, arguments, patience)


def weights(arguments):
    """A table for each network and batch: how far the weights of both, of dfdx and of double precision are apart."""
    data = ["--data", str(pathlib.Path(arguments.data).absolute())] if arguments.data else []
    for widths in arguments.widths.split(","):
        for batch in (arguments.batch or "128").split(","):
            options = ["--widths", widths, "--batch", batch, "--lr", arguments.lr, "--steps", arguments.steps,
                       "--seed", arguments.seed, "--threads", arguments.threads, *data]
            with tempfile.TemporaryDirectory() as folder:
                run(bench("weights", *options, "--out", folder))
                table, _ = run([arguments.python, "-B", script("weights.py"), *options, "--ours", folder])
            print(f"{widths}, batch {batch}, {arguments.steps} steps of {arguments.lr}, seed {arguments.seed}, "
                  f"{'CIFAR-10' if data else 'images of a formula'}:\n\n{table}", flush=True)


def header(unit, what, *named):
    columns = [what, f"Strata, {unit}", f"PyTorch, {unit}", "ratio", "rounds' ratios", "peak memory, MB", *named]
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}", flush=True)


def compare(name, ours, theirs, arguments, patience):
    """Rounds of all in turn, whoever goes first changing, and a row of a table: beside the fastest of `theirs`, by its median."""
    sides = {"Strata": ours, **theirs}
    rounds = []
    while len(rounds) < arguments.rounds:
        order = list(sides)
        order = order if len(rounds) % 2 == 0 else order[::-1]
        results = {}
        for side in order:
            results[side] = patience.quietly(sides[side])
            if results[side] is None:
                break
        else:
            rounds.append(results)
            continue
        if patience.is_over():
            break
    if not rounds:
        print(f"| {name} | no quiet round in {arguments.patience:.0f} s |", flush=True)
        return
    medians = {side: median(round[side]["value"] for round in rounds) for side in sides}
    fastest = min(theirs, key=medians.get)
    ratios = sorted(round["Strata"]["value"] / round[fastest]["value"] for round in rounds)
    peaks = [max(round[side]["peak_mb"] for round in rounds) for side in ("Strata", fastest)]
    others = ", ".join(f"{side} {medians[side]:.3g}" for side in theirs if side != fastest)
    named = f" {fastest} ({others}) |" if others else f" {fastest} |" if fastest else ""
    print(
        f"| {name} | {medians['Strata']:.3g} | {medians[fastest]:.3g} | {median(ratios):.2f} | "
        f"{' '.join(f'{ratio:.2f}' for ratio in ratios)} | {peaks[0]:.0f}, {peaks[1]:.0f} |{named}",
        flush=True,
    )


class Patience:
    """Waits for a quiet machine, and tells whether it stayed so."""

    def __init__(self, arguments):
        self.left, self.busy = arguments.patience, arguments.busy

    def is_over(self):
        return self.left <= 0

    def quietly(self, program):
        """The program's result, or none where others disturbed it or the patience is over."""
        if self.busy:
            return program()
        while True:
            before, own = processor_time()
            time.sleep(1)
            after, own_after = processor_time()
            if after - before - (own_after - own) < 0.1 * os.cpu_count():
                break
            self.left -= 1
            if self.is_over():
                return None
        begin, (before, own) = time.perf_counter(), processor_time()
        result = program()
        seconds, (after, own_after) = time.perf_counter() - begin, processor_time()
        others = after - before - (own_after - own)
        if others > QUIET * seconds * os.cpu_count():
            self.left -= seconds
            return None
        return result


def processor_time():
    """Seconds that all processors were not idle (stolen ones count), and those that our finished children took."""
    with open("/proc/stat") as file:
        user, nice, system, _, _, irq, softirq, steal = map(int, file.readline().split()[1:9])
    own = os.times()
    ticks = os.sysconf("SC_CLK_TCK")
    return (user + nice + system + irq + softirq + steal) / ticks, own.children_user + own.children_system


def run(command, **variables):
    """Standard output and peak memory in MB of a command that must succeed."""
    environment = {name: value for name, value in os.environ.items() if name not in HARMFUL} | variables
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.PIPE, env=environment, cwd=ROOT)
        errors = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            sys.exit(f"{' '.join(map(str, command))} failed: {errors.decode(errors='replace')}")
        output.seek(0)
        return output.read().decode(), usage.ru_maxrss * 1024 / 1e6


def step(command, **variables):
    text, _ = run(command, **variables)
    result = json.loads(text)
    return {"value": result["median_ms"], "peak_mb": result["peak_mb"]}


def bench(*arguments):
    """Strata's side of a comparison: builds what it lacks, then becomes the program that is timed."""
    return ["cargo", "xtask", "bench", *arguments]


def strata_epoch(command):
    """The seconds of the epoch that the run's own history tells: training pass, validation, and its checkpoint."""
    with tempfile.TemporaryDirectory() as folder:
        _, peak = run([*command, "--runs", folder, "--name", "epoch"])
        record = json.loads((pathlib.Path(folder) / "epoch" / "record.json").read_text())
    return {"value": record["history"][1]["seconds"], "peak_mb": peak}


def strata_recipe(command):
    with tempfile.TemporaryDirectory() as folder:
        _, peak = run([*command, "--runs", folder, "--name", "recipe"])
        record = json.loads((pathlib.Path(folder) / "recipe" / "record.json").read_text())
    # The first line is the initial evaluation, which PyTorch's side does not make.
    return {"value": sum(line["seconds"] for line in record["history"][1:]), "peak_mb": peak}


def pytorch_recipe(command):
    text, _ = run(command)
    result = json.loads(text)
    return {"value": result["seconds"], "peak_mb": result["peak_mb"]}


def pytorch_epoch(command):
    text, _ = run(command)
    result = json.loads(text)
    return {"value": result["seconds"][0], "peak_mb": result["peak_mb"]}


def strata():
    """The program, built."""
    command = ["cargo", "build", "--release", "--package", "strata", "--message-format", "json-render-diagnostics"]
    output = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout
    messages = map(json.loads, output.splitlines())
    executables = [message["executable"] for message in messages if message.get("executable")]
    return executables[-1]


def script(name):
    return str(ROOT / "crates" / "bench" / "pytorch" / name)


def commit():
    def git(*arguments):
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True).stdout.strip()

    return git("rev-parse", "--short", "HEAD") + (" and changes" if git("status", "--porcelain") else "")


def processor():
    with open("/proc/cpuinfo") as file:
        names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return names[0] if names else platform.processor()


if __name__ == "__main__":
    main()
