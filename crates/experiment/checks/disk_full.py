"""Trains a config into a file system that is full at ever later moments, resumes it with more room, and holds the result against a run that had room from the start.

    sudo python crates/experiment/checks/disk_full.py target/release/strata CONFIG [--data DIR] [--set …]

The config's run has a page, event files, plots, checkpoints and weights; with each size of the file system the disk is full while another of these is written. Each time: exit 1, an
error that names a file and says that there is no room, no temporary and no half page left, and after a resume the same weights and history to the byte, event files with each
step once, a whole page. The ONNX file, and a page and plots made again, are tried on a full disk too. Linux, root (a tmpfs is mounted), tensorboard.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

PROGRAM, CONFIG, *FURTHER = sys.argv[1:]
ROOM = 200 << 20


def strata(*arguments):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True)


def train(runs, name):
    return strata("experiment", CONFIG, "--runs", runs, "--name", name, "--set", "report.tensorboard=true", *FURTHER)


def resize(folder, size):
    subprocess.run(["mount", "-o", f"remount,size={size}", folder], check=True)


def scalars(run):
    """Each tag's steps and values; every event file is read whole."""
    events = EventAccumulator(str(run / "tensorboard"), size_guidance={"scalars": 0})
    events.Reload()
    timed = ("rate", "seconds")
    tags = [tag for tag in events.Tags()["scalars"] if not any(word in tag for word in timed)]
    return {tag: [(event.step, event.value) for event in events.Scalars(tag)] for tag in tags}


def result(run):
    return [(run / name).read_bytes() for name in ("model.safetensors", "history.jsonl")]


def whole_page(run):
    page = run / "report.html"
    return page.exists() and page.read_text().rstrip().endswith("</html>")


def full(outcome):
    text = outcome.stderr.strip().splitlines()[-1] if outcome.stderr.strip() else ""
    assert outcome.returncode == 1 and "No space left on device" in text, (outcome.returncode, outcome.stderr[-600:])
    return text.split(": No space")[0].split(": cannot ")[0]


with tempfile.TemporaryDirectory() as folder:
    mount = pathlib.Path(folder) / "disk"
    mount.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs", mount], check=True)
    try:
        outcome = train(folder, "whole")
        assert outcome.returncode == 0, outcome.stderr
        whole = pathlib.Path(folder) / "whole"
        expected, events = result(whole), scalars(whole)
        used = sum(file.stat().st_size for file in whole.rglob("*") if file.is_file())
        places, size, sizes = {}, 64 << 10, 0
        while True:
            resize(mount, size)
            outcome = train(mount, "run")
            if outcome.returncode == 0:
                break
            sizes += 1
            place = re.sub(r".*/run/?|[-.]?\d+.*", "", full(outcome))
            places[place] = places.get(place, 0) + 1
            run = mount / "run"
            left = [file.name for file in run.rglob("*") if ".tmp" in file.name] if run.exists() else []
            assert not left and (whole_page(run) or not (run / "report.html").exists()), left
            resize(mount, ROOM)
            again = strata("resume", str(run)) if (run / "config.toml").exists() else train(mount, "run")
            assert again.returncode == 0, (place, again.stderr)
            assert result(run) == expected and whole_page(run), place
            found = scalars(run)
            assert found == events, (place, {tag: (len(found.get(tag, [])), len(values)) for tag, values in events.items() if found.get(tag) != values})
            subprocess.run(["rm", "-r", run], check=True)
            size += max(used // 40, 32 << 10)
        print(f"{sizes} sizes of up to {size >> 10} KiB (a run has {used >> 10} KiB), full while writing:")
        for place, count in sorted(places.items()):
            print(f"  {place}: {count}")
        print("  each resumed: weights and history to the byte, every step of the event files once, a whole page")
        model = mount / "model.onnx"
        for arguments, file in (
            (["export", "onnx", str(mount / "run"), "--out", str(model)], model),
            (["report", str(mount / "run")], mount / "run/report.html"),
            (["report", str(mount / "run"), "--png"], mount / "run/loss.png"),
        ):
            before = file.read_bytes() if file.exists() else None
            stat = os.statvfs(mount)
            resize(mount, (stat.f_blocks - stat.f_bfree) * stat.f_frsize + (24 << 10))
            print(f"{' '.join(arguments[:2] if arguments[0] == 'export' else ['report', *arguments[2:]])}: {full(strata(*arguments))}")
            assert before == (file.read_bytes() if file.exists() else None) and not list(mount.rglob("*.tmp*"))
            resize(mount, ROOM)
            assert strata(*arguments).returncode == 0 and file.exists()
    finally:
        subprocess.run(["umount", mount])
