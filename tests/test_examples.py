"""The scripts in `examples/` run as they are, print what they promise and write the pictures that they promise."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SCRIPTS = sorted((ROOT / "examples").glob("*.py"))
SLOW = {"char_lstm": 600, "digits": 300, "letters": 600, "moons": 600, "residual": 300, "uncertainty": 300}
"""Scripts that train for longer than ten seconds, and how many they may take on a machine that is busy."""

FIGURES = {
    "char_lstm": (r"knowing the one before +(.*)\nLSTM, trained +(.*)", lambda pair, bits: bits < pair - 0.3),
    "digits": (r"(.*)% of the test part read right", lambda right: right >= 98.5),
    "letters": (r"(\d+) of (\d+) letters in held-back places", lambda right, number: right == number == 780),
    "moons": (r"(.*)% of the 100 points that were held back", lambda right: right >= 95),
    "residual": (r"32  plain .* (.*)%\n +32  residual .* (.*)%", lambda plain, right: plain < 30 and right > 80),
    "uncertainty": (
        r"1 standard deviation: +(.*)%, .*\n.*2 standard deviations: +(.*)%,",
        lambda one, two: abs(one - 68.3) < 3 and abs(two - 95.4) < 1.5,
    ),
}
"""What a slow script must show: it is trained here with its own seed, and in `tests/examples` with others only."""


def python(directory: Path, *arguments: str, seconds: float = 60) -> str:
    """Return what Python prints that is run in `directory`, with warnings as errors."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        cwd=directory,
        env=os.environ | {"PYTHONPATH": path, "MPLBACKEND": "agg"},
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def marked(script: Path):
    return pytest.param(script, id=script.stem, marks=[pytest.mark.slow] if script.stem in SLOW else [])


@pytest.mark.parametrize("script", [marked(script) for script in SCRIPTS])
def test_script_prints_and_draws(script: Path, tmp_path: Path) -> None:
    import matplotlib.pyplot as plt

    # One run for both: what is printed does not depend on the pictures. The folder is the current one by default.
    printed = python(tmp_path, str(script), "--plot", seconds=SLOW.get(script.stem, 60))
    assert printed.strip()
    if script.stem in FIGURES:
        pattern, is_shown = FIGURES[script.stem]
        (figures,) = re.finditer(pattern, printed)
        assert is_shown(*map(float, figures.groups())), printed
    pictures = {path.name for path in tmp_path.iterdir()}
    assert pictures, "no picture"
    assert all(re.fullmatch(rf"{script.stem}_\w+\.png", name) for name in pictures), pictures
    promised = set(re.findall(r"\w+\.png", script.read_text(encoding="utf-8").split('"""')[1]))
    assert promised <= pictures
    for name in pictures:
        image = plt.imread(tmp_path / name)  # fails for what is no PNG
        assert min(image.shape[:2]) >= 300, name
        drawn = (image != image[0, 0]).any(axis=-1)  # what differs from the paper
        assert drawn.mean() > 0.01, f"{name} is empty"


def test_scripts_start_without_matplotlib(tmp_path: Path) -> None:
    code = """
import runpy, sys
sys.modules["matplotlib"] = None
for script in sys.argv[1:]:
    runpy.run_path(script, run_name="script")
"""
    python(tmp_path, "-c", code, *map(str, SCRIPTS))


def test_streetlights_prints_the_published_table(tmp_path: Path) -> None:
    published = [
        ("0", "0.35238"),
        ("10", "0.29001"),
        ("20", "0.19074"),
        ("30", "0.12883"),
        ("40", "0.04666"),
        ("50", "0.00544"),
    ]
    printed = python(tmp_path, str(ROOT / "examples" / "streetlights.py"))
    assert re.findall(r"^ *(\d+) +(\d\.\d{5})$", printed, re.MULTILINE) == published
    assert not list(tmp_path.iterdir())  # no picture unless asked for
