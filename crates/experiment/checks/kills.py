"""Kills runs and the packing of a folder's images by -9 at random moments, goes on with them, and holds what comes out against what was left alone.

    python crates/experiment/checks/kills.py target/release/strata 20 CONFIG FOLDER-CONFIG [--data DIR] [--set …]

CONFIG is trained with event files; half of the kills fall where its page and weights are written. FOLDER-CONFIG is one of `dataset.kind = "images"`, whose pack is also damaged and cut
short. Needs tensorboard.
"""

import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

PROGRAM, COUNT, CONFIG, FOLDER, *FURTHER = sys.argv[1:]
COUNT = int(COUNT)
RUNS = pathlib.Path(tempfile.mkdtemp())
TRAIN = [PROGRAM, "experiment", CONFIG, "--runs", str(RUNS), "--set", "report.tensorboard=true", *FURTHER]
QUIET = dict(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def result(run):
    events = EventAccumulator(str(run / "tensorboard"), size_guidance={"scalars": 0})
    events.Reload()
    tags = [tag for tag in events.Tags()["scalars"] if "rate" not in tag and "seconds" not in tag]
    scalars = {tag: [(event.step, event.value) for event in events.Scalars(tag)] for tag in tags}
    return [(run / name).read_bytes() for name in ("model.safetensors", "history.jsonl")], scalars


def page_is_whole(run):
    return (run / "report.html").read_text().rstrip().endswith("</html>")


def runs():
    start = time.monotonic()
    subprocess.run([*TRAIN, "--name", "whole"], check=True, **QUIET)
    length, expected = time.monotonic() - start, result(RUNS / "whole")
    resumed = 0
    for number in range(COUNT):
        run = RUNS / f"k{number}"
        process = subprocess.Popen([*TRAIN, "--name", run.name], **QUIET)
        if number % 2:
            time.sleep(random.uniform(0, length))
        else:
            while process.poll() is None and not any("report.html" in file.name for file in (run.iterdir() if run.exists() else ())):
                time.sleep(0.0005)
            time.sleep(random.uniform(0, 0.03))
        process.kill()
        process.wait()
        assert not (run / "report.html").exists() or page_is_whole(run), run
        if not (run / "config.toml").exists():
            subprocess.run([*TRAIN, "--name", run.name], check=True, **QUIET)
        elif '"finished"' not in (run / "record.json").read_text() if (run / "record.json").exists() else True:
            subprocess.run([PROGRAM, "resume", str(run)], check=True, **QUIET)
            resumed += 1
        assert result(run) == expected and page_is_whole(run), run
        assert not [file for file in run.rglob("*") if ".tmp" in file.name], run
    print(f"{COUNT} runs killed, {resumed} resumed: weights, history and event files the same, every page whole")


def packs():
    cache = RUNS / "cache"
    env = {**os.environ, "XDG_CACHE_HOME": str(cache)}

    def info():
        done = subprocess.run([PROGRAM, "dataset", "info", FOLDER], env=env, capture_output=True, text=True, check=True)
        return done.stdout[done.stdout.index("data set"):]

    start = time.monotonic()
    said = info()
    length, pack = time.monotonic() - start, next(cache.rglob("images.packed"))
    whole, killed = pack.read_bytes(), 0
    for _ in range(COUNT):
        shutil.rmtree(cache)
        process = subprocess.Popen([PROGRAM, "dataset", "info", FOLDER], env=env, **QUIET)
        time.sleep(random.uniform(0, length))
        killed += process.poll() is None
        process.kill()
        process.wait()
        assert not pack.exists() or pack.read_bytes() == whole
        assert info() == said and pack.read_bytes() == whole
        assert [file.name for file in pack.parent.iterdir()] == ["images.packed"]
    for place in (5, 100, 5000, len(whole) // 2, len(whole) - 1, None):
        damaged = bytearray(whole if place is not None else whole[:-7])
        if place is not None:
            damaged[place] ^= 1
        pack.write_bytes(damaged)
        assert info() == said and pack.read_bytes() == whole, place
    print(f"{COUNT} packings, {killed} killed in the midst, and six damaged packs: each the same bytes again, nothing beside it")


runs()
packs()
