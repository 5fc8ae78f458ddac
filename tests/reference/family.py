"""A family of functions or classes, looked up by any spelling that Keras accepts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def _plain(name: str) -> str:
    """`mean_squared_error` and `MeanSquaredError` are the same word."""
    return name.replace("_", "").lower()


class Family(dict[str, Any]):
    """Name -> function or class. Iteration meets each member once; lookup also takes aliases and snake case."""

    def __init__(self, members: Mapping[str, Any], aliases: Mapping[str, str] | None = None) -> None:
        super().__init__(members)
        self._names = {_plain(name): name for name in members}
        self._names.update({_plain(alias): name for alias, name in (aliases or {}).items()})

    @classmethod
    def of(cls, *members: Callable[..., Any], **aliases: str) -> Family:
        """A family of classes under their own names."""
        return cls({member.__name__: member for member in members}, aliases)

    def __missing__(self, name: str) -> Any:
        if _plain(name) not in self._names:
            raise KeyError(f"unknown name {name!r}; known are {', '.join(self)}")
        return self[self._names[_plain(name)]]

    def name_of(self, name: str) -> str:
        """The name under which iteration meets `name`."""
        return self._names[_plain(name)]

    def make(self, spec: Any) -> Any:
        """An instance from `"L2"`, `("L2", {"l2": 0.1})`, a Keras config, or something already made."""
        if isinstance(spec, str):
            return self[spec]()
        if isinstance(spec, tuple):
            return self[spec[0]](**spec[1])
        if isinstance(spec, dict):
            return self[spec["class_name"]](**spec["config"])
        return spec
