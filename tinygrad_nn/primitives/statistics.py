"""Averages, spreads and correlations, those that pass over NaN, and histograms."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib.array_utils import normalize_axis_tuple

from tinygrad_nn.errors import ArgumentError, ShapeError
from tinygrad_nn.primitive import Array, Axis, composition, constant
from tinygrad_nn.primitives.arguments import as_array, as_constant
from tinygrad_nn.primitives.indexing import scatter_add
from tinygrad_nn.primitives.reductions import divided_by_count
from tinygrad_nn.primitives.shaping import astype

constant(np.histogram_bin_edges, np.digitize)


@composition(np.var)
def var(
    a: Array,
    axis: Axis = None,
    dtype: npt.DTypeLike | None = None,
    *,
    ddof: float = 0,
    keepdims: bool = False,
    where: Any = True,
    mean: Array | None = None,
    correction: float | None = None,
) -> Array:
    """Take the variance over `axis`: ``sum (a - mean)^2 / (n - ddof)``; `correction` is another name of `ddof`."""
    if correction is not None:
        if ddof != 0:
            message = f"var: expected 'ddof' or 'correction', got both ({ddof}, {correction}). Leave one out"
            raise ArgumentError(message)
        ddof = correction
    if mean is None:
        mean = np.mean(a, axis=axis, dtype=dtype, keepdims=True, where=where)
    deviation = a - mean
    if where is not True:  # what is passed over may be NaN, and 0 times that would be the gradient
        deviation = np.where(where, deviation, 0)
    total = np.sum(deviation * deviation, axis=axis, dtype=dtype, keepdims=keepdims)
    return divided_by_count(total, a, axis, keepdims=keepdims, where=where, less=ddof)


@composition(np.std)
def std(
    a: Array,
    axis: Axis = None,
    dtype: npt.DTypeLike | None = None,
    *,
    ddof: float = 0,
    keepdims: bool = False,
    where: Any = True,
    mean: Array | None = None,
    correction: float | None = None,
) -> Array:
    """Take the standard deviation over `axis`: the square root of the variance, with gradient 0 where it is 0."""
    return _root(var(a, axis, dtype, ddof=ddof, keepdims=keepdims, where=where, mean=mean, correction=correction))


def _root(variance: Array) -> Array:
    """Take the square root, with gradient 0 at 0, where the slope of `numpy.sqrt` is infinite."""
    is_zero = variance == 0
    return np.where(is_zero, 0, np.sqrt(np.where(is_zero, 1, variance)))


@composition(np.average)
def average(a: Array, axis: Axis = None, weights: Any = None, returned: bool = False, *, keepdims: bool = False) -> Any:
    """Average over `axis` with `weights`: ``sum w a / sum w``, and ``sum w`` as well if `returned`."""
    a = as_array(a)
    if weights is None:
        out = np.mean(a, axis=axis, keepdims=keepdims)
        return (out, np.full(out.shape, a.size / out.size, out.dtype)) if returned else out
    weights = as_array(weights)
    if weights.shape != a.shape:
        axes = () if axis is None else normalize_axis_tuple(axis, a.ndim)
        if axis is None or weights.shape != tuple(a.shape[i] for i in axes):
            message = (
                f"average: expected weights of the shape of the array, {a.shape}, or of its shape along 'axis', got "
                f"{weights.shape} with axis={axis}. Reshape the weights, or name their axis"
            )
            raise ShapeError(message)
        lengths = [n if i in axes else 1 for i, n in enumerate(a.shape)]
        weights = np.reshape(np.transpose(weights, np.argsort(axes).tolist()), lengths)
    total = np.sum(weights, axis=axis, keepdims=keepdims)
    if np.any(total == 0):
        message = "average: expected weights whose sum is not 0, got a sum of 0. Check the weights"
        raise ArgumentError(message)
    out = np.sum(a * weights, axis=axis, keepdims=keepdims) / total
    return (out, np.broadcast_to(total, out.shape)) if returned else out


def _filled(a: Array, value: float) -> Array:
    """Return `a` with a number in the place of NaN, which thereby gets the gradient 0."""
    return np.where(np.isnan(a), value, a)


@composition(np.nansum)
def nansum(a: Array, axis: Axis = None, dtype: npt.DTypeLike | None = None, **options: Any) -> Array:
    """Sum over `axis` what is not NaN; a NaN has gradient 0, here and in all that follows."""
    return np.sum(_filled(a, 0), axis=axis, dtype=dtype, **options)


@composition(np.nanprod)
def nanprod(a: Array, axis: Axis = None, dtype: npt.DTypeLike | None = None, **options: Any) -> Array:
    """Multiply over `axis` what is not NaN."""
    return np.prod(_filled(a, 1), axis=axis, dtype=dtype, **options)


@composition(np.nancumsum)
def nancumsum(a: Array, axis: int | None = None, dtype: npt.DTypeLike | None = None) -> Array:
    """Sum up to each element along `axis`, NaN counting as 0."""
    return np.cumsum(_filled(a, 0), axis=axis, dtype=dtype)


@composition(np.nancumprod)
def nancumprod(a: Array, axis: int | None = None, dtype: npt.DTypeLike | None = None) -> Array:
    """Multiply up to each element along `axis`, NaN counting as 1."""
    return np.cumprod(_filled(a, 1), axis=axis, dtype=dtype)


@composition(np.nanmean)
def nanmean(
    a: Array, axis: Axis = None, dtype: npt.DTypeLike | None = None, *, keepdims: bool = False, where: Any = True
) -> Array:
    """Average over `axis` what is not NaN."""
    return np.mean(a, axis=axis, dtype=dtype, keepdims=keepdims, where=~np.isnan(a) & where)


@composition(np.nanvar)
def nanvar(
    a: Array, axis: Axis = None, dtype: npt.DTypeLike | None = None, *, where: Any = True, **options: Any
) -> Array:
    """Take the variance over `axis` of what is not NaN."""
    return np.var(a, axis=axis, dtype=dtype, where=~np.isnan(a) & where, **options)


@composition(np.nanstd)
def nanstd(
    a: Array, axis: Axis = None, dtype: npt.DTypeLike | None = None, *, where: Any = True, **options: Any
) -> Array:
    """Take the standard deviation over `axis` of what is not NaN."""
    return np.std(a, axis=axis, dtype=dtype, where=~np.isnan(a) & where, **options)


@composition(np.cov)
def cov(
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: int | None = None,
    fweights: Any = None,
    aweights: Any = None,
    *,
    dtype: npt.DTypeLike | None = None,
) -> Array:
    """Estimate the covariances of variables, of which each is a row: ``sum w (x - mean) (y - mean) / n``.

    The divisor `n` is NumPy's: for weights ``w = fweights * aweights`` it is ``sum w - ddof sum w aweights / sum w``.
    """
    m = as_array(m)
    x = _variables(m, rowvar, is_single=m.ndim == 1)
    if y is not None:
        rows = _variables(as_array(y), rowvar=True)
        x = np.concatenate([x, _variables(as_array(y), rowvar, is_single=len(rows) == 1)])
    x = astype(x, np.result_type(x, np.float64) if dtype is None else np.dtype(dtype))
    ddof = (0 if bias else 1) if ddof is None else ddof
    importance = np.ones(x.shape[1], x.dtype) if aweights is None else as_array(aweights)
    weights = importance if fweights is None else importance * as_array(fweights)
    total = np.sum(weights)
    freedom = total - ddof * np.sum(weights * importance) / total
    deviation = x - np.expand_dims(np.average(x, axis=1, weights=weights), 1)
    out = np.matmul(deviation, (deviation * weights).T) / max(freedom, 0)
    return np.reshape(out, ()) if out.shape == (1, 1) else out


def _variables(m: Array, rowvar: bool, *, is_single: bool = False) -> Array:
    """Return observations as a matrix with a row for each variable."""
    if m.ndim > 2:
        message = f"cov: expected at most two axes, variables and observations, got the shape {m.shape}. Reshape it"
        raise ShapeError(message)
    matrix = np.reshape(m, (1, -1)) if m.ndim < 2 else m
    return matrix if rowvar or is_single else matrix.T


@composition(np.corrcoef)
def corrcoef(x: Any, y: Any = None, rowvar: bool = True, *, dtype: npt.DTypeLike | None = None) -> Array:
    """Estimate the correlations of variables: covariances over the two standard deviations, cut off at -1 and 1."""
    covariance = cov(x, y, rowvar, dtype=dtype)
    if covariance.ndim == 0:
        return covariance / covariance
    each = np.arange(len(covariance))
    deviation = np.sqrt(covariance[each, each])
    return np.clip(covariance / deviation[:, None] / deviation, -1, 1)


@composition(np.bincount)
def bincount(x: Any, /, weights: Any = None, minlength: int = 0) -> Any:
    """Count how often each whole number occurs, a constant; or sum the `weights` of each, which have a gradient."""
    numbers = np.asarray(as_constant(x, "bincount", "x"))
    counts = np.bincount(numbers, minlength=minlength)  # also without need: NumPy tells best what is wrong with `x`
    if weights is None:
        return counts
    if np.shape(weights) != numbers.shape:
        message = (
            f"bincount: expected a weight for each number, got weights of shape {np.shape(weights)} for numbers of "
            f"shape {numbers.shape}. Give both the same length"
        )
        raise ShapeError(message)
    return scatter_add(astype(weights, np.dtype(np.float64)), numbers, counts.shape)


# Histograms: constants, unless they sum weights. Then these have a gradient; the samples and the edges have none.


@composition(np.histogram)
def histogram(
    a: Any,
    bins: Any = 10,
    range: Any = None,  # noqa: A002 - NumPy's name
    density: bool | None = None,
    weights: Any = None,
) -> tuple[Any, Array]:
    """Count the elements in each bin, or sum their `weights`."""
    sample = np.ravel(as_array(a))
    weights = None if weights is None else np.ravel(as_array(weights))
    edges = np.histogram_bin_edges(sample, bins, range)
    counts = _histogram([sample], [edges], density, weights)
    return counts if density else astype(counts, np.dtype(int) if weights is None else weights.dtype), edges


@composition(np.histogram2d)
def histogram2d(
    x: Any,
    y: Any,
    bins: Any = 10,
    range: Any = None,  # noqa: A002 - NumPy's name
    density: bool | None = None,
    weights: Any = None,
) -> tuple[Any, Array, Array]:
    """Count the points in each rectangle, or sum their `weights`."""
    if np.ndim(bins) == 1 and len(bins) > 2:  # the edges of both axes
        bins = [bins, bins]
    counts, (first, second) = histogramdd([x, y], bins, range, density, weights)
    return counts, first, second


@composition(np.histogramdd)
def histogramdd(
    sample: Any,
    bins: Any = 10,
    range: Any = None,  # noqa: A002 - NumPy's name
    density: bool | None = None,
    weights: Any = None,
) -> tuple[Any, Sequence[Array]]:
    """Count the points, each a row of the sample or spread over a list of coordinates, in each box."""
    if hasattr(sample, "ndim"):
        columns = list(sample.T) if sample.ndim == 2 else [sample]
    else:
        columns = [as_array(x) for x in sample]
    bins = [bins] * len(columns) if np.ndim(bins) == 0 else bins
    range = [None] * len(columns) if range is None else range
    edges = [np.histogram_bin_edges(*given) for given in zip(columns, bins, range, strict=True)]
    return _histogram(columns, edges, density, weights), edges


def _histogram(columns: list[Array], edges: list[Array], density: bool | None, weights: Any) -> Any:
    """Count points, given by a list of coordinates, in the boxes between `edges`, or sum their `weights`."""
    lengths = [len(e) + 1 for e in edges]  # with what lies below and above; the last bin contains its upper edge
    places = [np.searchsorted(e, x, "right") - (x == e[-1]) for e, x in zip(edges, columns, strict=True)]
    counts = bincount(np.ravel_multi_index(places, lengths), weights, math.prod(lengths))
    counts = astype(np.reshape(counts, lengths)[(slice(1, -1),) * len(edges)], np.dtype(float))
    if not density:
        return counts
    volumes = functools.reduce(np.multiply.outer, map(np.diff, edges))
    return counts / volumes / np.sum(counts)
