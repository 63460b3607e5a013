"""From DOT text to a picture, by whichever layout engine there is.

Graphviz's own `dot` is taken where the system has one. Otherwise `graphviz-pure`, which the extra "render" brings: the
same layout as one executable, which pip installs where nobody may install anything else. (The modules that find and run
programs are imported when they are needed: they would make `import tinygrad_nn` half as slow again.)
"""

from __future__ import annotations

import os

from tinygrad_nn.errors import RenderError

PURE = "graphviz-pure"

_INSTALL = {"darwin": "brew install graphviz", "win32": "winget install Graphviz.Graphviz"}
"""The command that installs Graphviz itself, where it is not that of Debian and Ubuntu."""

_TIMEOUT = 60.0
"""Seconds: a graph of 500 nodes takes a few."""


def render(dot_text: str, format: str = "svg") -> bytes:  # noqa: A002 - the word that Graphviz uses
    """Return the picture that `dot_text` describes.

    If an engine fails, the next one is tried: what is called `dot` on PATH may be broken, or another program.

    Args:
        dot_text: a graph in DOT.
        format: "svg", "png" or "jpg"; with Graphviz itself also "pdf".

    Raises:
        RenderError: there is no engine, with the command that installs one; or none could draw it, with what they said.

    """
    engines = [engine for engine in find_engines() if format != "pdf" or not os.path.basename(engine).startswith(PURE)]  # noqa: PTH119 - see above
    if not engines:
        raise RenderError(_missing(format, has_pure=bool(find_engines())))
    complaints = []
    for engine in engines:
        try:
            return _run(engine, dot_text, format)
        except RenderError as error:
            complaints.append(str(error))
    raise RenderError("\n".join(complaints))


def find_engines() -> list[str]:
    """Return the layout engines on this machine, the preferred first."""
    import shutil

    found = [shutil.which("dot"), *_installed(), shutil.which(PURE)]
    return list(dict.fromkeys(path for path in found if path))


def _installed() -> list[str]:
    """Return `graphviz-pure` as pip has put it: PATH does not lead there when Python runs as ``.venv/bin/python``."""
    import importlib.metadata
    import sysconfig
    from pathlib import Path

    name = f"{PURE}.exe" if os.name == "nt" else PURE
    try:
        files = importlib.metadata.files(PURE) or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    places = [Path(str(file.locate())) for file in files if file.name == name]
    places.append(Path(sysconfig.get_path("scripts"), name))
    return [str(place.resolve()) for place in places if place.is_file()]


def _run(engine: str, dot_text: str, format: str) -> bytes:  # noqa: A002 - as in `render`
    """Run one engine; an empty answer is a failure too, whatever its exit status says."""
    import subprocess

    command = [engine, "-Kdot", f"-T{format}"]
    try:
        done = subprocess.run(command, input=dot_text.encode(), capture_output=True, timeout=_TIMEOUT, check=False)  # noqa: S603 - no shell, and nothing of the user's in it
    except (OSError, subprocess.TimeoutExpired) as error:
        message = f"draw: expected a picture from {engine}, but {error}. Draw a smaller graph, or save it as .dot"
        raise RenderError(message) from error
    if done.returncode or not done.stdout:
        said = done.stderr.decode(errors="replace").strip() or "nothing"
        message = f"draw: expected a picture from {engine}, but it ended with status {done.returncode} and said: {said}"
        raise RenderError(message)
    return done.stdout


def _missing(format: str, *, has_pure: bool) -> str:  # noqa: A002 - as in `render`
    if format != "pdf":
        return (
            f"draw: expected a layout engine for {format}, but found neither 'dot' nor '{PURE}'. "
            f"Run: pip install 'tinygrad_nn[render]' (saving as .dot needs none)"
        )
    import sys

    command = _INSTALL.get(sys.platform, "apt-get install graphviz")
    return (
        f"draw: expected Graphviz's 'dot' for pdf, which {PURE} does not write, but found none. "
        f"Run: {command} (saving as {'.svg needs no more than there is' if has_pure else '.dot needs none'})"
    )
