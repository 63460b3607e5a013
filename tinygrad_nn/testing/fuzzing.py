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

_SCALES = (1.0, 0.5, 2.0, -1.0, 1e-3, 1.1e2)


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
        if whole.shape != lines[0].shape or not np.array_equal(turned[::-1], whole) or not _same(rest, whole[1:]):
            return False
        if not _same(rows, np.stack([whole, whole])):  # as of a transpose
            return False
        has_shown = has_shown or len(whole) > 1
    return has_shown


def simplest(count: int, domains: Sequence[Interval]) -> Case:
    """Return a case of `count` operands for an elementwise function of which no sample is known."""
    return Case(*(np.array(simple_within(domains[place % len(domains)])[:3]) for place in range(count)))


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
    vary = _elementwise if elementwise else _like

    @st.composite
    def varied(draw: Any) -> Case:
        sample = draw(st.sampled_from(given))
        case = vary(draw, sample, domains)
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


def _same(found: Array, wanted: Array) -> bool:
    return found.shape == wanted.shape and np.allclose(found, wanted, rtol=1e-12, atol=0, equal_nan=True)


def _is_inside(subject: Subject, case: Case) -> bool:
    """Tell whether a case lies in the domain: there is a result and it is finite."""
    with np.errstate(all="ignore"):
        try:
            return all(np.isfinite(x).all() for x in subject.values(case) if x.dtype.kind == "f")
        except Exception:  # noqa: BLE001 - whatever it raises, it refuses
            return False


def _refuses_shape(subject: Subject, case: Case, sample: Case) -> bool:
    """Tell whether a function raises for arrays of these shapes even if their values are those of the sample."""
    pairs = zip(case.operands, sample.operands, strict=True)
    known = [np.resize(y, np.shape(x)) if isinstance(x, np.ndarray) else x for x, y in pairs]
    try:
        subject.values(Case(*known, **case.options))
    except Exception:  # noqa: BLE001 - likewise
        return True
    return False


def _elementwise(draw: Any, sample: Case, domains: Sequence[Interval]) -> Case:
    """Draw arrays whose shapes broadcast, with values like those of the sample."""
    from hypothesis import strategies as st
    from hypothesis.extra.numpy import mutually_broadcastable_shapes

    places = [place for place, x in enumerate(sample.operands) if isinstance(x, np.ndarray)]
    kinds = mutually_broadcastable_shapes(num_shapes=len(places), min_side=0, max_side=2, max_dims=3)
    operands = list(sample.operands)
    for place, shape in zip(places, draw(kinds).input_shapes, strict=True):
        x = operands[place]
        if not is_floating(x):
            values = list(dict.fromkeys(x.ravel().tolist())) or [1]
        elif domains:
            values = values_within(domains[place % len(domains)], 1.07**place)
        else:
            values = values_like(x, 1.07**place)
        count = math.prod(shape)
        drawn = draw(st.lists(st.sampled_from(values), min_size=count, max_size=count))
        operands[place] = np.array(drawn, x.dtype).reshape(shape)
    return Case(*operands, **sample.options)


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
                return _varied(draw, cut)
            simple = simple_within(domains[place % len(domains)])
            low, high = min(simple), max(simple)
            parts = st.integers(1, 255).map(lambda k: low + (high - low) * k / 256)
            return np.array(draw(st.lists(parts, min_size=cut.size, max_size=cut.size, unique=True))).reshape(cut.shape)
        if isinstance(value, (list, tuple)) and any(isinstance(x, (np.ndarray, list, tuple)) for x in value):
            return type(value)([vary(x, place) for x in value])
        return _drawn_again(draw, value)

    operands = [vary(value, place) for place, value in enumerate(sample.operands)]
    return Case(*operands, **{name: vary(value, 0) for name, value in sample.options.items()})


def _varied(draw: Any, x: Array) -> Array:
    """Return a multiple of an array, with one of its values put to 0 if it has both signs: a matrix stays symmetric."""
    from hypothesis import strategies as st

    scaled = np.array(x * draw(st.sampled_from(_SCALES)))
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
