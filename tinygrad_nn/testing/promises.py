"""What every primitive promises, each promise as a function that looks at one case and raises if it is broken.

Nothing here is drawn at random: whatever a case shows, it shows each time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from tinygrad_nn.checking.gradcheck import gradcheck
from tinygrad_nn.checking.report import Verdict
from tinygrad_nn.checking.study import Mode
from tinygrad_nn.errors import BrokenPromise
from tinygrad_nn.primitive import Array
from tinygrad_nn.tensor import Tensor, raw
from tinygrad_nn.testing.agreement import Broken, agree, agree_at_scale, fail, largest
from tinygrad_nn.testing.case import Case, flat, is_floating, joined
from tinygrad_nn.testing.form import check_form
from tinygrad_nn.testing.judging import objection
from tinygrad_nn.testing.subject import Function, Subject
from tinygrad_nn.transforms import vjp

SINGLE = 2e-3
"""How far results in float32 may be off, relative to the largest: a wrong rule is off by much more than rounding."""

LAYOUT = 1e-9
"""How far results may be off for another layout in memory, likewise: BLAS adds in another order."""

_FAR = 50
"""Up to which size, and down to what part of 1, operands are tried in float32: in the sine of the square of a thousand,
and in ``log(exp(1e-8))``, it has no digit left."""

_FEW = 4
"""The number of elements up to which each is compared with finite differences, in a case that chance has chosen."""

_FAR_OFF = 1e2
"""Up to which size, and down to what part of 1, higher orders are compared: beyond, most of them are only rounding."""

_ROUNDING = 4e-15
"""The part of the largest element that any other may be off by."""


class Terms(NamedTuple):
    """By which terms promises are kept.

    Attributes:
        order: the highest order of the gradient.
        rtol: how far a value may be from the reference, relative to it.
        is_elementwise: whether the operands broadcast, and the result with them.
        accepted: the verdicts on a gradient that pass.
        is_drawn: whether chance has chosen the case, which is then one of many.

    """

    order: int
    rtol: float
    is_elementwise: bool
    accepted: tuple[Verdict, ...]
    is_drawn: bool = False


def check_case(subject: Subject, case: Case, terms: Terms) -> None:
    """Check all that `subject` promises on one case.

    Raises:
        BrokenPromise: the first promise that is broken, as they are listed.

    """
    check_form(subject, case)
    for promise, check in PROMISES.items():
        try:
            with np.errstate(all="ignore"):  # an infinite slope is none of the mistakes that are looked for
                check(subject, case, terms)
        except Broken as broken:
            raise BrokenPromise(subject.name, broken.promise or promise, case, str(broken)) from None
        except Exception as error:
            message = f"expected a result, but it raised {type(error).__name__}: {error}"
            raise BrokenPromise(subject.name, promise, case, message) from error


def _value(subject: Subject, case: Case, terms: Terms) -> None:
    """Value, dtype and shape are those of the reference, for arrays and Tensors alike."""
    expected = subject.values(case)
    for function in (subject.function, *subject.twins):
        from_arrays = flat(case.call(function))
        from_tensors = flat(case.call(function, [Tensor(x) for x in case.floats]))
        if any(isinstance(result, Tensor) for result in from_arrays):
            fail("expected arrays for arrays, got a Tensor")
        for kind, results in (("arrays", from_arrays), ("Tensors", from_tensors)):
            if len(results) != len(expected):
                fail(f"for {kind}: expected {len(expected)} results, got {len(results)}")
            for result, wanted in zip(results, expected, strict=True):
                found = np.asarray(raw(result))
                if np.shape(result) != wanted.shape or found.dtype != wanted.dtype:
                    was, came = f"{wanted.dtype} of shape {wanted.shape}", f"{found.dtype} of shape {np.shape(result)}"
                    fail(f"for {kind}: expected {was}, got {came}")
                # Where a sum cancels out, what is left is rounding.
                rounding = _ROUNDING * np.max(np.abs(wanted), initial=0) if wanted.dtype.kind == "f" else 0.0
                agree(f"the value for {kind}", found, wanted, terms.rtol * np.abs(wanted) + rounding)


def _shape(subject: Subject, case: Case, terms: Terms) -> None:
    """The result of an elementwise function is broadcast, and every gradient has the shape of its operand."""
    if terms.is_elementwise:
        expected = np.broadcast_shapes(*(np.shape(x) for x in case.operands))
        (result,) = flat(case.call(subject.function, [Tensor(x) for x in case.floats]))
        if result.shape != expected:
            fail(f"expected the operands broadcast to {expected}, got a result of shape {result.shape}")
    for place, (x, gradient) in enumerate(zip(case.floats, _gradients(subject, case), strict=False)):
        if gradient is not None and gradient.shape != x.shape:
            fail(f"expected a gradient of shape {x.shape} for array {place}, got {gradient.shape}")


def _untouched(subject: Subject, case: Case, terms: Terms) -> None:  # noqa: ARG001 - promises are called alike
    """Neither operands nor gradients are written into, and no operand is handed back as the result."""
    try:
        if subject.primitive is None:
            case.mapped(_read_only).call(subject.function)
            return
        operands = [_read_only(x) if isinstance(x, np.ndarray) else x for x in case.operands]
        bound, options = subject.primitive.bind(tuple(operands), case.options)
        result, *closures = subject.primitive.rule(*bound, **options)
        gradient = _read_only(np.ones_like(result))
        for operand, closure in zip(bound, closures, strict=True):
            if closure is not None and is_floating(operand):
                closure(gradient)
    except Exception as error:  # noqa: BLE001 - it is looked at
        if "read-only" not in str(error):  # what else it raises, the other promises meet as well
            return
        fail(f"expected operands and gradients to be only read, but NumPy says: {error}")
    if any(result is operand for operand in operands):
        fail("expected a new array, got the operand itself, which may change later. Return a.copy() or +a")


def _memory(subject: Subject, case: Case, terms: Terms) -> None:  # noqa: ARG001
    """Value and gradients are the same however the operands lie in memory."""
    if all(x.ndim == 0 for x in case.floats):
        return
    expected = subject.value_and_gradients(subject.function, case)
    for layout, lay in (("with their axes in reverse order", _in_reverse_order), ("with gaps between", _with_gaps)):
        leaves, inputs, restore = [list(column) for column in zip(*map(lay, case.floats), strict=True)]
        found = subject.backward(subject.function, case, leaves, inputs)
        gradients = [None if g is None else undo(g) for g, undo in zip(found[1:], restore, strict=False)]
        agree_at_scale(
            f"for operands that lie in memory {layout}", [*found[:1], *gradients], expected, case.floats, LAYOUT
        )


def _single(subject: Subject, case: Case, terms: Terms) -> None:  # noqa: ARG001
    """Results and gradients in float32 are float32, unless NumPy promotes, and equal to those in float64."""
    single = case.mapped(lambda x: x.astype(np.float32))
    if not all(1 / _FAR < abs(number) < _FAR for x in case.floats for number in x.flat if number):
        return
    # What NumPy makes of float32 beside whole numbers is float64. Without NumPy's function nobody tells.
    is_telling = subject.formula is None and subject.reference is not None
    has_whole_numbers = any(isinstance(x, np.ndarray) and x.dtype.kind == "i" for x in flat(case.operands))
    if not is_telling and (has_whole_numbers or "dtype" in case.options):
        return
    results = flat(single.call(subject.function, [Tensor(x) for x in single.floats]))
    expected = subject.values(single) if is_telling else [np.zeros(0, np.float32)] * len(results)
    for result, wanted in zip(results, expected, strict=True):
        if isinstance(result, Tensor) and result.dtype.kind == "f" and result.dtype != wanted.dtype:
            fail(f"expected a result of {wanted.dtype}, got {result.dtype}. Is there a constant of float64?")
    found = subject.value_and_gradients(subject.function, single)
    for place, gradient in enumerate(found[1:]):
        if gradient is not None and gradient.dtype != np.float32:
            fail(f"expected a gradient of float32 for array {place}, got {gradient.dtype}")
    widened = subject.value_and_gradients(subject.function, single.mapped(lambda x: x.astype(np.float64)))
    if all(x is None or np.isfinite(x).all() for x in found):  # float32 does not reach as far
        agree_at_scale("in float32, compared with float64", found, widened, case.floats, SINGLE)


def _gradient(subject: Subject, case: Case, terms: Terms) -> None:
    """The gradients agree with finite differences, up to the highest order."""

    def function(*tensors: Any) -> Any:
        return joined(case.call(subject.function, tensors))

    value = joined(case.call(subject.function, [Tensor(x) for x in case.floats])) if case.floats else None
    if value is None:
        return
    function.__name__ = subject.name  # which the report names
    size, reach = largest(raw(value)), max(map(largest, case.floats))
    count = sum(x.size for x in case.floats)
    # Where each element is at the edge of what can be told, random directions take a tenth of the time. What only a
    # tiny element shows is seen in the arrays that have no other.
    mode: Mode = "directional" if terms.is_drawn and count > _FEW else "auto"
    is_far = terms.is_drawn and count > 1 and reach and not 1 / _FAR_OFF < reach < _FAR_OFF
    order = 1 if is_far or not count or not value.size else terms.order
    report = gradcheck(function, case.floats, order=order, mode=mode, raises=False)
    detail = objection(report, terms.accepted, size, reach)
    if detail:
        fail(detail, f"gradient of order {max((row.order for row in report.comparisons), default=1)}")


def _constants(subject: Subject, case: Case, terms: Terms) -> None:
    """The second order for one operand is the same whether the others are constants, Tensors or differentiated."""
    places = [place for place, x in enumerate(case.operands) if is_floating(x)]
    if subject.primitive is None or terms.order < 2 or len(places) < 2:
        return
    arrays = [case.operands[place] for place in places]
    weights = [np.sin(1 + np.arange(x.size)).reshape(x.shape) for x in arrays]
    pullback = _second_order(lambda *x: joined(case.call(subject.function, x)), arrays)
    for n, x in enumerate(arrays):
        only = tuple(w if i == n else np.zeros_like(w) for i, w in enumerate(weights))
        expected = pullback(only)[n]
        for kind, constant in (("arrays", np.asarray), ("Tensors", lambda y: Tensor(y, requires_grad=True))):

            def alone(tensor: Any, n: int = n, constant: Function = constant) -> Any:
                given = [tensor if i == n else constant(y) for i, y in enumerate(arrays)]
                return joined(case.call(subject.function, given))

            found = _second_order(alone, [x])((weights[n],))[0]
            what = f"order 2 for operand {places[n]} where the others are constant {kind}"
            if np.isfinite(expected).all():
                agree(what, found, expected, 1e-12 * np.abs(expected) + 1e-15)


def _spellings(subject: Subject, case: Case, terms: Terms) -> None:  # noqa: ARG001
    """Every other way to write it gives the same value and gradients, to the last bit."""
    expected = subject.value_and_gradients(subject.function, case) if subject.spellings else []
    for spelling in subject.spellings:
        found = subject.value_and_gradients(spelling, case)
        name = getattr(spelling, "__name__", repr(spelling))
        if len(found) != len(expected):
            fail(f"expected {len(expected)} results of the spelling {name}, got {len(found)}")
        for result, wanted in zip(found, expected, strict=True):
            agree(f"the spelling {name}", result, wanted, 0.0)


PROMISES: dict[str, Callable[[Subject, Case, Terms], None]] = {
    "operands untouched": _untouched,
    "value": _value,
    "shape": _shape,
    "same for every layout in memory": _memory,
    "float32 stays float32": _single,
    "gradient": _gradient,
    "order 2 whatever the other operands are": _constants,
    "all spellings agree": _spellings,
}
"""Name of a promise -> what checks it."""


def _gradients(subject: Subject, case: Case) -> list[Any]:
    return subject.value_and_gradients(subject.function, case)[1:]


def _read_only(x: Array) -> Array:
    copy = np.array(x)
    copy.flags.writeable = False
    return copy


def _in_reverse_order(x: Array) -> tuple[Tensor, Tensor, Callable[[Array], Array]]:
    """Return a leaf, what is made of it that equals `x`, and what makes of the leaf's gradient that of `x`."""
    leaf = Tensor(np.array(x.T, order="C"), requires_grad=True)
    return leaf, leaf.T, np.transpose


def _with_gaps(x: Array) -> tuple[Tensor, Tensor, Callable[[Array], Array]]:
    """Return the same as `_in_reverse_order`, for a Tensor whose elements lie backwards and apart."""
    if x.ndim == 0:
        return _in_reverse_order(x)
    leaf = Tensor(np.repeat(x, 2, axis=-1)[..., ::-1], requires_grad=True)
    return leaf, leaf[..., ::-2], lambda g: g[..., ::-2]


def _second_order(function: Function, arrays: Sequence[Array]) -> Function:
    """Return what carries cotangents back through the gradient of `function`."""
    value = function(*map(Tensor, arrays))
    u = np.cos(np.arange(value.size)).reshape(value.shape)
    return vjp(lambda *x: vjp(function, *x)[1](u), *arrays)[1]
