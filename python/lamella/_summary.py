"""The text of Sequential.summary(), as Keras 3 prints it."""

from __future__ import annotations

import math
import shutil
import sys
import textwrap
from collections.abc import Callable, Sequence
from typing import Any

from ._checks import integer, real, several
from ._progress import can_encode
from ._registry import snake_case, unknown

_COLUMNS = ("Layer (type)", "Output Shape", "Param #")
_PLAIN = str.maketrans("┏┳┓┡╇┩├┼┤└┴┘━─┃│…", "++++++++++++=-||.")  # for encodings without such lines
_ENDS = (0.45, 0.80, 1.0)
_WIDEST = 10_000  # signs: what no terminal has


def size_text(count: int) -> str:
    """Bytes of `count` float32 numbers, for people.

    Example:
        >>> size_text(1024)
        '4.00 KB'
    """
    size = float(count * 4)
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1024 or unit == "GB":
            break
        size /= 1024
    return f"{size:.2f} {unit}"


def _cells(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, break_long_words=True, break_on_hyphens=False) or [""]


def _shape_text(shape: Any) -> str:
    return "?" if shape is None else str(tuple(shape))


def _rows(layers: Sequence[Any], show_trainable: bool, expand: bool, indent: str = "") -> list[list[str]]:
    """A row a layer; those of nested models under theirs if asked."""
    rows = []
    for layer in layers:
        params = f"{layer.count_params():,}" if layer.built else "0 (unbuilt)"
        shape = layer.output_shape if layer.built else None
        row = [f"{indent}{layer.name} ({type(layer).__name__})", _shape_text(shape), params]
        rows.append(row + (["Y" if layer.trainable else "N"] if show_trainable else []))
        if expand and hasattr(layer, "layers"):
            rows += _rows(layer.layers, show_trainable, expand, indent + "└ ")
    return rows


