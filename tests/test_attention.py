"""Attention: closed forms, masks, and what is refused. `test_torch_recurrent.py` has the numbers of the layers."""

import numpy as np
import pytest
import scipy.special

import tinygrad_nn as tn
from tinygrad_nn import errors, nn

attention = nn.scaled_dot_product_attention


def generator():
    return np.random.default_rng(0)


def normal(*shape):
    return np.random.default_rng(sum(shape)).normal(size=shape)


def qkv(queries=3, keys=4):
    return normal(2, queries, 5), normal(2, keys, 5), normal(2, keys, 6)


def test_attention_is_its_formula():
    q, k, v = qkv()
    weights = scipy.special.softmax(np.einsum("nte,nse->nts", q, k) / np.sqrt(5), axis=-1)
    np.testing.assert_allclose(attention(q, k, v), np.einsum("nts,nsv->ntv", weights, v), rtol=1e-12)
    weights = scipy.special.softmax(np.einsum("nte,nse->nts", q, k) * 3, axis=-1)
    np.testing.assert_allclose(attention(q, k, v, scale=3.0), np.einsum("nts,nsv->ntv", weights, v), rtol=1e-12)


def test_attention_to_equal_keys_is_the_mean():
    v = normal(4, 2)
    np.testing.assert_allclose(attention(normal(3, 5), np.ones((4, 5)), v), np.broadcast_to(v.mean(axis=0), (3, 2)))


@pytest.mark.parametrize("shape", [(3, 4), (2, 3, 4), (2, 1, 4), (4,), (3, 1)])
def test_a_masked_key_is_as_good_as_absent(shape):
    q, k, v = qkv()
    mask = generator().random(shape) < 0.6
    everywhere = np.broadcast_to(mask, (2, 3, 4))
    found = attention(q, k, v, attn_mask=mask)
    for n, t in np.ndindex(2, 3):
        here = everywhere[n, t]
        expected = attention(q[n, [t]], k[n, here], v[n, here])[0] if here.any() else np.zeros(6)
        np.testing.assert_allclose(found[n, t], expected, rtol=1e-12, atol=1e-15)


def test_a_query_that_may_attend_to_nothing_gets_zeros_and_no_gradient():
    q = tn.Tensor(normal(2, 5), requires_grad=True)
    mask = np.array([[True, True, True], [False, False, False]])
    out = attention(q, normal(3, 5), normal(3, 2), attn_mask=mask)
    out.sum().backward()
    assert out.numpy()[1].tolist() == [0, 0]
    assert q.grad[1].tolist() == [0] * 5
    assert q.grad[0].all()


def test_the_past_does_not_see_the_future():
    q, k, v = qkv(4, 4)
    x = tn.Tensor(v, requires_grad=True)
    attention(q, k, x, is_causal=True)[:, 1].sum().backward()
    assert (x.grad[:, :2] != 0).all()
    assert not x.grad[:, 2:].any()
    both = attention(q, k, v, attn_mask=np.array([True, True, False, True]), is_causal=True)
    np.testing.assert_allclose(both, attention(q, k, v, attn_mask=np.tri(4, 4) * [1, 1, 0, 1] > 0), rtol=1e-14)


def test_logits_of_a_thousand_are_no_trouble():
    q = tn.Tensor([[1e3, 0.0], [0.0, -1e3]], requires_grad=True)
    out = attention(q, np.eye(2), np.eye(2), is_causal=True, scale=1.0)
    out.sum().backward()
    assert out.tolist() == [[1, 0], [1, 0]]
    assert np.isfinite(q.grad).all()


@pytest.mark.parametrize("options", [{}, {"is_causal": True}, {"attn_mask": np.array([[True], [False]])}])
def test_gradients_agree_with_finite_differences(options):
    assert tn.gradcheck(lambda q, k, v: attention(q, k, v, **options), [x[:1, :2, :2] for x in qkv(3, 2)], order=2)


def test_single_precision_stays():
    q, k, v = (x.astype(np.float32) for x in qkv())
    assert attention(q, k, v, is_causal=True).dtype == np.float32
    assert nn.PositionalEncoding(5)(q).dtype == np.float32


@pytest.mark.parametrize(
    ("shapes", "mask", "error", "said"),
    [
        ([(3, 5), (4, 6), (4, 2)], None, errors.ShapeError, r"query \(\.\.\., T, E\).*got shapes \(3, 5\), \(4, 6\)"),
        ([(3, 5), (4, 5), (3, 2)], None, errors.ShapeError, r"key and value as many steps"),
        ([(5,), (4, 5), (4, 2)], None, errors.ShapeError, r"got shapes \(5,\)"),
        ([(3, 5), (4, 5), (4, 2)], np.ones((4, 3), bool), errors.ShapeError, r"broadcasts to \(3, 4\).*got \(4, 3\)"),
        ([(3, 5), (4, 5), (4, 2)], np.ones((2, 3, 4), bool), errors.ShapeError, r"got \(2, 3, 4\)"),
        ([(3, 5), (4, 5), (4, 2)], np.zeros((3, 4)), errors.DtypeError, r"of dtype bool.*got float64.*mask >= 0"),
    ],
)
def test_what_does_not_fit_is_refused(shapes, mask, error, said):
    with pytest.raises(error, match=said):
        attention(*map(np.ones, shapes), attn_mask=mask)


