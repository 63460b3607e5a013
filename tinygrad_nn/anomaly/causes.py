"""Causes in words, and what to do: what happens at the edge of the domain of each function, and beyond its range."""

from __future__ import annotations

import dataclasses
import traceback
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from tinygrad_nn.backprop import OWN_FILES, set_mode
from tinygrad_nn.primitive import Closure, Primitive
from tinygrad_nn.tensor import raw


class Cause(NamedTuple):
    """What happened, and the remedy."""

    text: str
    remedy: str


@dataclasses.dataclass(frozen=True)
class Situation:
    """An operation with its operands and its result, the element that is not finite, and what made each operand."""

    primitive: Primitive
    operands: Sequence[Any]
    options: dict[str, Any]
    out: Any
    index: tuple[int, ...]
    lineages: Sequence[frozenset[str]]

    @property
    def is_elementwise(self) -> bool:
        """Whether each element of the result is made of one element of each operand, as far as can be told."""
        twins = self.primitive.twins
        if not twins:
            return all(np.shape(x) in {(), np.shape(self.out)} for x in self.operands)
        return any(isinstance(twin, np.ufunc) and twin.signature is None for twin in twins)

    @property
    def elements(self) -> list[Any]:
        """The number in each operand that the element at `index` was made of."""
        return [float(np.broadcast_to(x, np.shape(self.out))[self.index]) for x in self.operands]


# Remedies

INSIDE = "Keep the operand inside, with np.clip or np.maximum, or compute only where it is, with np.piecewise"
POSITIVE = (
    "Keep the operand above 0, as in np.log(np.maximum(x, 1e-12)), or compute only where it is, with np.piecewise"
)
DIVISOR = "Add a small number to the divisor, or divide only where it is not 0, with np.piecewise"
LOGITS = (
    "Compute the loss from what goes into the {0}, with nn.cross_entropy, nn.binary_cross_entropy_with_logits or "
    "nn.log_softmax, which do not round to 0"
)
SHIFT = (
    "Take the maximum off first, as nn.softmax, nn.log_softmax and nn.logsumexp do, use nn.softplus or nn.sigmoid for "
    "their formulas, or scale the input down"
)
RANGE = "Scale the numbers down before, or work with their logarithms"
DOUBLE = "Compute in float64: tn.set_default_dtype('float64'), or x.astype('float64')"
INFINITY = "Use a large finite number, such as -1e9, where -inf stands for a mask, or look at what made the infinity"
GAPS = (
    "Put a harmless number in the place of NaN before anything is computed with it, as with np.nan_to_num or "
    "np.where(np.isnan(x), 0.0, x), or leave the elements out before, with a mask as the index"
)
LANE = "Leave at least one element unmasked, or mask with a large finite number such as -1e9"
SINGULAR = "Add a small number to the diagonal, or leave out columns that depend on others"
CLIP = "Scale the loss down, or keep the operands away from where the slope is so steep"

NOTHING = "Look at what selects the elements, or divide by max(x.size, 1)"
OWN = "Mend that line: put a harmless number, with np.where, in the place of what it cannot compute with"


class _Steep(NamedTuple):
    """A function whose slope is infinite somewhere: where it is not, a harmless operand, and how to keep away."""

    inside: str
    harmless: str
    call: str
    away: str


_STEEP = {
    "sqrt": _Steep(
        "x > 0", "1.0", "np.sqrt({})",
        "np.sqrt(x + 1e-12), or use a function that has a slope there, as np.linalg.norm has for the root of a sum of "
        "squares",
    ),
    "cbrt": _Steep("x != 0", "1.0", "np.cbrt({})", "np.cbrt(x + 1e-12)"),
    "power": _Steep("x > 0", "1.0", "{} ** p", "(x + 1e-12) ** p"),
    "arcsin": _Steep("np.abs(x) < 1", "0.0", "np.arcsin({})", "np.arcsin(np.clip(x, -1 + 1e-7, 1 - 1e-7))"),
    "arccos": _Steep(
        "np.abs(x) < 1", "0.0", "np.arccos({})",
        "np.arccos(np.clip(x, -1 + 1e-7, 1 - 1e-7)), or take the angle from its sine and cosine, with np.arctan2",
    ),
    "arccosh": _Steep("x > 1", "2.0", "np.arccosh({})", "np.arccosh(np.maximum(x, 1 + 1e-7))"),
    "divide": _Steep("x != 0", "1.0", "1 / {}", "a / (x + 1e-12)"),
    "log": _Steep("x > 0", "1.0", "np.log({})", "np.log(np.maximum(x, 1e-12))"),
}  # fmt: skip  # a table


