"""Handwritten-looking digits drawn on the spot: MNIST's shapes and dtypes, no file and no network."""

from __future__ import annotations

from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

_Split: TypeAlias = tuple[NDArray[np.uint8], NDArray[np.uint8]]
_Stroke: TypeAlias = tuple[tuple[float, float], ...]

# Per digit its ways of writing; each is a few strokes of points (x right, y down) in the unit square. A smooth curve
# runs through the points of a stroke. Strokes that share a point stay joined there: that is how corners are made.
_TEMPLATES: tuple[tuple[tuple[_Stroke, ...], ...], ...] = (
    (  # 0: round; narrow, closing past its start
        (((0.52, 0.05), (0.25, 0.17), (0.14, 0.5), (0.25, 0.83), (0.5, 0.95), (0.77, 0.82), (0.87, 0.5), (0.76, 0.17),
          (0.5, 0.05)),),
        (((0.6, 0.1), (0.42, 0.07), (0.27, 0.3), (0.25, 0.65), (0.4, 0.93), (0.62, 0.85), (0.74, 0.55), (0.7, 0.22),
          (0.5, 0.04)),),
    ),
    (  # 1: a line; with a flag; with flag and foot
        (((0.5, 0.04), (0.5, 0.35), (0.5, 0.65), (0.5, 0.96)),),
        (((0.34, 0.24), (0.44, 0.16), (0.54, 0.04)), ((0.54, 0.04), (0.53, 0.35), (0.51, 0.65), (0.5, 0.96))),
        (((0.36, 0.22), (0.52, 0.05)), ((0.52, 0.05), (0.52, 0.5), (0.52, 0.94)),
         ((0.3, 0.94), (0.52, 0.94), (0.74, 0.93))),
    ),
    (  # 2: with a corner; with a loop at the foot
        (((0.18, 0.27), (0.32, 0.09), (0.6, 0.06), (0.78, 0.26), (0.64, 0.53), (0.4, 0.75), (0.17, 0.93)),
         ((0.17, 0.93), (0.5, 0.92), (0.86, 0.9))),
        (((0.22, 0.22), (0.42, 0.06), (0.7, 0.13), (0.7, 0.4), (0.5, 0.68), (0.27, 0.9), (0.14, 0.83), (0.27, 0.73),
          (0.52, 0.88), (0.72, 0.93), (0.9, 0.83)),),
    ),
    (  # 3: two bows meeting; with a flat top
        (((0.2, 0.16), (0.42, 0.05), (0.7, 0.1), (0.75, 0.29), (0.61, 0.43), (0.4, 0.48)),
         ((0.4, 0.48), (0.67, 0.52), (0.82, 0.69), (0.7, 0.89), (0.43, 0.96), (0.16, 0.85))),
        (((0.2, 0.08), (0.48, 0.08), (0.78, 0.07)), ((0.78, 0.07), (0.6, 0.25), (0.44, 0.42)),
         ((0.44, 0.42), (0.72, 0.5), (0.78, 0.73), (0.58, 0.93), (0.2, 0.9))),
    ),
    (  # 4: open; closed at the top; open with a bent bar
        (((0.24, 0.07), (0.19, 0.34), (0.17, 0.55)), ((0.17, 0.55), (0.5, 0.55), (0.9, 0.52)),
         ((0.76, 0.07), (0.71, 0.5), (0.66, 0.95))),
        (((0.64, 0.05), (0.38, 0.34), (0.12, 0.63)), ((0.12, 0.63), (0.5, 0.64), (0.9, 0.61)),
         ((0.64, 0.05), (0.65, 0.5), (0.64, 0.95))),
        (((0.26, 0.09), (0.16, 0.36), (0.3, 0.52), (0.55, 0.5), (0.77, 0.4)),
         ((0.83, 0.05), (0.77, 0.4), (0.68, 0.68), (0.62, 0.95))),
    ),
    (  # 5: with corners; in one swing
        (((0.82, 0.06), (0.56, 0.07), (0.3, 0.09)), ((0.3, 0.09), (0.26, 0.26), (0.23, 0.44)),
         ((0.23, 0.44), (0.5, 0.37), (0.76, 0.48), (0.8, 0.72), (0.6, 0.91), (0.34, 0.95), (0.16, 0.84))),
        (((0.88, 0.05), (0.65, 0.06), (0.45, 0.12), (0.34, 0.3), (0.42, 0.43), (0.62, 0.53), (0.71, 0.72),
          (0.56, 0.91), (0.32, 0.94), (0.14, 0.85)),),
    ),
    (  # 6: bent stem; straight stem with a small loop
        (((0.7, 0.05), (0.45, 0.18), (0.26, 0.45), (0.2, 0.72), (0.36, 0.93), (0.62, 0.92), (0.77, 0.74), (0.66, 0.55),
          (0.44, 0.55), (0.24, 0.71)),),
        (((0.5, 0.04), (0.36, 0.3), (0.26, 0.6), (0.3, 0.85), (0.52, 0.95), (0.72, 0.84), (0.68, 0.66), (0.5, 0.61),
          (0.31, 0.76)),),
    ),
    (  # 7: plain; crossed; with a curved stem and a serif
        (((0.15, 0.1), (0.5, 0.09), (0.84, 0.08)), ((0.84, 0.08), (0.64, 0.5), (0.42, 0.95))),
        (((0.15, 0.1), (0.5, 0.09), (0.82, 0.07)), ((0.82, 0.07), (0.62, 0.5), (0.42, 0.95)),
         ((0.36, 0.53), (0.59, 0.51), (0.84, 0.48))),
        (((0.16, 0.26), (0.19, 0.1)), ((0.19, 0.1), (0.45, 0.13), (0.78, 0.08)),
         ((0.78, 0.08), (0.68, 0.33), (0.54, 0.6), (0.5, 0.95))),
    ),
    (  # 8: one swing from the upper right; two rings
        (((0.74, 0.16), (0.5, 0.05), (0.28, 0.17), (0.34, 0.36), (0.62, 0.56), (0.75, 0.78), (0.52, 0.95), (0.27, 0.82),
          (0.36, 0.58), (0.63, 0.39), (0.76, 0.17)),),
        (((0.5, 0.46), (0.29, 0.31), (0.35, 0.1), (0.6, 0.06), (0.72, 0.26), (0.5, 0.46)),
         ((0.5, 0.46), (0.25, 0.64), (0.29, 0.87), (0.55, 0.95), (0.76, 0.78), (0.7, 0.58), (0.5, 0.46))),
    ),
    (  # 9: straight stem; bent stem; stem ending in a hook
        (((0.74, 0.2), (0.52, 0.06), (0.29, 0.18), (0.25, 0.4), (0.46, 0.5), (0.68, 0.37), (0.74, 0.2)),
         ((0.74, 0.2), (0.71, 0.55), (0.68, 0.95))),
        (((0.72, 0.22), (0.55, 0.06), (0.32, 0.13), (0.24, 0.35), (0.42, 0.48), (0.65, 0.36), (0.72, 0.22)),
         ((0.72, 0.22), (0.68, 0.5), (0.56, 0.75), (0.4, 0.95))),
        (((0.75, 0.16), (0.53, 0.05), (0.3, 0.17), (0.3, 0.39), (0.53, 0.46), (0.75, 0.16)),
         ((0.75, 0.16), (0.76, 0.5), (0.68, 0.83), (0.47, 0.95), (0.25, 0.86))),
    ),
)  # fmt: skip

