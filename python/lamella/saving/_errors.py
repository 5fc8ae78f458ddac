"""What is wrong with a file."""

from __future__ import annotations


class BadModelFile(ValueError, OSError):
    """A model file is there and is not what it should be.

    Example:
        >>> import pathlib, tempfile, lamella
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "m.safetensors")
        ...     _ = path.write_bytes(b"no model")
        ...     try:
        ...         lamella.saving.load_model(path)
        ...     except lamella.saving.BadModelFile:
        ...         print("ask for the file again")
        ask for the file again
    """


class ModelNotFoundError(FileNotFoundError, ValueError):
    """There is no such model file.

    Example:
        >>> import lamella
        >>> try:
        ...     model = lamella.saving.load_model("nowhere/m.safetensors")
        ... except lamella.saving.ModelNotFoundError:
        ...     print("train it first")
        train it first
    """