def _steep_remedy(name: str, *, is_masked: bool) -> str:
    """Say what to do about an infinite slope, which a mask behind it does not hide."""
    if name not in _STEEP:
        keep = "put a harmless number in its place before, with np.where" if is_masked else "keep away from that place"
        return f"Compute only where the slope is finite, with np.piecewise, or {keep}"
    inside, harmless, call, away = _STEEP[name]
    if not is_masked:
        return f"Keep the operand away from that place, as in {away}"
    function = call.removesuffix("({})") if call.startswith("np.") else f"lambda x: {call.format('x')}"
    return (
        f"Compute only where the operand is inside, with np.piecewise(x, [{inside}], [{function}, 0.0]), or put a "
        f"harmless number in its place before: "
        f"np.where({inside}, {call.format(f'np.where({inside}, x, {harmless})')}, 0.0)"
    )


Rule = tuple[str, Callable[..., Any], str, str]

_EDGES: list[Rule] = [
    ("log log2 log10", lambda a: a < 0, "the logarithm of a negative number, {0:.6g}", POSITIVE),
    ("log log2 log10", lambda a: a == 0, "the logarithm of 0", POSITIVE),
    ("log1p", lambda a: a < -1, "log1p of {0:.6g}, the logarithm of a negative number", INSIDE),
    ("log1p", lambda a: a == -1, "log1p of -1, the logarithm of 0", INSIDE),
    ("sqrt", lambda a: a < 0, "the square root of a negative number, {0:.6g}", INSIDE),
    ("arcsin arccos", lambda a: abs(a) > 1, "{name} of {0:.6g}, outside of its domain from -1 to 1", INSIDE),
    ("arctanh", lambda a: abs(a) >= 1, "arctanh of {0:.6g}, outside of its domain between -1 and 1", INSIDE),
    ("arccosh", lambda a: a < 1, "arccosh of {0:.6g}, outside of its domain from 1 on", INSIDE),
    ("power", lambda a, b: a < 0 and b != round(b), "a negative base, {0:.6g}, to the power {1:.6g}", INSIDE),
    ("power", lambda a, b: a == 0 and b < 0, "0 to a negative power, {1:.6g}", DIVISOR),
    ("divide floor_divide remainder fmod", lambda a, b: a == 0 == b, "0 / 0", DIVISOR),
    ("divide floor_divide remainder fmod", lambda _, b: b == 0, "division of {0:.6g} by 0", DIVISOR),
    ("divide", lambda a, b: abs(b) < 1e-300 and np.isfinite(a), "division of {0:.6g} by all but 0, {1:.6g}", DIVISOR),
    ("divide", lambda a, b: np.isinf(a) and np.isinf(b), "inf / inf", INFINITY),
    ("reciprocal", lambda a: a == 0, "division of 1 by 0", DIVISOR),
    ("add subtract logaddexp", lambda a, b: np.isinf(a) and np.isinf(b), "inf - inf", INFINITY),
    ("multiply", lambda a, b: 0 in {a, b}, "0 * inf", INFINITY),
    ("sin cos tan remainder fmod", lambda a, *_: np.isinf(a), "{name} of an infinity", INFINITY),
]  # fmt: skip  # a table
"""Names of operations, a condition on the elements, what happens under it, and the remedy."""

_LIMITS = {"exp": np.log, "exp2": np.log2, "expm1": np.log, "sinh": np.arcsinh, "cosh": np.arccosh}
"""Functions that grow exponentially -> their inverse, which says for which input they still have a value."""

_NORMS = frozenset({"sqrt", "euclidean_norm", "root"})
_SATURATING = ("sigmoid", "softmax")