_SIDE = 28
_MARGIN = 3  # a drawing may leave the image by this much before it is cut off
_NODES = 72  # points sampled along all strokes of a digit: at most about a pixel apart
_BATCH = 512  # images drawn together; small enough for the caches
_SHAPE_DRAWS = 18  # random numbers an image takes besides two per control point


def load_data(seed: int = 0, *, num_train: int = 60_000, num_test: int = 10_000) -> tuple[_Split, _Split]:
    """Draws a training and a test set of digits, the same ones for the same seed.

    Each image is a way of writing its digit whose points are shaken, then slanted, turned, stretched, bent, moved and
    drawn with a pen of random width. The images are ordered at random; fewer images are the first ones of more.

    Args:
        seed: Whole number from 0 up; train and test are separate random streams of it.
        num_train: How many training images to draw.
        num_test: How many test images to draw.

    Returns:
        ``(x_train, y_train), (x_test, y_test)``, all uint8; pixels run from 0 (paper) to 255 (ink).

    Shapes:
        x_train (num_train, 28, 28), y_train (num_train,), x_test (num_test, 28, 28), y_test (num_test,).

    Raises:
        TypeError: If an argument is not a whole number.
        ValueError: If an argument is negative.

    Example:
        >>> from lamella.datasets import digits
        >>> (x_train, y_train), (x_test, y_test) = digits.load_data(num_train=100, num_test=20)
        >>> x_train.shape, x_train.dtype, y_test.shape
        ((100, 28, 28), dtype('uint8'), (20,))
    """
    _check(seed=seed, num_train=num_train, num_test=num_test)
    # `random` is the one Generator method used: its bits follow from PCG64 alone, on every platform.
    train, test = (np.random.Generator(np.random.PCG64(s)) for s in np.random.SeedSequence(int(seed)).spawn(2))
    return _draw_set(train, int(num_train)), _draw_set(test, int(num_test))


