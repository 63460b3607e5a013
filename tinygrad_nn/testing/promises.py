"""What every primitive promises, each promise as a function that looks at one case and raises if it is broken.

Nothing here is drawn at random: whatever a case shows, it shows each time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, NoReturn

import numpy as np

from tinygrad_nn.checking.gradcheck import gradcheck
from tinygrad_nn.checking.report import Sample, Verdict
from tinygrad_nn.errors import BrokenPromise
from tinygrad_nn.primitive import Array
from tinygrad_nn.tensor import Tensor, raw
from tinygrad_nn.testing.case import Case, flat, is_floating, joined
from tinygrad_nn.testing.subject import Function, Subject
from tinygrad_nn.transforms import vjp

SINGLE = 2e-3
"""How far results in float32 may be off, relative to the largest: a wrong rule is off by much more than rounding."""

LAYOUT = 1e-9
"""How far results may be off for another layout in memory, likewise: BLAS adds in another order."""


_VANISHED = 1e-30
"""How small a derivative may be for the values drawn here, lest it be what a saturated function has left of it."""

_FAR = 50
"""Up to which size, and down to what part of 1, operands are tried in float32: in the sine of the square of a thousand,
and in ``log(exp(1e-8))``, it has no digit left."""

_CONVERGED = 1e-3
"""How well differences must agree to tell that there is a derivative where backpropagation finds none."""

_ROUNDING = 4e-15
"""The part of the largest element that any other may be off by."""

_ROUNDED = 1e-6
"""The step below which differences are mostly rounding."""

_CANCELLED = 1e-2
"""The part of its usual size below which a gradient is what cancelling has left."""


class Terms(NamedTuple):
    """By which terms promises are kept.

    Attributes:
        order: the highest order of the gradient.
        rtol: how far a value may be from the reference, relative to it.
        is_elementwise: whether the operands broadcast, and the result with them.
        accepted: the verdicts on a gradient that pass.

    """

    order: int
    rtol: float
    is_elementwise: bool
    accepted: tuple[Verdict, ...]


class _Broken(Exception):  # noqa: N818 - it never leaves this file
    """What a promise raises: how it is broken, and its name where that is not the name of the function."""

    def __init__(self, detail: str, promise: str = "") -> None:
        super().__init__(detail)
        self.promise = promise


def _fail(detail: str, promise: str = "") -> NoReturn:
    raise _Broken(detail, promise)


def check_case(subject: Subject, case: Case, terms: Terms) -> None:
    """Check all that `subject` promises on one case.

    Raises:
        BrokenPromise: the first promise that is broken, as they are listed.

    """
    for promise, check in PROMISES.items():
        try:
            with np.errstate(all="ignore"):  # an infinite slope is none of the mistakes that are looked for
                check(subject, case, terms)
        except _Broken as broken:
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
            _fail("expected arrays for arrays, got a Tensor")
        for kind, results in (("arrays", from_arrays), ("Tensors", from_tensors)):
            if len(results) != len(expected):
                _fail(f"for {kind}: expected {len(expected)} results, got {len(results)}")
            for result, wanted in zip(results, expected, strict=True):
                found = np.asarray(raw(result))
                if np.shape(result) != wanted.shape or found.dtype != wanted.dtype:
                    was, came = f"{wanted.dtype} of shape {wanted.shape}", f"{found.dtype} of shape {np.shape(result)}"
                    _fail(f"for {kind}: expected {was}, got {came}")
                # Where a sum cancels out, what is left is rounding.
                rounding = _ROUNDING * np.max(np.abs(wanted), initial=0) if wanted.dtype.kind == "f" else 0.0
                _agree(f"the value for {kind}", found, wanted, terms.rtol * np.abs(wanted) + rounding)


def _shape(subject: Subject, case: Case, terms: Terms) -> None:
    """The result of an elementwise function is broadcast, and every gradient has the shape of its operand."""
    if terms.is_elementwise:
        expected = np.broadcast_shapes(*(np.shape(x) for x in case.operands))
        (result,) = flat(case.call(subject.function, [Tensor(x) for x in case.floats]))
        if result.shape != expected:
            _fail(f"expected the operands broadcast to {expected}, got a result of shape {result.shape}")
    for place, (x, gradient) in enumerate(zip(case.floats, _gradients(subject, case), strict=False)):
        if gradient is not None and gradient.shape != x.shape:
            _fail(f"expected a gradient of shape {x.shape} for array {place}, got {gradient.shape}")


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
        _fail(f"expected operands and gradients to be only read, but NumPy says: {error}")
    if any(result is operand for operand in operands):
        _fail("expected a new array, got the operand itself, which may change later. Return a.copy() or +a")


def _memory(subject: Subject, case: Case, terms: Terms) -> None:  # noqa: ARG001
    """Value and gradients are the same however the operands lie in memory."""
    if all(x.ndim == 0 for x in case.floats):
        return
    expected = subject.value_and_gradients(subject.function, case)
    for layout, lay in (("with their axes in reverse order", _in_reverse_order), ("with gaps between", _with_gaps)):
        leaves, inputs, restore = [list(column) for column in zip(*map(lay, case.floats), strict=True)]
        found = subject.backward(subject.function, case, leaves, inputs)
        gradients = [None if g is None else undo(g) for g, undo in zip(found[1:], restore, strict=False)]
        _agree_at_scale(
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
            _fail(f"expected a result of {wanted.dtype}, got {result.dtype}. Is there a constant of float64?")
    found = subject.value_and_gradients(subject.function, single)
    for place, gradient in enumerate(found[1:]):
        if gradient is not None and gradient.dtype != np.float32:
            _fail(f"expected a gradient of float32 for array {place}, got {gradient.dtype}")
    widened = subject.value_and_gradients(subject.function, single.mapped(lambda x: x.astype(np.float64)))
    if all(x is None or np.isfinite(x).all() for x in found):  # float32 does not reach as far
        _agree_at_scale("in float32, compared with float64", found, widened, case.floats, SINGLE)


def _gradient(subject: Subject, case: Case, terms: Terms) -> None:
    """The gradients agree with finite differences, up to the highest order."""

    def function(*tensors: Any) -> Any:
        return joined(case.call(subject.function, tensors))

    if not case.floats or joined(case.call(subject.function, [Tensor(x) for x in case.floats])) is None:
        return
    function.__name__ = subject.name  # which the report names
    report = gradcheck(function, case.floats, order=terms.order, raises=False)
    order = max((row.order for row in report.comparisons), default=1)
    found = [sample for row in report.comparisons for sample in row.samples if sample.verdict is report.verdict]
    if report.verdict is Verdict.NON_FINITE and any(map(_has_derivative, found)):
        _fail(f"expected a finite gradient, for differences converge to one\n{report}", f"gradient of order {order}")
    if report.verdict is Verdict.WRONG and found and all(map(_is_vanished, found)):
        return
    if report.verdict not in terms.accepted:
        _fail(str(report), f"gradient of order {order}")


def _has_derivative(sample: Sample) -> bool:
    """Tell whether a function has a derivative: its differences converge, and those on one side to the same."""
    trail = [quotient for quotient in sample.trail if math.isfinite(quotient.forward) and quotient.step > _ROUNDED]
    if len(trail) < 2:
        return False
    before, last = trail[-2:]  # from large steps to small
    gap = max(abs(last.central - before.central), abs(last.forward - last.central))
    return _VANISHED < max(abs(quotient.forward) for quotient in trail) * _CONVERGED >= gap


def _is_vanished(sample: Sample) -> bool:
    return max(abs(sample.analytic), abs(sample.numeric)) < _VANISHED


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
                _agree(what, found, expected, 1e-12 * np.abs(expected) + 1e-15)


def _spellings(subject: Subject, case: Case, terms: Terms) -> None:  # noqa: ARG001
    """Every other way to write it gives the same value and gradients, to the last bit."""
    expected = subject.value_and_gradients(subject.function, case) if subject.spellings else []
    for spelling in subject.spellings:
        found = subject.value_and_gradients(spelling, case)
        name = getattr(spelling, "__name__", repr(spelling))
        if len(found) != len(expected):
            _fail(f"expected {len(expected)} results of the spelling {name}, got {len(found)}")
        for result, wanted in zip(found, expected, strict=True):
            _agree(f"the spelling {name}", result, wanted, 0.0)


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


def _agree(what: str, found: Any, wanted: Any, tolerance: Any) -> None:
    """Raise where two arrays differ by more than the tolerance; what is None has no gradient, and so on both sides."""
    if found is None or wanted is None:
        if found is not wanted:
            _fail(f"{what}: expected {_shown(wanted)}, got {_shown(found)}")
        return
    is_off = ~((np.abs(found - wanted) <= tolerance + 1e-300) | (found == wanted))
    is_off &= ~(np.isnan(found) & np.isnan(wanted)) if np.asarray(wanted).dtype.kind == "f" else True
    if np.any(is_off):
        _fail(f"{what}: expected\n    {_shown(wanted)}\ngot\n    {_shown(found)}")


def _agree_at_scale(
    what: str, found: Sequence[Any], wanted: Sequence[Any], operands: Sequence[Array], rtol: float
) -> None:
    """Compare value and gradients, relative to the largest element of each.

    A gradient that is next to nothing is what cancelling has left, so it is compared with what it usually is: the size
    of the value by that of the operand.
    """
    if not wanted:
        return
    size = max(_largest(wanted[0]), _VANISHED)
    _agree(f"value {what}", found[0], wanted[0], rtol * size)
    for place, (result, expected, x) in enumerate(zip(found[1:], wanted[1:], operands, strict=True)):
        scale = max(_largest(expected), _CANCELLED * size / (_largest(x) or 1.0))
        _agree(f"gradient of array {place} {what}", result, expected, rtol * scale)


def _largest(x: Any) -> float:
    return 0.0 if x is None else float(np.max(np.abs(x), initial=0))


def _shown(value: Any) -> str:
    return "no gradient" if value is None else np.array2string(np.asarray(value), threshold=20, prefix="    ")
