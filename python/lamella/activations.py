"""Activations: ``y = act(z)``, element by element or row by row.

Formulas, names, arguments and defaults are those of Keras 3. Each works as a layer's ``activation=`` and as a
function of an array.
"""

from __future__ import annotations

import inspect
import math
from typing import Any

import numpy as np
import numpy.typing as npt

from ._checks import flag, integer, laid_out, numbers_of, real
from ._core import core
from ._registry import Registry

__all__ = [
    "Activation",
    "celu",
    "deserialize",
    "elu",
    "exponential",
    "gelu",
    "get",
    "glu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "leaky_relu",
    "linear",
    "log_sigmoid",
    "log_softmax",
    "mish",
    "relu",
    "relu6",
    "selu",
    "serialize",
    "sigmoid",
    "silu",
    "soft_shrink",
    "softmax",
    "softplus",
    "softsign",
    "sparse_plus",
    "sparse_sigmoid",
    "sparsemax",
    "squareplus",
    "swish",
    "tanh",
    "tanh_shrink",
]

Array = npt.NDArray[np.float32]

_SMALLEST = float(np.finfo(np.float32).tiny)


def _checked(owner: str, name: str, value: Any) -> Any:
    """The value of an argument. A slope or alpha below zero would hide from y on which side of zero z was."""
    if name == "approximate":
        return flag(owner, name, value)
    if name == "axis":
        return integer(owner, name, value, least=-64)
    if name == "max_value" and value is None:
        return None
    return real(owner, name, value, least=_SMALLEST if owner == "celu" else 0)


