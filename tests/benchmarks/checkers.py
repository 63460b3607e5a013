"""What gradient checkers find: ours, PyTorch's and HIPS autograd's, on the two galleries of `tests/planted`.

Run it with ``python -m tests.benchmarks.checkers``; it prints the tables of `docs/gradient-checks.md`, and fails where
ours misses a mistake or calls a right gradient wrong. PyTorch and autograd come with the extra `reference`. With
numbers behind it, results are scaled by these only.

A planted rule is carried over as it is: its value, its gradient, and the gradient of that become an operation of the
other engine. The tricky functions are written for any of the libraries; where one lacks what a function uses, it is
left out there.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

import tinygrad_nn as tn
from tests.planted import FAMILIES
from tests.planted.gallery import Mistake
from tests.planted.tricky import TRICKY, Tricky
from tinygrad_nn.primitive import Array

try:
    import autograd.numpy as autograd_numpy
    import torch
    from autograd.extend import defvjp
    from autograd.extend import primitive as autograd_primitive
    from autograd.test_util import check_grads
except ImportError:
    sys.exit(
        "tests.benchmarks.checkers: expected PyTorch and autograd to compare with, but one is not installed. "
        "Install them with pip install '.[reference]'"
    )

Operation = Callable[..., Any]
Checker = Callable[[Any, Sequence[Array], int], str]

SCALES = (1.0, 1e-7, 1e-12, 1e7, 1e12)
"""What results are scaled by."""

RIGHT, WRONG, UNDECIDED, NOT_EXPRESSED = "right", "wrong", "undecided", "not expressed"


# The same operation in the three engines. `operation` takes Tensors or arrays, and may have a wrong gradient.


def gradients(operation: Operation, *operands_and_g: Any) -> tuple[Any, ...]:
    """Return the gradients for the operands that `operation` gives, for the gradient that comes last."""
    *operands, g = operands_and_g
    found: tuple[Any, ...] = tn.vjp(operation, *operands)[1](g)
    return found


def second_gradients(operation: Operation, operands_and_g: Sequence[Array], cotangents: Sequence[Array]) -> Any:
    """Return the gradients of `gradients`, for operands and incoming gradient."""
    return tn.vjp(lambda *x: gradients(operation, *x), *operands_and_g)[1](tuple(cotangents))


def _tensor(array: Any) -> Any:
    """Return a tensor of PyTorch's, which cannot have negative strides."""
    return torch.tensor(np.array(array, order="C"))


def in_torch(operation: Operation) -> Operation:
    """Return `operation` for PyTorch."""

    class Second(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *x: Any) -> Any:
            ctx.save_for_backward(*x)
            return tuple(map(_tensor, gradients(operation, *(a.detach().numpy() for a in x))))

        @staticmethod
        def backward(ctx: Any, *cotangents: Any) -> Any:
            x = [a.detach().numpy() for a in ctx.saved_tensors]
            found = second_gradients(operation, x, [c.detach().numpy() for c in cotangents])
            return tuple(map(_tensor, found))

    class First(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *x: Any) -> Any:
            ctx.save_for_backward(*x)
            return _tensor(operation(*(a.detach().numpy() for a in x)))

        @staticmethod
        def backward(ctx: Any, *cotangents: Any) -> Any:
            return Second.apply(*ctx.saved_tensors, *cotangents)

    return First.apply


def in_autograd(operation: Operation, count: int) -> Operation:
    """Return `operation`, of `count` operands, for HIPS autograd."""

    def second(place: int) -> Operation:
        @autograd_primitive
        def gradient(*x: Any) -> Any:
            return gradients(operation, *x)[place]

        def by(index: int) -> Operation:
            def vjp(_: Any, *x: Any) -> Operation:
                def back(c: Any) -> Any:
                    zeros = [np.zeros(np.shape(a)) for a in x[:-1]]
                    zeros[place] = c
                    return second_gradients(operation, x, zeros)[index]

                return back

            return vjp

        defvjp(gradient, *map(by, range(count + 1)))
        return gradient

    @autograd_primitive
    def value(*x: Any) -> Any:
        return np.asarray(operation(*x))

    seconds = [second(place) for place in range(count)]
    defvjp(value, *(lambda _, *x, back=back: lambda g: back(*x, g) for back in seconds))
    return value


# The three checkers. Each is given a function of the library, arrays, and the order of differentiation.


def ours(f: Operation, operands: Sequence[Array], order: int) -> str:
    """Check with `tn.gradcheck`."""
    verdict = tn.gradcheck(lambda *x: f(np, *x), list(operands), order=order, raises=False).verdict
    return RIGHT if verdict.is_good else WRONG if verdict.value == "WRONG" else UNDECIDED


