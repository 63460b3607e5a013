"""`Subject`: what is checked, with all that is known of it: its rule, its NumPy twins, and what its values must be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinygrad_nn.primitive import COMPOSITIONS, RULES, Array, Primitive
from tinygrad_nn.tensor import Tensor, raw
from tinygrad_nn.testing.case import Case, flat, joined

Function = Callable[..., Any]


class Subject:
    """An operation under test.

    Attributes:
        function: takes Tensors, arrays and numbers alike.
        name: what messages call it.
        primitive: its rule; None for what is written with other operations.
        twins: other functions that it stands for, which must do the same: NumPy's.
        formula: what its values must be, given by the author; None if a twin or nothing tells.
        reference: the formula, or the twin; None if there is neither.
        spellings: other ways to write it, given by the author: methods and operators.

    """

    def __init__(self, function: Function, formula: Function | None, spellings: Sequence[Function]) -> None:
        """Look up what the registry knows of `function`."""
        self.name = str(getattr(function, "__name__", function))
        self.primitive: Primitive | None = RULES.get(function)
        self.twins = _twins(function, self.primitive)
        self.function = _of_operands(function, self.primitive)
        self.formula = formula
        self.spellings = [*self.twins, *spellings]
        self.reference = formula or (self.function if _is_numpy(function) else next(iter(self.twins), None))

    def values(self, case: Case) -> list[Array]:
        """Return the results for arrays alone, by the reference if there is one; copies, for a rule may write."""
        return [np.asarray(raw(x)) for x in flat(case.mapped(np.array).call(self.reference or self.function))]

    def backward(self, function: Function, case: Case, leaves: Sequence[Tensor], inputs: Sequence[Tensor]) -> list[Any]:
        """Return the value of `function` as one array and the gradients of `leaves`, from which `inputs` are made.

        The gradient that comes in is different everywhere, so that no two elements can be taken for one another.
        """
        result = joined(case.call(function, inputs))
        if result is None:
            return []
        if result.requires_grad:
            turned = result.T if result.ndim > 1 else result  # so that what the closures are given is not contiguous
            turned.backward(np.cos(np.arange(result.size)).reshape(result.shape).T)
        return [result.numpy(), *(leaf.grad for leaf in leaves)]

    def value_and_gradients(self, function: Function, case: Case) -> list[Any]:
        """Return the value of `function` as one array, and the gradient of each array of floats."""
        leaves = [Tensor(x, requires_grad=True) for x in case.floats]
        return self.backward(function, case, leaves, leaves)


def _is_numpy(function: Function) -> bool:
    """Tell whether it is a function of NumPy's own, which computes without us where no Tensor is."""
    return isinstance(function, np.ufunc) or str(getattr(function, "__module__", "")).partition(".")[0] == "numpy"


def _twins(function: Function, primitive: Primitive | None) -> list[Function]:
    if primitive is None:
        composition = COMPOSITIONS.get(function)
        return [f for f, other in COMPOSITIONS.items() if other is composition is not None and f is not function]
    return [_of_operands(f, primitive) for f, other in RULES.items() if other is primitive and f is not function]


def _of_operands(function: Function, primitive: Primitive | None) -> Function:
    """Return a function of one sequence, as NumPy has it where the rule is variadic, as one of its elements."""
    if primitive is None or not primitive.is_variadic or function not in primitive.twins:
        return function
    return lambda *arrays, **options: function(arrays, **options)
