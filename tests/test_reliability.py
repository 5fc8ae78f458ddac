"""Interrupts, forks, threads and many models: what happens around a computation rather than in it."""

from __future__ import annotations

import contextlib
import copy
import ctypes
import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import threadpoolctl
from patience import SLOWER

import lamella
from lamella import Input, Sequential, _machine, layers
from lamella.callbacks import Callback, LambdaCallback

Array = np.ndarray[Any, Any]

PATIENCE = 60 * SLOWER  # seconds after which something hangs; everything here takes a fraction of one
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
# Python warns of forks in a process with threads, whosever they are; that such forks work is what is tested.
forks = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


def make_model(width: int = 64, units: int = 256) -> Sequential:
    lamella.utils.set_random_seed(1)
    model = Sequential(
        [Input((width,)), layers.Dense(units, "relu"), layers.Dense(units, "relu"), layers.Dense(3, "softmax")]
    )
    model.compile("rmsprop", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def make_data(rows: int = 512, width: int = 64) -> tuple[Array, Array]:
    generator = np.random.default_rng(2)
    return generator.standard_normal((rows, width)).astype(np.float32), generator.integers(0, 3, rows)


def bits(model: Sequential) -> list[bytes]:
    return [weight.tobytes() for weight in model.get_weights()]


def in_threads(*works: Callable[[], Any]) -> None:
    """Runs all at once; fails if one raises or hangs."""
    errors: list[BaseException] = []

    def guarded(work: Callable[[], Any]) -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(work,), daemon=True) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert not any(thread.is_alive() for thread in threads), "a thread hangs"
    assert errors == []


def run_python(program: str, **environment: str) -> str:
    """The output of a program in a process of its own, which sees the same package."""
    paths = [str(Path(lamella.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths)), **environment},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


# ---------------------------------------------------------------------- Ctrl-C


class Steps(Callback):
    """Counts finished steps without a look at every batch."""

    def __init__(self, until: int | None = None) -> None:
        self.until = until

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if self.until is not None and self.model._compiled.trainer.iterations >= self.until:
            self.model.stop_training = True


def interrupt_after(seconds: float, work: Callable[[], Any]) -> float:
    """Ctrl-C during the work; the seconds from the signal to the KeyboardInterrupt."""
    sent: list[float] = []

    def send() -> None:
        sent.append(time.perf_counter())
        signal.raise_signal(signal.SIGINT) if os.name == "nt" else os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Timer(seconds, send)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        work()
        timer.join()
    return time.perf_counter() - sent[0]


