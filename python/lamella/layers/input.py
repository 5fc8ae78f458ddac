"""The shape of a model's samples."""

from __future__ import annotations

from typing import Any, ClassVar

from .._registry import arguments
from .base import Layer, checked_shape, sample_shape


class InputLayer(Layer):
    """Tells a model the shape of its samples; computes nothing. Usually written ``Input((784,))``.

    Args:
        shape: Shape of one sample.
        batch_size: Ignored; batches may have any size.
        name: As for every layer.
        batch_shape: ``(None, *shape)``, the form that Keras files use.
        dtype: Only ``"float32"``; inputs of other types are converted.

    Example:
        >>> from lamella.layers import InputLayer
        >>> InputLayer((784,)).shape
        (784,)
    """

    _unused: ClassVar[dict[str, Any]] = {"sparse": False, "ragged": False, "optional": False}

    def __init__(
        self,
        shape: Any = None,
        batch_size: int | None = None,
        dtype: str | None = None,
        name: str | None = None,
        batch_shape: Any = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        if (shape is None) == (batch_shape is None):
            raise ValueError("Input needs either `shape`, such as (784,), or `batch_shape`, such as (None, 784).")
        self.shape = (
            checked_shape("Input", "shape", shape)
            if batch_shape is None
            else sample_shape("Input", "batch_shape", batch_shape)
        )

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"batch_shape": [None, *self.shape], "dtype": "float32", "name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Layer:
        """The layer that get_config(), or any version of Keras, described.

        Raises:
            ValueError: If a setting is unknown and in use.
        """
        config = dict(config)
        if config.get("batch_input_shape") is not None:  # Keras 2
            config["batch_shape"] = config.pop("batch_input_shape")
        return cls(**arguments(cls, {key: value for key, value in config.items() if key != "trainable"}))


def Input(
    shape: Any = None,
    batch_size: int | None = None,
    dtype: str | None = None,
    name: str | None = None,
    batch_shape: Any = None,
) -> InputLayer:
    """The shape of one sample, as first element of a model.

    Args:
        shape: Such as ``(784,)``.
        batch_size: Ignored; batches may have any size.
        dtype: Only ``"float32"``; inputs of other types are converted.
        name: As for every layer.
        batch_shape: ``(None, *shape)`` instead of `shape`.

    Raises:
        ValueError: If the shape is not known or not positive.

    Example:
        >>> from lamella import Input, Sequential
        >>> from lamella.layers import Dense
        >>> Sequential([Input((4,)), Dense(3)]).output_shape
        (None, 3)
    """
    return InputLayer(shape, batch_size, dtype, name, batch_shape)