# Layers


def test_one_head_is_attention_between_projections():
    layer, x = nn.MultiheadAttention(4, 1, rng=generator()), normal(2, 3, 4)
    q, k, v = np.split(x @ layer.in_proj_weight.numpy().T + layer.in_proj_bias.numpy(), 3, axis=-1)
    expected = attention(q, k, v) @ layer.out_proj.weight.numpy() + layer.out_proj.bias.numpy()
    np.testing.assert_allclose(layer(x).numpy(), expected, rtol=1e-12)


def test_attention_takes_a_sequence_for_a_set_until_it_is_told_the_places():
    layer, places = nn.MultiheadAttention(4, 2, rng=generator()), nn.PositionalEncoding(4)
    x, order = normal(2, 5, 4), [3, 1, 4, 0, 2]
    np.testing.assert_allclose(layer(x[:, order]).numpy(), layer(x).numpy()[:, order], rtol=1e-12)
    assert not np.allclose(layer(places(x[:, order])).numpy(), layer(places(x)).numpy()[:, order])


def test_key_and_value_may_be_another_sequence():
    layer, x, y = nn.MultiheadAttention(4, 2, rng=generator()), normal(2, 3, 4), normal(2, 5, 4)
    assert np.array_equal(layer(x, y), layer(x, y, y))
    assert layer(x, y).shape == (2, 3, 4)
    lacking = np.arange(5) < np.array([[5], [2]])
    found = layer(x, y, attn_mask=lacking[:, None, None, :]).numpy()
    np.testing.assert_allclose(found[1:], layer(x[1:], y[1:, :2]).numpy(), rtol=1e-12)


def test_dropout_of_weights_is_for_training_only():
    layer, x = nn.MultiheadAttention(4, 2, dropout=0.5, rng=generator()), normal(2, 3, 4)
    assert not np.allclose(layer(x), layer(x))
    assert np.array_equal(layer.eval()(x), layer(x))


@pytest.mark.parametrize("norm_first", [False, True])
def test_a_block_is_its_formula(norm_first):
    block, x = nn.TransformerBlock(4, 2, 6, activation="gelu", norm_first=norm_first, rng=generator()), normal(2, 3, 4)
    for norm in (block.norm1, block.norm2):
        norm.weight.data = normal(4)

    def transform(x):
        z = x @ block.linear1.weight + block.linear1.bias
        return nn.gelu(z) @ block.linear2.weight + block.linear2.bias

    if norm_first:
        middle = x + block.self_attn(block.norm1(x))
        expected = middle + transform(block.norm2(middle))
    else:
        middle = block.norm1(x + block.self_attn(x))
        expected = block.norm2(middle + transform(middle))
    np.testing.assert_allclose(block(x).numpy(), expected.numpy(), rtol=1e-12)


def test_blocks_learn_to_copy_the_step_before():
    rng = generator()
    tokens = rng.integers(0, 4, (16, 6))
    target = np.concatenate([tokens[:, :1], tokens[:, :-1]], axis=1)
    block = nn.TransformerBlock(8, 2, norm_first=True, rng=rng)
    model = nn.Sequential(nn.Embedding(4, 8, rng=rng), nn.PositionalEncoding(8), block, nn.Dense(8, 4, rng=rng))
    optimizer = tn.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(150):
        optimizer.zero_grad()
        loss = nn.cross_entropy(model(tokens), target)
        loss.backward()
        optimizer.step()
    assert (model(tokens).numpy().argmax(axis=-1) == target).mean() > 0.9


def test_places_are_told_by_the_angles_of_the_paper():
    table = nn.PositionalEncoding(6)(np.zeros((7, 6)))
    for t, i in np.ndindex(7, 3):
        angle = t / 10000 ** (2 * i / 6)
        np.testing.assert_allclose(table[t, 2 * i : 2 * i + 2], [np.sin(angle), np.cos(angle)], atol=1e-15)
    assert nn.PositionalEncoding(3)(np.zeros((2, 4, 3))).shape == (2, 4, 3)
    assert nn.PositionalEncoding(2)(np.zeros((1, 2), int)).tolist() == [[0, 1]]


@pytest.mark.parametrize(
    ("make", "error", "said"),
    [
        (lambda: nn.MultiheadAttention(6, 4), errors.ArgumentError, "'num_heads' to divide 'embed_dim'.*got 4 and 6"),
        (lambda: nn.MultiheadAttention(0, 1), errors.ArgumentError, "both at least 1, got 1 and 0"),
        (lambda: nn.PositionalEncoding(0), errors.ArgumentError, "at least 1 feature, got 0"),
        (lambda: nn.MultiheadAttention(4, 2)(np.ones((3, 4))), errors.ShapeError, r"steps, 4\), got shape \(3, 4\)"),
        (lambda: nn.PositionalEncoding(4)(np.ones((2, 3))), errors.ShapeError, r"steps, 4\), got shape \(2, 3\)"),
    ],
)
def test_layers_refuse(make, error, said):
    with pytest.raises(error, match=said):
        make()
