"""What a gradient check found, as plain data that reads well as text."""

from __future__ import annotations

import dataclasses
import enum
import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tinygrad_nn.checking.html import page
from tinygrad_nn.checking.kinks import Kink
from tinygrad_nn.checking.richardson import Quotient
from tinygrad_nn.checking.sweep import draw_sweep
from tinygrad_nn.errors import ArgumentError

if TYPE_CHECKING:  # matplotlib is an optional extra, and heavy
    from matplotlib.axes import Axes

HEAD = ("name", "shape", "order", "compared", "error", "verdict")
"""The heads of the table's columns."""


class Verdict(enum.Enum):
    """What a check found, from the best to the worst.

    Attributes:
        PASS: the gradient is right.
        KINK: the function is not differentiable there, and the gradient lies between the slopes on both sides.
        NOISE_LIMITED: the function is rounded too coarsely for its gradient to be verified.
        WRONG: the gradient is not the true one.
        NON_FINITE: an input, output or derivative is infinite or NaN.
        NON_DETERMINISTIC: two evaluations at one point differ.

    """

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


class Sample(NamedTuple):
    """One comparison: an element of the gradient, or the gradient along a random direction.

    Attributes:
        element: the place in the input; None for a direction through all of it.
        analytic: the derivative by backpropagation.
        numeric: the derivative by finite differences.
        uncertainty: the error to be expected of `numeric`.
        step: the step that `numeric` comes from, relative to the size of the input.
        verdict: what follows.
        kink: what the function, with its outputs multiplied by the random cotangent, is like at a `KINK`;
            None where only the gradients beside it show that there is one.
        trail: differences for a sweep of steps; empty where a single one agreed with the gradient.
        width: how many elements the direction goes through: 1 for an element, 0 for all.
        is_confirmed: whether `numeric` was computed with more digits than float64.

    """

    element: tuple[int, ...] | None
    analytic: float
    numeric: float
    uncertainty: float
    step: float
    verdict: Verdict
    kink: Kink | None = None
    trail: tuple[Quotient, ...] = ()
    width: int = 0
    is_confirmed: bool = False

    @property
    def place(self) -> str:
        """Where in the input it was, in words."""
        if self.element is None:
            return f"{self.width} elements" if self.width else "a random direction"
        return f"element {list(self.element)}"

    @property
    def ratio(self) -> float:
        """How many times too large the analytic derivative is."""
        return self.analytic / self.numeric if self.numeric else math.copysign(math.inf, self.analytic)

    @property
    def remainder(self) -> float | None:
        """The power of the step ``h`` that ``f(x + h d) - f(x) - h g d`` falls with: 2 if ``g`` is right, 1 if wrong.

        That is Taylor's theorem. None where rounding leaves nothing to be seen, as for a linear function.
        """
        large = [abs(self.analytic)] + [abs(q.central) for q in self.trail if math.isfinite(q.central)]
        rests = [
            (math.log(q.step), math.log(abs(q.forward - self.analytic) * q.step))
            for q in self.trail
            if math.isfinite(q.forward) and abs(q.forward - self.analytic) > 1e-6 * max(large)
        ]
        if len(rests) < 3:
            return None
        steps, rest = np.array(rests[-4:]).T
        return float(np.polyfit(steps, rest, 1)[0])

    def meaning(self) -> str:
        """Say what follows from a verdict that is neither good nor bad."""
        if self.verdict is Verdict.KINK:
            slopes = self.kink or "beside it the gradient is right, and not the same on all sides"
            return f"not differentiable here: {slopes}; the gradient lies between them"
        if self.verdict is Verdict.NON_FINITE:
            return "not a finite number, so there is nothing to compare"
        if self.verdict is Verdict.NOISE_LIMITED:
            doubt = 10 * self.uncertainty
            verified = "nothing could be verified"
            if math.isfinite(doubt):
                verified = f"verified is only that the derivative lies within {doubt:.1g} of {self.numeric:.3g}"
                if doubt < abs(self.numeric):
                    verified += f", that is its sign and that it is right to {doubt / abs(self.numeric):.0%}"
            return f"rounding inside of the function drowns its differences: {verified}"
        return ""

    def __str__(self) -> str:
        """Say where it was, what was compared, and how they relate."""
        ratio = f", ratio {self.ratio:.6g}" if self.verdict is Verdict.WRONG else ""
        return (
            f"{self.place}: analytic {self.analytic:.9g}, numeric {self.numeric:.9g} +- {self.uncertainty:.0e}{ratio} "
            f"(step {self.step:.0e} of the input's size)"
        )