def summary(
    model: Any,
    layers: Sequence[Any],
    line_length: int | None,
    positions: Sequence[float] | None,
    show_trainable: bool,
    expand_nested: bool,
) -> str:
    """The table of `layers` of a model and the counts of all its parameters."""
    if line_length is not None:
        line_length = min(integer("summary", "line_length", line_length, least=1), _WIDEST)
    else:
        line_length = min(88, shutil.get_terminal_size().columns - 4)
        line_length += 12 if show_trainable else 0
    columns = list(_COLUMNS)
    given = several("summary", "positions", positions or _ENDS, "numbers")
    ends = [real("summary", "positions", end, least=0) for end in given]
    if show_trainable:
        columns.append("Trai…")
        if not positions:
            ends = [e * 0.85 for e in ends] + [1.0]
    if len(ends) != len(columns):
        raise ValueError(f"`positions` must hold {len(columns)} numbers, one for each column, got {len(ends)}.")
    stops = [int(end) if end > 1 else math.floor(line_length * end) for end in ends]
    widths = [stop - start for start, stop in zip([0, *stops], stops, strict=False)]
    inner = [width - 4 for width in widths]
    if min(inner) < 1:
        raise ValueError(f"`line_length`={line_length} leaves no room for the columns of the summary; use 40 or more.")
    for i in range(line_length - sum(inner) - 3 * len(inner) - 1):  # what the rules and padding leave over
        inner[-((i + 1) // 2)] += 1
    rows = _rows(layers, show_trainable, expand_nested)

    def ruled(left: str, fill: str, middle: str, right: str) -> str:
        return left + middle.join(fill * (w + 2) for w in inner) + right

    def lines(cells: list[str], bar: str) -> list[str]:
        wrapped = [_cells(cell, width) for cell, width in zip(cells, inner, strict=True)]
        height = max(map(len, wrapped))
        out = []
        for i in range(height):
            parts = []
            for column, (cell, width) in enumerate(zip(wrapped, inner, strict=True)):
                text = cell[i] if i < len(cell) else ""
                parts.append(text.rjust(width) if column == 2 else text.ljust(width))
            out.append(f"{bar} " + f" {bar} ".join(parts) + f" {bar}")
        return out

    text = [f'Model: "{model.name}"', ruled("┏", "━", "┳", "┓"), *lines(columns, "┃"), ruled("┡", "━", "╇", "┩")]
    for i, row in enumerate(rows):
        text += lines(row, "│")
        text.append(ruled("├", "─", "┼", "┤") if i + 1 < len(rows) else ruled("└", "─", "┴", "┘"))
    if not rows:
        text.append(ruled("└", "─", "┴", "┘"))
    total = model.count_params() if model.built else 0
    extra = model._optimizer_numbers()
    frozen = sum(weight.size for weight in model.non_trainable_weights)

    def line(label: str, count: int) -> str:
        return f" {label} params: {count:,} ({size_text(count)})"

    text += [line("Total", total + extra), line("Trainable", total - frozen), line("Non-trainable", frozen)]
    if extra:
        text.append(line("Optimizer", extra))
    return "\n".join(text) + "\n"


def _print(text: str) -> None:
    """Prints to standard output; what its encoding lacks is drawn with other signs, or escaped."""
    if not can_encode(sys.stdout, text):
        encoding = sys.stdout.encoding
        text = text.translate(_PLAIN).encode(encoding, "backslashreplace").decode(encoding)
    print(text, end="")


def _html(model: Any, layers: Sequence[Any]) -> str:
    """The same for notebooks, and what compile() was told."""
    from ._markup import table  # not before somebody looks
    from ._markup import text as escaped

    total = model.count_params() if model.built else 0
    frozen = sum(weight.size for weight in model.non_trainable_weights)
    counts = f"{total:,} weights ({size_text(total)})" if model.built else "not built: it has seen no data yet"
    lines = [f"<b>{escaped(type(model).__name__)} “{escaped(model.name)}”</b>: {counts}"]
    lines[0] += f", {frozen:,} of them not trained" if frozen else ""
    compiled = getattr(model, "_compiled", None)
    if compiled is not None:
        loss = compiled.given_loss
        loss = loss if isinstance(loss, str) else getattr(loss, "__name__", None) or snake_case(type(loss).__name__)
        told = [f"optimizer {type(compiled.optimizer).__name__}", f"loss {loss}"]
        told += [f"metrics {', '.join(compiled.names)}"] if compiled.names else []
        lines.append(escaped("; ".join(told)))
    return f"<div><div>{'</div><div>'.join(lines)}</div>{table(_COLUMNS, _rows(layers, False, True), left=2)}</div>"


class Shown:
    """What a model shows of itself and of its layers."""

    name: str
    built: bool
    _layers: list[Any]

    def get_layer(self, name: str | None = None, index: int | None = None) -> Any:
        """The layer with a name or at an index.

        Raises:
            ValueError: If not exactly one of both is given, or there is no such layer.

        Example:
            >>> model = lamella.Sequential([lamella.layers.Dense(1, name="out")])
            >>> model.get_layer("out") is model.get_layer(index=0)
            True
        """
        if (name is None) == (index is None):
            raise ValueError("get_layer() needs either `name` or `index`.")
        if index is not None:
            index = integer("get_layer", "index", index, least=-(2**63))
            if not -len(self._layers) <= index < len(self._layers):
                raise ValueError(f"There is no layer {index}: the model has {len(self._layers)} layers.")
            return self._layers[index]
        for layer in self._layers:
            if layer.name == name:
                return layer
        raise unknown("layer", name, [layer.name for layer in self._layers])

    def summary(
        self,
        line_length: int | None = None,
        positions: Sequence[float] | None = None,
        print_fn: Callable[[str], Any] | None = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: Sequence[str] | None = None,
    ) -> None:
        """Prints the layers, their output shapes and their numbers of weights.

        Args:
            line_length: Width of the table; by default that of the terminal, at most 88.
            positions: Where columns end, as shares or columns.
            print_fn: Called once with the whole text instead of print.
            expand_nested: Whether to list the layers of nested models, too.
            show_trainable: Whether to add a column that says what is trained.
            layer_range: Names of the first and last layer to list.

        Raises:
            ValueError: If `layer_range` does not name two layers, or an argument is out of range.
            TypeError: If an argument is of the wrong kind.

        Example:
            >>> model = lamella.Sequential([lamella.Input((2,)), lamella.layers.Dense(1)])
            >>> lines = []
            >>> model.summary(print_fn=lines.append)
            >>> "Trainable params: 3" in lines[0]
            True
        """
        if not (print_fn is None or callable(print_fn)):
            raise TypeError(f"summary `print_fn` must be a function of a text, got {print_fn!r}.")
        shown = self._layers
        if layer_range is not None:
            names = several("summary", "layer_range", layer_range, "two names")
            if len(names) != 2:
                raise ValueError(f"summary `layer_range` must name the first and the last layer, got {layer_range!r}.")
            first, last = (self._layers.index(self.get_layer(name)) for name in names)
            shown = self._layers[first : last + 1]
        (print_fn or _print)(summary(self, shown, line_length, positions, show_trainable, expand_nested))

    def _repr_html_(self) -> str:
        """What a notebook shows of the model."""
        return _html(self, self._layers)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name!r}, layers={len(self._layers)}, built={self.built}>"
