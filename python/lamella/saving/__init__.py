"""Models in files. No file holds code, and none is believed before it is checked."""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .. import _checks
from .._atomic import write_atomic
from .._public import publish
from . import _safetensors, _state
from ._errors import BadModelFile, ModelNotFoundError

__all__ = ["BadModelFile", "ModelNotFoundError", "load_model", "load_weights", "save_model", "save_weights"]

publish(globals())

_WHOLE = {".safetensors": "_safetensors", ".keras": "_keras", ".h5": "_legacy", ".hdf5": "_legacy"}
_WRITTEN = {".safetensors": "_safetensors", ".npz": "_npz", ".weights.h5": "_hdf5"}
_WEIGHTS = {**_WRITTEN, **_WHOLE}


def save_model(model: Any, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
    """Writes a model: its layers, weights, and where its training stands. A failed write leaves the old file.

    Args:
        model: A Sequential.
        filepath: ``*.safetensors``, or for Keras (needs h5py) ``*.keras`` or the older ``*.h5``.
        overwrite: Whether an existing file may be replaced.

    Raises:
        ValueError: If the name ends otherwise.
        FileExistsError: If the file exists and may not be replaced.
        ImportError: If h5py is needed and missing.

    Example:
        >>> import tempfile, lamella
        >>> model = lamella.Sequential([lamella.Input((2,)), lamella.layers.Dense(1)])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_model(model, f"{folder}/m.safetensors")
        ...     load_model(f"{folder}/m.safetensors").count_params()
        3
    """
    path, form = _target("save", filepath, _WHOLE, overwrite)
    write_atomic(path, form.dumps(_state.state_of(model, whole=True)))


def save_weights(model: Any, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
    """Writes the weights of a built model and its optimizer's state.

    Args:
        model: A Sequential.
        filepath: ``*.safetensors``, ``*.weights.h5`` for Keras 3 (needs h5py), or ``*.npz`` (weights alone).
        overwrite: Whether an existing file may be replaced.

    Raises:
        ValueError: If the name ends otherwise, or the model is not built.
        FileExistsError: If the file exists and may not be replaced.
        ImportError: If h5py is needed and missing.

    Example:
        >>> import tempfile, lamella
        >>> model = lamella.Sequential([lamella.Input((2,)), lamella.layers.Dense(1)])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_weights(model, f"{folder}/w.npz")
        ...     load_weights(model, f"{folder}/w.npz")
    """
    path, form = _target("save_weights", filepath, _WRITTEN, overwrite)
    write_atomic(path, form.dumps(_state.state_of(model, whole=False)))


def load_model(
    filepath: str | os.PathLike[str],
    custom_objects: Mapping[str, Any] | None = None,
    compile: bool = True,
    safe_mode: bool = True,
) -> Any:
    """The model that a file holds; trained on, it goes on as the one that was saved.

    Args:
        filepath: ``*.safetensors``, ``*.keras`` or ``*.h5``.
        custom_objects: Classes and functions of your own by name.
        compile: Whether to compile it as it was.
        safe_mode: Only True: no file can make lamella run code.

    Raises:
        ModelNotFoundError: If there is no such file.
        BadModelFile: If it is not what it should be.
        ValueError: If it names what lamella does not have.

    Example:
        >>> import tempfile, lamella
        >>> model = lamella.Sequential([lamella.Input((2,)), lamella.layers.Dense(1)])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.save(f"{folder}/model.safetensors")
        ...     load_model(f"{folder}/model.safetensors").output_shape
        (None, 1)
    """
    if safe_mode is not True:
        raise ValueError("load_model `safe_mode` must be True: lamella never runs code from files.")
    path, form = _source(filepath, _WHOLE)
    if not (custom_objects is None or isinstance(custom_objects, Mapping)):
        raise TypeError(
            f"`custom_objects` must be a dictionary from names to classes and functions, got {custom_objects!r} of "
            f"type {type(custom_objects).__name__}."
        )
    return _guarded(path, lambda content: _state.model_of(form.loads(content), custom_objects, compile))


def load_weights(
    model: Any, filepath: str | os.PathLike[str], skip_mismatch: bool = False, by_name: bool | None = None
) -> None:
    """Replaces all weights of a built model, and its optimizer's state where the file has one that fits, or nothing.

    Args:
        model: A built Sequential.
        filepath: ``*.safetensors``, ``*.npz``, ``*.weights.h5`` or ``*.keras``; ``*.h5`` of Keras 2, models or weights.
        skip_mismatch: Whether weights of another shape keep their values, with a warning.
        by_name: Whether layers take the weights of layers of the same name, and others keep theirs; for the files of
            Keras 2 only. By default layers with weights take them in order.

    Raises:
        ModelNotFoundError: If there is no such file.
        BadModelFile: If it is not what it should be, or does not fit the model.
        ValueError: If `by_name` is given for another file.

    Example:
        >>> import tempfile, lamella
        >>> first, second = (lamella.Sequential([lamella.Input((2,)), lamella.layers.Dense(1)]) for _ in range(2))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_weights(first, f"{folder}/w.npz")
        ...     load_weights(second, f"{folder}/w.npz")
        >>> bool((first.get_weights()[0] == second.get_weights()[0]).all())
        True
    """
    path, form = _source(filepath, _WEIGHTS)
    _state.require_built(model)

    def load(content: bytes) -> None:
        older = _form(Path(".h5"), _WHOLE) if path.suffix in (".h5", ".hdf5") else None
        if older is not None and older.is_legacy(content):  # whatever the name says
            state = older.loads_for(content, model, skip_mismatch, bool(by_name))
        elif by_name is not None:
            raise ValueError("`by_name` is for the .h5 files of Keras 2 only.")
        elif older is not None or hasattr(form, "loads_for"):
            newer = form if older is None else _form(Path(".weights.h5"), _WRITTEN)
            state = newer.loads_for(content, model, skip_mismatch)
        else:
            state = form.loads(content)
        _state.load_into(model, state, skip_mismatch)

    _guarded(path, load)


def backup(model: Any, epoch: int, batch: int) -> bytes:
    """What an interrupted fit, or another process, needs to go on with a batch of an epoch."""
    state = _state.state_of(model, whole=False)
    state.training["resume"] = [epoch, batch]
    return _safetensors.dumps(state)


def restore(model: Any, content: bytes) -> tuple[int, int]:
    """Takes up such a backup; returns the epoch and the batch to go on with."""
    state = _safetensors.loads(content)
    resume = state.training.get("resume")
    if not (isinstance(resume, list) and len(resume) == 2 and all(type(n) is int and n >= 0 for n in resume)):
        raise BadModelFile("it is no backup of a fit")
    _state.load_into(model, state, False)
    if state.training.get("keys") != model._training_state()["keys"]:
        model._rebuild_with_keys(state.training)
        _state.load_into(model, state, False)  # once more: what is built anew has fresh weights
    return resume[0], resume[1]


def write_backup(model: Any, path: str, epoch: int, batch: int) -> None:
    """Writes backup() to a file."""
    write_atomic(Path(path), backup(model, epoch, batch))


def restore_backup(model: Any, path: str) -> tuple[int, int]:
    """restore() from a file."""
    found: tuple[int, int] = _guarded(Path(path), lambda content: restore(model, content))
    return found


def dumps(model: Any) -> bytes:
    """A whole model as bytes, for pickles and copies."""
    return _safetensors.dumps(_state.state_of(model, whole=True))


def loads(content: bytes, custom_objects: Mapping[str, Any] | None = None, cls: Any = None) -> Any:
    """The model in such bytes."""
    return _state.model_of(_safetensors.loads(content), custom_objects, True, cls)


def _form(path: Path, known: Mapping[str, str]) -> Any:
    for ending, module in known.items():
        if path.name.endswith(ending):
            return importlib.import_module(f"{__name__}.{module}")
    other = next((f" {way}." for ending, way in _OTHERS.items() if path.name.endswith(ending)), "")
    raise ValueError(f"`filepath` must end in {', '.join(known)}; got {str(path)!r}.{other}")


_OTHERS = {
    ".npz": "Weights alone: save_weights() and load_weights()",
    ".weights.h5": "Weights alone: save_weights() and load_weights()",
    ".keras": "Whole models: save() and load_model()",
    ".onnx": "For ONNX: export()",
}


def _target(owner: str, filepath: Any, known: Mapping[str, str], overwrite: bool) -> tuple[Path, Any]:
    path = _checks.file_path("filepath", filepath)
    form = _form(path, known)
    if not _checks.flag(owner, "overwrite", overwrite) and path.exists():
        raise FileExistsError(f"{path} exists; pass overwrite=True to replace it, or another name.")
    return path, form


def _source(filepath: Any, known: Mapping[str, str]) -> tuple[Path, Any]:
    path = _checks.file_path("filepath", filepath)
    form = _form(path, known)
    if not path.exists():
        raise ModelNotFoundError(f"There is no file {path}.")
    if not path.is_file():
        raise BadModelFile(f"{path} is no regular file.")
    return path, form


def _guarded(path: Path, load: Any) -> Any:
    """What `load` makes of the content of `path`; errors name the file."""
    try:
        return load(path.read_bytes())
    except BadModelFile as error:
        raise BadModelFile(f"{path} cannot be loaded: {error}.") from None
    except ModuleNotFoundError:
        raise
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError) as error:
        text = str(error) if isinstance(error, (ValueError, TypeError)) else f"{type(error).__name__} {error}"
        raise BadModelFile(f"{path} cannot be loaded: {text}") from error
