"""What a terminal can show: how wide it is, and ASCII in place of the signs that it lacks."""

from __future__ import annotations

import sys

_ASCII = str.maketrans({
    "├": "|", "└": "`", "│": "|", "─": "-", "◆": "*", "▷": ">", "◇": "-", "■": "=", "←": "<-", "×": "x", "·": ".",
    "…": "...", "✗": "x",
})  # fmt: skip  # a table


def width() -> int:
    """Return how many columns there are; 80 where nobody knows, as in a file."""
    import shutil

    return shutil.get_terminal_size().columns


def showable(text: str) -> str:
    """Return `text` as the standard output can show it; what it has no sign for is escaped.

    To be called before anything is measured, for three dots take more room than one sign of them.
    """
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(_ASCII).encode(encoding, "backslashreplace").decode(encoding)
    return text
