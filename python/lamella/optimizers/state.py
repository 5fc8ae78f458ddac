"""What an optimizer remembers: its variables in Keras' order, and steps on NumPy arrays."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .._core import core

Array = npt.NDArray[Any]
Shape = tuple[int, ...]


class OptimizerState:
    """The part of an optimizer that has to do with weights: the core's updater once these are known."""

    gradient_accumulation_steps: int | None
    use_ema: bool

    def __init__(self) -> None:
        self._updater: Any = None
        self._weights: list[tuple[str, Shape]] = []  # paths and shapes
        self._excluded: list[str] = []  # patterns of weights that do not decay
        self._exchange: Any = None  # with other processes, which may have parts of the state

    if TYPE_CHECKING:

        @property
        def learning_rate(self) -> float: ...
        @property
        def _has_rate_variable(self) -> bool: ...
        def rates(self, first: int, count: int) -> npt.NDArray[np.float32]: ...
        def _spec(self, core: Any) -> Any: ...
        def _options(self, core: Any) -> Any: ...

    def _attach(self, updater: Any, weights: Sequence[tuple[str, Shape]]) -> None:
        """From now on the state is that of `updater`, for weights with these paths and shapes."""
        self._updater, self._weights = updater, list(weights)
        self._set_decayed()

    def build(self, variables: Sequence[Array]) -> None:
        """Starts anew, for weights of the shapes of these arrays; `apply` does so by itself.

        Args:
            variables: NumPy arrays.
        """
        self._build_for([(f"variable_{i}" if i else "variable", np.shape(w)) for i, w in enumerate(variables)])

    def _build_for(self, weights: list[tuple[str, Shape]]) -> None:
        sizes = [(math.prod(shape[:-1]), shape[-1] if shape else 1) for _, shape in weights]
        self._attach(core.Updater(self._spec(core), self._options(core), sizes), weights)

    def __getstate__(self) -> dict[str, Any]:
        """For pickles and copies: all that the optimizer remembers, but not whose weights it trains."""
        kept = {key: value for key, value in vars(self).items() if key not in ("_updater", "_exchange")}
        if self.built:
            kept["_remembered"] = self._steps, list(self._updater.trainable), self._flats()
        return kept

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        remembered = state.pop("_remembered", None)
        vars(self).update(state, _updater=None, _exchange=None)
        if remembered is not None:
            steps, trainable, flats = remembered
            self._build_for(self._weights)
            self._updater.trainable = trainable
            self._set_flats(flats)
            self._updater.iterations = steps

    @property
    def built(self) -> bool:
        """Whether the weights are known and the state exists."""
        return self._updater is not None

    def apply(self, grads: Sequence[npt.ArrayLike], trainable_variables: Sequence[Array] | None = None) -> None:
        """One step on NumPy arrays, in place.

        Args:
            grads: A gradient for each array.
            trainable_variables: float32 arrays to change, the same shapes in every call.

        Raises:
            ValueError: If there are no arrays, or shapes differ.

        Example:
            >>> import numpy as np
            >>> from lamella.optimizers import SGD
            >>> w = np.ones(3, np.float32)
            >>> SGD(0.5).apply([np.ones(3)], [w])
            >>> w
            array([0.5, 0.5, 0.5], dtype=float32)
        """
        if trainable_variables is None:
            raise ValueError(
                "apply() needs `trainable_variables`, the arrays to change: NumPy arrays are not remembered."
            )
        if not self.built:
            self.build(trainable_variables)
        weights, slopes = self._flat("trainable_variables", trainable_variables), self._flat("grads", grads)
        self._updater.apply(weights, slopes, self.rates(self._steps, 1)[0])
        self._copy_back(weights, trainable_variables)

    def apply_gradients(self, grads_and_vars: Iterable[tuple[npt.ArrayLike, Array]]) -> None:
        """`apply` for pairs of a gradient and an array."""
        pairs = list(grads_and_vars)
        self.apply([g for g, _ in pairs], [w for _, w in pairs])

    def finalize_variable_values(self, var_list: Sequence[Array]) -> None:
        """With use_ema, the arrays become their averages; for a model's weights, fit does so."""
        if self.built and self.use_ema:
            weights = self._flat("var_list", var_list)
            self._updater.finalize(weights)
            self._copy_back(weights, var_list)

    def exclude_from_weight_decay(
        self, var_list: Sequence[Any] | None = None, var_names: Sequence[str] | None = None
    ) -> None:
        """Weights that `weight_decay` leaves alone; once more replaces the choice.

        Args:
            var_list: Objects with a `path` such as ``"dense/bias"``, or such paths.
            var_names: Regular expressions, searched in paths and names: ``["bias"]``.

        Raises:
            TypeError: If `var_list` holds arrays, which have no names.
        """
        excluded = list(var_names or [])
        for weight in var_list or []:
            path = weight if isinstance(weight, str) else getattr(weight, "path", None)
            if path is None:
                raise TypeError(
                    f"`var_list` must hold weights with a `path`, got {type(weight).__name__}; "
                    "choose them by name instead: var_names=['bias']."
                )
            excluded.append(f"^{re.escape(path)}$")
        self._excluded = excluded
        self._set_decayed()

    def _set_decayed(self) -> None:
        if self.built:
            self._updater.set_decayed([not self._is_excluded(path) for path, _ in self._weights])

    def _is_excluded(self, path: str) -> bool:
        return any(re.search(p, text) for p in self._excluded for text in (path, path.rpartition("/")[2]))

    @property
    def _steps(self) -> int:
        """Steps so far, those that only accumulated included."""
        return int(self._updater.iterations) if self.built else 0

    @property
    def iterations(self) -> int:
        """Updates so far."""
        return self._steps // (self.gradient_accumulation_steps or 1)

    @property
    def variables(self) -> list[Array]:
        """Copies of all that the optimizer remembers, in the order of Keras: iteration, learning rate (without a
        schedule), averages, accumulated gradients, and the rule's own; of the trainable weights.

        Example:
            >>> import numpy as np
            >>> from lamella.optimizers import SGD
            >>> optimizer = SGD(0.5, momentum=0.9)
            >>> optimizer.build([np.ones(2)])
            >>> optimizer.variables
            [array(0, dtype=int32), array(0.5, dtype=float32), array([0., 0.], dtype=float32)]
        """
        found: list[Array] = [np.array(self._steps, np.int32)]
        if self._has_rate_variable:
            found.append(np.array(self.learning_rate, np.float32))
        if self.built:
            chosen = self._trainable()
            flats = [self._parts(flat) for flat in self._flats()]
            leading, states = flats[: self._leading], flats[self._leading :]
            for parts in leading:
                found += [parts[i] for i in chosen]
            found += [states[s][i] for s, i in self._order(chosen)]
        return found + self._scalars()

    @property
    def variable_names(self) -> list[str]:
        """The names that Keras gives to `variables`, without that of the optimizer."""
        found = ["iteration"] + ["learning_rate"] * self._has_rate_variable
        if self.built:
            paths, chosen = [path.replace("/", "_") for path, _ in self._weights], self._trainable()
            found += [f"{paths[i]}_average" for i in chosen if self.use_ema]
            found += [f"{paths[i]}_gradient_accumulator" for i in chosen if self.gradient_accumulation_steps]
            kinds = [name for name, _ in self._updater.states]
            found += [f"{paths[i]}_{kinds[s]}" for s, i in self._order(chosen)]
        return found + ["variable"] * len(self._scalars())

    def set_variables(self, values: Sequence[npt.ArrayLike]) -> None:
        """Replaces what `variables` gives.

        Raises:
            ValueError: If the optimizer is not built, or their number or a shape differs; then nothing is changed.
        """
        given = [np.asarray(value) for value in values]
        if not self.built:
            raise ValueError("This optimizer has no state yet: compile and build a model with it, or call build().")
        wanted = self._shapes()
        if [v.shape for v in given] != wanted:
            raise ValueError(
                f"`values` must be {len(wanted)} arrays with the shapes of `variables`, {wanted}, got {len(given)} "
                f"with {[v.shape for v in given]}."
            )
        if self._has_rate_variable:
            self.__class__.learning_rate.fset(self, float(given[1]))  # type: ignore[attr-defined]
        rest = iter(given[1 + self._has_rate_variable :])
        chosen = self._trainable()
        flats = self._flats()
        parts = [self._parts(flat) for flat in flats]
        for arrays in parts[: self._leading]:
            for i in chosen:
                arrays[i][...] = next(rest)
        states = parts[self._leading :]
        for s, i in self._order(chosen):
            states[s][i][...] = next(rest)
        self._set_flats(flats)
        self._updater.iterations = int(given[0])

    def _scalars(self) -> list[Array]:
        """Numbers that Keras keeps behind the states."""
        return []

    def _shapes(self) -> list[tuple[int, ...]]:
        """The shapes of `variables`."""
        chosen = self._trainable()
        weights = [*chosen * self._leading, *(i for _, i in self._order(chosen))]
        found: list[tuple[int, ...]] = [()] * (1 + self._has_rate_variable)
        return [*found, *(tuple(self._weights[i][1]) for i in weights), *[()] * len(self._scalars())]

    def _numbers(self) -> int:
        """How many numbers `variables` holds."""
        per_weight = self._leading + (len(self._updater.states) if self.built else 0)
        trained = sum(math.prod(self._weights[i][1]) for i in self._trainable()) if self.built else 0
        return 1 + self._has_rate_variable + per_weight * trained + len(self._scalars())

    def _trainable(self) -> list[int]:
        return [i for i, flag in enumerate(self._updater.trainable) if flag]

    @property
    def _leading(self) -> int:
        """How many of _flats() come before the states of the rule."""
        return self.use_ema + bool(self.gradient_accumulation_steps)

    def _flats(self) -> list[Array]:
        """Averages and accumulated gradients, where they are in use, and the states of the rule, each flat."""
        if self._exchange is None or not self._exchange.is_divided:
            return self._own_flats()
        found: list[Array] = self._exchange.ask()
        return found

    def _own_flats(self) -> list[Array]:
        """The same; where processes keep parts of them, zero but for the part that is here."""
        return [*(getattr(self._updater, name) for name in self._leading_names()), *self._updater.get_state()]

    def _set_flats(self, flats: list[Array]) -> None:
        for name, flat in zip(self._leading_names(), flats, strict=False):
            setattr(self._updater, name, flat)
        self._updater.set_state(flats[self._leading :])

    def _leading_names(self) -> list[str]:
        return ["averages"] * self.use_ema + ["accumulated"] * bool(self.gradient_accumulation_steps)

    def _order(self, chosen: list[int]) -> list[tuple[int, int]]:
        """(state, weight) in the order of Keras: group by group, in each weight by weight."""
        groups = [group for _, group in self._updater.states]
        return [
            (state, weight)
            for group in sorted(set(groups))
            for weight in chosen
            for state in range(len(groups))
            if groups[state] == group
        ]

    def _parts(self, flat: Array) -> list[Array]:
        """Views of a flat array in the shapes of the weights."""
        ends = np.cumsum([math.prod(shape) for _, shape in self._weights])
        return [part.reshape(shape) for part, (_, shape) in zip(np.split(flat, ends[:-1]), self._weights, strict=True)]

    def _flat(self, name: str, arrays: Sequence[npt.ArrayLike]) -> Array:
        given = [np.asarray(array, np.float32) for array in arrays]
        shapes = [shape for _, shape in self._weights]
        if [array.shape for array in given] != shapes:
            raise ValueError(f"`{name}` must have the shapes {shapes}, got {[array.shape for array in given]}.")
        return np.concatenate([array.ravel() for array in given])

    def _copy_back(self, flat: Array, arrays: Sequence[Array]) -> None:
        for array, part in zip(arrays, self._parts(flat), strict=True):
            array[...] = part
