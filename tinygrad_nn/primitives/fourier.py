"""Fourier transforms: refused, for their results are complex. What only moves elements is here."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinygrad_nn.primitive import Array, composition, constant, refuse

refuse(
    "the transform is complex, and gradients are of real numbers here. For a convolution call numpy.convolve or "
    "nn.conv; for real and imaginary part multiply with the matrices of cosines and sines: k = numpy.arange(n), "
    "numpy.cos(2 * numpy.pi / n * numpy.outer(k, k)) @ x",
    *(np.fft.fft, np.fft.ifft, np.fft.fft2, np.fft.ifft2, np.fft.fftn, np.fft.ifftn),
    *(np.fft.rfft, np.fft.rfft2, np.fft.rfftn, np.fft.ihfft),
)
refuse(
    "it takes the complex half of a spectrum, and gradients are of real numbers here. Keep real and imaginary part as "
    "two Tensors, and multiply them with the matrices of cosines and sines: k = numpy.arange(n), "
    "(numpy.cos(2 * numpy.pi / n * numpy.outer(k, k)) @ real - numpy.sin(...) @ imaginary) / n",
    *(np.fft.irfft, np.fft.irfft2, np.fft.irfftn, np.fft.hfft),
)
constant(np.fft.fftfreq, np.fft.rfftfreq)


@composition(np.fft.fftshift)
def fftshift(x: Array, axes: int | Sequence[int] | None = None) -> Array:
    """Move the frequency 0 from the start of each of `axes` to its middle."""
    along, halves = _halves(x, axes)
    return np.roll(x, halves, along)


@composition(np.fft.ifftshift)
def ifftshift(x: Array, axes: int | Sequence[int] | None = None) -> Array:
    """Undo `fftshift`, from which it differs where a length is odd."""
    along, halves = _halves(x, axes)
    return np.roll(x, [-half for half in halves], along)


def _halves(x: Array, axes: int | Sequence[int] | None) -> tuple[list[int], list[int]]:
    """Return the axes as a list, and half of the length of each."""
    shape = np.shape(x)
    along = list(range(len(shape))) if axes is None else np.atleast_1d(axes).tolist()
    return along, [shape[axis] // 2 for axis in along]
