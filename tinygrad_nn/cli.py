"""The command line: train a network before the user's eyes, draw its graph and check its gradients."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tinygrad_nn.backprop import no_grad
from tinygrad_nn.checking import check_model
from tinygrad_nn.demos import DEMOS, Demo
from tinygrad_nn.errors import RenderError, TinygradError
from tinygrad_nn.graph import draw
from tinygrad_nn.primitive import Array
from tinygrad_nn.tensor import raw
from tinygrad_nn.testing.files import check_file
from tinygrad_nn.training import evaluate, fit

_HINT = "\npython -m tinygrad_nn check FILE.py[:function] checks the gradients of a file of yours"

_SHADES = " .:-=+*#%@"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status: 0, or 1 if training or a gradient check failed, or 2."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    if given[:1] == ["check"]:  # no subcommand of argparse, which would ask for one where a network may stand
        return _check(given[1:])
    options = _parser().parse_args(given)
    try:
        return _run(options.network, options.seed, options.epochs, options.out)
    except (TinygradError, OSError) as error:
        print(f"failed: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tinygrad_nn",
        description="Train a small network, draw its computation graph and check its gradients.",
        epilog="\n".join(["networks:", *(f"  {name:14}{_first_line(demo)}" for name, demo in DEMOS.items()), _HINT]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("network", nargs="?", default="digits", choices=DEMOS, help="which one (default: digits)")
    parser.add_argument("--seed", type=_whole_number, default=0, help="of all chance in the run (default: 0)")
    parser.add_argument("--epochs", type=_positive_number, help="passes through the data (default: the network's own)")
    parser.add_argument(
        "--out", type=Path, default=Path(), metavar="DIR", help="where the picture goes (default: the current folder)"
    )
    return parser


def _check(arguments: Sequence[str]) -> int:
    """Check the gradients that a file offers and print a table: 0 if all are right, 1 if not, 2 if one is not known."""
    parser = argparse.ArgumentParser(
        prog="python -m tinygrad_nn check",
        description="Check the gradients of a file's primitives and models, and of what its functions named check_... "
        "return; or of the one function or model that is named.",
        epilog="exit status: 0 if all gradients are right, 1 if one is not, 2 if something could not be checked",
    )
    parser.add_argument("file", metavar="FILE.py[:function]", help="which file, and what in it if not all")
    path, _, function = parser.parse_args(arguments).file.partition(".py:")
    try:
        findings, others = check_file(f"{path}.py" if function else path, function or None)
    except TinygradError as error:
        print(error, file=sys.stderr)
        return 2
    rows = [("function", "verdict", "inputs", "order", "time"), *(finding.row() for finding in findings)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(map(str.ljust, row, widths)).rstrip())
    for finding in findings:
        if not finding.is_good:
            print(f"\n{finding.function}\n{finding.detail}")
    outcomes = [finding.is_good for finding in findings]
    unknown = f", {outcomes.count(None)} not checked" if None in outcomes else ""
    print(f"\n{outcomes.count(True)} of {len(findings)} passed{unknown}")
    if others:
        print(f"not called unasked: {', '.join(others)}. Ask for one, as in {Path(path).name}:{others[0]}")
    return 1 if False in outcomes else 2 if None in outcomes else 0


def _run(name: str, seed: int, epochs: int | None, folder: Path) -> int:
    rng = np.random.default_rng(seed)
    demo = DEMOS[name](rng)
    print(f"{name}: {_first_line(DEMOS[name])}\n\n{demo.model.summary(demo.train.x[:1])}\n")
    # before training: where the loss is nearly 0, rounding drowns the differences that gradients are compared with
    report = check_model(demo.model, demo.test.x[:8], demo.test.y[:8], demo.loss, rng=rng, raises=False)
    start = time.process_time()
    history = fit(
        demo.model, demo.train, demo.loss, demo.optimizer, epochs or demo.epochs,
        batch_size=demo.batch_size, rng=rng, metrics=demo.metrics, progress=True,
    )  # fmt: skip  # what, then how
    seconds = time.process_time() - start
    found = evaluate(demo.model, demo.test, demo.loss, metrics=demo.metrics)
    reached = demo.reached(found)
    print(f"\n{history}\n")
    print("on the test data  " + "  ".join(f"{key} {value:.4f}" for key, value in found.items()))
    print(f"trained in        {seconds:.1f} s of process time")
    print(f"goal              {demo.goal}: {'reached' if reached else 'MISSED'}\n")
    print(_samples(demo, name))
    print(f"graph             {_draw(demo, folder / f'{name}_graph')}")
    print(f"gradients         of the untrained network, against finite differences\n{report}")
    return 0 if reached and report else 1


def _draw(demo: Demo, path: Path) -> str:
    """Write the graph of one training step and say where to; as DOT text where nothing can lay it out."""
    path.parent.mkdir(parents=True, exist_ok=True)
    drawing = draw(demo.loss(demo.model(demo.train.x[:8]), demo.train.y[:8]))
    try:
        drawing.save(path.with_suffix(".svg"))
    except RenderError as error:
        drawing.save(path.with_suffix(".dot"))
        return f"{path.with_suffix('.dot')} (text only: {error})"
    return str(path.with_suffix(".svg"))


def _samples(demo: Demo, name: str) -> str:
    """Return a few samples of the test data with what the model makes of them."""
    with no_grad():
        x, y = demo.test.x[:4], demo.test.y[:4]
        prediction: Array = raw(demo.model(x))
    if name != "digits":
        rows = [f"  {_numbers(a)}  ->  {_numbers(p)}  (right: {_numbers(t)})" for a, p, t in zip(x, prediction, y)]
        return "\n".join(["some predictions", *rows]) + "\n"
    pictures = [_picture(image.reshape(8, 8)) for image in x]
    captions = [f"read as {p.argmax()}, is {t}".ljust(20) for p, t in zip(prediction, y, strict=True)]
    return "\n".join("".join(line) for line in [*zip(*pictures, strict=True), captions]) + "\n"


def _picture(image: Array) -> list[str]:
    """Return an image of numbers from 0 to 1 as lines of text."""
    return ["".join(_SHADES[round(float(value) * 9)] * 2 for value in row).ljust(20) for row in image]


def _numbers(values: Array) -> str:
    return " ".join(f"{value:6.3f}" for value in np.ravel(values))


def _first_line(function: object) -> str:
    return (function.__doc__ or "").partition("\n")[0]


def _whole_number(text: str) -> int:
    return _number(text, 0)


def _positive_number(text: str) -> int:
    return _number(text, 1)


def _number(text: str, least: int) -> int:
    try:
        value = int(text)
    except ValueError:
        value = least - 1
    if value < least:
        message = f"expected a whole number of at least {least}, got {text!r}"
        raise argparse.ArgumentTypeError(message)
    return value
