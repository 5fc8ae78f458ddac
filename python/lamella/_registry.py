"""Families of named classes: lookup by name, with "did you mean"."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


def snake_case(name: str) -> str:
    """Keras' snake case of a class name.

    Example:
        >>> snake_case("MeanSquaredError"), snake_case("RMSprop"), snake_case("ReLU")
        ('mean_squared_error', 'rm_sprop', 're_lu')
    """
    name = re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def unknown(kind: str, name: object, known: list[str]) -> ValueError:
    """The error for a name that a family does not have, with the nearest names that it has."""
    near = difflib.get_close_matches(str(name).lower(), [k.lower() for k in known], n=1, cutoff=0.5)
    hint = next((f" Did you mean {k!r}?" for k in sorted(known)[::-1] if near and k.lower() == near[0]), "")
    return ValueError(f"Unknown {kind} {name!r}.{hint} Known: {', '.join(sorted(known))}.")


class Registry(Generic[T]):
    """Names of one family, each with a way to make its member.

    Args:
        kind: What members are called in messages, such as ``"optimizer"``.
        base: The class of the members.
    """

    def __init__(self, kind: str, base: type[T]) -> None:
        self.kind = kind
        self.base = base
        self.makers: dict[str, Callable[..., T]] = {}

    def add(self, maker: Callable[..., T], *names: str) -> None:
        for name in names:
            self.makers[name] = maker

    def register(self, *aliases: str) -> Callable[[type[T]], type[T]]:
        """Class decorator: adds the class under its own name, its snake case and `aliases`."""

        def add(cls: type[T]) -> type[T]:
            self.add(cls, cls.__name__, snake_case(cls.__name__), *aliases)
            return cls

        return add

    def get(self, identifier: Any, *, ignore_case: bool = False) -> T:
        """The member that a name, a class, a config dictionary or a member stands for.

        Raises:
            ValueError: If nothing is called so.
            TypeError: If `identifier` is none of those.
        """
        if isinstance(identifier, self.base):
            return identifier
        if isinstance(identifier, type) and issubclass(identifier, self.base):
            return identifier()
        if isinstance(identifier, dict) and "class_name" in identifier:
            return self.find(str(identifier["class_name"]))(**identifier.get("config", {}))
        if isinstance(identifier, str):
            return self.find(identifier, ignore_case=ignore_case)()
        raise TypeError(
            f"`{self.kind}` must be a name or a {self.base.__name__}, got {identifier!r} of type "
            f"{type(identifier).__name__}."
        )

    def find(self, name: str, *, ignore_case: bool = False) -> Callable[..., T]:
        if name in self.makers:
            return self.makers[name]
        if ignore_case:
            for known, maker in self.makers.items():
                if known.lower() == name.lower():
                    return maker
        raise unknown(self.kind, name, list(self.makers))
