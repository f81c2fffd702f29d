"""What the parts of `prove.py` share: the time that is left, how a command is run and kept, the rows of the table."""

import glob
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
PROGRAM = HERE / "strata"
# What the program loads beside the driver; PyTorch's wheels bring both.
LIBRARIES = ["libcublas.so", "libnvrtc.so"]


class Proof:
    """The time that is left, where results go, and the rows of the table."""

    def __init__(self, arguments):
        self.arguments, self.out = arguments, arguments.out
        self.end = time.monotonic() + arguments.seconds
        self.rows, self.failed, self.parts = [], False, 0
        self.environment = environment()

    def left(self):
        return self.end - time.monotonic()

    def do(self, part):
        self.parts += 1
        self.log = self.out / f"{self.parts}-{part.__name__}.txt"
        self.log.write_text("")
        begin = time.monotonic()
        try:
            if self.left() < 5:
                raise Missing("no time was left")
            part(self)
        except Missing as reason:
            self.row(part.__doc__, f"left out: {reason}")
        except Exception as error:
            self.failed = True
            self.row(part.__doc__, f"**failed**: {error}")
        self.say(f"({part.__name__}: {time.monotonic() - begin:.1f} s)")

    def say(self, text):
        print(text, flush=True)
        with self.log.open("a") as file:
            file.write(text + "\n")

    def row(self, what, result):
        self.rows.append((what, result))
        self.say(f"{what}: {result}")

    def run(self, command, seconds=120, check=True, **variables):
        """The output of a command; the whole of it goes to the part's file."""
        limit = max(1, min(seconds, self.left()))
        process = subprocess.Popen(
            [str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=HERE,
            env=self.environment | {name: str(value) for name, value in variables.items()}, start_new_session=True,
        )
        try:
            output, _ = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
            self.keep(command, output)
            raise Missing(f"over {limit:.0f} s") from None
        self.keep(command, output)
        if check and process.returncode != 0:
            raise RuntimeError(f"exit code {process.returncode}: {last_line(output)}")
        return output.decode(errors="replace")

    def keep(self, command, output):
        with self.log.open("ab") as file:
            file.write(f"$ {' '.join(str(word) for word in command)}\n".encode() + output)

    def experiment(self, name, config, device, sets, seconds=120, **variables):
        """Trains in the pack's configs and gives the run's record."""
        self.run(self.command(name, config, device, sets), seconds, **variables)
        return self.record(name)

    def command(self, name, config, device, sets):
        # A run that an earlier call left is not gone on with.
        shutil.rmtree(self.out / "runs" / name, ignore_errors=True)
        command = [PROGRAM, "experiment", f"configs/{config}.toml", "--device", device, "--runs", self.out / "runs", "--name", name]
        return command + [word for key in sets for word in ("--set", key)]

    def record(self, name):
        return json.loads((self.out / "runs" / name / "record.json").read_text())

    def images(self):
        """CIFAR-10 where it was named, else as many synthetic images of its shape."""
        if self.arguments.data:
            return ["dataset.kind=cifar10"], ["--data", self.arguments.data]
        evaluated = 64 if self.arguments.stand_in else 1000
        sets = ["dataset.kind=synthetic", f"dataset.train={self.arguments.images}", f"dataset.test={evaluated}",
                f"dataset.validation={evaluated}"]
        return sets + (["model.hidden=[128,64]"] if self.arguments.stand_in else []), []

    def fewer(self, epochs=None):
        """What makes a quick start short enough for an emulator; nothing on a card."""
        if not self.arguments.stand_in:
            return []
        sets = ["dataset.train=384", "dataset.test=64", "dataset.validation=64"]
        return sets + ([f"phases=[{{epochs={epochs},lr=0.05}}]"] if epochs else [])

    def table(self):
        lines = ["| what | result |", "| --- | --- |"]
        lines += [f"| {what} | {result} |".replace("\n", " ") for what, result in self.rows]
        text = "\n".join(lines) + "\n"
        (self.out / "table.md").write_text(text)
        print(f"\n{text}")


class Missing(Exception):
    """Why a part cannot be done here."""


def environment():
    """This process's variables, with the folders of cuBLAS and NVRTC where the loader finds them."""
    roots = [*sys.path, "/usr/local/cuda/lib64", *glob.glob("/usr/local/cuda*/lib64")]
    folders = []
    for root in filter(os.path.isdir, roots):
        for library in LIBRARIES:
            found = glob.glob(f"{root}/{library}*") + glob.glob(f"{root}/nvidia/**/lib/{library}*", recursive=True)
            folders += [os.path.dirname(path) for path in found]
    kept = os.environ.get("LD_LIBRARY_PATH", "").split(":")
    unique = list(dict.fromkeys(filter(None, kept + folders)))
    return os.environ | {"LD_LIBRARY_PATH": ":".join(unique), "STRATA_LOG": "warn"}


def last_line(output):
    lines = [line for line in output.decode(errors="replace").splitlines() if line.strip()]
    return lines[-1].strip()[:200] if lines else "no output"