class Comparison(NamedTuple):
    """The comparison of one input's gradient.

    Attributes:
        name: the input, as ``input 0``, or the parameter.
        shape: its shape.
        order: 1 for the gradient, 2 for the gradient of the gradient.
        samples: all elements, those that are right a few at once; or some random directions, through several inputs at
            once, and the element that a wrong one was narrowed down to.
        error: the largest difference between analytic and numeric, relative to the largest derivative.
        pattern: what a wrong gradient is, compared with the true one; empty if that cannot be said.
        note: where it was compared, if beside the point; empty if at it.

    """

    name: str
    shape: tuple[int, ...]
    order: int
    samples: tuple[Sample, ...]
    error: float
    pattern: str = ""
    note: str = ""

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
        return sum(not sample.width for sample in self.samples)

    @property
    def elements(self) -> int:
        """How many elements were compared by themselves, or a few at once."""
        return sum(sample.width for sample in self.samples)

    def row(self) -> tuple[str, ...]:
        """Return the cells of its row in the table."""
        count = self.elements
        directions = f"{self.directions} direction{'s' * (self.directions > 1)}"
        compared = directions if self.directions else f"{count} element{'s' * (count != 1)}"
        return self.name, str(self.shape), str(self.order), compared, f"{self.error:.1e}", self.verdict.value

    def explain(self) -> list[str]:
        """Return the lines that say what was found; none for a `PASS`."""
        verdict, worst = self.verdict, self.worst
        if verdict is Verdict.PASS or worst is None:
            return []
        order = f", order {self.order}" if self.order > 1 else ""
        lines = [f"{self.name}{order}, {worst}"]
        if self.note:
            lines.append(f"  {self.note}")
        if self.pattern:
            lines.append(f"  {self.name}: the gradient {self.pattern}")
        if verdict is not Verdict.WRONG:
            alike = sum(sample.verdict is verdict for sample in self.samples)
            more = f" (and {alike - 1} more like this)" if alike > 1 else ""
            return [*lines, f"  {worst.meaning()}{more}"]
        if not self.directions and self.elements > 1:
            wrong = [sample for sample in self.samples if sample.verdict is verdict]
            lines.append(f"  {len(wrong)} of {self.elements} elements are wrong{_common_ratio(wrong)}")
        if worst.remainder is not None:
            lines.append(f"  Taylor remainder: falls with the step to the power of {worst.remainder:.1f}, 2 if right")
        return lines


def _common_ratio(samples: list[Sample]) -> str:
    """Say by which ratio all of `samples` are off, if there is one."""
    ratios = np.array([sample.ratio for sample in samples])
    is_common = len(ratios) > 1 and np.isfinite(ratios).all() and np.allclose(ratios, ratios[0], rtol=1e-4, atol=0)
    return f", each by the ratio {ratios[0]:.6g}" if is_common else ""


@dataclasses.dataclass(frozen=True, repr=False)
class GradcheckReport:
    """The result of `gradcheck` or `check_model`: true if the gradient is right, and a text that says where it is not.

    Attributes:
        subject: what was checked.
        verdict: the worst verdict of all.
        comparisons: one for each input and order.
        note: what in the function itself left nothing to compare; empty if nothing did.
        seed: repeats the check exactly, as ``rng=seed``.
        evaluations: how often the function was evaluated.
        culprits: the operations that are to blame for a wrong gradient, each of which reads as a line.
        sweep: compares the gradient at one more element, for a sweep of steps, and returns the input's name and what
            was found; None where nothing was compared. `plot` calls for it.

    """

    subject: str
    verdict: Verdict
    comparisons: tuple[Comparison, ...]
    note: str
    seed: int
    evaluations: int
    culprits: tuple[object, ...] = ()
    sweep: Callable[[], tuple[str, Sample]] | None = dataclasses.field(default=None, compare=False)

    def __bool__(self) -> bool:
        """Tell whether the gradient is right."""
        return self.verdict.is_good

    def __repr__(self) -> str:
        """Show the same: what fails in ``assert gradcheck(..., raises=False)`` is shown by its repr."""
        return str(self)

    def __str__(self) -> str:
        """Show the verdict, a table with a row for each input, and what was found where one did not pass."""
        lines = [f"{self.subject}: {self.verdict.value}"]
        if self.note:
            lines.append(self.note)
        if self.comparisons:
            lines += _table([HEAD, *(comparison.row() for comparison in self.comparisons)])
        for comparison in self.comparisons:
            lines += comparison.explain()
        if self.culprits:
            lines.append(self._to_mend())
            lines += [f"  {culprit}" for culprit in self.culprits]
        lines.append(self._repeat())
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """Show the same in a notebook."""
        rows = [(comparison.row(), comparison.explain()) for comparison in self.comparisons]
        lists = [(self._to_mend(), [str(culprit) for culprit in self.culprits])] if self.culprits else []
        return page(self.subject, self.verdict.value, self.note, HEAD, rows, lists, self._repeat())

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw how the error of the differences depends on their step, for the sample to look at first.

        For a right gradient the error falls with the square of the step, until rounding makes it grow; for a wrong one
        it stays where it is. Where each gradient agreed with a single difference, the steps are swept now, at an
        element with a large one, and the function is called again.

        Args:
            ax: the Axes to draw into; those of a new figure if None.

        Returns:
            the Axes.

        Raises:
            UnsupportedError: matplotlib, which the extra ``plot`` brings, is not installed.
            ArgumentError: there is no gradient to draw, because the check ended before it compared any.

        """
        worst = [(comparison.name, comparison.worst) for comparison in self.comparisons]
        swept = [(name, sample) for name, sample in worst if sample is not None and sample.trail]
        if not swept:
            if self.sweep is None:
                message = f"GradcheckReport.plot: expected a gradient that was compared, but there is none. {self.note}"
                raise ArgumentError(message.rstrip())
            swept = [self.sweep()]
        name, sample = max(swept, key=lambda pair: list(Verdict).index(pair[1].verdict))
        return draw_sweep(ax, f"{name}, {sample.place}", sample.analytic, sample.numeric, sample.trail)

    def _to_mend(self) -> str:
        return f"The operation{'s' * (len(self.culprits) > 1)} to mend:"

    def _repeat(self) -> str:
        return f"{self.evaluations} evaluation{'s' * (self.evaluations != 1)}; repeat with rng={self.seed}"


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    """Align cells in columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  " + "  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
