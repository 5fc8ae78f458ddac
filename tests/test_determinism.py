"""The same seed gives the same bits, whatever the threads, the chunks and the layout of the data."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest
import scipy.sparse

import lamella
from lamella import Input, Sequential, _cpu, layers, optimizers
from lamella.callbacks import Callback

Array = np.ndarray[Any, np.dtype[Any]]


class WatchesBatches(Callback):
    """Overrides a batch hook, so that the core is called once per step."""

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        pass


def network(inputs: int = 300, seed: int = 1) -> Sequential:
    lamella.utils.set_random_seed(seed)
    model = Sequential(
        [Input((inputs,)), layers.Dense(257, "relu"), layers.Dense(130, "tanh"), layers.Dense(10, "softmax")]
    )
    model.compile(optimizers.RMSprop(0.003), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def data(rng: np.random.Generator, share: float = 1.0) -> tuple[Array, Array]:
    x = rng.random((333, 300), dtype=np.float32) * (rng.random((333, 300)) < share)
    return x.astype(np.float32), rng.integers(0, 10, 333)


def trained(x: Any, y: Array, seed: int = 1, epochs: int = 3, **options: Any) -> tuple[list[Array], dict[str, Any]]:
    model = network(seed=seed)
    history = model.fit(x, y, epochs=epochs, batch_size=64, validation_split=0.1, verbose=0, **options)
    return model.get_weights(), dict(history.history)


def assert_same_bits(found: tuple[list[Array], Any], expected: tuple[list[Array], Any]) -> None:
    for w, wanted in zip(found[0], expected[0], strict=True):
        np.testing.assert_array_equal(w.view(np.uint32), wanted.view(np.uint32))
    assert found[1] == expected[1]


def assert_close_after_training(found: tuple[list[Array], Any], expected: tuple[list[Array], Any]) -> None:
    for w, wanted in zip(found[0], expected[0], strict=True):
        np.testing.assert_allclose(w, wanted, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("share", [1.0, 0.3, 0.1], ids=["full", "third", "tenth"])
@pytest.mark.parametrize("threads", [2, 3, 4, 8], ids="threads={}".format)
def test_threads_change_no_bit(threads: int, share: float, rng: np.random.Generator) -> None:
    x, y = data(rng, share)
    lamella.set_num_threads(1)
    expected = trained(x, y)
    lamella.set_num_threads(threads)
    assert_same_bits(trained(x, y), expected)


@pytest.mark.parametrize(
    ("rows", "columns", "share"), [(900, 700, 0.16), (620, 5000, 0.02)], ids=["few and many nonzeros", "large kernel"]
)
def test_threads_change_no_bit_of_sparse_matrices(
    rows: int, columns: int, share: float, rng: np.random.Generator
) -> None:
    """Two threads list the nonzeros of a small batch each for itself, those of a large one together."""
    shares = np.linspace(0.5, 1.5, rows)[:, None] * share  # of some batches less than 32768, of others more
    x = (rng.random((rows, columns), dtype=np.float32) * (rng.random((rows, columns)) < shares)).astype(np.float32)
    y = rng.standard_normal((rows, 3))

    def train(threads: int) -> tuple[list[Array], list[Array]]:
        lamella.set_num_threads(threads)
        lamella.utils.set_random_seed(4)
        model = Sequential([Input((columns,)), layers.Dense(140, "tanh"), layers.Dense(3)])
        model.compile(optimizers.SGD(0.1), "mse")
        before = model.get_weights()
        model.fit(scipy.sparse.csr_matrix(x), y, epochs=2, batch_size=300, shuffle=False, verbose=0)
        return before, model.get_weights()

    before, after = train(1)
    for threads in (2, 3):
        for w, wanted in zip(train(threads)[1], after, strict=True):
            np.testing.assert_array_equal(w.view(np.uint32), wanted.view(np.uint32))
    w1, b1, w2, b2 = expected = [w.astype(np.float64) for w in before]
    for first in [*range(0, rows, 300)] * 2:
        a, t = x[first : first + 300].astype(np.float64), y[first : first + 300]
        h = np.tanh(a @ w1 + b1)
        dy = 2 * (h @ w2 + b2 - t) / t.size
        dz = dy @ w2.T * (1 - h**2)
        for w, gradient in zip(expected, [a.T @ dz, dz.sum(0), h.T @ dy, dy.sum(0)], strict=True):
            w -= 0.1 * gradient
    for w, wanted in zip(after, expected, strict=True):
        np.testing.assert_allclose(w, wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("narrow", [1, 16, 40])
@pytest.mark.parametrize("batch", [1, 3, 4, 5, 9, 12, 33])
def test_threads_change_no_bit_of_few_rows_through_narrow_and_wide_layers(
    batch: int, narrow: int, rng: np.random.Generator
) -> None:
    """Members share narrow layers by rows: some have fewer rows than the batch, and must not add up another way."""
    x, y = rng.standard_normal((2 * batch + 1, 40)), rng.standard_normal((2 * batch + 1, 1))
    kinds = [
        layers.Dense(1300, "relu"),
        layers.Dense(narrow, "tanh"),
        layers.Dense(1300, "relu"),
        layers.Dense(1200, "tanh"),
    ]
    model = Sequential([Input((40,)), *kinds, layers.Dense(1)])
    start, found = model.get_weights(), []
    for threads in (1, 2, 3, 4, 8):
        lamella.set_num_threads(threads)
        model.set_weights(start)
        model.compile(optimizers.RMSprop(0.003), "mse")
        history = model.fit(x, y, batch_size=batch, epochs=2, shuffle=False, verbose=0)
        found.append(([*model.get_weights(), model.predict(x, verbose=0)], dict(history.history)))
    for other in found[1:]:
        assert_same_bits(other, found[0])


@pytest.mark.parametrize("threads", [2, 3, 8], ids="threads={}".format)
def test_threads_change_no_bit_of_gradients_and_predictions(threads: int, rng: np.random.Generator) -> None:
    x, y = data(rng)
    model = network()
    lamella.set_num_threads(1)
    loss, weights, inputs = model.gradients(x, y)
    predicted, scores = model.predict(x), model.evaluate(x, y, verbose=0)
    lamella.set_num_threads(threads)
    again = model.gradients(x, y)
    assert_same_bits(([*again[1], again[2], model.predict(x)], again[0]), ([*weights, inputs, predicted], loss))
    assert model.evaluate(x, y, verbose=0) == scores


@pytest.mark.parametrize("threads", [1, 3], ids="threads={}".format)
def test_sizes_of_chunks_change_no_bit(threads: int, rng: np.random.Generator) -> None:
    x, y = data(rng)
    lamella.set_num_threads(threads)
    assert_same_bits(trained(x, y, callbacks=[WatchesBatches()]), trained(x, y))


@pytest.mark.parametrize("shuffle", [True, "batch"], ids="shuffle={}".format)
def test_equal_seeds_give_equal_bits_and_others_other_bits(shuffle: Any, rng: np.random.Generator) -> None:
    x, y = data(rng)
    first = trained(x, y, seed=5, shuffle=shuffle)
    assert_same_bits(trained(x, y, seed=5, shuffle=shuffle), first)
    other = trained(x, y, seed=6, shuffle=shuffle)
    assert all((w != wanted).any() for w, wanted in zip(other[0], first[0], strict=True))


def test_shuffling_follows_the_seed_alone(rng: np.random.Generator) -> None:
    x, y = data(rng)
    start = network().get_weights()

    def run(seed: int) -> tuple[list[Array], Any]:
        model = network()
        model.set_weights(start)
        lamella.utils.set_random_seed(seed)
        return model.get_weights(), dict(model.fit(x, y, verbose=0).history)

    assert run(1)[1] == run(1)[1]
    assert run(1)[1] != run(2)[1]


def strided(x: Array) -> Array:
    wide = np.full((2 * len(x), x.shape[1] + 9), np.nan, x.dtype)
    wide[::2, 4:-5] = x
    return wide[::2, 4:-5]


def every_other_column(x: Array) -> Array:
    wide = np.full((len(x), 2 * x.shape[1]), np.nan, x.dtype)
    wide[:, ::2] = x
    return wide[:, ::2]


def read_only(x: Array) -> Array:
    copy = x.copy()
    copy.flags.writeable = False
    return copy


def unaligned(x: Array) -> Array:
    return np.frombuffer(b"?" + x.tobytes(), np.uint8)[1:].view(x.dtype).reshape(x.shape)


LAYOUTS: dict[str, Any] = {
    "fortran": np.asfortranarray,
    "strided-rows": strided,
    "strided-columns": every_other_column,
    "negative-rows": lambda x: np.ascontiguousarray(x[::-1])[::-1],
    "negative-columns": lambda x: np.ascontiguousarray(x[:, ::-1])[:, ::-1],
    "read-only": read_only,
    "unaligned": unaligned,
    "float64": lambda x: x.astype(np.float64),
    "float64-fortran": lambda x: np.asfortranarray(x, np.float64),
    "float64-strided": lambda x: strided(x.astype(np.float64)),
    "big-endian": lambda x: x.astype(">f4"),
    "longdouble": lambda x: x.astype(np.longdouble),
    "list": lambda x: x.tolist(),
    "list-of-rows": list,
    "pandas": pandas.DataFrame,
    "pandas-float64": lambda x: pandas.DataFrame(x.astype(np.float64)),
}


@pytest.mark.parametrize("share", [1.0, 0.1], ids=["full", "mostly-zero"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_layout_of_inputs_changes_no_bit(layout: str, share: float, rng: np.random.Generator) -> None:
    x, y = data(rng, share)
    expected = trained(x, y, epochs=2)
    given = LAYOUTS[layout](x)
    assert_same_bits(trained(given, y, epochs=2), expected)
    np.testing.assert_array_equal(network().predict(given), network().predict(x))


def test_memory_mapped_inputs_change_no_bit(tmp_path: Path, rng: np.random.Generator) -> None:
    x, y = data(rng)
    np.save(tmp_path / "x.npy", x)
    for mode in ("r", "c"):
        assert_same_bits(trained(np.load(tmp_path / "x.npy", mmap_mode=mode), y), trained(x, y))


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(lambda y: y.astype(np.uint8), id="uint8"),
        pytest.param(lambda y: y.astype(np.int64)[:, None], id="column"),
        pytest.param(lambda y: y.astype(np.float64), id="float64"),
        pytest.param(lambda y: y.tolist(), id="list"),
        pytest.param(pandas.Series, id="series"),
        pytest.param(lambda y: np.repeat(y, 2)[::2], id="strided"),
    ],
)
def test_layout_of_labels_changes_no_bit(given: Any, rng: np.random.Generator) -> None:
    x, y = data(rng)
    assert_same_bits(trained(x, given(y), epochs=2), trained(x, y, epochs=2))


def test_layout_of_targets_changes_no_bit(rng: np.random.Generator) -> None:
    x, y = rng.random((50, 20), dtype=np.float32), rng.random((50, 6), dtype=np.float32)

    def run(targets: Any) -> tuple[list[Array], Any]:
        lamella.utils.set_random_seed(3)
        model = Sequential([Input((20,)), layers.Dense(6)])
        model.compile("rmsprop", "mse")
        return [*model.get_weights()], dict(model.fit(x, targets, epochs=3, verbose=0).history)

    for layout in ("fortran", "strided-rows", "strided-columns", "negative-rows", "float64", "list", "pandas"):
        assert_same_bits(run(LAYOUTS[layout](y)), run(y))


@pytest.mark.parametrize("form", ["csr_array", "csc_array", "coo_array", "csr_matrix", "lil_array"])
@pytest.mark.parametrize("share", [0.9, 0.3, 0.1], ids="density={}".format)
def test_sparse_matrices_agree_with_dense_ones(form: str, share: float, rng: np.random.Generator) -> None:
    x, y = data(rng, share)
    given = getattr(scipy.sparse, form)(x)
    assert_close_after_training(trained(given, y, epochs=2), trained(x, y, epochs=2))
    np.testing.assert_allclose(network().predict(given), network().predict(x), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("share", [1.0, 0.2], ids=["full", "mostly-zero"])
def test_bytes_and_a_rescaling_layer_agree_with_scaled_floats(share: float, rng: np.random.Generator) -> None:
    pixels = (rng.integers(1, 256, (200, 300)) * (rng.random((200, 300)) < share)).astype(np.uint8)
    y = rng.integers(0, 10, 200)

    def run(x: Array, *first: Any) -> list[Array]:
        lamella.utils.set_random_seed(2)
        model = Sequential([Input((300,)), *first, layers.Dense(40, "relu"), layers.Dense(10, "softmax")])
        model.compile("sgd", "sparse_categorical_crossentropy")
        model.fit(x, y, epochs=2, verbose=0)
        return [*model.get_weights(), model.predict(x)]

    scaled = (pixels / 255).astype(np.float32)
    for found, expected in zip(run(pixels, layers.Rescaling(1 / 255)), run(scaled), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("batch", [1, 7, 64, 333], ids="batch={}".format)
def test_batches_of_evaluation_do_not_matter(batch: int, rng: np.random.Generator) -> None:
    x, y = data(rng)
    model = network()
    np.testing.assert_allclose(
        model.evaluate(x, y, batch_size=batch, verbose=0), model.evaluate(x, y, verbose=0), rtol=1e-6
    )
    np.testing.assert_array_equal(model.predict(x, batch_size=batch), model.predict(x))


PROGRAM = """
import sys
import numpy as np
import lamella
from lamella import Input, Sequential, layers, optimizers

