"""MNIST: 70,000 handwritten digits of 28 by 28 pixels."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, TypeAlias

from numpy.typing import NDArray

from .. import _fetch
from .._fetch import DatasetNotFoundError, File
from ._idx import Split, read_idx, splits
from ._npz import read_npz

_Arrays: TypeAlias = dict[str, NDArray[Any]]

_SUBFOLDER = "mnist"
_NPZ = File("mnist.npz", "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1", 11_490_434)
_IDX = {
    "x_train": File(
        "train-images-idx3-ubyte", "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db", 47_040_016
    ),
    "y_train": File(
        "train-labels-idx1-ubyte", "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5", 60_008
    ),
    "x_test": File(
        "t10k-images-idx3-ubyte", "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7", 7_840_016
    ),
    "y_test": File(
        "t10k-labels-idx1-ubyte", "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2", 10_008
    ),
}
_SHAPES = {"x_train": (60_000, 28, 28), "y_train": (60_000,), "x_test": (10_000, 28, 28), "y_test": (10_000,)}
_NPZ_URLS = [_fetch.BASE_URL + "mnist.npz"]
_IDX_BASES = [
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
]


def load_data(path: str | os.PathLike[str] = "mnist.npz") -> tuple[Split, Split]:
    """Loads MNIST from disk, or downloads it once.

    A bare name is looked for in the folder that the environment variable ``LAMELLA_DATA`` names (or `mnist` in it),
    in the caches of Keras and of lamella (``LAMELLA_HOME``), and else downloaded into the latter. Each of them may
    hold ``mnist.npz`` or the four files ``train-images-idx3-ubyte.gz`` and so on, zipped or not. Every file's SHA-256
    is checked on every load.

    Args:
        path: A file or folder that exists and is used as it is, or a bare name to look up.

    Returns:
        ``(x_train, y_train), (x_test, y_test)``, all uint8; pixels run from 0 (paper) to 255 (ink).

    Shapes:
        x_train (60000, 28, 28), y_train (60000,), x_test (10000, 28, 28), y_test (10000,).

    Raises:
        DatasetNotFoundError: A FileNotFoundError and ValueError, if the data are nowhere and cannot be downloaded.
        DatasetError: A ValueError and OSError, if a file is cut off, swapped with another, or otherwise wrong.

    Example:
        >>> from lamella.datasets import mnist
        >>> (x_train, y_train), (x_test, y_test) = mnist.load_data()  # doctest: +SKIP
        >>> x_train.shape  # doctest: +SKIP
        (60000, 28, 28)
    """
    return splits(_load(path), _SHAPES)


def _load(path: str | os.PathLike[str]) -> _Arrays:
    place = _fetch.given_place(path)
    if place is None:
        return _look_up(os.fspath(path))
    if place.is_dir():
        if (arrays := _from_folder(place, _NPZ.name)) is not None:
            return arrays
        raise DatasetNotFoundError(
            f"`path` must be a folder with {_NPZ.name} or the four files {_names()}, got {place}, "
            "which has none of them."
        )
    if place.name.removesuffix(".gz") in {file.name for file in _IDX.values()}:
        return _from_idx(place.parent)
    return _parse_npz(_fetch.read(place, _NPZ, _IDX.values()), place)


def _look_up(name: str) -> _Arrays:
    looked = _fetch.foreign_folders(_SUBFOLDER)
    for folder in looked:
        if (arrays := _from_folder(folder, name)) is not None:
            return arrays
    npz = _NPZ._replace(name=name)
    if (content := _fetch.from_cache(npz)) is not None:
        return _parse_npz(content, name)
    parts = {key: _fetch.from_cache(_zipped(file), _SUBFOLDER) for key, file in _IDX.items()}
    faults: list[str] = []
    if None in parts.values():
        try:
            return _parse_npz(_fetch.download(_NPZ_URLS, npz), name)
        except DatasetNotFoundError as error:
            faults.append(str(error))
    try:
        contents = {key: parts[key] or _download_part(key) for key in _IDX}
        return {key: read_idx(contents[key], file.name) for key, file in _IDX.items()}
    except DatasetNotFoundError as error:
        faults += [line for line in str(error).splitlines() if line not in faults]
    looked += _fetch.cache_folders()
    raise DatasetNotFoundError(
        f"MNIST was not found and could not be downloaded.\nLooked for {name} or {_names()} in:\n  "
        + "\n  ".join(str(folder) for folder in looked)
        + "\nDownload:\n  "
        + "\n  ".join(faults)
        + f"\nEither fetch {_NPZ_URLS[0]} by hand and set LAMELLA_DATA to the folder it is in, "
        "or use lamella.datasets.digits, which draws similar data without a network."
    )


def _from_folder(folder: Path, name: str) -> _Arrays | None:
    """Reads `name` or the four files from a folder; None if it has none of them."""
    if (folder / name).is_file():
        return _parse_npz(_fetch.read(folder / name, _NPZ, _IDX.values()), folder / name)
    return _from_idx(folder) if any(_idx_path(folder, file) for file in _IDX.values()) else None


def _from_idx(folder: Path) -> _Arrays:
    paths = {key: _idx_path(folder, file) for key, file in _IDX.items()}
    if missing := [_IDX[key].name for key, path in paths.items() if path is None]:
        raise DatasetNotFoundError(
            f"{folder} must hold the four files {_names()}; missing: {', '.join(missing)}. "
            "Add them, with or without .gz."
        )
    return {
        key: read_idx(_fetch.read(path, _IDX[key], _IDX.values()), str(path))
        for key, path in paths.items()
        if path is not None
    }


def _idx_path(folder: Path, file: File) -> Path | None:
    places = (folder / file.name, folder / _zipped(file).name)
    return next((place for place in places if place.is_file()), None)


def _download_part(key: str) -> bytes:
    file = _zipped(_IDX[key])
    return _fetch.download([base + file.name for base in _IDX_BASES], file, _SUBFOLDER)


def _zipped(file: File) -> File:
    return file._replace(name=file.name + ".gz")


def _names() -> str:
    return ", ".join(f"{file.name}[.gz]" for file in _IDX.values())


def _parse_npz(content: bytes, place: Path | str) -> _Arrays:
    return read_npz(content, str(place), tuple(_IDX))
