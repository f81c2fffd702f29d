"""Runs a command in pseudo-terminals of many sizes, as an emulator (pyte) shows it, and in a window of tmux that is resized while it runs.

    python crates/experiment/checks/live_check.py target/release/strata experiment CONFIG --data DIR [...]

Each line that a run prints must be on the screen or above it, whole and once, and nothing of a bar may be left at the end. It also runs the command piped, under `script`, with
TERM=dumb and with NO_COLOR. `--name` and `--runs` are added. Needs pyte and
tmux. In a window that is made narrower part of a bar may stay, which the terminal has broken.
"""

import fcntl
import os
import pty
import random
import re
import struct
import subprocess
import sys
import tempfile
import termios
import time

import pyte

SIZES = [(20, 5), (40, 10), (79, 24), (80, 8), (80, 24), (120, 40), (300, 80)]
LINE = re.compile(r"^(Initial|Epoch \[\d+\]|Test), (val|test)_loss: ")


def run(command, size, env):
    """The bytes that the command wrote, what the emulator shows at the end with what scrolled away, the exit code, and its processor seconds."""
    process, terminal = pty.fork()
    if process == 0:
        os.execvpe(command[0], command, env)
    columns, rows = size
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    screen, raw = pyte.HistoryScreen(columns, rows, history=10_000), b""
    stream = pyte.ByteStream(screen)
    while True:
        try:
            data = os.read(terminal, 1 << 16)
        except OSError:
            break
        if not data:
            break
        raw += data
    _, status, used = os.wait4(process, 0)
    stream.feed(raw)
    above = ["".join(line[x].data for x in sorted(line)).rstrip() for line in screen.history.top]
    shown = [line.rstrip() for line in [*above, *screen.display] if line.strip()]
    return raw, shown, os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime


def resized(command, seed, env):
    """What tmux, which lays lines out anew, has at the end of a run in a window whose size changes all the time; how often it did, and whether the view was seen."""

    def tmux(*arguments):
        return subprocess.run(["tmux", "-L", f"live-check-{os.getpid()}-{seed}", *arguments], capture_output=True, text=True, env=env).stdout

    random.seed(seed)
    inner = " ".join(f"'{word}'" for word in command) + "; echo ended; sleep 60"
    tmux("-f", "/dev/null", "-u", "new-session", "-d", "-x", "120", "-y", "40", inner)
    tmux("set", "-g", "window-size", "manual")
    count, is_live, text = 0, False, ""
    while "ended" not in text and count < 2000:
        columns, rows = random.choice(SIZES)
        tmux("resize-window", "-x", str(columns), "-y", str(rows))
        count += 1
        time.sleep(0.2)
        text = tmux("capture-pane", "-p", "-J", "-S", "-")
        is_live |= "▁" in text
    tmux("kill-server")
    return text, count, is_live


def main():
    command, runs = sys.argv[1:], tempfile.mkdtemp()
    env = {**os.environ, "TERM": "xterm-256color", "LANG": "C.UTF-8"}
    number = 0

    def named():
        nonlocal number
        number += 1
        return [*command, "--runs", runs, "--name", f"r{number}"]

    piped = subprocess.run(named(), capture_output=True, text=True, env=env, check=True)
    expected = [line for line in piped.stdout.splitlines() if LINE.match(line)]
    assert expected and "\x1b" not in piped.stdout + piped.stderr, "control codes in a pipe"
    print(f"piped: {len(expected)} lines, no control code, {len(piped.stderr)} bytes on standard error")

    def whole(shown, width):
        """The lines of the run, those that the terminal broke put together."""
        text = "".join(line.ljust(width) if len(line) == width else line + "\n" for line in shown)
        return [line for line in expected if text.count(line) == 1]

    for size in SIZES:
        raw, shown, code, _ = run(named(), size, env)
        found, left = whole(shown, size[0]), [line for line in shown if "images/s" in line or "█" in line or "left" in line]
        assert code == 0 and len(found) == len(expected) and not left, (size, code, len(found), left, shown)
        live = "▁".encode() in raw
        print(f"{size[0]} x {size[1]}: {len(found)} of {len(expected)} lines, {len(raw)} bytes, {'live view' if live else 'no live view'}")
    for seed in range(3):
        text, count, is_live = resized(named(), seed, env)
        assert all(text.count(line) == 1 for line in expected), [line for line in expected if text.count(line) != 1]
        print(f"tmux, resized {count} times: {len(expected)} of {len(expected)} lines, {'live view' if is_live else 'no live view'}")

    for name, extra in [("TERM=dumb", {"TERM": "dumb"}), ("NO_COLOR=1", {"NO_COLOR": "1"})]:
        raw, shown, code, _ = run(named(), (100, 30), {**env, **extra})
        assert code == 0 and len(whole(shown, 100)) == len(expected)
        colours = re.findall(rb"\x1b\[[0-9;]*m", raw)
        assert not (name == "TERM=dumb" and b"\x1b" in raw) and not (name == "NO_COLOR=1" and colours), (name, colours[:3])
        print(f"{name}: {len(expected)} lines, {raw.count(bytes([27]))} control codes, {len(colours)} of colour")
    plain, shown, code, _ = run([*named(), "--plain"], (100, 30), env)
    assert code == 0 and b"\x1b" not in plain, "control codes with --plain"
    print(f"--plain: {len(whole(shown, 100))} of {len(expected)} lines, no control code")
    typescript = os.path.join(runs, "typescript")
    inner = " ".join(f"'{word}'" for word in named())
    subprocess.run(["script", "-qec", inner, typescript], check=True, capture_output=True, env=env, stdin=subprocess.DEVNULL)
    text = open(typescript, errors="replace").read()
    assert all(line in text for line in expected), "lines missing under script"
    seconds = [[run([*named(), *further], (120, 40), env)[3] for further in ([], ["--plain"])] for _ in range(5)]
    print("processor seconds, live and plain in turn:", ", ".join(f"{live:.2f} {plain:.2f}" for live, plain in seconds))
    print(f"script: {len(expected)} of {len(expected)} lines in its file, {len(text)} bytes")


main()
