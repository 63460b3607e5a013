"""Where the cases come from that nobody thought of: strategies of hypothesis that are derived from samples.

Elementwise functions meet every shape that broadcasts, and values from the whole of their domain. Of others only their
author knows what fits together, so a sample is varied in what keeps it fitting: its axes are shortened, to 1 and to 0,
those of equal length together; its arrays are scaled; its indices are drawn again, so that some are repeated.
Float32, read-only operands and layouts in memory need no drawing: each case is checked for them (`promises.py`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from tinygrad_nn.primitive import Array
from tinygrad_nn.tensor import raw
from tinygrad_nn.testing.case import Case, flat, is_floating
from tinygrad_nn.testing.subject import Subject

Interval: TypeAlias = tuple[float, float]

_MAGNITUDES = (0.7, 1.3, 2.1, 0.4, 3.6, 0.15, 7.3, 0.03, 25.7, 160.3)
"""The simplest first, which hypothesis shrinks to. No whole numbers and no halves: these are where kinks are."""

_FRACTIONS = (0.43, 0.71, 0.19, 0.87, 0.06, 0.97)
"""Parts of an interval that is too narrow for the simple values."""

_SCALES = (1.0, 0.5, 2.0, -1.0)


def is_elementwise(subject: Subject, samples: Sequence[Case]) -> bool:
    """Tell by trying whether a function computes each element from those at the same place, and has one result.

    Operands are broadcast first, for it may be in broadcasting that a rule fails. Reversed, or without its first
    element, an array must give the same at each place that is left.
    """
    has_shown = False
    for sample in samples:
        places = [place for place, x in enumerate(sample.operands) if isinstance(x, np.ndarray)]
        if not places or not all(isinstance(x, (int, float, np.ndarray)) for x in sample.operands):
            return False
        try:
            lines = [np.ravel(x) for x in np.broadcast_arrays(*(sample.operands[place] for place in places))]
            whole, turned, rest = (_along(subject, sample, places, [x[cut].copy() for x in lines]) for cut in _CUTS)
        except Exception:  # noqa: BLE001 - whatever it raises, it is not elementwise
            return False
        if whole.shape != lines[0].shape or not np.array_equal(turned[::-1], whole) or not _same(rest, whole[1:]):
            return False
        has_shown = has_shown or len(whole) > 1
    return has_shown


def simplest(count: int, domains: Sequence[Interval]) -> Case:
    """Return a case of `count` operands for an elementwise function of which no sample is known."""
    return Case(*(np.array(_values_within(domains[place % len(domains)])[:3]) for place in range(count)))


def cases(subject: Subject, samples: Sequence[Any], *, elementwise: bool, domains: Sequence[Interval]) -> Any:
    """Return the strategy that draws cases like `samples`, which are cases, or strategies of the author's.

    Args:
        subject: must accept a case, or it is not drawn.
        samples: what to start from.
        elementwise: whether the operands broadcast.
        domains: intervals that the operands' values are drawn from, in turn; none to stay within those of the sample.

    """
    from hypothesis import strategies as st

    own = [sample for sample in samples if isinstance(sample, st.SearchStrategy)]
    given = [sample for sample in samples if isinstance(sample, Case)]
    vary = _elementwise if elementwise else _like

    @st.composite
    def varied(draw: Any) -> Case:
        return vary(draw, draw(st.sampled_from(given)), domains)

    drawn = [*own, *([varied()] if given else [])]
    return st.one_of(*drawn).filter(lambda case: _is_inside(subject, case, elementwise))


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


def _same(found: Array, wanted: Array) -> bool:
    return found.shape == wanted.shape and np.allclose(found, wanted, rtol=1e-12, atol=0, equal_nan=True)


def _is_inside(subject: Subject, case: Case, elementwise: bool) -> bool:
    """Tell whether a case lies in the domain: there is a result and it is finite.

    An elementwise function has no right to refuse a shape, so what it raises is left for the check to find.
    """
    with np.errstate(all="ignore"):
        try:
            return all(np.isfinite(x).all() for x in subject.values(case) if x.dtype.kind == "f")
        except Exception:  # noqa: BLE001 - whatever it raises, it refuses
            return elementwise


def _elementwise(draw: Any, sample: Case, domains: Sequence[Interval]) -> Case:
    """Draw arrays whose shapes broadcast, with values like those of the sample."""
    from hypothesis import strategies as st
    from hypothesis.extra.numpy import mutually_broadcastable_shapes

    places = [place for place, x in enumerate(sample.operands) if isinstance(x, np.ndarray)]
    kinds = mutually_broadcastable_shapes(num_shapes=len(places), min_side=0, max_side=3, max_dims=2)
    operands = list(sample.operands)
    for place, shape in zip(places, draw(kinds).input_shapes, strict=True):
        x = operands[place]
        if not is_floating(x):
            values = list(dict.fromkeys(x.ravel().tolist())) or [1]
        elif domains:
            values = _values_within(domains[place % len(domains)])
        else:
            values = _values_like(x, 1.07**place)
        count = math.prod(shape)
        drawn = draw(st.lists(st.sampled_from(values), min_size=count, max_size=count))
        operands[place] = np.array(drawn, x.dtype).reshape(shape)
    return Case(*operands, **sample.options)


def _values_within(domain: Interval) -> list[float]:
    """Return values of an open interval, the simplest first."""
    low, high = domain
    simple = [sign * x for sign in (1, -1) for x in _MAGNITUDES if low < sign * x < high]
    is_bounded = math.isfinite(low) and math.isfinite(high)
    return simple + ([low + (high - low) * part for part in _FRACTIONS] if is_bounded else [])


def _values_like(x: Array, factor: float) -> list[float]:
    """Return values of the signs and between the magnitudes of those in `x`, the simplest first.

    The `factor` keeps operands apart, for where two are equal, a maximum has its kink.
    """
    numbers = x[np.isfinite(x) & (x != 0)]
    if not len(numbers):
        return [factor * v for v in _MAGNITUDES[:3]]
    low, high = float(np.abs(numbers).min()), float(np.abs(numbers).max())
    signs = [sign for sign in (1, -1) if (sign * numbers > 0).any()]
    simple = [sign * v * factor for sign in signs for v in _MAGNITUDES if low <= v * factor <= high]
    return simple or [float(v) for v in np.unique(numbers)]


def _like(draw: Any, sample: Case, domains: Sequence[Interval]) -> Case:
    """Draw a case whose arrays fit together as those of the sample do."""
    from hypothesis import strategies as st

    values = flat([*sample.operands, *sample.options.values()])
    lengths = sorted({length for x in values if isinstance(x, np.ndarray) for length in x.shape})
    shorter = {n: draw(st.one_of(st.just(n), st.sampled_from([*range(1, n + 1), 0]))) for n in lengths}

    def vary(value: Any, place: int) -> Any:
        if isinstance(value, np.ndarray):
            cut = value[tuple(slice(shorter[n]) for n in value.shape)] if value.ndim else value
            if not is_floating(value):
                return _drawn_again(draw, cut)
            if not domains:
                return np.array(cut * draw(st.sampled_from(_SCALES)))
            low, high = domains[place % len(domains)]
            parts = st.integers(1, 255).map(lambda k: low + (high - low) * k / 256)
            return np.array(draw(st.lists(parts, min_size=cut.size, max_size=cut.size, unique=True))).reshape(cut.shape)
        if isinstance(value, (list, tuple)) and any(isinstance(x, (np.ndarray, list, tuple)) for x in value):
            return type(value)([vary(x, place) for x in value])
        return _drawn_again(draw, value)

    operands = [vary(value, place) for place, value in enumerate(sample.operands)]
    return Case(*operands, **{name: vary(value, 0) for name, value in sample.options.items()})


def _drawn_again(draw: Any, value: Any) -> Any:
    """Return indices drawn from those of `value`, so that some are repeated; anything else as it is."""
    from hypothesis import strategies as st

    is_list = isinstance(value, list) and all(type(x) is int for x in value)
    if not (is_list or (isinstance(value, np.ndarray) and value.dtype.kind == "i")) or not np.size(value):
        return value
    own = np.ravel(value).tolist()
    drawn = draw(st.one_of(st.just(own), st.lists(st.sampled_from(own), min_size=len(own), max_size=len(own))))
    return drawn if is_list else np.array(drawn, value.dtype).reshape(value.shape)
