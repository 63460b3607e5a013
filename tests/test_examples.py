"""The scripts in `examples/` run as they are, and print what they promise."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SCRIPTS = sorted((ROOT / "examples").glob("*.py"))


def run(script: Path, directory: Path) -> str:
    """Return what a script prints when it is run in `directory`, with warnings as errors."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script)],
        cwd=directory,
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_script_runs_and_prints(script: Path, tmp_path: Path) -> None:
    assert run(script, tmp_path).strip()


def test_streetlights_prints_the_published_table(tmp_path: Path) -> None:
    published = [
        ("0", "0.35238"),
        ("10", "0.29001"),
        ("20", "0.19074"),
        ("30", "0.12883"),
        ("40", "0.04666"),
        ("50", "0.00544"),
    ]
    printed = run(ROOT / "examples" / "streetlights.py", tmp_path)
    assert re.findall(r"^ *(\d+) +(\d\.\d{5})$", printed, re.MULTILINE) == published