def data_cause(*, is_nan: bool, is_leaf: bool, is_changed: bool) -> Cause:
    """Say where a number comes from that is not finite, and that no operation made."""
    if is_changed:
        text = "a step of the optimizer, or an assignment, has put it there"
        return Cause(text, "Lower the learning rate, or clip the gradients with optim.clip_by_norm")
    if is_leaf:
        return Cause("it was there when the leaf was made", "Look at how it is initialised or loaded")
    if not is_nan:
        return Cause("the infinity was handed in, as data or as a constant", INFINITY)
    return Cause(
        "it was in the data",
        "Leave out the rows, as in x[np.isfinite(x).all(axis=1)], or fill the gaps, as with np.nan_to_num",
    )


def forward_cause(at: Situation) -> Cause:
    """Say why an element of a result is not finite although no operand is NaN."""
    found = _in_own_rule(at, lambda: at.primitive.rule(*at.operands, **at.options))
    found = found or _in_lane(at) or (_at_edge(at) if at.is_elementwise else None)
    if found is not None:
        return found
    infinite = [place for place, x in enumerate(at.operands) if not np.isfinite(x).all()]
    if infinite:
        return Cause(f"inf - inf or 0 * inf: operand {infinite[0]} holds an infinity", INFINITY)
    wider = _in_float64(at.primitive, at.operands, at.options)
    value = None if wider is None else np.asarray(raw(wider[0]))
    dtype = np.asarray(at.out).dtype
    if value is not None and dtype != np.float64 and np.isfinite(value[at.index]):
        largest = np.finfo(dtype).max
        text = f"overflow in {dtype}: the number is {value[at.index]:.3g}, and {largest:.3g} is the largest"
        return Cause(f"{text}; float64 would hold it", DOUBLE)
    if np.isinf(np.asarray(at.out)[at.index]):
        return Cause(f"{_beyond(at)}: the number is larger than {dtype} holds, {np.finfo(dtype).max:.3g}", RANGE)
    return Cause(f"'{at.primitive.name}' has no value for these operands", INSIDE)


def _at_edge(at: Situation) -> Cause | None:
    """Say which edge of its domain an elementwise function was at."""
    name, elements = at.primitive.name, at.elements
    if name in _LIMITS and np.isfinite(elements[0]):
        dtype = np.asarray(at.out).dtype
        limit = float(_LIMITS[name](np.finfo(dtype).max))
        sides = "of size " if name in {"sinh", "cosh"} else ""
        text = f"overflow: {name} of {elements[0]:.6g}; {dtype} holds it for inputs {sides}up to {limit:.6g}"
        return Cause(text, SHIFT)
    for names, holds, text, remedy in _EDGES:
        if name in names.split() and holds(*elements):
            words = text.format(*elements, name=name)
            if words == "0 / 0" and np.asarray(at.operands[1]).dtype.kind == "i" and not np.ndim(at.operands[1]):
                return Cause("0 / 0: an average of no elements, or of no more than are taken off by ddof", NOTHING)
            if words == "0 / 0" and at.lineages[1] & _NORMS:
                words = "0 / 0 in a normalisation: the divisor is the deviation or norm of what does not vary, or is 0"
            squashed = next((made for made in _SATURATING if made in at.lineages[0]), None)
            if words == "the logarithm of 0" and squashed:
                return Cause(f"the logarithm of 0, a probability of a saturated {squashed}", LOGITS.format(squashed))
            return Cause(words, remedy)
    return None


def _in_lane(at: Situation) -> Cause | None:
    """Say what a function of a whole lane was given."""
    name, axis = at.primitive.name, at.options.get("axis", -1)
    if name in {"softmax", "log_softmax"} and not np.isfinite(at.operands[0]).all():
        if (np.max(at.operands[0], axis=axis) == -np.inf).any():
            return Cause(f"inf - inf: {name} of nothing but -inf", LANE)
        return Cause(f"inf - inf: {name} of inf, for the maximum is taken off first", RANGE)
    if name == "packed_slogdet" and np.isfinite(at.operands[0]).all():
        return Cause("the logarithm of a determinant of 0: the matrix is singular", SINGULAR)
    if name == "standardize" and (np.ptp(at.operands[0], axis=axis) == 0).any() and not at.options.get("eps"):
        return Cause("0 / 0 in a normalisation: a channel that does not vary, and eps=0", "Pass eps=1e-5")
    return None


