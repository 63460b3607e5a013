"""The `@primitive` decorator and the registry: which rule belongs to which NumPy function.

Rules and Tensors never import each other. A rule names the NumPy function that it differentiates; a Tensor that meets
this function, through an operator, a method or NumPy's own dispatch, looks the rule up here. What NumPy lacks joins the
same way: a `@kernel` is a function of raw arrays that hands over to Tensors as NumPy's functions do.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, Protocol, TypeAlias, TypeVar, cast, overload

import numpy as np
import numpy.typing as npt

from tinygrad_nn.errors import ArgumentError, OutOfRangeError, RuleError, TinygradError, UnsupportedError

Array: TypeAlias = npt.NDArray[Any]
"""What a rule computes with: raw arrays as it is written, and Tensors when a higher derivative re-runs it."""

Axis: TypeAlias = int | tuple[int, ...] | None
"""Which axes a reduction drops: one, several, or all."""

Closure: TypeAlias = Callable[[Array], Array]
"""Carries the gradient of the result back to one operand."""

Rule: TypeAlias = Callable[..., tuple[Any, ...]]
"""Computes ``(result, closure of operand 0, closure of operand 1, ...)``; a closure that is None has no gradient."""


class Operation(Protocol):
    """A registered operation: a function to be called with Tensors, arrays and numbers alike."""

    primitive: Primitive

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the operation, and record it if a Tensor among the operands needs a gradient."""


Function = TypeVar("Function", bound=Callable[..., Any])

RULES: dict[Callable[..., Any], Primitive] = {}
"""NumPy function -> its primitive."""

PRIMITIVES: dict[str, Primitive] = {}
"""Name -> primitive. A user's own are listed as ``module.name``, so that none can take the place of one of these."""

COMPOSITIONS: dict[Callable[..., Any], Callable[..., Any]] = {}
"""NumPy function, or one of this library -> the same written with others, which therefore needs no rule."""

CONSTANTS: set[Callable[..., Any]] = set()
"""NumPy functions whose result has no gradient, such as comparisons: they see raw arrays and return raw arrays."""

REFUSED: dict[Callable[..., Any], str] = {}
"""NumPy functions that no Tensor may be given to -> the reason and what to do, as a message says it."""

UFUNC_METHODS: dict[str, Callable[..., Any]] = {}
"""Name of a method of ufuncs, such as ``reduce`` -> the composition that computes it, given the ufunc first."""


def unchanged(g: Array) -> Array:
    """Carry a gradient back as it is: the closure of all that only adds or moves.

    One function for all of them. A ``lambda g: g`` would be made anew by every addition, and kept by every node.
    """
    return g


def vanishing(g: Array) -> Array:
    """Carry back zeros: the closure of what is constant between its steps, such as `numpy.floor`.

    Not None, which is for operands that have no gradient at all: ``x.grad`` would be None where it is 0.
    """
    return np.zeros_like(g)


def _parameters(function: Callable[..., Any]) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], int]:
    """Return the names of parameters that are positional only, free and keyword only, and the flags of the code.

    `inspect.signature` takes thirty times as long, which is felt where hundreds of operations are registered.
    """
    code = inspect.unwrap(function).__code__
    only, free, end = code.co_posonlyargcount, code.co_argcount, code.co_argcount + code.co_kwonlyargcount
    return code.co_varnames[:only], code.co_varnames[only:free], code.co_varnames[free:end], code.co_flags