@pytest.mark.parametrize("batch_size", [1, 32, 512])
def test_ctrl_c_stops_a_long_fit_at_the_last_finished_step(batch_size: int) -> None:
    x, y = make_data()
    model, twin = make_model(), make_model()
    options: Any = {"batch_size": batch_size, "verbose": 0, "shuffle": False}
    assert interrupt_after(0.2, lambda: model.fit(x, y, epochs=10**6, **options)) < 2 * SLOWER

    # The optimizer has counted the steps that the weights have seen: a twin that does as many has the same bits.
    assert model._compiled is not None and model.history is not None
    steps = model._compiled.trainer.iterations
    assert steps > 0
    assert 0 <= steps - len(model.history.epoch) * (512 // batch_size) <= 512 // batch_size
    twin.fit(x, y, epochs=10**6, callbacks=[Steps(until=steps)], **options)
    assert bits(model) == bits(twin)

    # Both go on alike.
    model.fit(x, y, **options)
    twin.fit(x, y, **options)
    assert bits(model) == bits(twin)


def test_ctrl_c_stops_evaluate_and_predict() -> None:
    x, y = make_data(64)
    model = make_model(units=1024)
    before = bits(model)
    many, labels = np.broadcast_to(x[:1], (3_000_000, 64)), np.broadcast_to(y[:1], 3_000_000)
    assert interrupt_after(0.2, lambda: model.predict(many)) < 2 * SLOWER
    assert interrupt_after(0.5, lambda: model.evaluate(many, labels, verbose=0)) < 2 * SLOWER
    assert bits(model) == before
    assert model.predict(x).shape == (64, 3)


def test_a_signal_handler_that_does_not_raise_does_not_disturb_training() -> None:
    model, twin, seen = make_model(), make_model(), []
    x, y = make_data()
    before = signal.signal(signal.SIGINT, lambda *args: seen.append(1))
    try:
        timers = [threading.Timer(0.02 * i, os.kill, (os.getpid(), signal.SIGINT)) for i in range(1, 6)]
        for timer in timers:
            timer.start()
        model.fit(x, y, epochs=60, batch_size=8, verbose=0, shuffle=False)
        for timer in timers:
            timer.join()
    finally:
        signal.signal(signal.SIGINT, before)
    twin.fit(x, y, epochs=60, batch_size=8, verbose=0, shuffle=False)
    assert seen and bits(model) == bits(twin)


def test_ctrl_c_in_a_process_of_its_own_ends_it_as_python_programs_end() -> None:
    program = """
import os, signal, threading, numpy as np
from lamella import Input, Sequential, layers
model = Sequential([Input((64,)), layers.Dense(256, "relu"), layers.Dense(1)])
model.compile("sgd", "mse")
x = np.zeros((4096, 64), "float32")
threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    model.fit(x, x[:, 0], epochs=10**9, verbose=0)
except KeyboardInterrupt:
    print("interrupted", model.fit(x, x[:, 0], verbose=0).epoch, model.predict(x[:2]).shape)
"""
    assert run_python(program) == "interrupted [0] (2, 1)"


# ---------------------------------------------------------------------- processes


def train_and_predict(model: Sequential | None = None) -> list[bytes]:
    """What a child does: trains the model it inherited, or one of its own, and predicts."""
    model = model or make_model()
    x, y = make_data()
    model.fit(x, y, batch_size=256, verbose=0, shuffle=False)
    return [*bits(model), model.predict(x).tobytes()]


@needs_fork
@forks
@pytest.mark.parametrize("threads", [0, 1, 2, 4])
def test_a_forked_child_trains_and_predicts_after_its_parent_did(threads: int) -> None:
    lamella.set_num_threads(threads)
    model = make_model()
    x, y = make_data()
    model.fit(x, y, batch_size=256, verbose=0, shuffle=False)
    expected_twin = make_model()
    expected_twin.fit(x, y, batch_size=256, verbose=0, shuffle=False)
    expected = train_and_predict(expected_twin)
    for _ in range(3):
        child = os.fork()
        if child == 0:
            os._exit(0 if train_and_predict(model) == expected else 1)
        end = time.monotonic() + PATIENCE
        while (status := os.waitpid(child, os.WNOHANG)) == (0, 0):
            if time.monotonic() > end:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
                pytest.fail("the child hangs")
            time.sleep(0.005)
        assert os.waitstatus_to_exitcode(status[1]) == 0
    assert train_and_predict(model) == expected  # the parent goes on too


@forks
@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_pools_of_every_start_method_compute_the_same_bits(method: str) -> None:
    expected = train_and_predict()
    with multiprocessing.get_context(method).Pool(2) as pool:
        jobs = [pool.apply_async(_child) for _ in range(4)]
        assert all(job.get(PATIENCE) == expected for job in jobs)


def _child() -> list[bytes]:
    return train_and_predict()


# ---------------------------------------------------------------------- threads


@pytest.mark.parametrize("rows", [1, 40, 3000])
def test_predict_from_eight_threads_gives_what_it_gives_alone(rows: int) -> None:
    model = make_model()
    x, _ = make_data(rows * 8)
    parts = np.split(x, 8)
    alone = [model.predict(part) for part in parts]

    def work(i: int) -> Callable[[], None]:
        def predict() -> None:
            for _ in range(20):
                np.testing.assert_array_equal(model.predict(parts[i]), alone[i])

        return predict

    in_threads(*map(work, range(8)))


def test_evaluate_and_gradients_from_eight_threads_give_what_they_give_alone() -> None:
    model = make_model()
    x, y = make_data(640)
    sizes = [40 * (i + 1) for i in range(8)]
    alone = [model.evaluate(x[:n], y[:n], verbose=0) for n in sizes]
    gradient = [model.gradients(x[:n], y[:n])[2] for n in sizes]

    def work(i: int) -> Callable[[], None]:
        def score() -> None:
            for _ in range(20):
                assert model.evaluate(x[: sizes[i]], y[: sizes[i]], verbose=0, batch_size=32 + i) == alone[i]
                np.testing.assert_array_equal(model.gradients(x[: sizes[i]], y[: sizes[i]])[2], gradient[i])

        return score

    in_threads(*map(work, range(8)))


def test_predict_evaluate_and_weights_work_while_another_thread_trains() -> None:
    model, twin = make_model(), make_model()
    x, y = make_data()
    done = threading.Event()

    def train() -> None:
        try:
            model.fit(x, y, epochs=30, batch_size=16, verbose=0, shuffle=False)
        finally:
            done.set()

    def watch() -> None:
        while not done.is_set():
            sums = model.predict(x[:100]).sum(axis=1)
            np.testing.assert_allclose(sums, 1, rtol=1e-5)
            assert len(model.get_weights()) == 6

    in_threads(train, watch, watch, lambda: model.evaluate(x, y, verbose=0))
    twin.fit(x, y, epochs=30, batch_size=16, verbose=0, shuffle=False)
    assert bits(model) == bits(twin)


def test_two_fits_of_one_model_follow_one_another() -> None:
    model, twin = make_model(), make_model()
    x, y = make_data()
    histories: list[Any] = []
    options: Any = {"epochs": 5, "batch_size": 16, "verbose": 0, "shuffle": False}

    in_threads(*[lambda: histories.append(model.fit(x, y, **options).history["loss"])] * 2)
    assert histories == [twin.fit(x, y, **options).history["loss"] for _ in range(2)]
    assert bits(model) == bits(twin)


def test_many_models_train_in_threads_at_once_as_they_do_alone() -> None:
    models = [make_model() for _ in range(6)]
    expected = train_and_predict()
    results: list[list[bytes]] = []
    in_threads(*[lambda model=model: results.append(train_and_predict(model)) for model in models])  # type: ignore[misc]
    assert results == [expected] * 6


def test_a_callback_of_a_fit_may_use_its_model() -> None:
    model, x, y = make_model(), *make_data(64)
    seen: list[Any] = []

    def look(epoch: int, logs: Any) -> None:
        seen.append(model.evaluate(x, y, verbose=0)[0] == model.test_on_batch(x, y)[0])
        model.set_weights([weight * 0 for weight in model.get_weights()])
        seen.append(np.ptp(model.predict(x)) == 0)

    model.fit(x, y, epochs=2, verbose=0, callbacks=[LambdaCallback(on_epoch_end=look)])
    assert seen == [True] * 4


def test_an_error_in_a_callback_of_one_thread_lets_the_others_go_on() -> None:
    model, x, y = make_model(), *make_data(64)

    def fail(*args: Any) -> None:
        raise OSError("mine")

    def broken() -> None:
        for _ in range(10):
            with pytest.raises(OSError, match="mine"):
                model.fit(x, y, verbose=0, callbacks=[LambdaCallback(on_epoch_end=fail)])

    in_threads(broken, broken, *[lambda: model.fit(x, y, epochs=3, verbose=0)] * 2)


# ---------------------------------------------------------------------- numbers of threads


def test_a_limit_of_threadpoolctl_holds_inside_and_ends_with_it() -> None:
    before = lamella.get_num_threads()
    expected = train_and_predict()
    with threadpoolctl.threadpool_limits(1):
        assert lamella.get_num_threads() == 1
        assert train_and_predict() == expected
    assert lamella.get_num_threads() == before


@pytest.mark.parametrize("threads", ["1", "2", "3"])
def test_omp_num_threads_is_respected_and_does_not_change_a_bit(threads: str) -> None:
    program = """
import hashlib, os, numpy as np, lamella
from lamella import Input, Sequential, layers
lamella.utils.set_random_seed(1)
x = np.random.default_rng(0).standard_normal((2048, 64)).astype("float32")
model = Sequential([Input((64,)), layers.Dense(256, "relu"), layers.Dense(1)])
model.compile("rmsprop", "mse")
model.fit(x, x[:, 0], batch_size=256, verbose=0)
digest = hashlib.sha256(b"".join(w.tobytes() for w in model.get_weights())).hexdigest()
tasks = len(os.listdir("/proc/self/task")) if os.path.exists("/proc/self/task") else 0
print(lamella.get_num_threads(), digest, tasks)
"""
    count, digest, tasks = run_python(program, OMP_NUM_THREADS=threads, OPENBLAS_NUM_THREADS="1").split()
    assert count == ("1" if _machine.facts()["OpenMP"] == "none" else threads)
    assert int(tasks) <= int(threads)
    assert digest == run_python(program, OMP_NUM_THREADS="1").split()[1]


# ---------------------------------------------------------------------- memory


def resident_bytes() -> int:
    """What this process holds once the heap has given back its holes, which come and go by two megabytes."""
    gc.collect()
    with contextlib.suppress(AttributeError):  # not in every C library
        ctypes.CDLL(None).malloc_trim(0)
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="needs /proc")
@pytest.mark.skipif("asan" in os.environ.get("LD_PRELOAD", ""), reason="the address sanitizer keeps what was freed")
def test_a_thousand_models_made_and_dropped_give_their_memory_back() -> None:
    x, y = make_data(64)

    def use_one() -> None:
        model = make_model(units=128)
        model.fit(x, y, verbose=0)
        model.predict(x)

    for _ in range(100):
        use_one()
    before, threads = resident_bytes(), threading.active_count()
    for _ in range(1000):
        use_one()
    assert resident_bytes() - before < 500_000
    assert threading.active_count() == threads