def backward_cause(at: Situation, place: int, closure: Closure, gradient: Any, result: Any, behind: str) -> Cause:
    """Say why the closure for the operand `place` made a `result` that is not finite of `gradient`."""
    name = at.primitive.name
    if not np.isfinite(gradient).all():
        return Cause(f"overflow in the sum of the gradients that come from several uses of '{name}'", CLIP)
    gaps = [place for place, x in enumerate(at.operands) if np.isnan(x).any()]
    if gaps:
        dropped = f", and what is dropped{behind} has the gradient 0" if not np.all(gradient) else ""
        return Cause(f"{'0 * NaN: ' if dropped else ''}operand {gaps[0]} holds NaN{dropped}", GAPS)
    found = _in_own_rule(at, lambda: closure(gradient))
    if found is not None:
        return found
    if at.is_elementwise and np.shape(result) == np.shape(at.out):
        with set_mode(watch=None), np.errstate(all="ignore"):
            slope = float(np.broadcast_to(raw(closure(np.ones_like(gradient))), np.shape(result))[at.index])
        if not np.isfinite(slope):
            # The slope of a quotient is infinite because of its divisor, for whichever operand.
            point, incoming = f"{at.elements[1 if name == 'divide' else place]:.6g}", float(gradient[at.index])
            if incoming == 0:
                text = (
                    f"0 * inf: {name} at {point}{behind}: its slope there is infinite, and the incoming gradient is 0"
                )
                return Cause(text, _steep_remedy(name, is_masked=bool(behind)))
            return Cause(f"the slope of {name} at {point} is infinite", _steep_remedy(name, is_masked=False))
    wider = _in_float64(at.primitive, at.operands, at.options)
    dtype = np.asarray(result).dtype
    if wider is not None and dtype != np.float64:
        with set_mode(watch=None), np.errstate(all="ignore"):
            value = np.asarray(raw(wider[1 + place](np.asarray(gradient, np.float64))))
        if np.isfinite(value[at.index]):
            return Cause(f"overflow in {dtype}: the gradient is {value[at.index]:.3g}; float64 would hold it", DOUBLE)
    infinite = [place for place, x in enumerate(at.operands) if not np.isfinite(x).all()]
    if infinite:
        return Cause(f"0 * inf or inf - inf: operand {infinite[0]} holds an infinity", INFINITY)
    if np.isinf(np.asarray(result)[at.index]):
        return Cause(f"{_beyond(at)}: the gradient is larger than {dtype} holds, {np.finfo(dtype).max:.3g}", CLIP)
    return Cause(
        f"the gradient formula of '{name}' has no value for these operands", _steep_remedy(name, is_masked=False)
    )


def _in_own_rule(at: Situation, run: Callable[[], Any]) -> Cause | None:
    """Say which line of a rule of the user's NumPy complains of; None for a rule of this library."""
    if at.primitive.rule.__module__.startswith("tinygrad_nn."):
        return None
    try:
        with set_mode(watch=None), np.errstate(all="raise", under="ignore"):
            run()
    except FloatingPointError as error:
        frames = [x for x in traceback.extract_tb(error.__traceback__) if x.filename not in OWN_FILES]
        line = frames[-1]
        return Cause(
            f"{error}, in the rule of '{at.primitive.name}' at {line.filename}:{line.lineno}: {line.line}", OWN
        )
    return None


def _beyond(at: Situation) -> str:
    """Say how an infinity was made of finite numbers; what the rule of a user divides by is not known."""
    return "overflow" if at.primitive.rule.__module__.startswith("tinygrad_nn.") else "an overflow, or a division by 0"


def _in_float64(primitive: Primitive, operands: Sequence[Any], options: dict[str, Any]) -> tuple[Any, ...] | None:
    """Run a rule again with its floats in float64; None where it cannot be run by itself."""
    wide = [x.astype(np.float64) if getattr(x, "dtype", np.dtype(int)).kind == "f" else x for x in operands]
    try:
        with set_mode(watch=None), np.errstate(all="ignore"):
            result: tuple[Any, ...] = primitive.rule(*wide, **options)
    except Exception:  # noqa: BLE001 - such as that of a checkpoint, which stands for other operations
        return None
    return result