class Primitive:
    """One operation: its name, its rule, and what has to be known about the rule's signature.

    A ``/`` in the signature ends the operands; what follows are options. Without one, every positional parameter is an
    operand. ``*arrays`` takes any number of operands, which NumPy hands over as one sequence (`numpy.concatenate`).
    All of it is read here, once: to do so on the path of every operation would cost more than most operations.
    """

    __slots__ = ("is_variadic", "name", "operand_names", "option_names", "positional_options", "rule", "twins")

    def __init__(self, rule: Rule, twins: tuple[Callable[..., Any], ...]) -> None:
        """Read the signature of `rule`, which differentiates the functions `twins`."""
        only, free, named, flags = _parameters(rule)
        self.name = rule.__name__
        self.rule = rule
        self.twins = twins
        self.is_variadic = bool(flags & inspect.CO_VARARGS)
        self.operand_names = () if self.is_variadic else only or free
        self.positional_options = free if only else ()
        self.option_names = self.positional_options + named
        if not self.operand_names and not self.is_variadic:
            message = f"{self.name}: a primitive needs at least one operand; write it as 'def {self.name}(a): ...'"
            raise RuleError(message)

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Split the arguments of a call into operands and options."""
        if self.is_variadic:
            return args, kwargs
        count = len(self.operand_names)
        if len(args) == count:
            return args, kwargs
        if len(args) > count + len(self.positional_options):
            message = (
                f"{self.name}: expected at most {count + len(self.positional_options)} positional arguments "
                f"({', '.join(self.operand_names + self.positional_options)}), got {len(args)}. Name the others"
            )
            raise RuleError(message)
        options = dict(zip(self.positional_options, args[count:], strict=False)) | kwargs
        operands = args[:count]
        try:
            operands += tuple(options.pop(name) for name in self.operand_names[len(operands) :])
        except KeyError as missing:
            message = f"{self.name}: expected the operands {', '.join(self.operand_names)}; {missing} is missing"
            raise RuleError(message) from None
        return operands, options

    def bind_numpy(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Split the arguments of a call to the NumPy twin, and refuse the options that the rule does not know."""
        if self.is_variadic:
            sequence, *rest = args
            if len(rest) > 1:
                message = f"{self.name}: expected a sequence and at most one option by position. Name the others"
                raise UnsupportedError(message)
            args, kwargs = tuple(sequence), dict(zip(self.option_names, rest, strict=False)) | kwargs
        operands, options = self.bind(args, kwargs)
        for name in [name for name in options if name not in self.option_names]:
            if options.pop(name) is not None:
                known = ", ".join(self.option_names) or "none"
                message = (
                    f"{self.name}: the option '{name}' has no gradient rule; its options here are: {known}. "
                    f"Leave '{name}' out, or call NumPy on t.numpy() where no gradient is needed"
                )
                raise UnsupportedError(message)
        return operands, options

    def __repr__(self) -> str:
        """Name the primitive."""
        return f"<primitive {self.name}>"


@overload
def primitive(twin: np.ufunc, /, *twins: np.ufunc) -> Callable[[Rule], Operation]: ...
@overload
def primitive(rule: Rule, /) -> Operation: ...
@overload
def primitive(*twins: Callable[..., Any]) -> Callable[[Rule], Operation]: ...
def primitive(*twins: Any) -> Any:
    """Register a rule: the forward value and one backward closure for each operand.

    ``@primitive(np.multiply)`` gives a NumPy function its gradient; a bare ``@primitive`` makes a new operation. Either
    way the result is a function to be called with Tensors, arrays and numbers alike: Tensors in, Tensor out.

    The rule is plain NumPy: functions and operators only, no ``out=``, no writing into arrays, no `numpy.asarray`, for
    a second derivative runs the same text on Tensors. It states its formula and nothing else: sums over broadcast axes,
    dtypes and accumulation are the engine's. A later definition replaces an earlier one, so that a notebook cell may
    be run twice.

    Raises:
        RuleError: the rule takes no operand.

    >>> import numpy as np, tinygrad_nn as tn
    >>> @tn.primitive
    ... def cube(a):
    ...     return a**3, lambda g: g * 3 * a**2
    >>> x = tn.Tensor([1.0, 2.0], requires_grad=True)
    >>> cube(x).sum().backward()
    >>> x.grad
    array([ 3., 12.])

    """
    if len(twins) == 1 and inspect.isfunction(twins[0]) and not hasattr(twins[0], "is_kernel"):
        return _register(twins[0], ())
    return lambda rule: _register(rule, twins)


def _register(rule: Rule, twins: tuple[Callable[..., Any], ...]) -> Operation:
    declared = Primitive(rule, twins)

    count = len(declared.operand_names)

    @functools.wraps(rule)
    def call(*args: Any, **kwargs: Any) -> Any:
        operands, options = (args, kwargs) if len(args) == count else declared.bind(args, kwargs)
        for operand in operands:
            if hasattr(operand, "__record__"):
                if options:
                    return operand.__record_call__(declared, operands, options)
                return operand.__record__(declared, operands)
        return rule(*as_arrays(operands), **options)[0]

    operation = cast("Operation", call)
    operation.primitive = declared
    is_own = rule.__module__.startswith("tinygrad_nn.")
    PRIMITIVES[declared.name if is_own else f"{rule.__module__}.{declared.name}"] = declared
    RULES.update(dict.fromkeys((call, *twins), declared))
    return operation


def as_arrays(operands: tuple[Any, ...]) -> list[Any]:
    """Return operands as `record` hands them to a rule: arrays, and next to an array a plain number as it is.

    As an array of its own it would be of double precision, and make a float32 beside it so.
    """
    arrays = [x if isinstance(x, (int, float)) else np.asarray(x) for x in operands]
    return arrays if any(isinstance(x, np.ndarray) for x in arrays) else list(map(np.asarray, arrays))