def _check(**arguments: object) -> None:
    for name, value in arguments.items():
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
            raise TypeError(
                f"`{name}` must be a whole number, got {value!r} of type {type(value).__name__}. "
                f"Pass an int such as {name}=0."
            )
        if value < 0:
            raise ValueError(f"`{name}` must be 0 or more, got {value}. Pass a whole number from 0 up.")


class _Alphabet:
    """The templates as arrays, padded to one size so that a batch of different digits is one computation."""

    def __init__(self) -> None:
        ways = [(digit, way) for digit, ways in enumerate(_TEMPLATES) for way in ways]
        self.first = np.array([[digit for digit, _ in ways].index(digit) for digit in range(10)])
        self.count = np.array([len(ways) for ways in _TEMPLATES])
        most = max(len({point for stroke in way for point in stroke}) for _, way in ways)
        self.points = np.zeros((len(ways), most, 2))  # control points, (ways, points, 2)
        self.spline = np.zeros((len(ways), _NODES, most))  # nodes = spline @ points
        self.pen = np.zeros((len(ways), _NODES - 1))  # 1 where the pen is down between two nodes
        for i, (_, way) in enumerate(ways):
            unique = list(dict.fromkeys(point for stroke in way for point in stroke))
            self.points[i, : len(unique)] = unique
            lengths = np.array([sum(float(np.hypot(c - a, d - b)) for (a, b), (c, d) in pairwise(s)) for s in way])
            ends = np.rint(np.cumsum(lengths) / lengths.sum() * _NODES).astype(int)
            for stroke, begin, end in zip(way, [0, *ends[:-1]], ends, strict=True):
                columns = [unique.index(point) for point in stroke]
                np.add.at(self.spline[i, begin:end].T, columns, _catmull_rom(len(stroke), end - begin).T)
                self.pen[i, begin : end - 1] = 1


def _catmull_rom(points: int, nodes: int) -> NDArray[np.float64]:
    """Matrix (nodes, points) from control points to points on the smooth curve through them."""
    place = np.linspace(0, points - 1, nodes)
    left = np.minimum(place.astype(int), points - 2)
    t = place - left
    weights = ((-t + 2 * t**2 - t**3) / 2, 1 - 2.5 * t**2 + 1.5 * t**3,
               (t + 4 * t**2 - 3 * t**3) / 2, (t**3 - t**2) / 2)  # fmt: skip
    matrix = np.zeros((nodes, points))
    for offset, weight in enumerate(weights, start=-1):
        np.add.at(matrix, (np.arange(nodes), np.clip(left + offset, 0, points - 1)), weight)
    return matrix


