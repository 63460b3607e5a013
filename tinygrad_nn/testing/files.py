"""`check_file`: the gradients that a file offers to be checked, for the command line.

A file offers what it defines with `@tn.primitive`, and functions without arguments whose names begin with ``check_``,
as pytest collects those that begin with ``test_``.
"""

from __future__ import annotations

import functools
import importlib.util
import inspect
import sys
import sysconfig
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from tinygrad_nn.backprop import OWN_FILES
from tinygrad_nn.checking import GradcheckReport, check_model, gradcheck
from tinygrad_nn.errors import ArgumentError, BrokenPromise, GradientMismatch
from tinygrad_nn.nn.module import Module
from tinygrad_nn.testing.check import check_primitive

_PREFIX = "check_"

_EXAMPLES = 50
"""How many examples a primitive is tried on: enough for a CI that runs with each commit."""

_FOREIGN = tuple(sysconfig.get_paths()[key] for key in ("stdlib", "platstdlib", "purelib", "platlib"))


class Finding(NamedTuple):
    """What the check of one function found: a row of the table.

    Attributes:
        function: its name.
        verdict: of the gradient check; ``WRONG`` for a promise that a primitive breaks, ``ERROR`` where a check failed.
        inputs: what was compared, in words.
        order: the highest order that was compared, as text; empty if nothing tells.
        seconds: how long it took.
        is_good: whether it passed.
        detail: what to read if it did not.

    """

    function: str
    verdict: str
    inputs: str
    order: str
    seconds: float
    is_good: bool
    detail: str

    def row(self) -> tuple[str, ...]:
        """Return the cells of its row in the table."""
        return self.function, self.verdict, self.inputs, self.order, f"{self.seconds:.2f} s"


class _Offer(NamedTuple):
    """A check that a file offers, and what the table says of it if it leaves no report."""

    run: Callable[[], Any]
    inputs: str = ""
    order: str = ""


def check_file(path: str | Path, function: str | None = None) -> list[Finding]:
    """Run the file at `path` and check all that it offers, or the one `function`.

    A function ``check_name`` takes no arguments and returns what is to be checked: ``(f, inputs)`` for `gradcheck`,
    ``(model, x, y, loss)`` for `check_model`, a report of either, or nothing if it checks by itself and raises. A
    primitive that has no such function is elementwise: it is tried all over, as `check_primitive` does.

    Raises:
        ArgumentError: there is no such file or function, the file offers nothing, or it cannot be run.

    """
    file = Path(path)
    if not file.is_file():
        message = f"check: expected a file, but there is no {path}"
        raise ArgumentError(message)
    checks = _offered(_imported(file))
    if function is not None:
        chosen = next((name for name in (function, _PREFIX + function) if name in checks), None)
        if chosen is None:
            message = (
                f"check: expected {file.name} to define the primitive {function} or a function {_PREFIX}{function}; "
                f"it offers {', '.join(checks) or 'nothing'}"
            )
            raise ArgumentError(message)
        checks = {chosen: checks[chosen]}
    if not checks:
        message = (
            f"check: expected {file.name} to define a primitive (@tn.primitive) or a function {_PREFIX}... that "
            f"returns (f, inputs) or (model, x, y, loss), but it has none"
        )
        raise ArgumentError(message)
    return [_found(name, offer) for name, offer in checks.items()]


def _imported(file: Path) -> ModuleType:
    """Run a file, as Python does: what lies beside it can be imported."""
    spec = importlib.util.spec_from_file_location(f"_checked_{file.stem}", file)
    if spec is None or spec.loader is None:
        message = f"check: expected a Python file (.py), got {file}"
        raise ArgumentError(message)
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(file.resolve().parent))
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        message = f"check: {file} cannot be run\n{_told(error)}"
        raise ArgumentError(message) from error
    finally:
        sys.path.pop(0)
    return module


def _offered(module: ModuleType) -> dict[str, _Offer]:
    """Return the check for each name that a file offers, in the order of the file."""
    own = {name: x for name, x in vars(module).items() if getattr(x, "__module__", None) == module.__name__}
    checks: dict[str, _Offer] = {}
    for name, value in own.items():
        if hasattr(value, "primitive"):
            if _PREFIX + name not in own:
                run = functools.partial(check_primitive, value, examples=_EXAMPLES)
                checks[name] = _Offer(run, f"{_EXAMPLES} examples", "2")
        elif name.startswith(_PREFIX) and inspect.isfunction(value):
            checks[name] = _Offer(value)
    return checks


def _found(name: str, offer: _Offer) -> Finding:
    """Run one check, whatever comes of it."""
    start = time.perf_counter()
    try:
        verdict, is_good, report, detail = _judged(name, offer.run())
    except GradientMismatch as mismatch:
        verdict, is_good, report, detail = _judged(name, mismatch.report)
    except BrokenPromise as broken:
        verdict, is_good, report, detail = "WRONG", False, None, str(broken)
    except Exception as error:  # noqa: BLE001 - the others are checked all the same
        verdict, is_good, report, detail = "ERROR", False, None, _told(error)
    seconds = time.perf_counter() - start
    rows = report.comparisons if report is not None else ()
    inputs = ", ".join(dict.fromkeys(f"{row.name} {row.shape}" for row in rows if not row.name.startswith("cotangent")))
    order = str(max((row.order for row in rows), default=""))
    return Finding(name, verdict, inputs or offer.inputs, order or offer.order, seconds, is_good, detail)


def _judged(name: str, result: Any) -> tuple[str, bool, GradcheckReport | None, str]:
    """Check what a function returned, and return verdict, whether it is good, the report, and what to read if not."""
    if result is None:
        return "PASS", True, None, ""
    if isinstance(result, tuple) and not isinstance(result, GradcheckReport):
        if len(result) == 4 and isinstance(result[0], Module):
            result = check_model(*result, raises=False)
        elif len(result) == 2 and callable(result[0]):
            result = gradcheck(result[0], result[1], order=2, raises=False)
    if not isinstance(result, GradcheckReport):
        message = (
            f"{name}: expected (f, inputs), (model, x, y, loss), a report or nothing to be returned, got "
            f"{type(result).__name__}"
        )
        raise ArgumentError(message)
    return result.verdict.value, bool(result), result, str(result)


def _told(error: BaseException) -> str:
    """Return a traceback of the user's own lines: ours, NumPy's and Python's would only hide them."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if f.filename not in OWN_FILES and not f.filename.startswith((*_FOREIGN, "<"))]
    return "".join([*traceback.format_list(own), *traceback.format_exception_only(error)]).rstrip()