def kernel(function: Function) -> Function:
    """Make a function of raw arrays a citizen of NumPy's dispatch, so that a rule may call it on Tensors.

    For what NumPy lacks and only in-place writes can compute, such as adding at repeated indices. The function runs on
    raw arrays alone; with a Tensor among its positional arguments it hands over to the rule that names it as its twin.
    """

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        for argument in args:
            if hasattr(argument, "__record__"):
                return argument.__array_function__(call, (), args, kwargs)
        return function(*args, **kwargs)

    call.is_kernel = True  # type: ignore[attr-defined]  # tells `primitive` that this is a twin and no rule
    return call  # type: ignore[return-value]  # wraps() keeps the signature


def composition(*twins: Callable[..., Any]) -> Callable[[Function], Function]:
    """Register a function that is written with other differentiable ones as what Tensors do for the NumPy `twins`.

    One without a twin, such as an activation, is registered too: the tests go through all that is.
    """

    def register(function: Function) -> Function:
        COMPOSITIONS.update(dict.fromkeys((function, *twins), function))
        return function

    return register


def constant(*twins: Callable[..., Any]) -> None:
    """Register NumPy functions whose result has no gradient: comparisons, `numpy.shape`, `numpy.argmax`."""
    CONSTANTS.update(twins)


def refuse(reason: str, *twins: Callable[..., Any]) -> None:
    """Register NumPy functions that no Tensor may be given to, with a `reason` that says what to do instead."""
    REFUSED.update(dict.fromkeys(twins, reason))


def ufunc_method(name: str) -> Callable[[Function], Function]:
    """Register a function of a ufunc and its operands as what Tensors do for a method of every ufunc."""

    def register(function: Function) -> Function:
        UFUNC_METHODS[name] = function
        return function

    return register


def compose(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call the composition for a NumPy function, and refuse the options that it does not know."""
    composition = COMPOSITIONS[function]
    only, free, named, flags = _parameters(composition)
    known = {*only, *free, *named}
    options = {key: value for key, value in kwargs.items() if value is not None or key in known}
    has_too_many = len(args) > len(only) + len(free) and not flags & inspect.CO_VARARGS
    if has_too_many or not (flags & inspect.CO_VARKEYWORDS or options.keys() <= known):
        raise _unknown_option(function, composition, args, options)
    try:
        return composition(*args, **options)
    except (ValueError, IndexError) as error:
        if isinstance(error, TinygradError):
            raise
        shapes = ", ".join(str(np.shape(x)) for x in args if hasattr(x, "shape"))
        kind = OutOfRangeError if isinstance(error, IndexError) else ArgumentError
        message = f"numpy.{function.__name__}: expected other arguments, for arrays of shape {shapes}: {error}"
        raise kind(message) from error


def _unknown_option(
    function: Callable[..., Any], composition: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]
) -> UnsupportedError:
    signature = inspect.signature(composition)
    try:
        signature.bind(*args, **options)
    except TypeError as error:
        reason = str(error)
    return UnsupportedError(
        f"numpy.{function.__name__}: {reason}; what has a gradient here is {function.__name__}{signature}. "
        f"Leave the option out, or call NumPy on t.numpy() where no gradient is needed"
    )


def unsupported(function: Callable[..., Any], method: str = "") -> UnsupportedError:
    """Return the error for a NumPy function, or a `method` of a ufunc, that has no rule; it names what is near."""
    is_of_numpy = getattr(np, function.__name__, None) is function
    home = "numpy" if is_of_numpy else getattr(function, "__module__", None)  # which ufuncs do not tell
    name = f"{home}.{function.__name__}{method}" if home else f"ufunc {function.__name__}{method}"
    if function in REFUSED:
        return UnsupportedError(f"{name}: expected no Tensor; {REFUSED[function]}")
    if method == ".at":
        return UnsupportedError(
            f"{name}: expected no Tensor; it changes its first operand in place. Write t = t.at[indices].add(values), "
            f"which makes a new one"
        )
    import difflib  # here, for it is slow to import and seldom needed

    known = sorted({f.__name__ for f in (*RULES, *COMPOSITIONS, *CONSTANTS)})
    near = difflib.get_close_matches(function.__name__, known, n=1, cutoff=0.6)
    hint = f"The nearest name that has one is '{near[0]}'. " if near and not method else ""
    message = (
        f"{name}: expected a function with a gradient rule, but this has none. {hint}Give it one with @tn.primitive, "
        f"or leave the graph with t.numpy()"
    )
    return UnsupportedError(message)
