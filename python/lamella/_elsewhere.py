"""Names of Keras that are not in lamella. Programs import more than they use, so only use raises."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, NoReturn

_DENSE_ONLY = "lamella has fully connected networks only; use Keras"
_NO_FUNCTIONS = "Python functions cannot run in the compiled core; transform the data before fit()"
_NO_GRAPHS = "put layers and models into Sequential([...])"

_WAYS_OUT = {
    "lamella": {
        "Model": _NO_GRAPHS,
        "ops": "use NumPy on the data, and model.gradients(x, y) for derivatives",
    },
    "lamella.models": {"Model": _NO_GRAPHS},
    "lamella.layers": {
        **dict.fromkeys(("Conv1D", "Conv2D", "Conv3D", "SeparableConv2D", "MaxPooling2D"), _DENSE_ONLY),
        **dict.fromkeys(("GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalMaxPooling1D"), _DENSE_ONLY),
        **dict.fromkeys(("LSTM", "GRU", "SimpleRNN", "Bidirectional", "MultiHeadAttention", "Attention"), _DENSE_ONLY),
        **dict.fromkeys(("Add", "Average", "Concatenate", "Multiply", "concatenate", "add"), _NO_GRAPHS),
        "Lambda": _NO_FUNCTIONS,
        "Masking": "dense networks see whole samples; drop or fill masked values before fit()",
        "Embedding": "use multi-hot or one-hot rows (a SciPy sparse matrix is never made dense) and a Dense layer",
        "TimeDistributed": "Dense works on the last axis of any shape by itself",
    },
    "lamella.optimizers": dict.fromkeys(("Adafactor", "Lamb", "Muon"), "AdamW and Lion come near to it"),
}


class _Absent(type):
    """A class that can be named, and nothing else."""

    def __init__(cls, name: str, bases: tuple[type, ...], members: dict[str, Any]) -> None:
        if bases:
            _refuse(bases[0])

    def __call__(cls, *args: Any, **kwargs: Any) -> NoReturn:
        _refuse(cls)

    def __getattr__(cls, name: str) -> NoReturn:
        raise AttributeError(cls.__doc__)


def _refuse(absent: type) -> NoReturn:
    raise TypeError(absent.__doc__)


def elsewhere(module: str) -> Callable[[str], type]:
    """The ``__getattr__`` of a module of ours: what stands for names of Keras, an AttributeError for others."""

    def find(name: str) -> type:
        way_out = _WAYS_OUT[module].get(name)
        if way_out is None:
            # with both for "Did you mean"
            raise AttributeError(f"module {module!r} has no attribute {name!r}", name=name, obj=sys.modules[module])
        return _Absent(name, (), {"__module__": module, "__doc__": f"{name} of Keras is not in lamella: {way_out}."})

    return find