def _draw_set(random: np.random.Generator, num: int) -> _Split:
    alphabet = _Alphabet()
    images, labels = np.empty((num, _SIDE, _SIDE), np.uint8), np.empty(num, np.uint8)
    points = alphabet.points.shape[1]
    for begin in range(0, num, _BATCH):
        batch = slice(begin, min(begin + _BATCH, num))
        # One row of numbers per image, so that an image does not depend on how many follow.
        draws = random.random((batch.stop - begin, _SHAPE_DRAWS + 2 * points))
        labels[batch] = digit = (draws[:, 0] * 10).astype(np.intp)
        way = alphabet.first[digit] + (draws[:, 1] * alphabet.count[digit]).astype(np.intp)
        signed = 2 * draws[:, 2:] - 1
        nodes = _write(alphabet, way, signed)
        images[batch] = _ink(nodes, alphabet.pen[way], signed)
    return images, labels


def _write(alphabet: _Alphabet, way: NDArray[np.intp], signed: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shakes, bends and places each template; returns the nodes in pixels, (batch, nodes, 2)."""
    d = signed[:, :, None]
    shake = signed[:, _SHAPE_DRAWS - 2 :].reshape(len(way), -1, 2)
    care = 0.07 + 0.09 * d[:, 15:16] ** 2  # most hands are tidy, some are not
    nodes = np.matmul(alphabet.spline[way], alphabet.points[way] + care * shake) - 0.5
    x, y = nodes[:, :, 0], nodes[:, :, 1]
    # Smooth warp: a random quadratic and cubic map of the square, near the identity.
    x, y = (
        x + 0.3 * d[:, 0] * (y * y - 0.1) + 0.4 * d[:, 1] * x * y + 0.7 * d[:, 2] * y**3,
        y + 0.3 * d[:, 3] * (x * x - 0.05) + 0.4 * d[:, 4] * x * y + 0.7 * d[:, 5] * x**3,
    )
    # Triangular draws: large slants and turns are rare, as in handwriting.
    slant, angle = 0.2 + 0.35 * (d[:, 6] + d[:, 7]), 0.2 * (d[:, 8] + d[:, 9])
    height = 19.5 + 2 * d[:, 10]
    width = height * (0.85 + 0.25 * d[:, 11])
    x, y = width * (x - slant * y), height * y
    cos, sin = np.cos(angle), np.sin(angle)
    x, y = cos * x - sin * y, sin * x + cos * y
    centre = (_SIDE - 1) / 2
    x = x - x.mean(axis=1, keepdims=True) + centre + 1.6 * d[:, 12]
    y = y - y.mean(axis=1, keepdims=True) + centre + 1.6 * d[:, 13]
    return np.stack((x, y), axis=2)


def _ink(nodes: NDArray[np.float64], pen: NDArray[np.float64], signed: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Draws lines between the nodes: ink dropped on the four pixels around each, spread, and cut off at black."""
    side = _SIDE + 2 * _MARGIN
    step = np.diff(nodes, axis=1)
    drop = np.sqrt(step[:, :, 0] ** 2 + step[:, :, 1] ** 2) * pen
    place = np.clip((nodes[:, 1:] + nodes[:, :-1]) / 2 + _MARGIN, 0, side - 1.001)
    corner = place.astype(np.intp)
    right, down = (place - corner)[:, :, 0], (place - corner)[:, :, 1]
    pixel = (np.arange(len(nodes))[:, None] * side + corner[:, :, 1]) * side + corner[:, :, 0]
    lower, upper = drop * down, drop * (1 - down)
    spots = np.stack((pixel, pixel + 1, pixel + side, pixel + side + 1))
    drops = np.stack((upper * (1 - right), upper * right, lower * (1 - right), lower * right))
    sheets = np.bincount(spots.ravel(), drops.ravel(), len(nodes) * side * side)
    ink = sheets.astype(np.float32).reshape(-1, side, side)
    ink = ink[:, :-2] + 2 * ink[:, 1:-1] + ink[:, 2:]
    ink = ink[:, :, :-2] + 2 * ink[:, :, 1:-1] + ink[:, :, 2:]
    cut = slice(_MARGIN - 1, _MARGIN - 1 + _SIDE)
    gain = (3.2 + 1.6 * signed[:, 14]).astype(np.float32)[:, None, None] / 16
    shade = ink[:, cut, cut] * gain - np.float32(0.06)  # paper shows no trace of ink
    return (np.clip(shade, 0, 1) * np.float32(255)).astype(np.uint8)
