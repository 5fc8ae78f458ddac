"""Curves and histograms for TensorBoard, in the files that Keras writes."""

from __future__ import annotations

import os
import time
from typing import Any

import numpy as np

from .._checks import file_path
from .._optional import require
from . import _checks
from .base import Callback, Logs

_UNSUPPORTED = {
    "write_images": "pictures of weights; look at their histograms (histogram_freq=1), or draw them with matplotlib",
    "profile_batch": "profiles of TensorFlow; set write_steps_per_second=True, or use a profiler such as perf",
    "embeddings_freq": "Embedding layers; leave it out",
    "embeddings_metadata": "Embedding layers; leave it out",
}


class TensorBoard(Callback):
    """Writes metrics for TensorBoard; needs tensorboardX: ``pip install "lamella[tensorboard]"``, not TensorFlow.

    Below `log_dir` it makes ``train`` and ``validation``. Tags and steps are those of Keras: ``epoch_loss`` (and so on)
    and ``epoch_learning_rate`` by epoch from 0; ``evaluation_loss_vs_iterations`` by steps of the optimizer, also when
    evaluate() has the callback; ``batch_loss`` by batch from 1, which are running means of the epoch;
    ``<model>/<layer>/<weight>/histogram`` by epoch. A metric of several numbers gets a tag for
    each: ``epoch_f1_score_0``.

    Args:
        log_dir: Where to write; look at it with ``tensorboard --logdir`` and the same folder.
        histogram_freq: Writes histograms of all weights every so many epochs; 0 for none.
        write_graph: Accepted; a stack of layers has no graph worth a picture, see lamella.utils.plot_model().
        write_images: Must be False.
        write_steps_per_second: Whether to write ``epoch_steps_per_second``, and ``batch_steps_per_second`` with the
            batches.
        update_freq: ``"epoch"``, ``"batch"``, or an integer to write every so many batches. Then training calls Python
            after each step, which small networks feel.
        profile_batch, embeddings_freq, embeddings_metadata: Must be 0, 0 and None.

    Raises:
        ImportError: If tensorboardX is not installed.
        TypeError: If an argument is of the wrong type.
        ValueError: If an argument is out of range, or asks for what lamella does not have.

    Example:
        >>> TensorBoard("logs", profile_batch=2)
        Traceback (most recent call last):
        ValueError: TensorBoard `profile_batch` must be 0, got 2: there are no profiles of TensorFlow; set \
write_steps_per_second=True, or use a profiler such as perf.
    """

    first_rank_only = True

    def __init__(
        self,
        log_dir: str | os.PathLike[str] = "logs",
        histogram_freq: int = 0,
        write_graph: bool = True,
        write_images: bool = False,
        write_steps_per_second: bool = False,
        update_freq: int | str = "epoch",
        profile_batch: Any = 0,
        embeddings_freq: int = 0,
        embeddings_metadata: Any = None,
    ) -> None:
        super().__init__()
        given = (write_images, profile_batch, embeddings_freq, embeddings_metadata)
        for (name, why), value in zip(_UNSUPPORTED.items(), given, strict=True):
            if value:
                rest = {"write_images": False, "embeddings_metadata": None}.get(name, 0)
                raise ValueError(f"TensorBoard `{name}` must be {rest}, got {value!r}: there are no {why}.")
        file_path("log_dir", log_dir)
        self.log_dir = os.fspath(log_dir)
        self.histogram_freq = _checks.integer("histogram_freq", histogram_freq)
        self.write_graph = bool(write_graph)
        self.write_steps_per_second = bool(write_steps_per_second)
        self.update_freq: int | str = "epoch" if update_freq == "epoch" else _steps(update_freq)
        if self.update_freq != "epoch":  # only then does training go batch by batch
            self.on_train_batch_end = self._write_batch  # type: ignore[method-assign]
        self._writer_class = require("tensorboardX", extra="tensorboard", purpose="write for TensorBoard").SummaryWriter
        self._writers: dict[str, Any] = {}
        self._in_fit = False
        self._batches = 0
        self._epoch_start = self._batch_start = (0, 0.0)  # steps, seconds

    def set_model(self, model: Any) -> None:
        """Starts new files."""
        super().set_model(model)
        self._close()
        self._batches = 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Notes that evaluations are part of a fit from here on."""
        self._in_fit = True

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Looks at the clock."""
        self._epoch_start = self._batch_start = self._now()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Writes the metrics of the epoch, the learning rate, and histograms of the weights."""
        train = {key: value for key, value in (logs or {}).items() if not key.startswith("val_")}
        train["learning_rate"] = float(self.model.optimizer.learning_rate)
        if self.write_steps_per_second:
            train["steps_per_second"] = _rate(self._epoch_start, self._now())
        for key, value in train.items():
            self._write("train", f"epoch_{key}", value, epoch)
        for key, value in (logs or {}).items():
            if key.startswith("val_"):
                self._write("validation", f"epoch_{key.removeprefix('val_')}", value, epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            self._write_histograms(epoch)
        for writer in self._writers.values():
            writer.flush()

    def on_test_end(self, logs: Logs | None = None) -> None:
        """Writes what the evaluation found."""
        for key, value in (logs or {}).items():
            self._write("validation", f"evaluation_{key}_vs_iterations", value, self.model.optimizer.iterations)
        if not self._in_fit:
            self._close()

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Closes the files."""
        self._in_fit = False
        self._close()

    def _write_batch(self, batch: int, logs: Logs | None = None) -> None:
        self._batches += 1
        before, self._batch_start = self._batch_start, self._now()
        if self._batches % int(self.update_freq):
            return
        if self.write_steps_per_second:
            self._write("train", "batch_steps_per_second", _rate(before, self._batch_start), self._batches)
        for key, value in (logs or {}).items():
            self._write("train", f"batch_{key}", value, self._batches)

    def _write_histograms(self, epoch: int) -> None:
        for weight, (layer, spec) in zip(self.model.get_weights(), self.model._weight_specs(), strict=True):
            finite = weight[np.isfinite(weight)]  # a network that diverged still shows what it can
            if finite.size:
                tag = f"{self.model.name}/{layer.name}/{spec.name}/histogram"
                self._writer("train").add_histogram(tag, finite, epoch)

    def _write(self, part: str, tag: str, value: Any, step: int) -> None:
        if np.ndim(value) == 0:
            self._writer(part).add_scalar(tag, float(value), int(step))
            return
        for i, each in enumerate(value):
            self._write(part, f"{tag}_{i}", each, step)

    def _writer(self, part: str) -> Any:
        if part not in self._writers:
            suffix = f".{os.getpid()}.{time.time_ns()}"  # files of one second would replace each other
            self._writers[part] = self._writer_class(os.path.join(self.log_dir, part), filename_suffix=suffix)
        return self._writers[part]

    def _close(self) -> None:
        for writer in self._writers.values():
            writer.close()
        self._writers = {}

    def _now(self) -> tuple[int, float]:
        return int(self.model.optimizer.iterations), time.perf_counter()


def _steps(update_freq: Any) -> int:
    if isinstance(update_freq, str) and update_freq != "batch":
        raise ValueError(f'`update_freq` must be "epoch", "batch" or a number of batches, got {update_freq!r}.')
    return 1 if update_freq == "batch" else _checks.integer("update_freq", update_freq, minimum=1)


def _rate(before: tuple[int, float], now: tuple[int, float]) -> float:
    """Steps per second between two looks at the clock."""
    return (now[0] - before[0]) / max(now[1] - before[1], 1e-9)
