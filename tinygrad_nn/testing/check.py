"""`check_primitive`: does a primitive do what every primitive promises, also where nobody thought of trying it?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np

from tinygrad_nn.checking.report import Verdict
from tinygrad_nn.errors import ArgumentError, BrokenPromise, UnsupportedError
from tinygrad_nn.testing.case import Case, flat
from tinygrad_nn.testing.form import check_form
from tinygrad_nn.testing.fuzzing import as_case, cases, is_elementwise, simplest
from tinygrad_nn.testing.promises import Terms, check_case
from tinygrad_nn.testing.subject import Subject
from tinygrad_nn.testing.trying import fitting
from tinygrad_nn.testing.values import Interval

_NOT_WRONG = (Verdict.PASS, Verdict.KINK, Verdict.NOISE_LIMITED, Verdict.NON_FINITE)
"""What passes where chance chose the values: it may choose a kink, or one where rounding drowns the differences."""

_DOMAIN: Interval = (-np.inf, np.inf)
"""Where a function is tried of which nothing is known; where its value is not finite, it is not checked."""


def check_primitive(
    rule: Callable[..., Any],
    samples: Any = None,
    *,
    reference: Callable[..., Any] | None = None,
    spellings: Sequence[Callable[..., Any]] = (),
    domain: Interval | Sequence[Interval] | None = None,
    elementwise: bool | None = None,
    order: int = 2,
    rtol: float = 1e-12,
    kinks: bool = True,
    examples: int = 100,
    rng: np.random.Generator | int | None = None,
) -> None:
    """Check that a primitive keeps its promises, on `samples` and on examples that hypothesis makes of them.

    Checked is, in this order: that operands and gradients are not written into; the value; shapes; that layout in
    memory does not matter; float32; gradients of each order against finite differences; the second order with other
    operands constant; that all spellings agree. Examples have shapes that broadcast, no axes, no elements, repeated
    indices, and other values. A failure is shrunk to the smallest that shows it.

    Args:
        rule: what `primitive` returned, or a function of NumPy that has a rule, or one that is written with these. If
            it takes a sequence as `numpy.concatenate` does, its elements are the operands.
        samples: a list, of which each is an operand, a tuple of operands, a `Case` if there are options, or a strategy
            of hypothesis for one of these. None for an elementwise rule: it is tried all over its domain.
        reference: what the values must be, a function of arrays; for a rule with a NumPy twin, the twin if None.
        spellings: other ways to write it, such as a method or an operator, as functions of the same arguments.
        domain: an open interval that values are drawn from, or one for each operand; that of the samples if None.
        elementwise: whether operands broadcast and each element of the result comes from its own place; tried if None.
        order: the highest order of the gradient to check.
        rtol: how far a value may be from that of the reference, relative to it.
        kinks: whether samples may lie where the function is not differentiable; examples always may.
        examples: how many to try beside the samples; with 0, hypothesis is not needed.
        rng: a seed or a generator for the examples; the seed 0 if None, which tries the same ones each time.

    Raises:
        BrokenPromise: a promise is broken; the message says which and with which call.
        ArgumentError: neither samples nor a domain is known for the operands, or a domain is none.
        UnsupportedError: there is no hypothesis.

    >>> import tinygrad_nn as tn
    >>> @tn.primitive
    ... def cube(a):
    ...     return a**3, lambda g: g * 3 * a**2
    >>> check_primitive(cube, reference=lambda a: a * a * a, examples=20)

    """
    if examples:
        _require_hypothesis()
    subject = Subject(rule, reference, spellings)
    domains = _intervals(domain)
    if samples is None:
        count, everywhere = _count(subject), domains or [_DOMAIN]
        samples = [simplest(subject, count, everywhere)]
        check_form(subject, samples[0])
        if is_elementwise(subject, samples) if elementwise is None else elementwise:
            domains = everywhere
        else:
            samples = fitting(rule, count, everywhere, subject.name)
    given = [as_case(sample) for sample in (samples if isinstance(samples, (list, tuple)) else [samples])]
    exact = [sample for sample in given if isinstance(sample, Case)]
    does_broadcast = is_elementwise(subject, exact) if elementwise is None else elementwise
    terms = Terms(order, rtol, does_broadcast, (Verdict.PASS, Verdict.KINK) if kinks else (Verdict.PASS,))
    broken = _first_broken(subject, exact, terms)
    if examples:
        drawn = cases(subject, given, elementwise=does_broadcast, domains=domains)
        smallest = _smallest_broken(subject, drawn, terms._replace(accepted=_NOT_WRONG, is_drawn=True), examples, rng)
        if smallest is not None and (broken is None or _size(smallest.case) <= _size(broken.case)):
            broken = smallest
    if broken is not None:
        raise broken


def _count(subject: Subject) -> int:
    """Return the number of operands, where no sample tells."""
    if subject.primitive is None or subject.primitive.is_variadic:
        message = (
            f"check_primitive: expected 'samples' for {subject.name}, for nothing tells how many operands it takes. "
            f"Pass a list of operands, or of tuples of them"
        )
        raise ArgumentError(message)
    return len(subject.primitive.operand_names)


def _intervals(domain: Any) -> list[Interval]:
    """Return one interval for all operands, or one for each; none if none is given."""
    if domain is None:
        return []
    intervals = [domain] if np.ndim(domain) == 1 else list(domain)
    for interval in intervals:
        if np.shape(interval) != (2,) or not interval[0] < interval[1]:
            message = (
                f"check_primitive: expected 'domain' to be (low, high), or one such for each operand, got {domain}"
            )
            raise ArgumentError(message)
    return cast("list[Interval]", intervals)


def _first_broken(subject: Subject, exact: Sequence[Case], terms: Terms) -> BrokenPromise | None:
    for case in exact:
        try:
            check_case(subject, case, terms)
        except BrokenPromise as broken:
            return broken
    return None


def _require_hypothesis() -> None:
    try:
        import hypothesis  # noqa: F401 - whether it is there
    except ImportError as error:
        message = (
            "check_primitive: expected the library hypothesis. Run pip install 'tinygrad_nn[testing]', or pass "
            "examples=0 to check the samples alone"
        )
        raise UnsupportedError(message) from error


def _smallest_broken(
    subject: Subject, drawn: Any, terms: Terms, examples: int, rng: np.random.Generator | int | None
) -> BrokenPromise | None:
    """Return what the smallest case shows that hypothesis finds; None if it finds nothing."""
    from hypothesis import HealthCheck, Phase, given, seed, settings
    from hypothesis.errors import Flaky, Unsatisfiable

    seen: list[BrokenPromise] = []

    # No database: it would replay the failures of one primitive to all others, for they share this function.
    @seed(int(rng.integers(2**32)) if isinstance(rng, np.random.Generator) else int(rng or 0))
    @settings(
        max_examples=examples, deadline=None, database=None, report_multiple_bugs=False, print_blob=False,
        phases=(Phase.generate, Phase.shrink), suppress_health_check=list(HealthCheck),
    )  # fmt: skip  # what is sought, then how
    @given(drawn)
    def fuzz(case: Case) -> None:
        try:
            check_case(subject, case, terms)
        except BrokenPromise as broken:
            seen.append(broken)
            raise

    try:
        fuzz()
    except (BrokenPromise, Flaky):
        # It ends with the smallest. Once more outside of hypothesis, whose lines would pass for the user's in a report
        return _first_broken(subject, [seen[-1].case], terms) or seen[-1]
    except Unsatisfiable as error:
        message = f"check_primitive: expected samples in the domain of {subject.name}, but found none like them"
        raise ArgumentError(message) from error
    return None


def _size(case: Case) -> int:
    return sum(np.size(x) for x in flat(case.operands))
