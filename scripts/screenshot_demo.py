"""Write docs/images/demo.txt and docs/images/demo.svg: what `surefill demo` shows, as it shows it.

    .venv/bin/python scripts/screenshot_demo.py

What: runs the demo on a terminal of 80 columns that belongs to this script, keeps what stands on it
at the end, as text and as a picture. The picture names no remote font: the reader's own is used.
Must never: edit a number.
"""

from __future__ import annotations

import io
import os
import pty
import re
import struct
import subprocess
import sys
from fcntl import ioctl
from pathlib import Path
from termios import TIOCSWINSZ

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"
COMMAND = "surefill demo"
COLUMNS, ROWS = 80, 100
FONT = "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace"


def main() -> int:
    """Run it and write both files; the demo's exit code."""
    code, output = on_terminal([str(Path(sys.executable).with_name("surefill")), "demo"])
    if code:
        sys.stderr.write(f"{COMMAND} ended with {code}; nothing was written\n")
        return code
    console = Console(width=COLUMNS, record=True, file=io.StringIO(), force_terminal=True)
    console.print(Text(f"$ {COMMAND}", style="bold green"))
    console.print(Text.from_ansi(output.rstrip("\n")))
    IMAGES.mkdir(parents=True, exist_ok=True)
    text = console.export_text(clear=False)
    trimmed = "\n".join(line.rstrip() for line in text.splitlines()) + "\n"
    (IMAGES / "demo.txt").write_text(trimmed, encoding="utf-8")
    svg = console.export_svg(title=COMMAND, theme=MONOKAI, unique_id="demo")
    (IMAGES / "demo.svg").write_text(portable(svg), encoding="utf-8")
    return 0


def on_terminal(command: list[str]) -> tuple[int, str]:
    """Exit code and everything written to stdout, which is a terminal; stderr is thrown away."""
    ours, theirs = pty.openpty()
    ioctl(theirs, TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    size = {"COLUMNS": str(COLUMNS), "LINES": str(ROWS), "TERM": "xterm-256color"}
    process = subprocess.Popen(
        command, stdout=theirs, stderr=subprocess.DEVNULL, env=os.environ | size
    )
    os.close(theirs)
    written = bytearray()
    while chunk := _read(ours):
        written += chunk
    os.close(ours)
    return process.wait(), written.decode().replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # Linux says EIO when the other side is closed
        return b""


def portable(svg: str) -> str:
    """The picture without fonts from a server, in the reader's own monospace, and with the spaces
    that some viewers drop at the start of a line."""
    without = re.sub(r"\s*@font-face \{.*?\}|\s*<!--.*?-->", "", svg, flags=re.DOTALL)
    local = without.replace("Fira Code, monospace", FONT).replace("arial", "sans-serif")
    return local.replace("<svg ", '<svg xml:space="preserve" ', 1)


if __name__ == "__main__":
    sys.exit(main())