def test_a_failed_fit_keeps_nothing_of_its_data_alive() -> None:
    model = make_model()
    x, y = make_data(64)
    references = sys.getrefcount(x), sys.getrefcount(y)
    for bad in (y[:3], y + 7):
        with pytest.raises(ValueError, match="y"):
            model.fit(x, bad, verbose=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(x, y, verbose=0)
    gc.collect()
    assert (sys.getrefcount(x), sys.getrefcount(y)) == references


@pytest.mark.skipif(not hasattr(os, "fork"), reason="fork is of POSIX")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_fork_while_another_thread_trains_the_same_model() -> None:
    x = np.ones((20_000, 4), np.float32)
    model = Sequential([Input((4,)), layers.Dense(8, "relu"), layers.Dense(1)])
    model.compile("sgd", "mse")
    running = threading.Event()

    class Told(Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            running.set()
            self.model.stop_training = stop.is_set()

    stop = threading.Event()
    thread = threading.Thread(target=lambda: model.fit(x, x[:, 0], epochs=100_000, verbose=0, callbacks=[Told()]))
    thread.start()
    try:
        assert running.wait(30)
        child = os.fork()
        if child == 0:
            signal.alarm(20)
            try:
                copy.deepcopy(model)
                model.predict(x[:3])
                model.fit(x[:64], x[:64, 0], verbose=0)
                os._exit(0)
            finally:
                os._exit(1)
        assert os.waitpid(child, 0)[1] == 0
    finally:
        stop.set()
        thread.join()
