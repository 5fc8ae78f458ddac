"""How gradients become weights: the fused and the collected way, threads, ranges, frozen weights, saved state."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from test_optimizers import COMMON, OPTIONS

import lamella
from lamella import Input, Sequential, layers, optimizers
from lamella._core import core

Array = np.ndarray[Any, np.dtype[Any]]
Options = dict[str, Any]

HUGE = 1e30
# Every rule with options of its own, and every common option with a rule.
VARIANTS: list[tuple[str, Options]] = [(name, listed[-1]) for name, listed in OPTIONS.items()]
DECORATED = [(name, {"learning_rate": 0.01} | common) for name in ("SGD", "RMSprop", "Adam") for common in COMMON]


def ids(found: list[tuple[str, Options]]) -> list[Any]:
    return [pytest.param(*one, id="-".join([one[0], *(f"{k}={v}" for k, v in one[1].items())])) for one in found]


def network(name: str, options: Options, hidden: int = 19) -> Sequential:
    lamella.utils.set_random_seed(3)
    model = Sequential([Input((37,)), layers.Dense(hidden, "tanh"), layers.Dense(5)])
    model.compile(getattr(optimizers, name)(**options), "mse")
    return model


def data(rng: np.random.Generator, rows: int = 24, share: float = 1.0) -> tuple[Array, Array]:
    x = rng.standard_normal((rows, 37), dtype=np.float32)
    x[:, rng.random(37) >= share] = 0
    return x, rng.standard_normal((rows, 5), dtype=np.float32)


def trained(model: Sequential, x: Array, y: Array, batch: int = 8, epochs: int = 2) -> list[Array]:
    model.fit(x, y, batch_size=batch, epochs=epochs, shuffle=False, verbose=0)
    return model.get_weights()


def assert_same_bits(found: list[Array], expected: list[Array]) -> None:
    for a, b in zip(found, expected, strict=True):
        assert np.isfinite(a).all()
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(("name", "options"), ids(VARIANTS + DECORATED))
def test_updates_are_the_same_bits_for_any_number_of_threads(
    name: str, options: Options, rng: np.random.Generator
) -> None:
    x, y = data(rng, rows=300)
    results = []
    for threads in (1, 2, 3, 4, 8):
        lamella.set_num_threads(threads)
        model = network(name, options, hidden=1003)
        results.append([*trained(model, x, y, batch=100), *model.optimizer.variables])
    for found in results[1:]:
        assert_same_bits(found, results[0])


@pytest.mark.parametrize("extra", ["clipnorm", "global_clipnorm", "clipvalue"])
@pytest.mark.parametrize(("name", "options"), ids(VARIANTS))
def test_a_limit_that_nothing_reaches_changes_no_bit(
    name: str, options: Options, extra: str, rng: np.random.Generator
) -> None:
    x, y = data(rng)
    expected = trained(network(name, options), x, y)
    assert_same_bits(trained(network(name, options | {extra: HUGE}), x, y), expected)


@pytest.mark.parametrize(("name", "options"), ids(VARIANTS))
def test_inputs_that_are_zero_leave_the_same_bits_in_every_way(
    name: str, options: Options, rng: np.random.Generator
) -> None:
    # Wide enough to be compressed: then rows of the kernel without gradient take a short cut in some rules.
    x, y = data(rng, share=0.1)
    plain, clipped = network(name, options, hidden=200), network(name, options | {"clipvalue": HUGE}, hidden=200)
    assert np.mean(x != 0) < plain._network.densest
    trained(plain, data(rng)[0], y)  # so that there is state to fade
    clipped.optimizer.set_variables(plain.optimizer.variables)
    clipped.set_weights(plain.get_weights())
    assert_same_bits(trained(clipped, x, y), trained(plain, x, y))
    assert_same_bits(clipped.optimizer.variables, plain.optimizer.variables)


@pytest.mark.parametrize(("name", "options"), ids(VARIANTS))
def test_accumulating_a_batch_twice_is_a_step_on_it(name: str, options: Options, rng: np.random.Generator) -> None:
    x, y = data(rng)
    once, twice = network(name, options), network(name, options | {"gradient_accumulation_steps": 2})
    for first in (0, 8, 16):
        rows = slice(first, first + 8)
        before = twice.get_weights()
        once.train_on_batch(x[rows], y[rows])
        twice.train_on_batch(x[rows], y[rows])
        assert_same_bits(twice.get_weights(), before)
        twice.train_on_batch(x[rows], y[rows])
        assert_same_bits(twice.get_weights(), once.get_weights())
    assert (once.optimizer.iterations, twice.optimizer.iterations) == (3, 3)
    assert int(twice.optimizer.variables[0]) == 6


def test_averages_leave_the_weights_alone_until_the_end_of_fit(rng: np.random.Generator) -> None:
    x, y = data(rng)
    plain, averaged = network("Adam", {}), network("Adam", {"use_ema": True})
    for model in (plain, averaged):
        model.train_on_batch(x, y)
        model.train_on_batch(x, y)
    assert_same_bits(averaged.get_weights(), plain.get_weights())
    averaged.fit(x, y, verbose=0)
    plain.fit(x, y, verbose=0)
    assert_same_bits(averaged.get_weights(), averaged.optimizer.variables[2:6])
    assert not np.array_equal(averaged.get_weights()[0], plain.get_weights()[0])


@pytest.mark.parametrize(("name", "options"), ids(VARIANTS + DECORATED))
def test_a_step_in_ranges_is_a_step(name: str, options: Options, rng: np.random.Generator) -> None:
    if "gradient_accumulation_steps" in options:
        options = options | {"gradient_accumulation_steps": None}
    x, y = data(rng)
    whole, parts = network(name, options, hidden=300), network(name, options, hidden=300)
    trainer, updater = parts._compiled.trainer, parts._compiled.trainer.updater
    for _ in range(3):
        updater.accumulated = trainer.gradients(parts._network, x, y, None)[1]
        rate, size = parts.optimizer.rates(0, 1)[0], len(updater.gradients)
        for first, last in ((0, 16), (16, size // 3 // 16 * 16), (size // 3 // 16 * 16, size)):
            trainer.apply(rate, first, last)
        updater.iterations += 1
        whole.train_on_batch(x, y)
        assert_same_bits(parts.get_weights(), whole.get_weights())
    assert_same_bits(parts.optimizer.variables, whole.optimizer.variables)


def test_ranges_start_at_whole_cache_lines() -> None:
    model = network("SGD", {})
    with pytest.raises(ValueError, match="whole cache lines"):
        model._compiled.trainer.apply(0.1, 0, 5)


@pytest.mark.parametrize(("name", "options"), ids(VARIANTS + DECORATED))
def test_frozen_weights_stay_and_count_in_no_norm(name: str, options: Options, rng: np.random.Generator) -> None:
    shapes = [(21, 7), (7,), (7, 3)]
    weights = [rng.standard_normal(shape).astype(np.float32) for shape in shapes]
    grads = [[rng.standard_normal(shape).astype(np.float32) for shape in shapes] for _ in range(5)]
    frozen, alone = (getattr(optimizers, name)(**options) for _ in range(2))
    ours, others = [w.copy() for w in weights], [weights[0].copy(), weights[2].copy()]
    frozen.build(ours)
    frozen._updater.trainable = [True, False, True]
    for g in grads:
        frozen.apply(g, ours)
        alone.apply([g[0], g[2]], others)
    frozen.finalize_variable_values(ours)
    alone.finalize_variable_values(others)
    assert_same_bits([ours[1]], [weights[1]])
    assert_same_bits([ours[0], ours[2]], others)
    assert_same_bits(frozen.variables, alone.variables)


@pytest.mark.parametrize(("name", "options"), ids(VARIANTS + DECORATED))
def test_variables_carry_all_that_a_model_needs_to_go_on(name: str, options: Options, rng: np.random.Generator) -> None:
    x, y = data(rng)
    model, other = network(name, options), network(name, options)
    for _ in range(5):  # ends between two updates, where there is accumulation
        model.train_on_batch(x, y)
    other.set_weights(model.get_weights())
    other.optimizer.set_variables(model.optimizer.variables)
    assert_same_bits(other.optimizer.variables, model.optimizer.variables)
    assert_same_bits(trained(other, x, y), trained(model, x, y))


def test_variables_of_other_shapes_are_refused() -> None:
    model = network("Adam", {})
    good = model.optimizer.variables
    for bad in (good[:-1], [*good, good[0]], [*good[:-1], np.zeros(4)]):
        with pytest.raises(ValueError, match=r"`values` must be 10 arrays"):
            model.optimizer.set_variables(bad)
    with pytest.raises(ValueError, match="no state yet"):
        optimizers.Adam().set_variables(good[:2])


def test_a_decay_spares_excluded_weights(rng: np.random.Generator) -> None:
    y = data(rng)[1]
    choices: list[Options] = [
        {"var_names": ["bias"]},
        {"var_list": ["dense_1/kernel"]},
        {"var_names": ["^dense/", "^bias$"]},
    ]
    spared = [[1, 3], [2], [0, 1, 3]]
    for choice, expected in zip(choices, spared, strict=True):
        lamella.backend.clear_session()
        model = network("SGD", {"learning_rate": 0.1, "weight_decay": 0.5})
        model.optimizer.exclude_from_weight_decay(**choice)
        model.set_weights([np.ones_like(w) for w in model.get_weights()])
        zero = np.zeros((4, 37), np.float32)
        before = model.get_weights()
        _, grads, _ = model.gradients(zero, y[:4])
        model.train_on_batch(zero, y[:4])
        for i, (w, start, g) in enumerate(zip(model.get_weights(), before, grads, strict=True)):
            decay = 0 if i in expected else 0.05
            np.testing.assert_allclose(w, start * (1 - decay) - 0.1 * g, rtol=1e-6, atol=1e-7)


def test_exclusions_hold_from_before_the_model_is_built() -> None:
    optimizer = optimizers.AdamW(0.1, weight_decay=0.5)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    model = Sequential([Input((2,)), layers.Dense(3)])
    model.compile(optimizer, "mse")
    model.set_weights([np.ones((2, 3)), np.ones(3)])
    model.train_on_batch(np.zeros((1, 2)), np.ones((1, 3)))  # already right: nothing but decay moves weights
    kernel, bias = model.get_weights()
    np.testing.assert_allclose(kernel, 0.95, rtol=1e-6)
    np.testing.assert_array_equal(bias, 1)
    with pytest.raises(TypeError, match=r"`var_list` must hold weights with a `path`, got ndarray.*var_names"):
        optimizer.exclude_from_weight_decay([kernel])


def test_overflowing_norms_do_not_pass_unseen() -> None:
    weights = [np.ones(3, np.float32)]
    optimizers.SGD(0.1, clipnorm=1.0).apply([np.array([np.nan, 1, 1])], weights)
    assert np.isnan(weights[0]).all()
    weights = [np.ones(2, np.float32)]
    optimizers.SGD(1.0, clipnorm=1.0).apply([np.array([3e30, 4e30])], weights)  # squares are beyond float32
    np.testing.assert_allclose(weights[0], [0.4, 0.2], rtol=1e-6)


def test_apply_asks_for_matching_arrays() -> None:
    optimizer, w = optimizers.SGD(0.5), [np.ones((2, 3), np.float32)]
    optimizer.apply_gradients([(np.ones((2, 3)), w[0])])
    np.testing.assert_array_equal(w[0], 0.5)
    with pytest.raises(ValueError, match=r"`grads` must have the shapes \[\(2, 3\)\], got \[\(3, 2\)\]"):
        optimizer.apply([np.ones((3, 2))], w)
    with pytest.raises(ValueError, match="`trainable_variables`"):
        optimizer.apply([np.ones((2, 3))])
    assert optimizer.iterations == 1


def test_the_core_lists_states_group_by_group() -> None:
    updater = core.Updater(optimizers.Adam(amsgrad=True)._spec(core), core.Options(), [(2, 3), (1, 3)])
    assert updater.states == [("momentum", 0), ("velocity", 0), ("velocity_hat", 1)]
