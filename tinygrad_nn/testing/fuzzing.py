"""Where the cases come from that nobody thought of: strategies of hypothesis that are derived from samples.

Elementwise functions meet every shape that broadcasts, and values from the whole of their domain. Of others only their
author knows what fits together, so a sample is varied in what keeps it fitting: its axes are shortened, to 1 and to 0,
those of equal length together; its arrays are scaled; its indices are drawn again, so that some are repeated.
Float32, read-only operands and layouts in memory need no drawing: each case is checked for them (`promises.py`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_nn.primitive import Array
from tinygrad_nn.tensor import raw
from tinygrad_nn.testing.case import Case, flat, is_floating
from tinygrad_nn.testing.subject import Subject
from tinygrad_nn.testing.values import Interval, simple_within, values_like, values_within

_FACTORS = (1.0, 0.5, 2.0, -1.0, 1e-3, 1.1e2)
"""What an array is multiplied by, beside others that are not."""

_SCALES = (*(1.0,) * 20, 1e-8, 1e-60, 1.1e3, 1e8)
"""What all arrays are multiplied by: mostly 1, for there most mistakes show; where differences cancel; where even the
square of a square is all but 0; and where `exp` overflows. Not 1e60, for there a sine has no digit of its own."""

_ENOUGH = 3
"""How many values of an elementwise function show what it is like."""


def is_elementwise(subject: Subject, samples: Sequence[Case]) -> bool:
    """Tell by trying whether a function computes each element from those at the same place, and has one result.

    Operands are broadcast first, for it may be in broadcasting that a rule fails. Reversed, or without its first
    element, an array must give the same at each place that is left; and as both rows of another, in both rows.
    """
    has_shown = False
    for sample in samples:
        places = [place for place, x in enumerate(sample.operands) if isinstance(x, np.ndarray)]
        if not places or not all(isinstance(x, (int, float, np.ndarray)) for x in sample.operands):
            return False
        try:
            lines = [np.ravel(x) for x in np.broadcast_arrays(*(sample.operands[place] for place in places))]
            whole, turned, rest = (_along(subject, sample, places, [x[cut].copy() for x in lines]) for cut in _CUTS)
            rows = _along(subject, sample, places, [np.stack([x, x]) for x in lines])
        except Exception:  # noqa: BLE001 - whatever it raises, it is not elementwise
            return False
        if whole.shape != lines[0].shape or not _same(turned[::-1], whole) or not _same(rest, whole[1:]):
            return False
        if not _same(rows, np.stack([whole, whole])):  # as of a transpose
            return False
        has_shown = has_shown or np.isfinite(whole).sum() > 1
    return has_shown


def simplest(subject: Subject, count: int, domains: Sequence[Interval]) -> Case:
    """Return a case of `count` operands for an elementwise function of which no sample is known.

    Its values are simple ones for which there is a finite result, as far as can be found: those of an arcsine are below
    1. Several operands are turned against each other, for what one may be another must not.
    """
    pools = [simple_within(domains[place % len(domains)]) for place in range(count)]
    columns = [pool[: min(map(len, pools))] for pool in pools]
    for turn in range(len(columns[0])):
        case = Case(*(np.roll(column, -place * turn) for place, column in enumerate(columns)))
        is_inside = _finite(subject, case, (len(columns[0]),))
        if is_inside is not None and is_inside.sum() >= _ENOUGH:
            return Case(*(x[is_inside][:_ENOUGH] for x in case.operands))
    return Case(*(np.array(column[:_ENOUGH]) for column in columns))


def cases(subject: Subject, samples: Sequence[Any], *, elementwise: bool, domains: Sequence[Interval]) -> Any:
    """Return the strategy that draws cases like `samples`, which are cases, or strategies of the author's.

    Args:
        subject: must accept a case, or it is not drawn.
        samples: what to start from.
        elementwise: whether the operands broadcast.
        domains: intervals that the operands' values are drawn from, in turn; none to stay within those of the sample.

    """
    from hypothesis import assume
    from hypothesis import strategies as st

    own = [sample for sample in samples if isinstance(sample, st.SearchStrategy)]
    given = [sample for sample in samples if isinstance(sample, Case)]
    pools = [_pools(subject, sample, domains) for sample in given] if elementwise else []

    @st.composite
    def varied(draw: Any) -> Case:
        number = draw(st.integers(0, len(given) - 1))
        sample = given[number]
        case = _elementwise(draw, sample, pools[number]) if elementwise else _like(draw, subject, sample, domains)
        # An elementwise function may refuse a value, but no shape: what it raises then is left for the check to find.
        assume(_is_inside(subject, case) or (elementwise and _refuses_shape(subject, case, sample)))
        return case

    within = (strategy.filter(lambda case: _is_inside(subject, case)) for strategy in own)
    return st.one_of(*within, *([varied()] if given else []))


def as_case(sample: Any) -> Any:
    """Return what the author gives as a case, or a strategy of cases: an operand, a tuple of them, or a case."""
    if hasattr(sample, "map"):  # a strategy of hypothesis, which may not be there to ask
        return sample.map(as_case)
    return sample if isinstance(sample, Case) else Case(*sample) if isinstance(sample, tuple) else Case(sample)


_CUTS = slice(None), slice(None, None, -1), slice(1, None)


def _along(subject: Subject, sample: Case, places: Sequence[int], lines: Sequence[Array]) -> Array:
    """Return the result of `sample` with other arrays, without a gradient."""
    rest = dict(zip(places, lines, strict=True))
    operands = [rest.get(place, x) for place, x in enumerate(sample.operands)]
    return np.asarray(raw(subject.function(*operands, **sample.options)))


def _finite(subject: Subject, case: Case, shape: tuple[int, ...]) -> Array | None:
    """Tell where the result of an elementwise function is finite; None if it is not one of that shape."""
    with np.errstate(all="ignore"):
        try:
            (value,) = subject.values(case)
        except Exception:  # noqa: BLE001 - whatever it raises, nothing is told
            return None
    return np.isfinite(value) if value.shape == shape and value.dtype.kind == "f" else None


def _same(found: Array, wanted: Array) -> bool:
    return found.shape == wanted.shape and np.allclose(found, wanted, rtol=1e-12, atol=0, equal_nan=True)


def _is_inside(subject: Subject, case: Case) -> bool:
    """Tell whether a case lies in the domain: there is a result and it is finite.

    Nothing made of something is no result: so ends a convolution where its window is longer than the signal.
    """
    with np.errstate(all="ignore"):
        try:
            results = [x for x in subject.values(case) if x.dtype.kind == "f"]
        except Exception:  # noqa: BLE001 - whatever it raises, it refuses
            return False
    is_lost = not any(x.size for x in results) and all(x.size for x in case.floats)
    return not (results and is_lost) and all(np.isfinite(x).all() for x in results)


def _refuses_shape(subject: Subject, case: Case, sample: Case) -> bool:
    """Tell whether a function raises for arrays of these shapes even if their values are those of the sample."""
    pairs = zip(case.operands, sample.operands, strict=True)
    known = [np.resize(y, np.shape(x)) if isinstance(x, np.ndarray) else x for x, y in pairs]
    try:
        subject.values(Case(*known, **case.options))
    except Exception:  # noqa: BLE001 - likewise
        return True
    return False


def _pools(subject: Subject, sample: Case, domains: Sequence[Interval]) -> list[list[float]]:
    """Return the values to draw from for each array of an elementwise function.

    Those are left out that have a finite result with none of the others of the sample: else most arrays of several
    numbers would be outside of the domain of an arcsine.
    """
    pools = []
    places = [place for place, x in enumerate(sample.operands) if isinstance(x, np.ndarray)]
    for place in places:
        x = sample.operands[place]
        if not is_floating(x):
            values = list(dict.fromkeys(x.ravel().tolist())) or [1]
        elif domains:
            values = values_within(domains[place % len(domains)], 1.07**place)
        else:
            values = values_like(x, 1.07**place)
        rest = {other: np.ravel(sample.operands[other])[:1] for other in places}
        column = {place: np.array(values, x.dtype)[:, None]}
        operands = [column.get(other, rest.get(other, y)) for other, y in enumerate(sample.operands)]
        is_inside = _finite(subject, Case(*operands, **sample.options), (len(values), 1))
        if is_inside is not None and is_inside.any():
            values = [value for value, inside in zip(values, is_inside[:, 0].tolist(), strict=True) if inside]
        pools.append(values)
    return pools


def _elementwise(draw: Any, sample: Case, pools: Sequence[Sequence[float]]) -> Case:
    """Draw arrays whose shapes broadcast, with values from the pools."""
    from hypothesis import strategies as st
    from hypothesis.extra.numpy import mutually_broadcastable_shapes

    places = [place for place, x in enumerate(sample.operands) if isinstance(x, np.ndarray)]
    kinds = mutually_broadcastable_shapes(num_shapes=len(places), min_side=0, max_side=2, max_dims=3)
    operands = list(sample.operands)
    for place, shape, pool in zip(places, draw(kinds).input_shapes, pools, strict=True):
        count = math.prod(shape)
        drawn = draw(st.lists(st.sampled_from(pool), min_size=count, max_size=count))
        operands[place] = np.array(drawn, operands[place].dtype).reshape(shape)
    return Case(*operands, **sample.options)


def _like(draw: Any, subject: Subject, sample: Case, domains: Sequence[Interval]) -> Case:
    """Draw a case whose arrays fit together as those of the sample do."""
    from hypothesis import strategies as st

    values = flat([*sample.operands, *sample.options.values()])
    lengths = sorted({length for x in values if isinstance(x, np.ndarray) for length in x.shape})
    scale = draw(st.sampled_from(_SCALES))
    shorter = {n: draw(st.one_of(st.sampled_from([*range(1, min(n, 3) + 1), 0]), st.just(n))) for n in lengths}

    def vary(value: Any, place: int) -> Any:
        if isinstance(value, np.ndarray):
            cut = value[tuple(slice(shorter[n]) for n in value.shape)] if value.ndim else value
            if not is_floating(value):
                return _drawn_again(draw, cut)
            if not domains:
                return _varied(draw, cut, scale)
            simple = simple_within(domains[place % len(domains)])
            low, high = min(simple), max(simple)
            parts = st.integers(1, 255).map(lambda k: low + (high - low) * k / 256)
            return np.array(draw(st.lists(parts, min_size=cut.size, max_size=cut.size, unique=True))).reshape(cut.shape)
        if isinstance(value, (list, tuple)) and any(isinstance(x, (np.ndarray, list, tuple)) for x in value):
            return type(value)([vary(x, place) for x in value])
        return _drawn_again(draw, value)

    operands = [vary(value, place) for place, value in enumerate(sample.operands)]
    options = {name: vary(value, 0) for name, value in sample.options.items()}
    return Case(*operands, **options | _along_axes(draw, subject, operands, options))


def _along_axes(draw: Any, subject: Subject, operands: Sequence[Any], options: dict[str, Any]) -> dict[str, Any]:
    """Draw the axis of a function that has such an option, as it is given or any other, counted from either end."""
    from hypothesis import strategies as st

    names = set(options) | set(subject.primitive.option_names if subject.primitive else ())
    axes = operands[0].ndim if isinstance(operands[0], np.ndarray) else 0
    is_single = isinstance(options.get("axis", 0), int)
    if "axis" not in names or not axes or not is_single:
        return {}
    given = [{"axis": options["axis"]} if "axis" in options else {}]
    return draw(st.sampled_from([*given, *({"axis": axis} for axis in range(-axes, axes))]))


def _varied(draw: Any, x: Array, scale: float) -> Array:
    """Return a multiple of an array, with one of its values put to 0 if it has both signs: a matrix stays symmetric.

    Its numbers are rounded, to be easy to read, unless it is they that show a failure.
    """
    from hypothesis import strategies as st

    if draw(st.sampled_from([True, False])):
        x = np.array([float(f"{number:.1e}") for number in x.flat], x.dtype).reshape(x.shape)
    scaled = np.array(x * scale * draw(st.sampled_from(_FACTORS)), x.dtype)
    has_both_signs = bool((x > 0).any() and (x < 0).any())
    gone = draw(st.sampled_from([None, *np.unique(np.abs(scaled))])) if has_both_signs else None
    return scaled if gone is None else np.where(np.abs(scaled) == gone, 0.0, scaled)


def _drawn_again(draw: Any, value: Any) -> Any:
    """Return indices drawn from those of `value`, so that some are repeated; anything else as it is."""
    from hypothesis import strategies as st

    is_list = isinstance(value, list) and all(type(x) is int for x in value)
    if not (is_list or (isinstance(value, np.ndarray) and value.dtype.kind == "i")) or not np.size(value):
        return value
    own = np.ravel(value).tolist()
    drawn = draw(st.one_of(st.just(own), st.lists(st.sampled_from(own), min_size=len(own), max_size=len(own))))
    return drawn if is_list else np.array(drawn, value.dtype).reshape(value.shape)
