"""What a gradient check found, as plain data that reads well as text."""

from __future__ import annotations

import enum
import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np


class Verdict(enum.Enum):
    """What a check found, from the best to the worst."""

    PASS = "PASS"  # noqa: S105 - no password
    KINK = "KINK"
    NOISE_LIMITED = "NOISE-LIMITED"
    WRONG = "WRONG"
    NON_FINITE = "NON-FINITE"
    NON_DETERMINISTIC = "NON-DETERMINISTIC"

    @property
    def is_good(self) -> bool:
        """Whether the gradient is right: at a kink it is, if it lies between the slopes on both sides."""
        return self in (Verdict.PASS, Verdict.KINK)

    @staticmethod
    def worst(verdicts: Iterable[Verdict]) -> Verdict:
        """Return the worst of `verdicts`, and `PASS` for none."""
        return max(verdicts, key=list(Verdict).index, default=Verdict.PASS)


_MEANINGS = {
    Verdict.KINK: "not differentiable here; the gradient lies between the slopes on both sides",
    Verdict.NOISE_LIMITED: "rounding inside of the function drowns its differences: the gradient could not be verified",
    Verdict.NON_FINITE: "not a finite number, so there is nothing to compare",
}


class Sample(NamedTuple):
    """One comparison: an element of the gradient, or the gradient along a random direction.

    Attributes:
        element: the place in the input; None for a direction through all of it.
        analytic: the derivative by backpropagation.
        numeric: the derivative by finite differences.
        uncertainty: the error to be expected of `numeric`.
        step: the step that `numeric` comes from, relative to the size of the input.
        verdict: what follows.

    """

    element: tuple[int, ...] | None
    analytic: float
    numeric: float
    uncertainty: float
    step: float
    verdict: Verdict

    @property
    def ratio(self) -> float:
        """How many times too large the analytic derivative is."""
        return self.analytic / self.numeric if self.numeric else math.copysign(math.inf, self.analytic)

    def __str__(self) -> str:
        """Say where it was, what was compared, and how they relate."""
        place = "a random direction" if self.element is None else f"element {list(self.element)}"
        ratio = f", ratio {self.ratio:.6g}" if self.verdict is Verdict.WRONG else ""
        return (
            f"{place}: analytic {self.analytic:.9g}, numeric {self.numeric:.9g} +- {self.uncertainty:.0e}{ratio} "
            f"(step {self.step:.0e} of the input's size)"
        )


class Comparison(NamedTuple):
    """The comparison of one input's gradient.

    Attributes:
        name: the input, as ``input 0``, or the parameter.
        shape: its shape.
        order: 1 for the gradient, 2 for the gradient of the gradient.
        samples: all elements; or some random directions, and the element that a wrong one was narrowed down to.
        error: the largest difference between analytic and numeric, relative to the largest derivative.

    """

    name: str
    shape: tuple[int, ...]
    order: int
    samples: tuple[Sample, ...]
    error: float

    @property
    def verdict(self) -> Verdict:
        """The worst of the samples' verdicts."""
        return Verdict.worst(sample.verdict for sample in self.samples)

    @property
    def worst(self) -> Sample | None:
        """The sample to look at first: among those of the worst verdict, an element, and the one that differs most."""
        verdict = self.verdict
        return max(
            (sample for sample in self.samples if sample.verdict is verdict),
            key=lambda s: (s.element is not None, abs(s.analytic - s.numeric)),
            default=None,
        )

    @property
    def directions(self) -> int:
        """How many random directions were compared; 0 if every element was."""
        return sum(sample.element is None for sample in self.samples)

    def row(self) -> tuple[str, ...]:
        """Return the cells of its row in the table."""
        count = len(self.samples)
        compared = f"{self.directions} directions" if self.directions else f"{count} element{'s' * (count != 1)}"
        return self.name, str(self.shape), str(self.order), compared, f"{self.error:.1e}", self.verdict.value

    def explain(self) -> list[str]:
        """Return the lines that say what was found; none for a `PASS`."""
        verdict, worst = self.verdict, self.worst
        if verdict is Verdict.PASS or worst is None:
            return []
        order = f", order {self.order}" if self.order > 1 else ""
        lines = [f"{self.name}{order}, {worst}"]
        if verdict in _MEANINGS:
            lines.append(f"  {_MEANINGS[verdict]}")
        elif not self.directions and len(self.samples) > 1:
            wrong = [sample for sample in self.samples if sample.verdict is verdict]
            lines.append(f"  {len(wrong)} of {len(self.samples)} elements are wrong{_common_ratio(wrong)}")
        return lines


def _common_ratio(samples: list[Sample]) -> str:
    """Say by which ratio all of `samples` are off, if there is one."""
    ratios = np.array([sample.ratio for sample in samples])
    is_common = len(ratios) > 1 and np.isfinite(ratios).all() and np.allclose(ratios, ratios[0], rtol=1e-4, atol=0)
    return f", each by the ratio {ratios[0]:.6g}" if is_common else ""


class GradcheckReport(NamedTuple):
    """The result of `gradcheck` or `check_model`: true if the gradient is right, and a text that says where it is not.

    Attributes:
        subject: what was checked.
        verdict: the worst verdict of all.
        comparisons: one for each input and order.
        note: what in the function itself left nothing to compare; empty if nothing did.
        seed: repeats the check exactly, as ``rng=seed``.
        evaluations: how often the function was evaluated.

    """

    subject: str
    verdict: Verdict
    comparisons: tuple[Comparison, ...]
    note: str
    seed: int
    evaluations: int

    def __bool__(self) -> bool:
        """Tell whether the gradient is right."""
        return self.verdict.is_good

    def __str__(self) -> str:
        """Show the verdict, a table with a row for each input, and what was found where one did not pass."""
        lines = [f"{self.subject}: {self.verdict.value}"]
        if self.note:
            lines.append(self.note)
        if self.comparisons:
            head = ("name", "shape", "order", "compared", "error", "verdict")
            lines += _table([head, *(comparison.row() for comparison in self.comparisons)])
        for comparison in self.comparisons:
            lines += comparison.explain()
        lines.append(f"{self.evaluations} evaluations; repeat with rng={self.seed}")
        return "\n".join(lines)


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    """Align cells in columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  " + "  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
