"""Layers that normalize: by the batch, by the sample, and by what is known of the data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from .. import constraints, initializers, regularizers
from .._checks import flag, real
from .base import Layer, Shape, Weight, last_axis


class _Affine(Layer):
    """γ x̂ + β, with the arguments that come with the two weights."""

    def __init__(
        self,
        axis: Any,
        epsilon: float,
        center: bool,
        scale: bool,
        beta_initializer: Any,
        gamma_initializer: Any,
        beta_regularizer: Any,
        gamma_regularizer: Any,
        beta_constraint: Any,
        gamma_constraint: Any,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        kind = type(self).__name__
        self.axis = axis
        self.epsilon = real(kind, "epsilon", epsilon, least=0)
        self.center = flag(kind, "center", center)
        self.scale = flag(kind, "scale", scale)
        self.beta_initializer = initializers.get(beta_initializer, "beta_initializer")
        self.gamma_initializer = initializers.get(gamma_initializer, "gamma_initializer")
        self.beta_regularizer = regularizers.get(beta_regularizer, "beta_regularizer")
        self.gamma_regularizer = regularizers.get(gamma_regularizer, "gamma_regularizer")
        self.beta_constraint = constraints.get(beta_constraint, "beta_constraint")
        self.gamma_constraint = constraints.get(gamma_constraint, "gamma_constraint")

    def _affine_specs(self, shape: Shape) -> list[Weight]:
        gamma = Weight(
            "gamma",
            shape,
            self.gamma_initializer,
            regularizer=self.gamma_regularizer,
            constraint=self.gamma_constraint,
        )
        beta = Weight(
            "beta", shape, self.beta_initializer, regularizer=self.beta_regularizer, constraint=self.beta_constraint
        )
        return [gamma] * self.scale + [beta] * self.center

    def _spec(self, core: Any) -> Any:
        spec = getattr(core.layers, type(self).__name__)()
        spec.epsilon, spec.center, spec.scale = self.epsilon, self.center, self.scale
        return spec

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, as Keras writes them."""
        return {
            **super().get_config(),
            "axis": self.axis,
            "epsilon": self.epsilon,
            "center": self.center,
            "scale": self.scale,
            "beta_initializer": initializers.serialize(self.beta_initializer),
            "gamma_initializer": initializers.serialize(self.gamma_initializer),
            "beta_regularizer": regularizers.serialize(self.beta_regularizer),
            "gamma_regularizer": regularizers.serialize(self.gamma_regularizer),
            "beta_constraint": constraints.serialize(self.beta_constraint),
            "gamma_constraint": constraints.serialize(self.gamma_constraint),
        }


