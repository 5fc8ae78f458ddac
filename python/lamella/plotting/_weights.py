"""The weights of a layer."""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .._checks import integer
from ._base import axes_for, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_weights(
    model: Any,
    layer: int | str | None = None,
    *,
    shape: tuple[int, int] | None = None,
    units: int = 64,
    colorbar: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """Draws the kernel of a layer: an image for each unit where its inputs are one, else the matrix.

    Blue is negative, white 0, red positive.

    Args:
        model: A built model, or a layer of one.
        layer: Index or name of a layer of the model; by default the first that has a kernel. Of a model in the model
            its first one.
        shape: ``(height, width)`` of the image that a unit sees; found out for the first layer when None.
        units: How many units to draw as images, the first ones.
        colorbar: Whether to draw the scale beside it.
        ax: Where to draw; a new pyplot figure when None.

    Returns:
        `ax`, or the new one.

    Raises:
        ImportError: If matplotlib is not installed.
        TypeError: If an argument is of another kind.
        ValueError: If there is no such layer, it has no kernel or one that is not finite, or `shape` does not fit.

    Example:
        >>> import lamella
        >>> from matplotlib.figure import Figure
        >>> model = lamella.Sequential([lamella.Input((4,)), lamella.layers.Dense(3)])
        >>> plot_weights(model, ax=Figure().subplots()).get_xlabel()
        'unit'
    """
    units = integer("plot_weights", "units", units, least=1)
    found, first = _layer(model, layer)
    kernel = np.asarray(found.get_weights()[0], np.float64)
    inputs = kernel.shape[0]
    if not np.isfinite(kernel).all():
        raise ValueError(
            f"The kernel of layer {found.name!r} must be finite, but has {_odd(kernel)}: training diverged."
        )
    shape = _checked(shape)
    if shape is not None and math.prod(shape) != inputs:
        raise ValueError(f"`shape` must hold the {inputs} inputs of layer {found.name!r}, got {shape}.")
    if shape is None and first:
        shape = _image_shape(model, inputs)
    ax = axes_for(ax, "draw weights")
    if shape is None:
        sheet = kernel
        ax.set(xlabel="unit", ylabel="input")
        ax.spines[:].set_visible(False)
    else:
        sheet = _grid(kernel[:, :units], shape)
        ax.set_axis_off()
    # The few largest weights would leave all others pale.
    most = float(np.nanpercentile(np.abs(sheet), 99.5)) or 1.0
    aspect: Any = "equal" if shape is not None or max(sheet.shape) < 4 * min(sheet.shape) else "auto"
    image = ax.imshow(
        np.ma.masked_invalid(sheet), cmap="RdBu_r", vmin=-most, vmax=most, interpolation="nearest", aspect=aspect
    )
    title = f"{short(found.name)}: {inputs} inputs, {kernel.shape[1]} units"
    ax.set_title(title, fontsize="medium", parse_math=False)
    if colorbar:
        ax.figure.colorbar(image, ax=ax, fraction=0.045, pad=0.03).outline.set_visible(False)
    return ax


def _odd(kernel: npt.NDArray[np.float64]) -> float:
    return float(kernel[~np.isfinite(kernel)][0])


def _checked(shape: Any) -> tuple[int, int] | None:
    if shape is None:
        return None
    if not isinstance(shape, (tuple, list)) or len(shape) != 2:
        raise TypeError(f"`shape` must be (height, width) or None, got {shape!r}.")
    height, width = (integer("plot_weights", "shape", side, least=1) for side in shape)
    return height, width


def _layer(model: Any, wanted: Any) -> tuple[Any, bool]:
    """The layer, and whether it is the first with a kernel."""
    if not hasattr(model, "get_weights"):
        raise TypeError(f"`model` must be a model or a layer, got {type(model).__name__}.")
    kernels = _kernels(model)
    if wanted is None:
        if not kernels:
            raise ValueError("plot_weights() needs a built model with a layer that has a kernel, such as Dense.")
        chosen = kernels[0]
    elif not hasattr(model, "layers"):
        raise ValueError(f"`layer` must be None where `model` is a layer, got {wanted!r}.")
    else:
        found = model.get_layer(wanted) if isinstance(wanted, str) else model.get_layer(index=_index(wanted))
        inside = _kernels(found)
        if not inside:
            raise ValueError(f"Layer {found.name!r} has no kernel to draw.")
        chosen = inside[0]
    return chosen, bool(kernels) and chosen is kernels[0] and chosen is not model


def _index(wanted: Any) -> int:
    if isinstance(wanted, (bool, np.bool_)) or not hasattr(wanted, "__index__"):
        raise TypeError(f"`layer` must be the index or name of a layer, or None; got {wanted!r}.")
    return operator.index(wanted)


def _kernels(layer: Any) -> list[Any]:
    """All layers in it that have a kernel, those of models in a model too."""
    if hasattr(layer, "layers"):
        return [found for each in layer.layers for found in _kernels(each)]
    weights = layer.get_weights() if getattr(layer, "built", False) else []
    return [layer] if len(weights) > 0 and weights[0].ndim == 2 else []


def _image_shape(model: Any, inputs: int) -> tuple[int, int] | None:
    """Where the samples are images, flat or not, their height and width."""
    given = model.input_shape[1:]
    if len(given) == 2 and math.prod(given) == inputs:
        return given  # type: ignore[no-any-return]
    side = math.isqrt(inputs)
    return (side, side) if given == (inputs,) and side * side == inputs and side >= 8 else None


def _grid(kernel: npt.NDArray[np.float64], shape: tuple[int, int]) -> npt.NDArray[np.float64]:
    """Images of the units beside and below each other, NaN between them."""
    (height, width), count = shape, kernel.shape[1]
    columns = math.ceil(math.sqrt(count))
    gap = max(1, round(0.08 * width))
    sheet = np.full((math.ceil(count / columns) * (height + gap) - gap, columns * (width + gap) - gap), np.nan)
    for i in range(count):
        y, x = i // columns * (height + gap), i % columns * (width + gap)
        sheet[y : y + height, x : x + width] = kernel[:, i].reshape(shape)
    return sheet
