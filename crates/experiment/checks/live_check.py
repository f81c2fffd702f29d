"""Runs a command in pseudo-terminals of many sizes, resized while it runs, and looks at what an emulator (pyte) shows.

    python crates/experiment/checks/live_check.py target/release/strata experiment CONFIG --data DIR [...]

Each line that a run prints must be on the screen or above it, whole and once, and nothing of a bar may be left at the end. It also runs the command piped, under `script`, with
TERM=dumb and with NO_COLOR. `--name` and `--runs` are added. Needs pyte.
"""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time

import pyte

SIZES = [(20, 5), (40, 10), (79, 24), (80, 8), (80, 24), (120, 40), (300, 80)]
LINE = re.compile(r"^(Initial|Epoch \[\d+\]|Test), (val|test)_loss: ")


def resize(terminal, columns, rows):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def run(command, sizes, env):
    """The bytes that the command wrote, what the emulator shows at the end with what scrolled away, and the exit code."""
    process, terminal = pty.fork()
    if process == 0:
        os.execvpe(command[0], command, env)
    columns, rows = sizes[0]
    resize(terminal, columns, rows)
    screen = pyte.HistoryScreen(columns, rows, history=10_000)
    stream, raw, next_size, number = pyte.ByteStream(screen), b"", time.monotonic() + 0.25, 0
    while True:
        if len(sizes) > 1 and time.monotonic() > next_size:
            number += 1
            columns, rows = sizes[number % len(sizes)]
            resize(terminal, columns, rows)
            # A terminal that cuts lines and does not lay them out anew.
            screen.resize(rows, columns)
            next_size = time.monotonic() + 0.25
        if not select.select([terminal], [], [], 0.05)[0]:
            continue
        try:
            data = os.read(terminal, 1 << 16)
        except OSError:
            break
        if not data:
            break
        raw += data
        stream.feed(data)
    _, status = os.waitpid(process, 0)
    above = ["".join(line[x].data for x in sorted(line)).rstrip() for line in screen.history.top]
    shown = [line.rstrip() for line in [*above, *screen.display] if line.strip()]
    return raw, shown, os.waitstatus_to_exitcode(status)


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
        raw, shown, code = run(named(), [size], env)
        found, left = whole(shown, size[0]), [line for line in shown if "images/s" in line or "█" in line or "left" in line]
        assert code == 0 and len(found) == len(expected) and not left, (size, code, len(found), left, shown)
        live = "▁".encode() in raw
        print(f"{size[0]} x {size[1]}: {len(found)} of {len(expected)} lines, {len(raw)} bytes, {'live view' if live else 'no live view'}")
    raw, shown, code = run(named(), [SIZES[i] for i in (4, 0, 6, 3, 1, 5)], env)
    assert code == 0, code
    # What a terminal cuts off is gone; the run's lines begin all the same.
    begun = [line for line in expected if any(line.startswith(found) for found in shown if len(found) > 8)]
    print(f"resized every quarter of a second: exit {code}, {len(begun)} of {len(expected)} lines begin as they should, {len(raw)} bytes")

    for name, extra in [("TERM=dumb", {"TERM": "dumb"}), ("NO_COLOR=1", {"NO_COLOR": "1"})]:
        raw, shown, code = run(named(), [(100, 30)], {**env, **extra})
        assert code == 0 and len(whole(shown, 100)) == len(expected)
        colours = re.findall(rb"\x1b\[[0-9;]*m", raw)
        assert not (name == "TERM=dumb" and b"\x1b" in raw) and not (name == "NO_COLOR=1" and colours), (name, colours[:3])
        print(f"{name}: {len(expected)} lines, {raw.count(bytes([27]))} control codes, {len(colours)} of colour")
    plain, shown, code = run([*named(), "--plain"], [(100, 30)], env)
    assert code == 0 and b"\x1b" not in plain, "control codes with --plain"
    print(f"--plain: {len(whole(shown, 100))} of {len(expected)} lines, no control code")
    typescript = os.path.join(runs, "typescript")
    inner = " ".join(f"'{word}'" for word in named())
    subprocess.run(["script", "-qec", inner, typescript], check=True, capture_output=True, env=env, stdin=subprocess.DEVNULL)
    text = open(typescript, errors="replace").read()
    assert all(line in text for line in expected), "lines missing under script"
    print(f"script: {len(expected)} of {len(expected)} lines in its file, {len(text)} bytes")


main()
