"""Everything that is to be known of a CUDA build on a card, within nine minutes: run it in the folder that the pack was unpacked into.

    python3 prove.py --out results

Each part's result is written as it comes, to results/N-part.txt; at the end results/table.md holds one Markdown table. A part that fails, or
for which no time is left, says so and lets the next begin. Needs the driver, cuBLAS and NVRTC; PyTorch and compute-sanitizer where they are.
"""

import argparse
import glob
import json
import pathlib
import re
import shutil
import subprocess
import sys
import time
from statistics import median

from proof import HERE, PROGRAM, Missing, Proof, last_line


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("results"))
    parser.add_argument("--seconds", type=float, default=540, help="for everything")
    parser.add_argument("--data", help="the folder of CIFAR-10's .bin files; without it, synthetic images of its shape and number")
    parser.add_argument("--images", type=int, default=50_000, help="synthetic training images")
    parser.add_argument("--batches", default="128,1024")
    parser.add_argument("--stand-in", action="store_true", help="the card is an emulator, which is slow: fewer images and epochs, a small network, no PyTorch")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    arguments.out = arguments.out.resolve()
    proof = Proof(arguments)
    for part in (names, tests, quick_start, kill_and_resume, notebook, speed, calls, memory, sanitizer):
        proof.do(part)
    proof.table()
    sys.exit(1 if proof.failed else 0)


def names(proof):
    """card"""
    proof.row("commit", (HERE / "COMMIT").read_text().strip())
    columns = "name,driver_version,memory.total,compute_cap"
    if not shutil.which("nvidia-smi"):
        raise Missing("no nvidia-smi")
    output = proof.run(["nvidia-smi", f"--query-gpu={columns}", "--format=csv,noheader"])
    proof.row(names.__doc__, output.strip().replace("\n", "; "))


def tests(proof):
    """CUDA tests"""
    for program in sorted(glob.glob(str(HERE / "tests" / "*"))):
        output = proof.run([program, "--ignored", "--test-threads", "1"], 180)
        result = re.search(r"test result: (.*?);.*finished in (.*)", output)
        proof.row(f"{tests.__doc__}, {pathlib.Path(program).name}", f"{result[1]}, {result[2]}" if result else last_line(output.encode()))


def quick_start(proof):
    """quick start, card and CPU"""
    records = {device: proof.experiment(f"quickstart-{device}", "quickstart", device, proof.fewer(2)) for device in ("cuda", "cpu")}
    metrics = {device: record["metrics"] for device, record in records.items()}
    if abs(metrics["cuda"]["val_loss"] - metrics["cpu"]["val_loss"]) > 5e-3:
        raise RuntimeError(f"validation losses {metrics['cuda']['val_loss']} and {metrics['cpu']['val_loss']}")
    proof.row(quick_start.__doc__, "; ".join(
        f"{device}: val_loss {values['val_loss']:.5f}, test_acc {values['test_acc']:.4f}, {values['seconds']:.2f} s"
        for device, values in metrics.items()))


