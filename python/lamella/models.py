"""Sequential: a stack of layers with the Keras interface."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _data, _training, losses, metrics, optimizers
from ._checks import flag, integer, real
from ._core import core
from ._data import Examples
from ._progress import resolve_verbose
from ._registry import unknown
from ._summary import summary
from ._training import Compiled
from .callbacks import CallbackList, History
from .layers import InputLayer, Layer, automatic_name, checked_shape

__all__ = ["Sequential"]

Array = npt.NDArray[np.float32]


class Sequential:
    """A model whose layers follow one another.

    Args:
        layers: Layers in order; the first may be an `Input`. More can be added with `add`.
        trainable: Whether training changes the weights.
        name: By default ``sequential``, numbered.

    Raises:
        ValueError: If something in `layers` is not a layer, or two layers have one name.

    Example:
        >>> from lamella import Input, layers
        >>> model = Sequential([Input((4,)), layers.Dense(8, "relu"), layers.Dense(1)])
        >>> model.compile("rmsprop", "mse")
        >>> x = np.linspace(-1, 1, 400, dtype="float32").reshape(100, 4)
        >>> history = model.fit(x, x.sum(axis=1), epochs=3, verbose=0)
        >>> history.history["loss"][-1] < history.history["loss"][0]
        True
    """

    def __init__(self, layers: Iterable[Layer] | None = None, trainable: bool = True, name: str | None = None) -> None:
        self.name = name or automatic_name(type(self))
        self.trainable = flag("Sequential", "trainable", trainable)
        self._layers: list[Layer] = []
        self._shape: tuple[int, ...] | None = None
        self._network: Any = None
        self._compiled: Compiled | None = None
        self._fitted_metrics: list[Any] = []
        self.history: History | None = None
        self.stop_training = self.stop_evaluating = self.stop_predicting = False
        for layer in layers or []:
            self.add(layer)

    # ------------------------------------------------------------------ structure

    @property
    def layers(self) -> list[Layer]:
        """The layers in order, without the Input."""
        return list(self._layers)

    @property
    def built(self) -> bool:
        """Whether the input shape is known and the weights exist."""
        return self._network is not None

    def add(self, layer: Layer) -> None:
        """Appends a layer.

        Raises:
            ValueError: If it is not a layer, its name is taken, it belongs to another model, or its shape does not fit.
        """
        if not isinstance(layer, Layer):
            raise ValueError(
                f"Only instances of lamella layers can be added to a Sequential, got {layer!r} of type {type(layer).__name__}."
            )
        if isinstance(layer, InputLayer):
            if self._layers or self._shape:
                raise ValueError("An Input must come first, and only once; the model has one or has layers already.")
            self._shape = layer.shape
            return
        if any(other.name == layer.name for other in self._layers):
            raise ValueError(f"All layers must have different names; {layer.name!r} is taken. Pass another `name`.")
        if layer._model not in (None, self):
            raise ValueError(
                f"Layer {layer.name!r} belongs to the model {layer._model.name!r} already; make a new layer and "
                "copy the weights with set_weights()."
            )
        shape = self._shape
        if not self._layers and layer.declared_shape is not None:
            shape = layer.declared_shape
        if shape is not None:
            for other in self._layers:
                shape = other.compute_output_shape(shape)
            layer.compute_output_shape(shape)  # does it fit? Before anything changes.
        if not self._layers and layer.declared_shape is not None:
            self._shape = layer.declared_shape
        self._layers.append(layer)
        if self._shape is not None:
            self._build_keeping_weights()

    def pop(self) -> Layer:
        """Removes and returns the last layer.

        Raises:
            ValueError: If there is none.
        """
        if not self._layers:
            raise ValueError("There is no layer to remove: the model is empty.")
        kept = self._layers[:-1]
        last = self._layers[-1]
        weights = self.get_weights()
        self._layers = kept
        if self.built:
            last._model, last.input_shape, last.output_shape = None, None, None
            count = sum(len(layer.weight_shapes(layer.input_shape[1:])) for layer in kept)  # type: ignore[index,arg-type]
            self._build()
            self.set_weights(weights[:count])
        return last

    def build(self, input_shape: Any = None) -> None:
        """Makes the weights.

        Args:
            input_shape: ``(None, 784)``: the batch axis, then the shape of one sample.

        Raises:
            ValueError: If there are no layers, no shape, or another shape than before.
        """
        if not self._layers and self._shape is None and input_shape is None:
            raise ValueError(f"Model {self.name!r} cannot be built because it has no layers. Call model.add(layer).")
        if input_shape is not None:
            shape = checked_shape("build", "input_shape", tuple(input_shape)[1:])
            if self._shape not in (None, shape):
                raise ValueError(f"The model was built for samples of shape {self._shape}, got input_shape={input_shape}.")
            self._build_with(shape)
        elif self._shape is None:
            raise ValueError("build() needs `input_shape`, such as (None, 784), or a model that starts with Input((784,)).")
        elif not self.built:
            self._build()

    def _build_with(self, shape: tuple[int, ...]) -> None:
        """Builds for samples of `shape`; the model is as before if that fails."""
        if self.built and shape == self._shape:
            return
        before, self._shape = self._shape, shape
        try:
            self._build()
        except BaseException:
            self._shape = before
            raise

    def _build(self) -> None:
        assert self._shape is not None
        shapes, shape = [self._shape], self._shape
        for layer in self._layers:
            shape = layer.compute_output_shape(shape)
            shapes.append(shape)
        numbers = sum(
            math.prod(s) for layer, given in zip(self._layers, shapes, strict=False) for _, s, _ in layer.weight_shapes(given)
        )
        specs = [spec for layer in self._layers if (spec := layer._spec(core)) is not None]
        try:
            network = core.Network(specs, math.prod(self._shape))
            start = [
                initializer(weight_shape).ravel()
                for layer, given in zip(self._layers, shapes, strict=False)
                for _, weight_shape, initializer in layer.weight_shapes(given)
            ]
        except MemoryError:
            raise MemoryError(
                f"Model {self.name!r} needs {4 * numbers:,} bytes for its {numbers:,} weights, more than there are."
            ) from None
        if start:
            network.set_weights(np.concatenate(start))
        for layer, given, result in zip(self._layers, shapes, shapes[1:], strict=False):
            layer.input_shape, layer.output_shape, layer._model = (None, *given), (None, *result), self
        self._network = network
        if self._compiled:
            self._compiled.trainer = None
            self._attach_trainer()

    def _build_keeping_weights(self) -> None:
        weights = self.get_weights()
        self._build()
        if weights:
            self.set_weights([*weights, *self.get_weights()[len(weights) :]])

    @property
    def input_shape(self) -> tuple[int | None, ...]:
        """``(None, ...)``, the shape of the input.

        Raises:
            AttributeError: If the model is not built.
        """
        if self._shape is None:
            raise AttributeError(f"Model {self.name!r} has no input_shape yet: it has not been built.")
        return (None, *self._shape)

    @property
    def output_shape(self) -> tuple[int | None, ...]:
        """``(None, ...)``, the shape of the output.

        Raises:
            AttributeError: If the model is not built.
        """
        if not self.built:
            raise AttributeError(f"Model {self.name!r} has no output_shape yet: it has not been built.")
        return self._layers[-1].output_shape or self.input_shape if self._layers else self.input_shape

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """The layer with a name or at an index.

        Raises:
            ValueError: If not exactly one of both is given, or there is no such layer.
        """
        if (name is None) == (index is None):
            raise ValueError("get_layer() needs either `name` or `index`.")
        if index is not None:
            if not -len(self._layers) <= index < len(self._layers):
                raise ValueError(f"There is no layer {index}: the model has {len(self._layers)} layers.")
            return self._layers[index]
        for layer in self._layers:
            if layer.name == name:
                return layer
        raise unknown("layer", name, [layer.name for layer in self._layers])

    # ------------------------------------------------------------------ weights

    def _weight_shapes(self) -> list[tuple[int, ...]]:
        return [
            shape
            for layer in self._layers
            if layer.input_shape is not None
            for _, shape, _ in layer.weight_shapes(layer.input_shape[1:])  # type: ignore[arg-type]
        ]

    @property
    def weights(self) -> list[Array]:
        """Copies of all weights, layer by layer: kernel, bias, kernel, ..."""
        return self.get_weights()

    def get_weights(self) -> list[Array]:
        """Copies of all weights, layer by layer; empty before the model is built.

        Example:
            >>> from lamella import Input, layers
            >>> [w.shape for w in Sequential([Input((4,)), layers.Dense(3)]).get_weights()]
            [(4, 3), (3,)]
        """
        if not self.built:
            return []
        flat, arrays, at = self._network.get_weights(), [], 0
        for shape in self._weight_shapes():
            size = math.prod(shape)
            arrays.append(np.array(flat[at : at + size].reshape(shape)))
            at += size
        return arrays

    def set_weights(self, weights: Sequence[npt.ArrayLike]) -> None:
        """Replaces all weights; takes what get_weights() returns.

        Raises:
            ValueError: If their number or a shape differs; then nothing is changed.
        """
        shapes = self._weight_shapes()
        if not self.built:
            raise ValueError(f"Model {self.name!r} has no weights yet: build it with an input shape or by fit() first.")
        self._network.set_weights(_flat(self.name, shapes, weights))

    def _layer_slice(self, layer: Layer) -> slice:
        first = 0
        for other in self._layers:
            count = len(other.weight_shapes(other.input_shape[1:]))  # type: ignore[index,arg-type]
            if other is layer:
                return slice(first, first + count)
            first += count
        raise ValueError(f"Layer {layer.name!r} is not in model {self.name!r} any more.")

    def _layer_weights(self, layer: Layer) -> list[Array]:
        return self.get_weights()[self._layer_slice(layer)]

    def _set_layer_weights(self, layer: Layer, weights: Sequence[npt.ArrayLike]) -> None:
        everything: list[Any] = list(self.get_weights())
        place = self._layer_slice(layer)
        _flat(layer.name, [w.shape for w in everything[place]], weights)
        everything[place] = list(weights)
        self.set_weights(everything)

    def count_params(self) -> int:
        """The number of weights, in numbers.

        Raises:
            ValueError: If the model is not built.
        """
        if not self.built:
            raise ValueError(
                f"You tried to call `count_params` on {self.name!r}, but the model isn't built. "
                "Build it with model.build((None, ...)), an Input, or fit()."
            )
        return sum(map(math.prod, self._weight_shapes()))

    def _optimizer_numbers(self) -> int:
        if self._compiled is None or self._compiled.trainer is None:
            return 0
        return int(self._compiled.trainer.state_count) * self.count_params() + 2

    def summary(
        self,
        line_length: int | None = None,
        positions: Sequence[float] | None = None,
        print_fn: Callable[[str], Any] | None = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: Any = None,
    ) -> None:
        """Prints the layers, their output shapes and their numbers of weights.

        Args:
            line_length: Width of the table; by default that of the terminal, at most 88.
            positions: Where columns end, as shares or columns.
            print_fn: Called once with the whole text instead of print.
            expand_nested: Accepted for Keras programs; there are no nested models.
            show_trainable: Whether to add a column that says what is trained.
            layer_range: Not supported.

        Raises:
            ValueError: If `layer_range` is given.
        """
        if layer_range is not None:
            raise ValueError("summary() does not support `layer_range`; use model.layers to look at single layers.")
        (print_fn or _print_text)(summary(self, line_length, positions, show_trainable))

    # ------------------------------------------------------------------ compile

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: Any = "auto",
        auto_scale_loss: bool = True,
    ) -> None:
        """Sets what training does. Weights stay, the optimizer starts anew.

        Args:
            optimizer: A name such as ``"rmsprop"`` or an optimizer.
            loss: A name such as ``"categorical_crossentropy"`` or a loss.
            loss_weights: Not supported yet.
            metrics: A list of names such as ``"accuracy"`` and metrics.
            weighted_metrics: Not supported yet.
            run_eagerly, steps_per_execution, jit_compile, auto_scale_loss: Accepted for Keras programs; the core is always
                compiled and runs many steps at once.

        Raises:
            ValueError: If a name is unknown.
            TypeError: If an argument is of another kind.
        """
        for name, value in (("loss_weights", loss_weights), ("weighted_metrics", weighted_metrics)):
            if value is not None:
                raise ValueError(f"compile() does not support `{name}` yet.")
        if loss is None:
            raise ValueError("compile() needs a `loss`, such as 'mse' or 'categorical_crossentropy'.")
        if isinstance(metrics, str) or not (metrics is None or isinstance(metrics, (list, tuple))):
            raise ValueError(f"`metrics` must be a list such as ['accuracy'], got {metrics!r}.")
        wanted = list(metrics or [])
        compiled = Compiled(optimizers.get(optimizer), losses.get(loss), [_metric(m) for m in wanted])
        self._compiled = compiled
        self._fitted_metrics = wanted
        self._attach_trainer()

    @property
    def optimizer(self) -> optimizers.Optimizer:
        """The optimizer that compile() set."""
        return self._compiled_or_raise().optimizer

    @property
    def loss(self) -> losses.Loss:
        """The loss that compile() set."""
        loss: losses.Loss = self._compiled_or_raise().loss
        return loss

    @property
    def metrics_names(self) -> list[str]:
        """``["loss", ...]``, in the order of evaluate()'s results."""
        return ["loss", *self._compiled_or_raise().names]

    def _compiled_or_raise(self) -> Compiled:
        if self._compiled is None:
            raise ValueError("You must call `compile()` before using the model.")
        return self._compiled

    def _attach_trainer(self) -> None:
        """Makes the core's trainer where everything it depends on is known."""
        compiled = self._compiled
        if compiled is None or self._network is None or compiled.trainer is not None:
            return
        loss, outputs = compiled.loss, self._network.outputs
        resolved = [
            metrics.resolve_accuracy(given, outputs, loss.labels) if metrics.is_accuracy(given) else metric
            for given, metric in zip(self._fitted_metrics, compiled.metrics, strict=True)
        ]
        for metric in resolved:
            if metric.labels != loss.labels:
                kind = "class numbers" if loss.labels else "rows of numbers"
                raise ValueError(
                    f"Metric {metric.name!r} does not fit the loss {loss.name!r}, whose targets are {kind}; "
                    "use 'accuracy', which fits itself."
                )
        compiled.metrics, compiled.names = resolved, _unique([metric.name for metric in resolved])
        compiled.trainer = core.Trainer(
            self._network, compiled.optimizer._spec(core), loss._spec(core), [metric._spec(core) for metric in resolved]
        )

    def _metric_direction(self, name: str) -> str | None:
        """Which way a metric gets better: "min", "max" or None if it is not known."""
        compiled = self._compiled_or_raise()
        return next((m.direction for n, m in zip(compiled.names, compiled.metrics, strict=True) if n == name), None)

    # ------------------------------------------------------------------ training

    def _examples(self, x: Any, y: Any, weights: Any, prefix: str = "") -> Examples:
        """Checked data; builds the model by the shape of x if that was not known."""
        compiled = self._compiled_or_raise()
        if not self._layers:
            raise ValueError(f"Model {self.name!r} cannot be built because it has no layers. Call model.add(layer).")
        if not self.built:
            self._build_with(_sample_shape(x))
        assert self._shape is not None
        self._attach_trainer()
        return _data.examples(x, y, weights, self._shape, compiled.loss, self._network.outputs, prefix)

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: int | str = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool | str = True,
        class_weight: dict[int, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: int | list[int] = 1,
    ) -> History:
        """Trains for a number of epochs.

        Args:
            x: Inputs ``(n, ...)``: an array of any number type, a list, a pandas frame, or a SciPy sparse matrix, which is
                never made dense. Must not hold NaN or infinity.
            y: Targets: ``(n, outputs)``, ``(n,)`` for one output, or class numbers for a sparse loss.
            batch_size: Samples per step, 32 by default; the last step of an epoch may have fewer.
            epochs: Number of the last epoch.
            verbose: 0 silent, 1 or ``"auto"`` a progress bar, 2 a line per epoch.
            callbacks: A list of lamella.callbacks.Callback.
            validation_split: Share of the last samples that is held out for validation.
            validation_data: ``(x, y)`` or ``(x, y, sample_weight)`` to validate on; wins over `validation_split`.
            shuffle: True for a new order of samples each epoch, ``"batch"`` for a new order inside each batch, or False.
            class_weight: Weights of classes in the loss, ``{class: weight}``.
            sample_weight: Weights of samples in the loss, ``(n,)``.
            initial_epoch: Number of the first epoch.
            steps_per_epoch: Not supported yet.
            validation_steps: Not supported yet.
            validation_batch_size: Samples per step of validation; `batch_size` by default.
            validation_freq: Validates every so many epochs, or a list of epochs, counted from 1.

        Returns:
            The History: ``history.history["loss"]`` and so on, a number per epoch.

        Raises:
            ValueError, TypeError: If an argument is wrong; the model is then as it was.
        """
        compiled = self._compiled_or_raise()
        batch = 32 if batch_size is None else integer("fit", "batch_size", batch_size, least=1)
        epochs = integer("fit", "epochs", epochs, least=0)
        initial_epoch = integer("fit", "initial_epoch", initial_epoch, least=0)
        verbose = resolve_verbose(verbose)
        share = real("fit", "validation_split", validation_split, least=0, below=1)
        frequency = _frequency(validation_freq)
        for name, value in (("steps_per_epoch", steps_per_epoch), ("validation_steps", validation_steps)):
            if value is not None:
                raise ValueError(f"fit() does not support `{name}` yet.")
        if shuffle not in (True, False, "batch"):
            raise ValueError(f"fit `shuffle` must be True, False or 'batch', got {shuffle!r}.")
        if class_weight is not None and sample_weight is not None:
            raise ValueError("fit() takes either `class_weight` or `sample_weight`, not both: multiply them yourself.")
        evaluation_batch = batch
        if validation_batch_size is not None:
            evaluation_batch = integer("fit", "validation_batch_size", validation_batch_size, least=1)

        data = self._examples(x, y, sample_weight)
        nonzeros = _data.scan(data.x)
        if class_weight is not None:
            data = Examples(data.x, data.y, _data.class_weights(class_weight, data.y))
        validation: Examples | None = None
        if validation_data is not None:
            validation = self._validation_examples(validation_data)
        elif share:
            data, validation = _data.split(data, share)
        if epochs - initial_epoch > 1:
            data = Examples(_data.compressed(data.x, nonzeros), data.y, data.weights)

        steps = -(-len(data) // batch)
        watchers = CallbackList(
            callbacks, add_history=True, add_progbar=verbose != 0, model=self, verbose=verbose, epochs=epochs, steps=steps
        )
        order = _training.Order(len(data), batch, shuffle)
        chunks = _training.Chunks(watchers.wants_train_batches)
        self.stop_training = False
        logs: dict[str, float] = {}
        watchers.on_train_begin()
        for epoch in range(initial_epoch, epochs):
            watchers.on_epoch_begin(epoch)
            logs = _training.train_epoch(self, data, order.epoch(epoch), batch, chunks, watchers)
            if validation is not None and _training.validates(epoch, frequency):
                tested = _training.evaluate(self, validation, evaluation_batch, watchers)
                logs.update({f"val_{name}": value for name, value in tested.items()})
            watchers.on_epoch_end(epoch, logs)
            if self.stop_training:
                break
        assert compiled is self._compiled
        watchers.on_train_end(logs)
        assert watchers.history is not None
        return watchers.history

    def _validation_examples(self, given: Any) -> Examples:
        if not isinstance(given, (tuple, list)) or len(given) not in (2, 3):
            raise ValueError(f"`validation_data` must be (x, y) or (x, y, sample_weight), got {type(given).__name__}.")
        x, y, *weights = given
        data = self._examples(x, y, weights[0] if weights else None, "validation ")
        _data.scan(data.x, "validation x")
        return data

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """Loss and metrics on data.

        Args:
            x, y, sample_weight: As in fit().
            batch_size: Samples per step, 32 by default.
            verbose: 0 silent, 1 or ``"auto"`` a progress bar, 2 a line.
            steps: Not supported yet.
            callbacks: A list of callbacks.
            return_dict: Whether to return a dictionary.

        Returns:
            ``[loss, metric, ...]`` in the order of compile(), the loss alone if there are no metrics, or a dictionary.

        Raises:
            ValueError, TypeError: If an argument is wrong.
        """
        self._compiled_or_raise()
        batch = 32 if batch_size is None else integer("evaluate", "batch_size", batch_size, least=1)
        verbose = resolve_verbose(verbose)
        if steps is not None:
            raise ValueError("evaluate() does not support `steps` yet.")
        data = self._examples(x, y, sample_weight)
        _data.scan(data.x)
        watchers = CallbackList(
            callbacks, add_progbar=verbose != 0, model=self, verbose=verbose, epochs=1, steps=-(-len(data) // batch)
        )
        return self._results(_training.evaluate(self, data, batch, watchers), return_dict)

    def _results(self, logs: dict[str, float], return_dict: bool) -> Any:
        if return_dict:
            return dict(sorted(logs.items()))
        values = [logs[name] for name in self.metrics_names]
        return values if len(values) > 1 else values[0]

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> Array:
        """The model's output for every row of `x`. Safe from many threads at once.

        Args:
            x: Inputs ``(n, ...)`` as in fit(); rows with NaN give NaN, no rows give no rows.
            batch_size: Accepted for Keras programs; results do not depend on it.
            verbose: 0 or ``"auto"`` silent, 1 a progress bar, 2 a line.
            steps: Not supported yet.
            callbacks: A list of callbacks.

        Returns:
            float32 ``(n, outputs)``.

        Raises:
            ValueError, TypeError: If an argument is wrong, or the model has no layers.

        Example:
            >>> from lamella import Input, layers
            >>> Sequential([Input((4,)), layers.Dense(3, "softmax")]).predict(np.ones((2, 4))).shape
            (2, 3)
        """
        # The way of small calls: everything as it should be costs about a microsecond of checks.
        if (
            self._network is not None
            and type(x) is np.ndarray
            and x.dtype == np.float32
            and x.flags.c_contiguous
            and x.shape[1:] == self._shape
            and x.ndim == 2
            and callbacks is batch_size is steps is None
            and verbose in ("auto", 0)
        ):
            return self._network.predict(x)  # type: ignore[no-any-return]
        batch = 32 if batch_size is None else integer("predict", "batch_size", batch_size, least=1)
        verbose = 0 if verbose == "auto" else resolve_verbose(verbose)
        if steps is not None:
            raise ValueError("predict() does not support `steps` yet.")
        if not self._layers:
            raise ValueError(f"Model {self.name!r} cannot be built because it has no layers. Call model.add(layer).")
        if not self.built:
            self._build_with(_sample_shape(x))
        assert self._shape is not None
        rows = _data.inputs(x, self._shape)
        watchers = CallbackList(
            callbacks, add_progbar=verbose != 0, model=self, verbose=verbose, steps=-(-_data.row_count(rows) // batch)
        )
        return self._predict_watched(rows, batch, watchers)

    def _predict_watched(self, rows: _data.Inputs, batch: int, watchers: CallbackList) -> Array:
        count = _data.row_count(rows)
        steps = -(-count // batch)
        chunks = _training.Chunks(watchers.wants_predict_batches)
        if len(watchers) == 0:
            chunks.size = max(steps, 1)
        self.stop_predicting = False
        parts = []
        watchers.on_predict_begin()
        for first, last in chunks.ranges(steps):
            if watchers.wants_predict_batches:
                watchers.on_predict_batch_begin(first)
            parts.append(self._network.predict(_data.take_rows(rows, first * batch, min(last * batch, count))))
            if watchers.wants_predict_batches:
                watchers.on_predict_batch_end(first, {"outputs": parts[-1]})
            watchers.on_predict_chunk_end(last)
            if self.stop_predicting:
                break
        watchers.on_predict_end()
        outputs = np.empty((0, self._network.outputs), np.float32)
        matrix = parts[0] if len(parts) == 1 else np.concatenate([outputs, *parts])
        return matrix.reshape(len(matrix), *self.output_shape[1:])  # type: ignore[arg-type]

    def __call__(self, x: Any, training: bool = False) -> Array:
        """The model's output for every row of `x`, as predict() gives it."""
        return self.predict(x, verbose=0)

    def predict_on_batch(self, x: Any) -> Array:
        """The model's output for one batch."""
        return self.predict(x, verbose=0)

    def train_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, class_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """One step on one batch; returns its loss and metrics before the step, as evaluate() does.

        Raises:
            ValueError, TypeError: If an argument is wrong; the model is then as it was.
        """
        if class_weight is not None and sample_weight is not None:
            raise ValueError("train_on_batch() takes either `class_weight` or `sample_weight`, not both.")
        compiled = self._compiled_or_raise()
        data = self._examples(x, y, sample_weight)
        _data.scan(data.x)
        weights = data.weights if class_weight is None else _data.class_weights(class_weight, data.y)
        trainer, rows = compiled.trainer, len(data)
        rates = compiled.optimizer.rates(trainer.iterations, 1)
        trainer.clear_totals()
        trainer.train(self._network, data.x, data.y, weights, np.arange(rows, dtype=np.int64), rows, rates)
        return self._results(compiled.logs(), return_dict)

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """Loss and metrics of one batch, as evaluate() gives them."""
        return self.evaluate(x, y, len(x) or 1, 0, sample_weight, return_dict=return_dict)

    def gradients(self, x: Any, y: Any, sample_weight: Any = None) -> tuple[float, list[Array], Array]:
        """The loss of one batch and its gradients.

        Returns:
            (loss, gradients of all weights in the order of get_weights(), gradient of the inputs in the shape of x)

        Raises:
            ValueError, TypeError: If an argument is wrong.

        Example:
            >>> from lamella import Input, layers
            >>> model = Sequential([Input((1,)), layers.Dense(1, use_bias=False, kernel_initializer="ones")])
            >>> model.compile("sgd", "mse")
            >>> model.gradients([[3.0]], [1.0])
            (4.0, [array([[12.]], dtype=float32)], array([[4.]], dtype=float32))
        """
        compiled = self._compiled_or_raise()
        data = self._examples(x, y, sample_weight)
        _data.scan(data.x)
        loss, flat, of_inputs = compiled.trainer.gradients(self._network, data.x, data.y, data.weights)
        ends = np.cumsum([math.prod(shape) for shape in self._weight_shapes()])[:-1]
        parts = np.split(flat, ends) if self._weight_shapes() else []
        shaped = [part.reshape(shape) for part, shape in zip(parts, self._weight_shapes(), strict=True)]
        return loss, shaped, of_inputs.reshape(len(data), *self._shape or ())

    def __repr__(self) -> str:
        return f"<Sequential name={self.name!r}, layers={len(self._layers)}, built={self.built}>"


def _print_text(text: str) -> None:
    print(text, end="")


def _metric(identifier: Any) -> metrics.Metric:
    return metrics.BinaryAccuracy(identifier) if metrics.is_accuracy(identifier) else metrics.get(identifier)


def _unique(names: list[str]) -> list[str]:
    """A second metric of one name gets _1, a third _2."""
    seen: dict[str, int] = {}
    result = []
    for name in names:
        count = seen.get(name, 0)
        seen[name] = count + 1
        result.append(f"{name}_{count}" if count else name)
    return result


def _frequency(value: Any) -> int | list[int]:
    if isinstance(value, (list, tuple, set)):
        return [integer("fit", "validation_freq", v, least=1) for v in value]
    return integer("fit", "validation_freq", value, least=1)


def _sample_shape(x: Any) -> tuple[int, ...]:
    """Shape of one sample, for a model that does not know its input shape."""
    if _data.is_sparse(x):
        return (int(x.shape[1]),)
    shape = _data.as_array("x", x).shape
    if len(shape) < 2:
        raise ValueError(
            f"Expected `x` of shape (n, features), got shape {shape}. Reshape it with x.reshape(-1, 1) if it has one "
            "feature, or x.reshape(1, -1) if it is one sample."
        )
    return checked_shape("x", "shape", shape[1:])


def _flat(owner: str, shapes: list[tuple[int, ...]], weights: Sequence[npt.ArrayLike]) -> Array:
    """The weights in one flat array, checked against `shapes`."""
    if len(weights) != len(shapes):
        raise ValueError(f"You called `set_weights` on {owner!r} with {len(weights)} weights, but it has {len(shapes)}.")
    arrays = [_data.as_array("weights", w) for w in weights]
    for i, (array, shape) in enumerate(zip(arrays, shapes, strict=True)):
        if array.shape != shape:
            raise ValueError(f"`weights[{i}]` of {owner!r} must have shape {shape}, got {array.shape}.")
    return np.concatenate([a.astype(np.float32, copy=False).ravel() for a in arrays] or [np.empty(0, np.float32)])
