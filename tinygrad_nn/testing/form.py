"""The form of what a rule returns, told before anything is computed with it: else NumPy complains of what follows."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_nn.errors import BrokenPromise
from tinygrad_nn.primitive import as_arrays
from tinygrad_nn.testing.case import Case
from tinygrad_nn.testing.subject import Subject


def check_form(subject: Subject, case: Case) -> None:
    """Check that a rule returns one array, and for each operand a closure or None, if it does not refuse the case.

    Raises:
        BrokenPromise: it returns anything else.

    """
    if subject.primitive is None:
        return
    try:
        operands, options = subject.primitive.bind(case.mapped(np.array).operands, case.options)
        returned = subject.primitive.rule(*as_arrays(operands), **options)
    except Exception:  # noqa: BLE001 - it refuses the case, or the promises meet it as well
        return
    detail = _misformed(returned, len(operands))
    if detail:
        raise BrokenPromise(subject.name, "a value, and a closure for each operand", case, detail)


def _misformed(returned: Any, count: int) -> str:
    """Say what is wrong with the form of what a rule of `count` operands has returned; nothing if it is right."""
    form = f"return value, {', '.join(['lambda g: ...'] * count)}"
    if not isinstance(returned, (tuple, list)):
        return f"expected the rule to return its value and {_closures(count)}, got {_kind(returned)}. Write {form}"
    value, *closures = returned
    if isinstance(value, (tuple, list)):
        return (
            f"expected one array as the value of the rule, got {_kind(value)}. Write a rule for each result, or put "
            f"them into one array, with np.stack or np.concatenate, and take it apart behind the rule"
        )
    if not isinstance(value, (np.ndarray, np.generic)):
        return f"expected an array as the value of the rule, got {_kind(value)}. Compute it with functions of NumPy"
    if len(closures) != count:
        return f"expected the rule to return its value and {_closures(count)}, got {len(closures)}. Write {form}"
    for place, closure in enumerate(closures):
        if closure is not None and not callable(closure):
            return (
                f"expected a function of the incoming gradient for operand {place}, got {_kind(closure)}. Write "
                f"{form}; None if there is no gradient"
            )
    return ""


def _closures(count: int) -> str:
    return "a closure" if count == 1 else f"{count} closures, one for each operand"


def _kind(value: Any) -> str:
    length = f" of length {len(value)}" if isinstance(value, (tuple, list)) else ""
    return f"{type(value).__name__}{length}"
