"""Sequential: a stack of layers with the Keras interface."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _data, _examples, _fit, _training
from ._checks import flag, integer
from ._compilable import Compilable
from ._core import core
from ._elsewhere import elsewhere
from ._examples import Examples
from ._feed import Part, gives_batches, inputs_of_batches
from ._lock import alone, reads
from ._order import Orders
from ._progress import resolve_verbose
from ._shares import active
from ._shares import alone as unshared
from ._stack import Array
from ._with_config import clone_model, model_from_json
from .callbacks import CallbackList, History
from .layers import FAMILY, Layer, Rescaling
from .saving import load_model as load_model

__all__ = ["Sequential", "clone_model", "load_model", "model_from_json"]


class Sequential(Compilable):
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
        self.history: History | None = None
        self.stop_training = self.stop_evaluating = self.stop_predicting = False
        self._resume_epoch: int | None = None  # set by a callback that knows where a fit was interrupted
        self._resume_batch = 0
        self._orders: Orders | None = None
        super().__init__(layers, trainable, name)

    def _sample_shape(self, x: Any) -> tuple[int, ...]:
        """Shape of one sample: the model's, or that of x if it has none yet. Nothing is built before x is checked."""
        if not self._layers:
            raise ValueError(f"Model {self.name!r} cannot be built because it has no layers. Call model.add(layer).")
        return self._shape or _data.sample_shape(x)

    def _examples(self, x: Any, y: Any, weights: Any, shape: tuple[int, ...], prefix: str = "") -> Examples:
        """Checked data."""
        compiled = self._compiled_or_raise()
        if all(isinstance(layer, Rescaling) or layer._spec(core) is None for layer in self._leaves()):
            raise ValueError(
                f"Model {self.name!r} only reshapes and rescales: there is nothing to train or evaluate. "
                "Add a Dense layer."
            )
        output = self._shapes_from(shape)[-1]
        compiled.resolve_loss(output, y)
        return _examples.examples(x, y, weights, shape, compiled.loss, output, prefix)

    def _built_examples(self, x: Any, y: Any, weights: Any) -> Examples:
        shape = self._sample_shape(x)
        data = self._examples(x, y, weights, shape)
        self._build_with(shape)
        return data

    @alone
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
        """Trains for a number of epochs. Other threads may predict meanwhile; evaluate() and another fit() wait.

        Args:
            x: Inputs ``(n, ...)``: an array of any number type, a list, a pandas frame, or a SciPy sparse matrix, which
                is never made dense. Must not hold NaN or infinity. Or anything that gives batches ``(x, y)`` or
                ``(x, y, sample_weight)``: a generator, an iterable such as a DataLoader, a PyDataset; then y is None.
            y: Targets: ``(n, outputs)``, ``(n,)`` for one output, or class numbers for a sparse loss.
            batch_size: Samples per step, 32 by default; the last step of an epoch may have fewer.
            epochs: Number of the last epoch.
            verbose: 0 silent, 1 or ``"auto"`` a progress bar, 2 a line per epoch.
            callbacks: A list of lamella.callbacks.Callback.
            validation_split: Share of the last samples that is held out for validation.
            validation_data: ``(x, y)`` or ``(x, y, sample_weight)`` to validate on, or what gives such batches; wins
                over `validation_split`.
            shuffle: True for a new order of samples each epoch, ``"batch"`` for one inside each batch, or False.
            class_weight: Weights of classes in the loss, ``{class: weight}``.
            sample_weight: Weights of samples in the loss, ``(n,)``.
            initial_epoch: Number of the first epoch.
            steps_per_epoch: Steps of an epoch. The next epoch goes on with the rows that are left; when all were used
                they are shuffled anew.
            validation_steps: Validates on so many batches only.
            validation_batch_size: Samples per step of validation; `batch_size` by default.
            validation_freq: Validates every so many epochs, or a list of epochs, counted from 1.

        Returns:
            The History: ``history.history["loss"]`` and so on, a number per epoch.

        Raises:
            ValueError, TypeError: If an argument is wrong; the model is then as it was.

        Example:
            >>> model = lamella.Sequential([lamella.Input((2,)), lamella.layers.Dense(1)])
            >>> model.compile("sgd", "mse")
            >>> history = model.fit(np.eye(2), np.ones((2, 1)), epochs=3, verbose=0)
            >>> len(history.history["loss"])
            3
        """
        compiled = self._compiled_or_raise()
        options = _fit.Options(
            batch_size,
            epochs,
            verbose,
            validation_split,
            shuffle,
            class_weight,
            sample_weight,
            initial_epoch,
            steps_per_epoch,
            validation_steps,
            validation_batch_size,
            validation_freq,
        )
        plan = _fit.plan(self, x, y, validation_data, options)
        watchers = CallbackList(callbacks, add_history=True, add_progbar=options.verbose != 0)
        _fit.build(self, plan)  # every argument is checked by now
        with compiled.alone(fitting=True):
            watchers.set_params({"verbose": options.verbose, "epochs": options.epochs, "steps": plan.feed.steps})
            watchers.set_model(self)
            _training.run(self, plan, watchers)
        assert watchers.history is not None
        return watchers.history

    @alone
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
            steps: Evaluates so many batches only.
            callbacks: A list of callbacks.
            return_dict: Whether to return a dictionary.

        Returns:
            ``[loss, metric, ...]`` in the order of compile(), the loss alone if there are no metrics, or a dictionary.

        Raises:
            ValueError, TypeError: If an argument is wrong.

        Example:
            >>> model = lamella.Sequential([lamella.Input((2,)), lamella.layers.Dense(1)])
            >>> model.compile("sgd", "mse", metrics=["mae"])
            >>> list(model.evaluate(np.eye(2), np.ones((2, 1)), verbose=0, return_dict=True))
            ['loss', 'mae']
        """
        compiled = self._compiled_or_raise()
        verbose = resolve_verbose(verbose)
        feed, shape = _fit.to_evaluate(self, x, y, sample_weight, batch_size, steps)
        watchers = CallbackList(callbacks, add_progbar=verbose != 0)
        self._build_with(shape)
        watchers.set_params({"verbose": verbose, "epochs": 1, "steps": feed.steps})
        watchers.set_model(self)
        with compiled.alone():
            return compiled.results(_training.evaluate(self, feed.epoch(0), watchers), return_dict)

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
            steps: Predicts for so many batches only.
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
            and x.flags.aligned
            and x.shape[1:] == self._shape
            and x.strides == self._strides
            and callbacks is batch_size is steps is None
            and active() is None
            and verbose in ("auto", 0)
        ):
            return self._network.predict(x)  # type: ignore[no-any-return]
        return self._predict(x, batch_size, verbose, steps, callbacks)

    @reads
    def _predict(self, x: Any, batch_size: Any, verbose: Any, steps: Any, callbacks: Any) -> Array:
        batch = 32 if batch_size is None else integer("predict", "batch_size", batch_size, least=1)
        verbose = 0 if verbose == "auto" else resolve_verbose(verbose)
        steps = None if steps is None else integer("predict", "steps", steps, least=1)
        if gives_batches(x):
            outputs = [self.predict(inputs, verbose=0) for inputs in inputs_of_batches(x, steps)]
            return np.concatenate(outputs) if outputs else np.empty((0, *self._output()), np.float32)
        shape = self._sample_shape(x)
        rows = _data.inputs(x, shape)
        if steps is not None:
            rows = _data.take_rows(rows, 0, steps * batch)
        self._build_with(shape)
        watchers = CallbackList(
            callbacks, add_progbar=verbose != 0, model=self, verbose=verbose, steps=-(-_data.row_count(rows) // batch)
        )
        group = active()
        with unshared() if group is not None and group.own_data else nullcontext():
            return _training.predict(self, rows, batch, watchers)

    def __call__(self, x: Any, training: bool = False) -> Array:
        """The model's output for every row of `x`, as predict() gives it; `training` must be False."""
        if training:
            raise ValueError("`training` must be False: outputs as in training exist inside of fit() and gradients().")
        return self.predict(x, verbose=0)

    def predict_on_batch(self, x: Any) -> Array:
        """The model's output for one batch.

        Example:
            >>> model = lamella.Sequential([lamella.Input((2,)), lamella.layers.Dense(1)])
            >>> model.predict_on_batch(np.eye(2)).shape
            (2, 1)
        """
        return self.predict(x, verbose=0)

    @alone
    def train_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, class_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """One step on one batch; returns its loss and metrics before the step, as evaluate() does.

        Raises:
            ValueError, TypeError: If an argument is wrong; the model is then as it was.

        Example:
            >>> model = lamella.Sequential([lamella.Input((2,)), lamella.layers.Dense(1)])
            >>> model.compile("sgd", "mse")
            >>> model.set_weights([np.zeros((2, 1)), np.zeros(1)])
            >>> float(model.train_on_batch(np.eye(2), np.ones((2, 1))))
            1.0
        """
        if class_weight is not None and sample_weight is not None:
            raise ValueError("train_on_batch() takes either `class_weight` or `sample_weight`, not both.")
        compiled = self._compiled_or_raise()
        compiled.check_can_train()
        data = self._built_examples(x, y, sample_weight)
        if class_weight is not None:
            data = Examples(data.x, data.y, _examples.class_weights(class_weight, data.y), data.nonzeros)
        with compiled.alone():
            return compiled.results(_training.train_batch(self, Part(data, None, len(data))), return_dict)

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """Loss and metrics of one batch, as evaluate() gives them.

        Example:
            >>> model = lamella.Sequential([lamella.Input((2,)), lamella.layers.Dense(1)])
            >>> model.compile("sgd", "mse")
            >>> model.set_weights([np.zeros((2, 1)), np.zeros(1)])
            >>> float(model.test_on_batch(np.eye(2), np.ones((2, 1))))
            1.0
        """
        return self.evaluate(x, y, verbose=0, sample_weight=sample_weight, return_dict=return_dict)

    @alone
    def gradients(
        self, x: Any, y: Any, sample_weight: Any = None, training: bool = False
    ) -> tuple[float, list[Array], Array]:
        """The loss of one batch and its gradients.

        Args:
            x, y, sample_weight: As in fit().
            training: Whether layers do as in training: dropout and noise, statistics of the batch.

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
        training = flag("gradients", "training", training)
        compiled = self._compiled_or_raise()
        data = self._built_examples(x, y, sample_weight)
        with compiled.alone():
            loss, flat, of_inputs = compiled.gradients(self._network, data, training)
        return loss, self._shaped(flat), of_inputs.reshape(len(data), *self._shape or ())


FAMILY.add(Sequential, "Sequential")

if not TYPE_CHECKING:  # else misspelt names pass type checkers
    __getattr__ = elsewhere(__name__)
