"""`.keras`: a zip of config.json and model.weights.h5, and what Keras does not know in lamella.json."""

from __future__ import annotations

import hashlib
import io
import time
import zipfile
from typing import Any

from . import _hdf5, _json
from ._errors import BadModelFile
from ._npz import check_members
from ._state import VERSION, State, layout_of

_CONFIG, _WEIGHTS, _OURS, _METADATA = "config.json", "model.weights.h5", "lamella.json", "metadata.json"
_READ = (_CONFIG, _WEIGHTS, _OURS, _METADATA)


def dumps(state: State) -> bytes:
    """The bytes of a file."""
    config = {**(state.config or {}), **({"compile_config": state.compile_config} if state.compile_config else {})}
    members = {_CONFIG: _json.write(config), _WEIGHTS: _hdf5.dumps(state, sealed=False)}
    digests = {name: hashlib.sha256(part).hexdigest() for name, part in members.items()}
    ours = {"version": VERSION, "training": state.training, "sha256": digests}
    stamp = time.strftime("%Y-%m-%d@%H:%M:%S")
    metadata = {"keras_version": "3.0.0", "date_saved": stamp, "written_by": "lamella"}
    members = {_METADATA: _json.write(metadata), **members, _OURS: _json.write(ours)}
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, part in members.items():
            archive.writestr(name, part)
    return stream.getvalue()


def loads(content: bytes) -> State:
    """What a file holds; its weights have still to be read, when the model is known."""
    members, ours = _members(content)
    config = _json.read(members[_CONFIG], _CONFIG)
    compile_config = config.pop("compile_config", None)
    training = ours.get("training", {})
    state = State([], [], config=config, training=training if isinstance(training, dict) else {})
    state.compile_config = compile_config if isinstance(compile_config, dict) and compile_config else None
    state.later = lambda model, shape, shapes: _hdf5.read(
        members[_WEIGHTS], layout_of(model, shape), shapes, [str(i) for i in range(len(shapes))]
    )
    return state


def loads_for(content: bytes, model: Any, skip_mismatch: bool = False) -> State:
    """The weights for a built model."""
    return _hdf5.loads_for(_members(content)[0][_WEIGHTS], model, skip_mismatch)


def _members(content: bytes) -> tuple[dict[str, bytes], dict[str, Any]]:
    if not content:
        raise BadModelFile("it is empty")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            check_members(archive, len(content))
            members = {name: archive.read(name) for name in archive.namelist() if name in _READ}
    except BadModelFile:
        raise
    except Exception as error:  # zipfile's errors are of many kinds
        raise BadModelFile(f"it is no whole .keras file ({type(error).__name__}: {str(error)[:100]})") from None
    ours_too = {_OURS} if b'"written_by":"lamella"' in members.get(_METADATA, b"") else set()
    missing = {_CONFIG, _WEIGHTS, *ours_too} - {*members}
    if missing:
        raise BadModelFile(f"it lacks {' and '.join(sorted(missing))}")
    ours = _json.read(members[_OURS], _OURS) if _OURS in members else {}
    if type(ours.get("version", 0)) is not int or ours.get("version", 0) > VERSION:
        raise BadModelFile(f"it was written by version {ours.get('version')!r}; this lamella reads up to {VERSION}")
    for name, digest in dict(ours.get("sha256") or {}).items():
        if name not in members or hashlib.sha256(members[name]).hexdigest() != digest:
            raise BadModelFile(f"the SHA-256 of its {name!r} differs: it was changed or damaged")
    return members, ours