def torchs(f: Operation, operands: Sequence[Array], order: int, *, fast: bool = False) -> str:
    """Check with `torch.autograd.gradcheck` and, in the second order, `gradgradcheck`."""
    torch.manual_seed(0)  # the fast mode draws its directions from it
    x = [torch.tensor(a, requires_grad=True) for a in operands]
    checks = (torch.autograd.gradcheck, torch.autograd.gradgradcheck)[:order]
    try:
        is_right = all(check(lambda *x: f(torch, *x), x, raise_exception=False, fast_mode=fast) for check in checks)
    except RuntimeError as error:  # when it goes on to compare a float32 Jacobian, to say in what it is wrong
        if "did not match" not in str(error):
            raise
        return WRONG
    return RIGHT if is_right else WRONG


def torchs_fast(f: Operation, operands: Sequence[Array], order: int) -> str:
    """Check with PyTorch in the fast mode."""
    return torchs(f, operands, order, fast=True)


def autograds(f: Operation, operands: Sequence[Array], order: int) -> str:
    """Check with `autograd.test_util.check_grads`."""
    np.random.seed(0)  # noqa: NPY002 - the generator that it draws from
    try:
        check_grads(lambda *x: f(autograd_numpy, *x), tuple(range(len(operands))), modes=["rev"], order=order)(
            *operands
        )
    except AssertionError:
        return WRONG
    return RIGHT


CHECKERS: dict[str, Checker] = {
    "tinygrad_nn": ours,
    "PyTorch": torchs,
    "PyTorch, fast mode": torchs_fast,
    "HIPS autograd": autograds,
}


def planted(mistake: Mistake, checker: str, scale: float, *, right: bool) -> str:
    """Return what a checker says of a rule in a small function whose result is scaled."""
    operation = mistake.right if right else mistake.wrong
    own = operation
    if checker.startswith("PyTorch"):
        own = in_torch(operation)
    elif checker == "HIPS autograd":
        own = in_autograd(operation, len(mistake.operands))
    try:
        return CHECKERS[checker](lambda xp, *x: scale * xp.sum(xp.sin(own(*x))), mistake.operands, mistake.order)
    except tn.errors.TinygradError:  # of a rule that cannot be differentiated again: it is noticed
        return WRONG


def tricky(case: Tricky, checker: str) -> str:
    """Return what a checker says of a function with a right gradient."""
    try:
        return CHECKERS[checker](case.function, case.inputs, 1)
    except (AttributeError, TypeError, NotImplementedError):
        return NOT_EXPRESSED


def table(head: str, rows: Iterable[tuple[str, Callable[[str], str]]]) -> None:
    """Print a table with a column for each checker."""
    print(f"| {head} | {' | '.join(CHECKERS)} |\n| --- |{' --- |' * len(CHECKERS)}")
    for name, cell in rows:
        print(f"| {name} | {' | '.join(map(cell, CHECKERS))} |", flush=True)
    print()


def main(scales: Sequence[float]) -> int:
    """Print the tables; return 1 if ours is wrong anywhere."""
    warnings.filterwarnings("ignore")
    failed = False
    mistakes = [(family.__name__.rpartition(".")[2].replace("_", " "), family.MISTAKES) for family in FAMILIES]

    def count(rows: Sequence[Mistake], scale: float, *, right: bool) -> Callable[[str], str]:
        def cell(checker: str) -> str:
            nonlocal failed
            said = [planted(mistake, checker, scale, right=right) for mistake in rows]
            number = said.count(WRONG)
            failed |= checker == "tinygrad_nn" and number != (0 if right else len(rows))
            return f"{number} of {len(rows)}"

        return cell

    every = [mistake for _, rows in mistakes for mistake in rows]
    table("mistakes found, in", [(name, count(rows, 1.0, right=False)) for name, rows in mistakes])
    table("mistakes found, result scaled by", [(f"{s:g}", count(every, s, right=False)) for s in scales])
    table("untouched twins called wrong, scaled by", [(f"{s:g}", count(every, s, right=True)) for s in scales])
    said = {(name, checker): tricky(case, checker) for name, case in TRICKY.items() for checker in CHECKERS}

    def number(verdict: str) -> Callable[[str], str]:
        return lambda checker: str(sum(said[name, checker] == verdict for name in TRICKY))

    failed |= number(WRONG)("tinygrad_nn") != "0"
    table(
        f"{len(TRICKY)} right gradients that are hard to check",
        [(verdict, number(verdict)) for verdict in (RIGHT, WRONG, UNDECIDED, NOT_EXPRESSED)],
    )
    for name in TRICKY:
        called = [checker for checker in CHECKERS if said[name, checker] == WRONG]
        print(f"{name}: called wrong by {', '.join(called) or 'none'}")
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main([float(scale) for scale in sys.argv[1:]] or SCALES))
