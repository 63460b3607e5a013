"""Which reports of `gradcheck` break a promise: it is not asked here whether a point was well chosen to check at.

Chance chooses the points, so that there may be no derivative there, or nothing left of it but rounding.
"""

from __future__ import annotations

import math

from tinygrad_nn.checking.report import Comparison, GradcheckReport, Sample, Verdict
from tinygrad_nn.testing.agreement import VANISHED

_CONVERGED = 1e-3
"""How well differences must agree to tell that there is a derivative where backpropagation finds none."""

_ROUNDED = 1e-6
"""The step below which differences are mostly rounding."""

_LEFT = 1e-12
"""The part of its usual size below which a derivative is what a saturated function has left of it."""


def objection(report: GradcheckReport, accepted: tuple[Verdict, ...], size: float, reach: float) -> str:
    """Say what a report has against a gradient; nothing if it passes.

    Args:
        report: of a check that did not raise.
        accepted: the verdicts that pass. A gradient that is not finite does so only where there is no derivative.
        size: that of the largest element of the value.
        reach: that of the largest element of the operands.

    """
    found = [(x, sample) for x in report.comparisons for sample in x.samples if sample.verdict is report.verdict]
    if report.verdict is Verdict.NON_FINITE and any(_has_derivative(x.order, sample) for x, sample in found):
        return f"expected a finite gradient, for differences converge to one\n{report}"
    # An operation may also be wrong by itself, though rounding hides it in each of the samples.
    suspects = found or [(x, sample) for x in report.comparisons for sample in x.samples]
    is_left = suspects and all(_is_vanished(x, sample, size, reach) for x, sample in suspects)
    if report.verdict is Verdict.WRONG and is_left:
        return ""
    return "" if report.verdict in accepted else str(report)


def _has_derivative(order: int, sample: Sample) -> bool:
    """Tell whether a function has a derivative: its differences converge, and those on one side to the same.

    Also where they converge to 0, as those of a sigmoid do far out: there a rule must not be inf / inf. From the second
    order on it is not the rule alone that computes, but also those of the functions that it is written with, and for
    them 0 * inf is NaN.
    """
    trail = [quotient for quotient in sample.trail if math.isfinite(quotient.forward) and quotient.step > _ROUNDED]
    if len(trail) < 2:
        return False
    before, last = trail[-2:]  # from large steps to small
    gap = max(abs(last.central - before.central), abs(last.forward - last.central))
    slack = max(abs(quotient.forward) for quotient in trail) * _CONVERGED
    return gap <= slack and (order == 1 or slack > VANISHED)


def _is_vanished(comparison: Comparison, sample: Sample, size: float, reach: float) -> bool:
    """Tell whether a derivative is what a saturated function has left of it.

    All along the operand it moves the value by next to nothing, as that of a softmax does where a probability is 1: of
    the ``p * (1 - p)`` of its rule no digit is right there.
    """
    is_cotangent = comparison.name.startswith("cotangent")
    power = comparison.order - is_cotangent - (sample.element is None and not is_cotangent)
    usual = size / reach**power if reach else 0.0
    return max(abs(sample.analytic), abs(sample.numeric)) < max(VANISHED, _LEFT * usual)
