"""Files of data sets as Keras publishes them: looked up in the known places, or downloaded once."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence

from .. import _fetch
from .._fetch import DatasetError, DatasetNotFoundError, File


def read(path: str | os.PathLike[str], file: File) -> tuple[bytes, str]:
    """The checked content of `file`, and what to call it in messages.

    Args:
        path: A file, or a folder that holds it; or a bare name to look up.
        file: What it must be.

    Raises:
        DatasetNotFoundError: If it is nowhere and cannot be downloaded.
        DatasetError: If it is there and not what it should be.
    """
    place = _fetch.given_place(path)
    if place is None:
        return look_up(file._replace(name=os.fspath(path)), [_fetch.BASE_URL + file.name])
    if place.is_dir():
        if not (place / file.name).is_file():
            raise DatasetNotFoundError(f"`path` must be a file or a folder with {file.name}, got {place}.")
        place = place / file.name
    return _fetch.read(place, file), str(place)


def look_up(file: File, urls: Sequence[str], subfolder: str = "") -> tuple[bytes, str]:
    """As read(), for a bare name in the known folders, or in `subfolder` of each."""
    looked = [folder / subfolder for folder in _fetch.foreign_folders("")]
    for folder in looked:
        if (folder / file.name).is_file():
            return _fetch.read(folder / file.name, file), str(folder / file.name)
    if (content := _fetch.from_cache(file, subfolder)) is not None:
        return content, file.name
    try:
        return _fetch.download(urls, file, subfolder), file.name
    except DatasetNotFoundError as error:
        reason = str(error)
    looked += [folder / subfolder for folder in _fetch.cache_folders()]
    raise DatasetNotFoundError(
        f"{file.name} was not found and could not be downloaded.\nLooked in:\n  "
        + "\n  ".join(str(folder) for folder in looked)
        + f"\nDownload:\n  {reason}\nEither fetch {urls[0]} by hand and put it into "
        + (f"the folder {subfolder} of " if subfolder else "")
        + "the folder that LAMELLA_DATA names."
    )


def word_index(path: str | os.PathLike[str], file: File) -> dict[str, int]:
    """Reads a JSON file of words and their ranks.

    Raises:
        DatasetNotFoundError: If it is nowhere and cannot be downloaded.
        DatasetError: If it is there and not what it should be.
    """
    content, place = read(path, file)
    try:
        words = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"{place} must be a JSON file: {error}.") from None
    if not isinstance(words, dict) or {*map(type, words.values())} - {int}:
        raise DatasetError(f"{place} must map words to whole numbers.")
    return words