def kill_and_resume(proof):
    """kill -9 and resume"""
    epochs = 8 if proof.arguments.stand_in else 40
    sets = [*proof.fewer(), f"phases=[{{epochs={epochs},lr=0.05}}]", "checkpoint.every_steps=5"]
    whole = proof.experiment("whole", "quickstart", "cuda", sets)
    seconds, kills = whole["metrics"]["seconds"], 0
    command = proof.command("killed", "quickstart", "cuda", sets)
    folder = proof.out / "runs" / "killed"
    while kills < 3:
        process = subprocess.Popen([str(word) for word in command], cwd=HERE, env=proof.environment,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        # From the moment that the folder is there: a program on a card takes a while to start.
        while process.poll() is None and not (folder / "history.jsonl").exists():
            time.sleep(0.01)
        time.sleep(0.25 * seconds)
        if process.poll() is not None:
            break
        process.kill()
        process.wait()
        kills += 1
        command = [PROGRAM, "resume", folder, "--device", "cuda"]
    if kills == 0:
        raise RuntimeError("the run ended before it could be killed")
    if proof.record("killed")["status"] != "finished":
        proof.run([PROGRAM, "resume", folder, "--device", "cuda"])
    killed = proof.record("killed")
    apart = max(abs(a["val_loss"] - b["val_loss"]) for a, b in zip(whole["history"], killed["history"], strict=True))
    if not apart < 0.05:
        raise RuntimeError(f"{kills} kills: validation losses are {apart} apart")
    proof.row(kill_and_resume.__doc__, f"{kills} kills; {epochs} epochs' validation losses within {apart:.1e} of a run never stopped")


def notebook(proof):
    """a.toml, first two phases"""
    sets, data = proof.images()
    first, second = (2, 1) if proof.arguments.stand_in else (20, 10)
    command = proof.command("notebook", "a", "cuda", [f"phases=[{{epochs={first},lr=0.1}},{{epochs={second},lr=0.001}}]", *sets]) + data
    proof.run(command, 150)
    metrics = proof.record("notebook")["metrics"]
    rate = median(samples_a_second(proof, "notebook"))
    what = "CIFAR-10" if data else f"{proof.arguments.images} synthetic images"
    proof.row(notebook.__doc__, f"{what}: {first + second} epochs in {metrics['seconds']:.1f} s, {rate:,.0f} samples a second in training, "
                                f"val_acc {metrics['val_acc']:.4f}, test_acc {metrics['test_acc']:.4f}")


def samples_a_second(proof, name):
    """Of each epoch's training."""
    lines = (proof.out / "runs" / name / "timing.jsonl").read_text().splitlines()
    return [time["samples_per_second"] for time in map(json.loads, lines) if time["epoch"] is not None]


def speed(proof):
    """steps a second"""
    sets, data = proof.images()
    for batch in map(int, proof.arguments.batches.split(",")):
        name = f"speed-{batch}"
        epochs = 2 if proof.arguments.stand_in else 6
        command = proof.command(name, "a", "cuda", [f"phases=[{{epochs={epochs},lr=0.01}}]", f"dataset.batch={batch}", *sets]) + data
        proof.run(command, 60)
        # The first epoch loads modules and fills pools.
        ours = median(samples_a_second(proof, name)[1:]) / batch
        proof.row(f"{speed.__doc__}, batch {batch}, Strata f32", f"{ours:,.0f}")
        if proof.arguments.stand_in:
            continue
        for way in ("eager", "compiled", "graph"):
            for precision in ("f32", "tf32", "bf16"):
                what = f"{speed.__doc__}, batch {batch}, PyTorch {way} {precision}"
                try:
                    command = [sys.executable, "torch_steps.py", "--batch", batch, "--way", way, "--precision", precision]
                    output = proof.run(command, 60)
                    theirs = json.loads(output.strip().splitlines()[-1])["steps_a_second"]
                    proof.row(what, f"{theirs:,.0f} (Strata takes {theirs / ours:.2f} of its time)")
                except (Missing, RuntimeError, ValueError) as error:
                    proof.row(what, f"left out: {error}")


def calls(proof):
    """calls of the driver a step"""
    library = HERE / "calls.so"
    if not library.exists():
        raise Missing("the pack has no calls.so")
    counts, steps = [], 10 if proof.arguments.stand_in else 100
    for epochs in (1, 2):
        sets = [f"phases=[{{epochs={epochs},lr=0.01}}]", "dataset.kind=synthetic", f"dataset.train={32 * steps + 32}", "dataset.test=32",
                "dataset.validation=32", "dataset.batch=32"]
        file = proof.out / f"calls-{epochs}.txt"
        proof.experiment(f"calls-{epochs}", "quickstart", "cuda", sets, CALLS=file, LD_PRELOAD=library)
        counts.append({name: int(count) for name, count in (line.split() for line in file.read_text().splitlines())})
    a_step = {name: (counts[1][name] - counts[0][name]) / steps for name in counts[0]}
    told = [f"{name.removesuffix('_v2')} {count:.2f}" for name, count in a_step.items() if count > 0]
    if not told:
        raise RuntimeError("nothing was counted")
    proof.row(calls.__doc__, ", ".join(told))


def memory(proof):
    """memory of the card"""
    used = [used_memory()]
    sets, data = proof.images()
    command = proof.command("memory", "a", "cuda", ["phases=[{epochs=8,lr=0.01}]", *sets]) + data
    process = subprocess.Popen([str(word) for word in command], cwd=HERE, env=proof.environment,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while process.poll() is None and proof.left() > 2:
            used.append(used_memory())
            time.sleep(0.1)
    finally:
        process.kill()
        process.wait()
    after = used_memory()
    proof.row(memory.__doc__, f"a.toml uses {max(used) - after} MiB at most ({after} MiB without it)")


def used_memory():
    """MiB of the card's memory that are in use, by anybody."""
    if not shutil.which("nvidia-smi"):
        raise Missing("no nvidia-smi")
    query = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits"]
    told = subprocess.run(query, capture_output=True, text=True).stdout.split()
    if not told or not told[0].isdigit():
        raise Missing(f"nvidia-smi says {' '.join(told) or 'nothing'}")
    return int(told[0])


def sanitizer(proof):
    """compute-sanitizer"""
    tool = shutil.which("compute-sanitizer") or next(iter(glob.glob("/usr/local/cuda*/bin/compute-sanitizer")), None)
    if not tool:
        raise Missing("there is none here")
    sets = ["phases=[{epochs=1,lr=0.01}]", "dataset.kind=synthetic", "dataset.train=96", "dataset.test=32", "dataset.validation=32",
            "dataset.batch=64"]
    command = [tool, "--tool", "memcheck", "--error-exitcode", "9", *proof.command("sanitizer", "quickstart", "cuda", sets)]
    output = proof.run(command, 120)
    summary = [line for line in output.splitlines() if "ERROR SUMMARY" in line]
    proof.row(sanitizer.__doc__, summary[-1].strip("= ") if summary else last_line(output.encode()))


if __name__ == "__main__":
    main()