lamella.utils.set_random_seed(1)
rng = np.random.default_rng(2)
x, y = rng.random((200, 60), dtype=np.float32), rng.integers(0, 10, 200)
model = Sequential([Input((60,)), layers.Dense(65, "tanh"), layers.Dense(10, "softmax")])
model.compile(optimizers.SGD(0.1, momentum=0.9), "sparse_categorical_crossentropy")
model.fit(x, y, epochs=3, verbose=0)
np.savez(sys.argv[1], isa=lamella.isa(), predicted=model.predict(x), *model.get_weights())
"""


def run_program(isa: str, path: Path) -> dict[str, Array]:
    environment = os.environ | {"LAMELLA_ISA": isa, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    subprocess.run([sys.executable, "-c", PROGRAM, str(path)], env=environment, check=True)
    with np.load(path) as arrays:
        return dict(arrays)


@pytest.mark.parametrize("isa", _cpu.usable())
def test_instruction_sets_agree(isa: str, tmp_path: Path) -> None:
    expected = run_program(_cpu.usable()[0], tmp_path / "first.npz")
    found = run_program(isa, tmp_path / "other.npz")
    assert found.pop("isa") == isa and expected.pop("isa") == _cpu.usable()[0]
    assert found.keys() == expected.keys()
    for name, value in found.items():
        np.testing.assert_allclose(value, expected[name], rtol=1e-3, atol=1e-5)


def test_an_instruction_set_that_cannot_run_is_refused() -> None:
    environment = os.environ | {"LAMELLA_ISA": "z80", "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    done = subprocess.run(
        [sys.executable, "-c", "import lamella"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "LAMELLA_ISA='z80' cannot run here" in done.stderr


def test_evaluations_from_several_threads_at_once_are_right() -> None:
    # In a process of its own: this has crashed.
    code = """