class Activation:
    """A named activation, with the values of its arguments.

    Args:
        name: The Keras name.
        formula: What it computes, for people.
        **arguments: Keras' arguments and their values; `axis` where it needs whole rows.

    Example:
        >>> relu(np.array([-1.0, 2.0], "float32"))
        array([0., 2.], dtype=float32)
        >>> relu(np.array([-1.0, 2.0, 9.0], "float32"), negative_slope=0.5, max_value=6)
        array([-0.5,  2. ,  6. ], dtype=float32)
        >>> elu.with_arguments(alpha=0.5)
        <activation elu alpha=0.5>
    """

    def __init__(self, name: str, formula: str, **arguments: Any) -> None:
        self.name = self.__name__ = name
        self.formula = formula
        self.arguments = arguments
        shape = "that shape" if name != "glu" else "that shape with `axis` halved"
        self.__doc__ = f"{formula}. Takes an array of numbers, returns float32 of {shape}."
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        defaults = [inspect.Parameter(key, kind, default=value) for key, value in arguments.items()]
        self.__signature__ = inspect.Signature([inspect.Parameter("x", kind), *defaults])

    @property
    def rowwise(self) -> bool:
        """Whether it mixes the numbers along an axis."""
        return "axis" in self.arguments

    def width(self, inputs: int) -> int:
        """How many numbers it makes of so many.

        Raises:
            ValueError: If it cannot split them into halves, as glu must.

        Example:
            >>> relu.width(8), glu.width(8)
            (8, 4)
        """
        if self.name == "glu" and inputs % 2:
            raise ValueError(f"glu splits its axis into halves, so its size must be even, got {inputs}.")
        return int(core.activation_width(self._spec(core), inputs))

    def with_arguments(self, **arguments: Any) -> Activation:
        """The same activation with other values of some arguments.

        Raises:
            TypeError: If it has no such argument, or a value is not of its kind.
            ValueError: If a value is out of range.
        """
        for key in arguments:
            if key not in self.arguments:
                known = ", ".join(f"`{name}`" for name in self.arguments) or "none"
                raise TypeError(f"{self.name} has no argument `{key}`; it has {known}.")
        changed = self.arguments | {key: _checked(self.name, key, value) for key, value in arguments.items()}
        return self if changed == self.arguments else Activation(self.name, self.formula, **changed)

    def __call__(self, x: npt.ArrayLike, *args: Any, **kwargs: Any) -> Array:
        if args or kwargs:
            given = self.__signature__.bind(x, *args, **kwargs).arguments
            return self.with_arguments(**{key: value for key, value in given.items() if key != "x"})(x)
        rows, shape = self._rows(x)
        self.width(rows.shape[1])
        return self._array(core.activate(self._spec(core), rows), shape)

    def gradient(self, z: npt.ArrayLike, dy: npt.ArrayLike) -> Array:
        """The gradient of ``sum(y * dy)`` with respect to z, where ``y = activation(z)``.

        Args:
            z: The input.
            dy: The gradient with respect to y, of the shape of y.

        Raises:
            ValueError: If `dy` does not have the shape of y.

        Example:
            >>> sigmoid.gradient([0.0, 2.0], [1.0, 1.0]).round(3)
            array([0.25 , 0.105], dtype=float32)
        """
        rows, shape = self._rows(z)
        deltas, delta_shape = self._rows(dy)
        expected = (*shape[:-1], self.width(rows.shape[1])) if shape else ()
        if delta_shape != expected:
            raise ValueError(
                f"{self.name}.gradient: `dy` must have the shape of y, got {np.shape(dy)} for z of {np.shape(z)}."
            )
        return self._array(core.activation_gradient(self._spec(core), rows, deltas), shape)

    def _rows(self, x: npt.ArrayLike) -> tuple[Array, tuple[int, ...]]:
        """x as a matrix whose rows the core works on, and the shape of x with their axis last."""
        values = numbers_of(self.name, "x", x)
        if values.ndim and self.rowwise:
            values = np.moveaxis(values, self.arguments["axis"], -1)
        columns = values.shape[-1] if values.ndim else 1
        return laid_out(values.reshape(values.size // max(columns, 1), columns), np.float32), values.shape

    def _array(self, rows: Array, shape: tuple[int, ...]) -> Array:
        """The inverse of _rows(), where rows may have become shorter."""
        values = np.asarray(rows, np.float32).reshape((*shape[:-1], rows.shape[1]) if shape else ())
        return np.moveaxis(values, -1, self.arguments["axis"]) if shape and self.rowwise else values

    def __repr__(self) -> str:
        usual = _FAMILY.get(self.name).arguments
        changed = [f" {key}={value}" for key, value in self.arguments.items() if value != usual[key]]
        return f"<activation {self.name}{''.join(changed)}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return get, (serialize(self),)

    def _spec(self, core: Any) -> Any:
        arguments = {key: value for key, value in self.arguments.items() if key != "axis"}
        name = self.name
        if name == "relu":  # the usual one is simpler
            usual = arguments == _FAMILY.get("relu").arguments
            name, arguments = ("relu", {}) if usual else ("general_relu", arguments)
        spec = getattr(core.activations, name)()
        for key, value in arguments.items():
            setattr(spec, key, math.inf if value is None else value)
        return spec


_FAMILY: Registry[Activation] = Registry("activation", Activation)


def _activation(name: str, example: str, formula: str, *aliases: str, **arguments: Any) -> Activation:
    member = Activation(name, formula, **arguments)
    member.__doc__ = f"""{member.__doc__}

Example:
    >>> import lamella
    >>> print(lamella.activations.{name}([-2.0, -0.25, 0.5, 4.0]).round(3))
    [{example}]
"""
    _FAMILY.add(member.with_arguments, name, *aliases)
    return member


linear = _activation("linear", "-2.   -0.25  0.5   4.  ", "``z``")
relu = _activation(
    "relu",
    "0.  0.  0.5 4. ",
    "``min(z, max_value)`` where ``z > threshold``, else ``negative_slope * (z - threshold)``; NaN stays NaN, and "
    "the derivative at the threshold is that below it",
    negative_slope=0.0,
    max_value=None,
    threshold=0.0,
)
relu6 = _activation("relu6", "0.  0.  0.5 4. ", "``min(max(z, 0), 6)``")
leaky_relu = _activation(
    "leaky_relu", "-0.4  -0.05  0.5   4.  ", "``z`` where ``z >= 0``, else ``negative_slope * z``", negative_slope=0.2
)
elu = _activation(
    "elu", "-0.865 -0.221  0.5    4.   ", "``z`` where ``z > 0``, else ``alpha * (exp(z) - 1)``", alpha=1.0
)
selu = _activation(
    "selu", "-1.52  -0.389  0.525  4.203", "``1.0507 * z`` where ``z > 0``, else ``1.0507 * 1.6733 * (exp(z) - 1)``"
)
celu = _activation(
    "celu", "-0.865 -0.221  0.5    4.   ", "``z`` where ``z > 0``, else ``alpha * (exp(z / alpha) - 1)``", alpha=1.0
)
sigmoid = _activation("sigmoid", "0.119 0.438 0.622 0.982", "``1 / (1 + exp(-z))``")
hard_sigmoid = _activation("hard_sigmoid", "0.167 0.458 0.583 1.   ", "``z / 6 + 1 / 2``, kept in [0, 1]")
log_sigmoid = _activation("log_sigmoid", "-2.127 -0.826 -0.474 -0.018", "``-ln(1 + exp(-z))``")
sparse_sigmoid = _activation("sparse_sigmoid", "0.    0.375 0.75  1.   ", "``(z + 1) / 2``, kept in [0, 1]")
tanh = _activation("tanh", "-0.964 -0.245  0.462  0.999", "``tanh(z)``")
hard_tanh = _activation("hard_tanh", "-1.   -0.25  0.5   1.  ", "``z``, kept in [-1, 1]")
tanh_shrink = _activation("tanh_shrink", "-1.036 -0.005  0.038  3.001", "``z - tanh(z)``")
hard_shrink = _activation("hard_shrink", "-2.  0.  0.  4.", "``z`` where ``|z| > threshold``, else 0", threshold=0.5)
soft_shrink = _activation(
    "soft_shrink", "-1.5  0.   0.   3.5", "``z`` moved towards 0 by `threshold`, but not past it", threshold=0.5
)
softplus = _activation("softplus", "0.127 0.576 0.974 4.018", "``ln(1 + exp(z))``")
softsign = _activation("softsign", "-0.667 -0.2    0.333  0.8  ", "``z / (1 + |z|)``")
sparse_plus = _activation(
    "sparse_plus", "0.    0.141 0.562 4.   ", "0 where ``z <= -1``, ``(z + 1)**2 / 4`` where ``z < 1``, else ``z``"
)
squareplus = _activation("squareplus", "0.414 0.883 1.281 4.236", "``(z + sqrt(z**2 + b)) / 2``", b=4.0)
silu = swish = _activation("silu", "-0.238 -0.109  0.311  3.928", "``z * sigmoid(z)``", "swish")
hard_silu = hard_swish = _activation(
    "hard_silu", "-0.333 -0.115  0.292  4.   ", "``z * hard_sigmoid(z)``", "hard_swish"
)
gelu = _activation(
    "gelu",
    "-0.046 -0.1    0.346  4.   ",
    "``z * Phi(z)`` with the normal distribution Phi; `approximate` takes "
    "``z / 2 * (1 + tanh(sqrt(2 / pi) * (z + 0.044715 * z**3)))``",
    approximate=False,
)
mish = _activation("mish", "-0.253 -0.13   0.375  3.997", "``z * tanh(ln(1 + exp(z)))``")
exponential = _activation("exponential", " 0.135  0.779  1.649 54.598", "``exp(z)``")
softmax = _activation(
    "softmax", "0.002 0.014 0.029 0.955", "``exp(z - max z) / sum(exp(z - max z))`` over the axis", axis=-1
)
log_softmax = _activation(
    "log_softmax", "-6.046 -4.296 -3.546 -0.046", "``z - max z - ln(sum(exp(z - max z)))`` over the axis", axis=-1
)
sparsemax = _activation(
    "sparsemax", "0. 0. 0. 1.", "the probabilities along the axis that are nearest to ``z``", axis=-1
)
glu = _activation("glu", "-1.245 -0.246", "``a * sigmoid(b)``, where a and b are the halves of the axis", axis=-1)


def get(identifier: Any) -> Activation:
    """The activation that a name, an activation, a config or None (linear) stands for.

    Raises:
        ValueError: If no activation has that name.
        TypeError: If `identifier` is none of those.

    Example:
        >>> get("relu"), get(None), get({"class_name": "elu", "config": {"alpha": 2.0}})
        (<activation relu>, <activation linear>, <activation elu alpha=2.0>)
    """
    if hasattr(identifier, "weight_specs"):
        raise TypeError(f"`activation`: {identifier!r} is a layer; add it to the model behind this one.")
    if callable(identifier) and not isinstance(identifier, Activation):
        raise TypeError(
            f"`activation` must be a name or one of lamella.activations, got the function {identifier!r}: "
            f"Python functions cannot run in the compiled core. Known: {', '.join(sorted(_FAMILY.makers))}."
        )
    if isinstance(identifier, dict) and isinstance(identifier.get("config"), str):
        identifier = identifier["config"]  # as Keras describes a function
    return linear if identifier is None else _FAMILY.get(identifier)


def serialize(activation: Activation) -> str | dict[str, Any]:
    """The name of an activation, as Keras' configs have it, or a config where its arguments are not the usual ones.

    Example:
        >>> serialize(relu), serialize(elu.with_arguments(alpha=2.0))
        ('relu', {'class_name': 'elu', 'config': {'alpha': 2.0}})
    """
    if not isinstance(activation, Activation):
        raise TypeError(f"`activation` must be an activation of lamella, got {activation!r}.")
    if activation.arguments == _FAMILY.get(activation.name).arguments:
        return activation.name
    return {"class_name": activation.name, "config": dict(activation.arguments)}


def deserialize(config: Any) -> Activation:
    """The activation that serialize() described.

    Example:
        >>> deserialize("tanh")
        <activation tanh>
    """
    return get(config)