class BatchNormalization(_Affine):
    """``y = γ (x - μ) / sqrt(σ² + ε) + β`` with mean and variance of the batch; in prediction with moving averages.

    With ``trainable=False`` it uses the moving averages in training, too, and leaves them alone.

    Args:
        axis: The axis of features: the last one.
        momentum: How slowly the moving averages follow, in [0, 1].
        epsilon: ε, at least 0.
        center: Whether to add β.
        scale: Whether to multiply by γ.
        beta_initializer, gamma_initializer, moving_mean_initializer, moving_variance_initializer: Start values.
        beta_regularizer, gamma_regularizer, beta_constraint, gamma_constraint: As for Dense.
        renorm, renorm_clipping, renorm_momentum, synchronized: Only what they are by default; for files of Keras.
        **options: As for every layer.

    Shapes:
        input and output ``(batch, ..., features)``; weights γ, β, moving mean and moving variance ``(features,)``

    Source:
        Ioffe & Szegedy 2015, "Batch normalization".

    Example:
        >>> from lamella import Input, Sequential
        >>> from lamella.layers import BatchNormalization
        >>> Sequential([Input((3,)), BatchNormalization()]).count_params()
        12
    """

    def __init__(
        self,
        axis: Any = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        renorm: bool = False,
        renorm_clipping: None = None,
        renorm_momentum: float = 0.99,
        synchronized: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(
            axis,
            epsilon,
            center,
            scale,
            beta_initializer,
            gamma_initializer,
            beta_regularizer,
            gamma_regularizer,
            beta_constraint,
            gamma_constraint,
            **options,
        )
        self.momentum = real("BatchNormalization", "momentum", momentum, least=0, most=1)
        self.moving_mean_initializer = initializers.get(moving_mean_initializer, "moving_mean_initializer")
        self.moving_variance_initializer = initializers.get(moving_variance_initializer, "moving_variance_initializer")
        if renorm:
            raise ValueError("BatchNormalization `renorm` must be False: lamella has no batch renormalization.")

    def compute_output_shape(self, shape: Shape) -> Shape:
        """The shape of the input."""
        if last_axis("BatchNormalization", self.axis, shape) != len(shape):
            raise ValueError(
                f"BatchNormalization layer {self.name!r} normalizes the last axis only, got axis={self.axis} for "
                f"samples of shape {shape}; use Reshape or another order of axes."
            )
        return shape

    def weight_specs(self, shape: Shape) -> list[Weight]:
        """γ, β, moving mean, moving variance."""
        features = (shape[-1],)
        return [
            *self._affine_specs(features),
            Weight("moving_mean", features, self.moving_mean_initializer, trainable=False),
            Weight("moving_variance", features, self.moving_variance_initializer, trainable=False),
        ]

    def _spec(self, core: Any) -> Any:
        spec = super()._spec(core)
        spec.momentum = self.momentum
        return spec

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, as Keras writes them."""
        return {
            **super().get_config(),
            "momentum": self.momentum,
            "moving_mean_initializer": initializers.serialize(self.moving_mean_initializer),
            "moving_variance_initializer": initializers.serialize(self.moving_variance_initializer),
        }


class _BySample(Layer):
    """Works on the last axes of a sample, from `axis` on."""

    axis: Any

    def _first(self, shape: Shape) -> int:
        """The first axis of a sample (from 0) that belongs to the rows."""
        kind = type(self).__name__
        axes = self.axis if isinstance(self.axis, Sequence) else (self.axis,)
        numbers = sorted(last_axis(kind, axis, shape) for axis in axes)
        if not numbers or numbers != list(range(numbers[0], len(shape) + 1)):
            raise ValueError(
                f"{kind} layer {self.name!r} works on the last axes only, got axis={self.axis} for samples of shape "
                f"{shape}; use Reshape or another order of axes."
            )
        return numbers[0] - 1

    def compute_output_shape(self, shape: Shape) -> Shape:
        """The shape of the input."""
        self._first(shape)
        return shape

    def _groups(self, shape: Shape) -> int:
        return math.prod(shape[: self._first(shape)])


class LayerNormalization(_BySample, _Affine):
    """``y = γ (x - μ) / sqrt(σ² + ε) + β`` with mean and variance of each sample.

    Args:
        axis: The axis, or the last axes, that mean and variance are taken over.
        epsilon: ε, at least 0.
        center: Whether to add β.
        scale: Whether to multiply by γ.
        rms_scaling: Only False; for files of Keras.
        beta_initializer, gamma_initializer: Start values.
        beta_regularizer, gamma_regularizer, beta_constraint, gamma_constraint: As for Dense.
        **options: As for every layer.

    Source:
        Ba, Kiros & Hinton 2016, "Layer normalization".

    Example:
        >>> import numpy as np
        >>> from lamella import Input, Sequential
        >>> from lamella.layers import LayerNormalization
        >>> Sequential([Input((2,)), LayerNormalization(epsilon=0.0)]).predict(np.array([[1.0, 3.0]]))
        array([[-1.,  1.]], dtype=float32)
    """

    def __init__(
        self,
        axis: Any = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        rms_scaling: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(
            axis,
            epsilon,
            center,
            scale,
            beta_initializer,
            gamma_initializer,
            beta_regularizer,
            gamma_regularizer,
            beta_constraint,
            gamma_constraint,
            **options,
        )
        if rms_scaling:
            raise ValueError("LayerNormalization `rms_scaling` must be False; UnitNormalization comes near to it.")

    def weight_specs(self, shape: Shape) -> list[Weight]:
        """γ and β, of the shape of the normalized axes."""
        return self._affine_specs(shape[self._first(shape) :])


class UnitNormalization(_BySample):
    """``y = x / max(‖x‖₂, 1e-12)``, sample by sample.

    Args:
        axis: The axis, or the last axes, that the norm is taken over.
        **options: As for every layer.

    Example:
        >>> import numpy as np
        >>> from lamella import Input, Sequential
        >>> from lamella.layers import UnitNormalization
        >>> Sequential([Input((2,)), UnitNormalization()]).predict(np.array([[3.0, 4.0]]))
        array([[0.6, 0.8]], dtype=float32)
    """

    def __init__(self, axis: Any = -1, **options: Any) -> None:
        super().__init__(**options)
        self.axis = axis

    def _spec(self, core: Any) -> Any:
        return core.layers.UnitNormalization()

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, as Keras writes them."""
        return {**super().get_config(), "axis": self.axis}
