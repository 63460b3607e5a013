"""`check_file`: run a file, and check the gradients that it offers, for the command line."""

from __future__ import annotations

import importlib.util
import sys
import sysconfig
import time
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from tinygrad_nn.backprop import OWN_FILES
from tinygrad_nn.checking import GradcheckReport, check_model, gradcheck
from tinygrad_nn.errors import ArgumentError, BrokenPromise, GradientMismatch
from tinygrad_nn.nn.module import Module
from tinygrad_nn.testing.offers import PREFIX, Offer, offer, offers, others

_FOREIGN = tuple(sysconfig.get_paths()[key] for key in ("stdlib", "platstdlib", "purelib", "platlib"))


class Finding(NamedTuple):
    """What the check of one function found: a row of the table.

    Attributes:
        function: its name.
        verdict: of the gradient check; ``WRONG`` for a promise that a primitive breaks, ``ERROR`` where a check failed,
            ``NOT CHECKED`` where no inputs were given and none were found.
        inputs: what was compared, in words.
        order: the highest order that was compared, as text; empty if nothing tells.
        seconds: how long it took.
        is_good: whether it passed; None if it was not checked.
        detail: what to read if it did not.

    """

    function: str
    verdict: str
    inputs: str
    order: str
    seconds: float
    is_good: bool | None
    detail: str

    def row(self) -> tuple[str, ...]:
        """Return the cells of its row in the table."""
        return self.function, self.verdict, self.inputs, self.order, f"{self.seconds:.2f} s"


class Findings(NamedTuple):
    """What the check of a file found.

    Attributes:
        rows: one for each check.
        others: the names of functions and classes that were not asked for, and so not called.

    """

    rows: list[Finding]
    others: list[str]


def check_file(path: str | Path, function: str | None = None) -> Findings:
    """Run the file at `path` and check all that it offers, or the one `function`, or model.

    A function ``check_name`` takes no arguments and returns what is to be checked: ``(f, inputs)`` for `gradcheck`,
    ``(model, x, y, loss)`` for `check_model`, a report of either, or nothing if it checks by itself and raises. A
    primitive, a model or a function that has no such function is tried on inputs that it does not refuse.

    Raises:
        ArgumentError: there is no such file or function, the file offers nothing, or it cannot be run.

    """
    file = Path(path)
    if not file.is_file():
        message = f"check: expected a file, but there is no {path}"
        raise ArgumentError(message)
    module = _imported(file)
    checks, unasked = offers(module), others(module)
    if function is not None:
        checks, unasked = {function: _asked_for(function, module, checks, file.name)}, []
    if not checks:
        message = (
            f"check: expected {file.name} to define a primitive (@tn.primitive) or a function {PREFIX}... that "
            f"returns (f, inputs) or (model, x, y, loss), or a model, but it has none"
            + (f". Of {', '.join(unasked)} ask for one: {file.name}:{unasked[0]}" if unasked else "")
        )
        raise ArgumentError(message)
    return Findings([_found(name, check) for name, check in checks.items()], unasked)


def _asked_for(name: str, module: ModuleType, checks: dict[str, Offer], file: str) -> Offer:
    """Return the check of what the user names: one that the file offers, or any other function of it."""
    chosen = checks.get(name) or checks.get(PREFIX + name)
    if chosen is not None:
        return chosen
    value = getattr(module, name, None)
    if not callable(value):
        found = "there is none" if value is None else f"it is {type(value).__name__}"
        message = (
            f"check: expected {file} to define a function or model {name} or a function {PREFIX}{name}, but {found}; "
            f"it offers {', '.join([*checks, *others(module)]) or 'nothing'}"
        )
        raise ArgumentError(message)
    return offer(name, value)


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


def _found(name: str, offer: Offer) -> Finding:
    """Run one check, whatever comes of it."""
    start = time.perf_counter()
    report: GradcheckReport | None = None
    is_good: bool | None = False
    try:
        verdict, is_good, report, detail = _judged(name, offer.run())
    except GradientMismatch as mismatch:
        verdict, is_good, report, detail = _judged(name, mismatch.report)
    except BrokenPromise as broken:
        verdict, detail = "WRONG", str(broken)
    except Exception as error:  # noqa: BLE001 - the others are checked all the same
        verdict, detail = "ERROR", _told(error)
        if isinstance(error, ArgumentError) and offer.remedy:  # no inputs were found
            verdict, is_good, detail = "NOT CHECKED", None, f"{error}\nWrite {offer.remedy}"
    seconds = time.perf_counter() - start
    rows = report.comparisons if report is not None else ()
    names = list(dict.fromkeys(f"{row.name} {row.shape}" for row in rows if not row.name.startswith("cotangent")))
    inputs = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    order = str(max((row.order for row in rows), default=""))
    if is_good is not None and not rows:
        inputs, order = offer.inputs, offer.order
    return Finding(name, verdict, inputs, order, seconds, is_good, detail)


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
