"""Models in models, models of a part of another's layers, frozen layers, and samples of several axes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lamella
from lamella import Input, Sequential, layers

Array = np.ndarray[Any, np.dtype[Any]]


def encoder() -> Sequential:
    return Sequential([Input((8,)), layers.Dense(6, "relu"), layers.Dense(3)], name="encoder")


def decoder() -> Sequential:
    return Sequential([layers.Dense(6, "relu"), layers.BatchNormalization(), layers.Dense(8)], name="decoder")


def flat_twin(model: Sequential) -> Sequential:
    """The same layers without nesting, with the same weights."""
    twin = Sequential([Input((8,)), *(type(layer).from_config(layer.get_config()) for layer in model._leaves())])
    twin.set_weights(model.get_weights())
    return twin


def equal(found: list[Array], expected: list[Array]) -> None:
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)


def test_nested_model_trains_as_its_layers_would(rng: np.random.Generator) -> None:
    model = Sequential([encoder(), decoder()])
    twin = flat_twin(model)
    x = rng.standard_normal((60, 8), dtype=np.float32)
    for each in (model, twin):
        each.compile("rmsprop", "mse")
        each.fit(x, x, epochs=3, verbose=0, shuffle=False)
    equal(model.get_weights(), twin.get_weights())
    np.testing.assert_array_equal(model.predict(x), twin.predict(x))


def test_parts_share_the_weights_of_the_whole(rng: np.random.Generator) -> None:
    inner, outer = encoder(), decoder()
    model = Sequential([inner, outer])
    x = rng.standard_normal((60, 8), dtype=np.float32)
    np.testing.assert_array_equal(model.predict(x), outer.predict(inner.predict(x)))
    model.compile("rmsprop", "mse")
    model.fit(x, x, epochs=2, verbose=0)
    np.testing.assert_array_equal(model.predict(x), outer.predict(inner.predict(x)))
    equal(inner.get_weights() + outer.get_weights(), model.get_weights())
    inner.set_weights([np.zeros_like(w) for w in inner.get_weights()])
    assert not any(w.any() for w in model.get_weights()[:4])
    assert inner.layers[0].get_weights()[0].shape == (8, 6)


def test_adding_a_built_model_keeps_its_weights() -> None:
    inner = encoder()
    before = inner.get_weights()
    model = Sequential([inner, layers.Dense(2)])
    equal(model.get_weights()[:4], before)


def test_model_that_knows_no_input_is_built_by_the_outer_one() -> None:
    inner = decoder()
    assert not inner.built
    model = Sequential([Input((3,)), inner])
    assert inner.built and inner.input_shape == (None, 3) and inner.output_shape == (None, 8)
    assert model.count_params() == inner.count_params() == 3 * 6 + 6 + 4 * 6 + 6 * 8 + 8


def test_training_a_part_trains_the_whole(rng: np.random.Generator) -> None:
    inner = encoder()
    model = Sequential([inner, layers.Dense(2)])
    head = model.layers[1].get_weights()
    inner.compile("sgd", "mse")
    x = rng.standard_normal((20, 8), dtype=np.float32)
    before = model.get_weights()
    inner.fit(x, np.zeros((20, 3)), verbose=0)
    assert any((a != b).any() for a, b in zip(before[:4], model.get_weights()[:4], strict=True))
    equal(model.layers[1].get_weights(), head)
    np.testing.assert_array_equal(inner.get_weights()[0], model.get_weights()[0])


def test_models_three_deep(rng: np.random.Generator) -> None:
    deepest = Sequential([layers.Dense(4, "tanh")], name="deepest")
    middle = Sequential([deepest, layers.Dense(5)], name="middle")
    model = Sequential([Input((8,)), middle, layers.Dense(2)])
    x = rng.standard_normal((9, 8), dtype=np.float32)
    expected = model.predict(x)
    step = deepest.predict(x)
    np.testing.assert_array_equal(middle.layers[0].predict(x), step)
    np.testing.assert_allclose(model.layers[0].predict(x) @ model.get_weights()[4], expected, rtol=1e-5, atol=1e-6)


def test_summary_of_nested_models() -> None:
    model = Sequential([encoder(), layers.Dense(2)], name="whole")
    text: list[str] = []
    model.summary(print_fn=text.append, line_length=80)
    model.summary(print_fn=text.append, line_length=80, expand_nested=True)
    assert "encoder (Sequential)" in text[0] and "└ " not in text[0]
    assert text[1].count("└ ") == 2
    assert "Total params: 83" in text[0] and "Total params: 83" in text[1]


def test_nesting_that_cannot_be_is_refused() -> None:
    inner = encoder()
    model = Sequential([inner, layers.Dense(2)], name="whole")
    with pytest.raises(ValueError, match="part of 'whole'"):
        inner.add(layers.Dense(2))
    with pytest.raises(ValueError, match="part of 'whole'"):
        inner.pop()
    with pytest.raises(ValueError, match="belongs to the model 'whole'"):
        Sequential([Input((8,)), layers.Dense(8), inner])
    with pytest.raises(ValueError, match="cannot contain itself"):
        model.add(model)
    with pytest.raises(ValueError, match="different names"):
        model.add(encoder())
    other = Sequential([Input((5,)), layers.Dense(1)])
    with pytest.raises(ValueError, match="takes samples of shape"):
        other.add(encoder())
    assert len(other.layers) == 1


def test_popped_model_keeps_its_weights_and_is_free_again(rng: np.random.Generator) -> None:
    inner = encoder()
    model = Sequential([Input((8,)), layers.Dense(8), inner])
    weights = inner.get_weights()
    assert model.pop() is inner
    equal(inner.get_weights(), weights)
    again = Sequential([inner])
    equal(again.get_weights(), weights)


def test_run_of_layers_makes_a_model_that_shares_weights(rng: np.random.Generator) -> None:
    model = Sequential([Input((8,)), layers.Dense(6, "relu"), layers.Dense(5, "tanh"), layers.Dense(2)])
    model.compile("sgd", "mse")
    features, head = Sequential(model.layers[:-1]), Sequential(model.layers[2:])
    x = rng.standard_normal((20, 8), dtype=np.float32)
    np.testing.assert_array_equal(head.predict(features.predict(x)), model.predict(x))
    model.fit(x, np.zeros((20, 2)), verbose=0)
    np.testing.assert_array_equal(head.predict(features.predict(x)), model.predict(x))
    model.add(layers.Dense(1))
    np.testing.assert_array_equal(features.get_weights()[0], model.get_weights()[0])
    model.set_weights([np.ones_like(w) for w in model.get_weights()])
    assert (features.get_weights()[0] == 1).all()


def test_layers_that_are_no_run_of_one_model_are_refused() -> None:
    model = Sequential([Input((8,)), layers.Dense(8), layers.Dense(8), layers.Dense(8)])
    with pytest.raises(ValueError, match="belongs to the model"):
        Sequential([model.layers[0], model.layers[2]])
    with pytest.raises(ValueError, match="belongs to the model"):
        Sequential([Input((8,)), model.layers[1], layers.Dense(2)])


def test_frozen_layers_stay_as_they_are(rng: np.random.Generator) -> None:
    model = Sequential(
        [Input((8,)), layers.Dense(6, "relu"), layers.BatchNormalization(), layers.Dense(4), layers.Dense(2)]
    )
    model.layers[0].trainable = False
    model.layers[1].trainable = False
    model.compile("rmsprop", "mse")
    before = model.get_weights()
    x = rng.standard_normal((40, 8), dtype=np.float32)
    model.fit(x, rng.standard_normal((40, 2)), epochs=2, verbose=0)
    after = model.get_weights()
    equal(after[:6], before[:6])
    assert all((a != b).any() for a, b in zip(after[6::2], before[6::2], strict=True))
    assert len(model.trainable_weights) == 4 and len(model.non_trainable_weights) == 6


def test_freezing_counts_from_the_next_compile_on(rng: np.random.Generator) -> None:
    model = Sequential([Input((8,)), layers.Dense(2)])
    model.compile("sgd", "mse")
    model.trainable = False
    x, y = rng.standard_normal((40, 8), dtype=np.float32), rng.standard_normal((40, 2))
    before = model.get_weights()
    model.fit(x, y, verbose=0)
    assert (model.get_weights()[0] != before[0]).any()
    model.compile("sgd", "mse")
    before = model.get_weights()
    model.fit(x, y, verbose=0)
    equal(model.get_weights(), before)
    model.trainable = True
    model.compile("sgd", "mse")
    model.fit(x, y, verbose=0)
    assert (model.get_weights()[0] != before[0]).any()


def test_frozen_batch_normalization_uses_its_moving_statistics(rng: np.random.Generator) -> None:
    x = rng.normal(5, 3, (40, 4)).astype(np.float32)
    model = Sequential([Input((4,)), layers.BatchNormalization(trainable=False)])
    model.compile("sgd", "mse")
    expected = np.square(model.predict(x) - 1).mean()
    assert model.train_on_batch(x, np.ones_like(x)) == pytest.approx(expected, rel=1e-5)
    equal(model.get_weights(), [np.ones(4), np.zeros(4), np.zeros(4), np.ones(4)])


def test_dense_works_on_the_last_axis(rng: np.random.Generator) -> None:
    x = rng.standard_normal((7, 3, 5), dtype=np.float32)
    model = Sequential([Input((3, 5)), layers.Dense(4, "tanh"), layers.LayerNormalization(), layers.Dense(2)])
    assert model.output_shape == (None, 3, 2)
    flat = Sequential([Input((5,)), *(type(m).from_config(m.get_config() | {"name": None}) for m in model.layers)])
    flat.set_weights(model.get_weights())
    np.testing.assert_allclose(model.predict(x), flat.predict(x.reshape(21, 5)).reshape(7, 3, 2), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("loss", ["mse", "sparse_categorical_crossentropy"])
def test_outputs_of_several_axes_train_as_rows(loss: str, rng: np.random.Generator) -> None:
    x = rng.standard_normal((8, 3, 5), dtype=np.float32)
    y: Array = rng.integers(0, 4, (8, 3)) if loss.startswith("sparse") else rng.random((8, 3, 4), np.float32)
    deep = Sequential([Input((3, 5)), layers.Dense(4, "softmax")])
    flat = Sequential([Input((5,)), layers.Dense(4, "softmax")])
    flat.set_weights(deep.get_weights())
    rows = y.reshape(24, *y.shape[2:])
    weights = rng.random(8).astype(np.float32)
    for each in (deep, flat):
        each.compile("sgd", loss, metrics=["accuracy"])
    for w in (None, weights):
        found = deep.evaluate(x, y, verbose=0, sample_weight=w)
        expected = flat.evaluate(
            x.reshape(24, 5), rows, verbose=0, sample_weight=None if w is None else np.repeat(w, 3)
        )
        np.testing.assert_allclose(found, expected, rtol=1e-5)
    deep.fit(x, y, batch_size=4, verbose=0, shuffle=False)
    flat.fit(x.reshape(24, 5), rows, batch_size=12, verbose=0, shuffle=False)
    for a, b in zip(deep.get_weights(), flat.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_images_go_through_dense_and_flatten(rng: np.random.Generator) -> None:
    model = Sequential(
        [
            Input((4, 6)),
            layers.Dense(3, "relu"),
            layers.Flatten(),
            layers.Dense(8),
            layers.Reshape((2, -1)),
            layers.Dense(1),
        ]
    )
    x = rng.standard_normal((5, 4, 6), dtype=np.float32)
    w, b, v, c, u, d = model.get_weights()
    expected = (np.maximum(x @ w + b, 0).reshape(5, 12) @ v + c).reshape(5, 2, 4) @ u + d
    np.testing.assert_allclose(model.predict(x), expected, rtol=1e-5, atol=1e-5)
    model.compile("sgd", "mse")
    lamella.set_num_threads(1)
    model.fit(x, np.zeros((5, 2)), verbose=0)