import threading
import numpy as np
from lamella import Input, Sequential, layers

rng = np.random.default_rng(0)
model = Sequential([Input((64,)), layers.Dense(256, "relu"), layers.Dense(10, "softmax")])
model.compile("sgd", "sparse_categorical_crossentropy")
x, y = rng.random((3000, 64), dtype=np.float32), rng.integers(0, 10, 3000)
expected, wrong = model.evaluate(x, y, verbose=0), []

def run(batch):
    for _ in range(20):
        found = model.evaluate(x, y, batch_size=batch, verbose=0)
        if abs(found - expected) > 1e-5:
            wrong.append(found)

threads = [threading.Thread(target=run, args=(batch,)) for batch in (32, 300, 500, 1000)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(len(wrong))
"""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "0"


def everything(threads: int) -> list[Array]:
    """Weights after training with one of each kind of work that is shared among threads."""
    lamella.utils.set_random_seed(11)
    lamella.set_num_threads(threads)
    model = Sequential(
        [
            Input((6, 11)),
            layers.Dense(40, "gelu", kernel_regularizer="l1_l2"),
            layers.LayerNormalization(),
            layers.Flatten(),
            layers.BatchNormalization(),
            layers.Dropout(0.3),
            layers.Dense(130, activity_regularizer="l2", kernel_constraint="max_norm"),
            layers.PReLU(),
            layers.UnitNormalization(),
            layers.Dense(70, "tanh", kernel_regularizer="orthogonal_regularizer", bias_constraint="non_neg"),
            layers.GaussianNoise(0.1),
            layers.Dense(5, "softmax"),
        ]
    )
    optimizer = lamella.optimizers.AdamW(0.01, global_clipnorm=0.5, use_ema=True)
    model.compile(optimizer, "categorical_focal_crossentropy", metrics=["accuracy"], weighted_metrics=["auc"])
    rng = np.random.default_rng(4)
    x, y = rng.standard_normal((300, 6, 11), dtype=np.float32), np.eye(5, dtype=np.float32)[rng.integers(0, 5, 300)]
    history = model.fit(x, y, batch_size=64, epochs=2, verbose=0, sample_weight=rng.random(300))
    logs = [np.array(values) for values in history.history.values()]
    return [*model.get_weights(), *logs, model.predict(x)]


@pytest.mark.parametrize("threads", [2, 3, 4, 8])
def test_every_kind_of_work_gives_the_same_bits_on_any_number_of_threads(threads: int) -> None:
    for found, expected in zip(everything(threads), everything(1), strict=True):
        np.testing.assert_array_equal(found, expected)
