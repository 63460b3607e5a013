"""Convolution and pooling against loops over every product, and against PyTorch where it is installed."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_nn as tn
from tests.samples.convolution import carried_to_input, carried_to_weight, convolved
from tests.samples.making import real
from tests.samples.pooling import pooled
from tinygrad_nn import nn
from tinygrad_nn.errors import ArgumentError, DtypeError, ShapeError, UnsupportedError
from tinygrad_nn.primitive import COMPOSITIONS, CONSTANTS, REFUSED
from tinygrad_nn.primitives import convolution

rng = np.random.default_rng(7)


def drawn(*shape):
    return rng.standard_normal(shape)


def gradients(f, *arrays):
    """Return the value of `f`, a cotangent for it, and the gradients that this is carried back to."""
    tensors = [tn.Tensor(array, requires_grad=True) for array in arrays]
    y = f(*tensors)
    g = drawn(*y.shape)
    y.backward(g)
    return y.numpy(), g, [tensor.grad for tensor in tensors]


@st.composite
def geometries(draw):
    """Draw the shapes of a convolution that has at least one window, and its options."""
    axes = draw(st.integers(1, 3))
    per_axis = lambda low, high: tuple(draw(st.integers(low, high)) for _ in range(axes))  # noqa: E731
    window, stride, padding, dilation = per_axis(1, 3), per_axis(1, 3), per_axis(0, 2), per_axis(1, 2)
    slack = per_axis(0, 3)
    lengths = tuple(
        max(1, (k - 1) * d + 1 - 2 * p) + more for k, d, p, more in zip(window, dilation, padding, slack, strict=True)
    )
    groups = draw(st.integers(1, 2))
    samples, inputs, outputs = draw(st.integers(0, 2)), draw(st.integers(1, 2)), draw(st.integers(1, 2))
    shape, filters = (samples, inputs * groups, *lengths), (outputs * groups, inputs, *window)
    return shape, filters, {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}


def in_pairs(options):
    """Return options of `nn.conv` as those of its rule."""
    return options | {"padding": tuple((p, p) for p in options["padding"])}


@given(geometries())
@settings(max_examples=80)
def test_convolution_is_its_sum_of_products_and_so_are_its_gradients(geometry):
    shape, filters, options = geometry
    x, weight, bias = drawn(*shape), drawn(*filters), drawn(filters[0])
    y, g, (to_x, to_weight, to_bias) = gradients(lambda *xwb: nn.conv(*xwb, **options), x, weight, bias)
    named = in_pairs(options)
    offset = bias.reshape(-1, *[1] * (len(shape) - 2))
    np.testing.assert_allclose(y, convolved(x, weight, **named) + offset, atol=1e-12)
    np.testing.assert_allclose(to_x, carried_to_input(g, weight, shape[2:], **named), atol=1e-12)
    np.testing.assert_allclose(to_weight, carried_to_weight(g, x, filters[2:], **named), atol=1e-12)
    np.testing.assert_allclose(to_bias, g.sum(axis=(0, *range(2, g.ndim))), atol=1e-12)


@given(geometries(), st.data())
@settings(max_examples=60)
def test_transposed_convolution_goes_the_way_back_and_so_do_its_gradients(geometry, data):
    (samples, _, *counts), filters, options = geometry
    stride, padding, dilation = options["stride"], options["padding"], options["dilation"]
    more = tuple(data.draw(st.integers(0, s - 1)) for s in stride)
    lengths = tuple(
        (n - 1) * s - 2 * p + d * (k - 1) + 1 + m
        for n, s, p, d, k, m in zip(counts, stride, padding, dilation, filters[2:], more, strict=True)
    )
    x, weight, bias = drawn(samples, filters[0], *counts), drawn(*filters), drawn(filters[1] * options["groups"])
    call = lambda *xwb: nn.conv_transpose(*xwb, output_padding=more, **options)  # noqa: E731
    if min(lengths) < 1:
        with pytest.raises(ShapeError, match="Reduce the padding"):
            call(x, weight, bias)
        return
    y, g, (to_x, to_weight, to_bias) = gradients(call, x, weight, bias)
    named = in_pairs(options)
    offset = bias.reshape(-1, *[1] * len(counts))
    np.testing.assert_allclose(y, carried_to_input(x, weight, lengths, **named) + offset, atol=1e-12)
    np.testing.assert_allclose(to_x, convolved(g, weight, **named), atol=1e-12)
    np.testing.assert_allclose(to_weight, carried_to_weight(x, g, filters[2:], **named), atol=1e-12)
    np.testing.assert_allclose(to_bias, g.sum(axis=(0, *range(2, g.ndim))), atol=1e-12)


CALLS = {
    "conv": (
        lambda x, w, b: nn.conv(x, w, b, stride=(2, 1), padding=1, dilation=(1, 2), groups=2),
        [(1, 2, 3, 4), (2, 1, 2, 2), (2,)],
    ),
    "conv same": (lambda x, w: nn.conv(x, w, padding="same"), [(2, 1, 3), (1, 1, 2)]),
    "conv twice": (lambda x, w: nn.conv(nn.conv(x, w) ** 2, w), [(1, 1, 4), (1, 1, 2)]),
    "conv_transpose": (
        lambda x, w, b: nn.conv_transpose(x, w, b, stride=2, padding=1, output_padding=1),
        [(1, 2, 2, 2), (2, 1, 3, 2), (1,)],
    ),
    "max_pool": (lambda x: nn.max_pool(x, (2, 3), stride=(2, 1), padding=1) ** 2, [(1, 1, 3, 4)]),
    "avg_pool": (lambda x: nn.avg_pool(x, 2, padding=1, count_include_pad=False) ** 2, [(1, 2, 3, 3)]),
}


@pytest.mark.parametrize("name", CALLS)
def test_second_derivatives_agree_with_finite_differences(name):
    f, shapes = CALLS[name]
    report = tn.gradcheck(f, [real(*shape) for shape in shapes], order=2)
    assert report.verdict.value == "PASS", str(report)


def test_blocks_of_samples_change_no_result(monkeypatch):
    x, weight = drawn(5, 2, 6, 5), drawn(3, 2, 3, 2)
    g = drawn(5, 3, 4, 4)
    f = tn.vjp(nn.conv, x, weight)
    whole = f[0], *f[1](g)
    for size in (1, 2 * 12 * 16 * 8):  # one sample at a time; two, so that the last block has only one
        monkeypatch.setattr(convolution, "BLOCK", size)
        value, pullback = tn.vjp(nn.conv, x, weight)
        for found, expected in zip((value, *pullback(g)), whole, strict=True):
            np.testing.assert_allclose(found, expected, atol=1e-13)


@given(st.integers(1, 3), st.data())
@settings(max_examples=60)
def test_pooling_is_a_reduction_of_each_window(axes, data):
    per_axis = lambda low, high: tuple(data.draw(st.integers(low, high)) for _ in range(axes))  # noqa: E731
    window, stride, dilation, slack = per_axis(1, 3), per_axis(1, 3), per_axis(1, 2), per_axis(0, 3)
    padding = tuple(data.draw(st.integers(0, k // 2)) for k in window)
    pads = ((0, 0), (0, 0), *((p, p) for p in padding))
    lengths = tuple((k - 1) * d + 1 + more for k, d, more in zip(window, dilation, slack, strict=True))
    x = drawn(2, 1, *lengths)

    found, g, (to_x,) = gradients(lambda x: nn.max_pool(x, window, stride, padding, dilation), x)
    lowest = np.pad(x, pads, constant_values=-np.inf)
    np.testing.assert_array_equal(found, pooled(np.max)(lowest, window, stride, dilation))
    expected = np.zeros(x.shape)
    for place in np.ndindex(found.shape):  # no two numbers are equal, so that the maximum tells its own place
        expected[x == found[place]] += g[place]
    np.testing.assert_allclose(to_x, expected, atol=1e-12)

    around, inside = np.pad(x, pads), np.pad(np.ones(x.shape), pads)
    total, counts = pooled(np.sum)(around, window, stride), pooled(np.sum)(inside, window, stride)
    for include, divisor in ((True, np.full(counts.shape, np.prod(window))), (False, counts)):
        found, g, (to_x,) = gradients(
            lambda x, include=include: nn.avg_pool(x, window, stride, padding, count_include_pad=include), x
        )
        np.testing.assert_allclose(found, total / divisor, atol=1e-12)
        # The map is linear and the same for each sample: its transpose by unit vectors.
        units = np.eye(x[0].size).reshape(-1, *x.shape[1:])
        rows = pooled(np.sum)(np.pad(units, pads), window, stride) / divisor[:1]
        expected = np.stack([np.sum(rows * each, axis=tuple(range(1, x.ndim))) for each in g])
        np.testing.assert_allclose(to_x, expected.reshape(x.shape), atol=1e-12)


def test_equal_maxima_of_a_window_share_its_gradient():
    x = tn.Tensor([[[[3.0, 3.0, 1.0], [3.0, 0.0, 1.0]]]], requires_grad=True)
    nn.max_pool(x, 2, stride=1).backward(np.array([[[[6.0, 1.0]]]]))
    np.testing.assert_array_equal(x.grad, [[[[2, 3, 0], [2, 0, 0]]]])


def test_equal_maxima_share_in_second_derivatives_too():
    def slope(x):
        return tn.grad(lambda x: (nn.max_pool(x, 3) ** 2).sum())(x).sum()

    np.testing.assert_allclose(tn.grad(slope)(np.ones((1, 1, 3))), np.full((1, 1, 3), 2 / 3))


def test_a_maximum_that_is_nan_has_its_gradient_from_the_nan():
    x = tn.Tensor([[[1.0, np.nan, 2.0, 4.0]]], requires_grad=True)
    y = nn.max_pool(x, 2)
    y.sum().backward()
    np.testing.assert_array_equal(y.numpy(), [[[np.nan, 4.0]]])
    np.testing.assert_array_equal(x.grad, [[[0, 1, 0, 1]]])


def test_whole_numbers_pool_and_convolve_as_in_numpy():
    x = -np.arange(1, 5).reshape(1, 1, 4)
    pools = nn.max_pool(x, 2, padding=1), nn.conv(x, np.array([[[1, 2]]]))
    np.testing.assert_array_equal(pools[0], [[[-1, -2, -4]]])
    np.testing.assert_array_equal(pools[1], [[[-5, -8, -11]]])
    assert {pool.dtype for pool in pools} == {x.dtype}


@pytest.mark.parametrize(
    "f",
    [
        lambda x: nn.conv(x, np.ones((2, 1, 2, 2), np.float32), np.ones(2, np.float32), padding="same"),
        lambda x: nn.conv_transpose(x, np.ones((1, 2, 2, 2), np.float32), stride=2),
        lambda x: nn.max_pool(x, 2, padding=1),
        lambda x: nn.avg_pool(x, 2, padding=1, count_include_pad=False),
    ],
)
def test_float32_stays_float32(f):
    x = tn.Tensor(drawn(2, 1, 4, 4).astype(np.float32), requires_grad=True)
    y = f(x)
    y.sum().backward()
    assert y.dtype == x.grad.dtype == f(x.numpy()).dtype == np.float32


def test_arrays_and_lists_give_arrays():
    for found in (nn.conv([[[1.0, 2.0]]], [[[3.0]]], [1.0]), nn.max_pool([[[4.0, 7.0]]], (1,), stride=1)):
        assert isinstance(found, np.ndarray)
        np.testing.assert_array_equal(found, [[[4.0, 7.0]]])


def test_an_operand_that_needs_no_gradient_is_not_kept():
    x, weight = tn.Tensor(drawn(1, 1, 3)), tn.Tensor(drawn(1, 1, 2), requires_grad=True)
    y = nn.conv(x, weight)
    kept = [cell.cell_contents for closure in y._node.closures if closure for cell in closure.__closure__]
    assert [array is x._data for array in kept if isinstance(array, np.ndarray)] == [True]


# What is refused

IMAGES, FILTERS = np.ones((2, 4, 5, 6)), np.ones((6, 4, 3, 3))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.conv(IMAGES, np.ones((4, 4))), ShapeError, r"'weight' of shape \(filters, channels, \*window\)"),
        (lambda: nn.conv(IMAGES, np.ones((0, 4, 3, 3))), ShapeError, r"none of length 0, got shape \(0, 4, 3, 3\)"),
        (lambda: nn.conv(IMAGES[0], FILTERS), ShapeError, r"4 axes, .* got shape \(4, 5, 6\). Write x\[None\]"),
        (lambda: nn.conv(np.moveaxis(IMAGES, 1, -1), FILTERS), ShapeError, r"with 4 channels, .*\(2, 5, 6, 4\).*move"),
        (lambda: nn.conv(IMAGES, FILTERS, groups=2), ShapeError, r"with 8 channels, .* times 2 groups, got 'x'"),
        (lambda: nn.conv(IMAGES, FILTERS[:5], groups=2), ShapeError, r"divide the 5 filters .* Choose a divisor of 5"),
        (lambda: nn.conv(IMAGES, FILTERS, groups=0), ArgumentError, "'groups' to be .* at least 1, got 0"),
        (lambda: nn.conv(IMAGES, FILTERS, groups=(1, 2)), ArgumentError, "'groups' to be a whole number"),
        (lambda: nn.conv(IMAGES, FILTERS, np.ones((6, 1))), ShapeError, r"'bias' of shape \(6,\).* got shape \(6, 1\)"),
        (lambda: nn.conv(IMAGES, FILTERS, dilation=3), ShapeError, r"into .*\(5, 6\).* \(3, 3\) that spans \(7, 7\)"),
        (lambda: nn.conv(IMAGES, FILTERS, stride=0), ArgumentError, "'stride' .* at least 1, or 2 of them.* got 0"),
        (lambda: nn.conv(IMAGES, FILTERS, stride=(1, 1, 1)), ArgumentError, r"or 2 of them, .* got \(1, 1, 1\)"),
        (lambda: nn.conv(IMAGES, FILTERS, stride=1.5), ArgumentError, "'stride' .* got 1.5"),
        (lambda: nn.conv(IMAGES, FILTERS, dilation=(0, 1)), ArgumentError, r"'dilation' .* got \(0, 1\)"),
        (lambda: nn.conv(IMAGES, FILTERS, padding=-1), ArgumentError, "'padding' .* at least 0, .* got -1"),
        (lambda: nn.conv(IMAGES, FILTERS, padding="some"), ArgumentError, "'same', 'valid' or .*, got 'some'"),
        (lambda: nn.conv(IMAGES, FILTERS, padding="same", stride=2), ArgumentError, "stride of 1 with padding='same'"),
        (lambda: nn.conv(IMAGES + 0j, tn.Tensor(FILTERS)), DtypeError, "expected real numbers"),
        (lambda: nn.conv_transpose(IMAGES, FILTERS), ShapeError, "with 6 channels, the axis 0 of 'weight'"),
        (
            lambda: nn.conv_transpose(IMAGES, FILTERS[:4], stride=(3, 2), output_padding=2),
            ArgumentError,
            r"'output_padding' to be less than the stride \(3, 2\), got \(2, 2\)",
        ),
        (lambda: nn.conv_transpose(IMAGES, FILTERS[:4], padding=4), ShapeError, r"got \(-1, 0\) .* Reduce the padding"),
        (lambda: nn.max_pool(IMAGES[0, 0], (2, 2)), ShapeError, r"with 4 axes for .* \(2, 2\), got .*\(5, 6\)"),
        (lambda: nn.max_pool(np.ones((2, 4)), 2), ShapeError, r"with 3 axes for a window of 2, got shape \(2, 4\)"),
        (lambda: nn.max_pool(IMAGES, 0), ArgumentError, "max_pool: expected 'window' .* got 0"),
        (lambda: nn.max_pool(IMAGES, 6), ShapeError, r"max_pool: .* fits into .*\(5, 6\).* Use a smaller window"),
        (lambda: nn.max_pool(IMAGES, 3, padding=2), ArgumentError, r"at most half of .*\(3, 3\) spans, got \(2, 2\)"),
        (lambda: nn.avg_pool(IMAGES, 2, stride=(1, 0)), ArgumentError, r"avg_pool: expected 'stride' .* got \(1, 0\)"),
    ],
)  # fmt: skip  # a table
def test_what_cannot_be_meant_is_refused_with_the_remedy(call, error, message):
    with pytest.raises(error, match=message):
        call()


# NumPy's own


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("function", [np.convolve, np.correlate])
def test_vectors_of_every_two_lengths_have_the_gradients_of_a_bilinear_map(function, mode):
    for n, m in itertools.product(range(1, 7), repeat=2):
        a, v = drawn(n), drawn(m)
        y, g, (to_a, to_v) = gradients(lambda a, v: function(a, v, mode), a, v)
        np.testing.assert_allclose(y, function(a, v, mode), atol=1e-14)
        np.testing.assert_allclose(to_a, [function(unit, v, mode) @ g for unit in np.eye(n)], atol=1e-13)
        np.testing.assert_allclose(to_v, [function(a, unit, mode) @ g for unit in np.eye(m)], atol=1e-13)


def test_vectors_have_numpys_defaults_and_refusals():
    t = tn.Tensor([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(np.convolve(t, [0.0, 1.0]).numpy(), [0, 1, 2, 3])
    np.testing.assert_array_equal(np.correlate(t, [0.0, 1.0]).numpy(), [2, 3])
    with pytest.raises(ShapeError, match=r"correlate: .* empty"):
        np.convolve(t, np.zeros(0))
    with pytest.raises(ShapeError, match=r"correlate: .*\(3, 1\)"):
        np.correlate(t[:, None], t)


def test_an_element_counts_in_each_of_its_sliding_windows():
    x = tn.Tensor(np.zeros((3, 4)), requires_grad=True)
    np.lib.stride_tricks.sliding_window_view(x, (2, 3)).sum().backward()
    np.testing.assert_array_equal(x.grad, np.outer([1, 2, 1], [1, 2, 2, 1]))
    with pytest.raises(UnsupportedError, match="'writeable' has no gradient rule"):
        np.lib.stride_tricks.sliding_window_view(x, (2, 3), writeable=True)


def test_every_fourier_transform_is_refused_with_a_way_out():
    functions = {getattr(np.fft, name) for name in np.fft.__all__}
    shifts, frequencies = {np.fft.fftshift, np.fft.ifftshift}, {np.fft.fftfreq, np.fft.rfftfreq}
    assert shifts <= COMPOSITIONS.keys()
    assert frequencies <= CONSTANTS
    assert functions - shifts - frequencies == {f for f in REFUSED if f.__module__ == "numpy.fft"}
    for function in functions - shifts - frequencies:
        with pytest.raises(UnsupportedError, match=rf"{function.__name__}: expected no Tensor; .*numpy.cos"):
            function(tn.Tensor(np.ones((4, 4))))


def test_the_way_out_of_fourier_transforms_is_right():
    n = 5
    x, k = drawn(n), np.arange(n)
    cosines, sines = (f(2 * np.pi / n * np.outer(k, k)) for f in (np.cos, np.sin))
    spectrum = np.fft.fft(x)
    np.testing.assert_allclose(cosines @ x, spectrum.real, atol=1e-12)
    np.testing.assert_allclose(-sines @ x, spectrum.imag, atol=1e-12)
    np.testing.assert_allclose((cosines @ spectrum.real - sines @ spectrum.imag) / n, x, atol=1e-12)
