"""Families of named classes: lookup by name, with "did you mean", and the dictionaries that Keras writes of members."""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar

T = TypeVar("T")
C = TypeVar("C", bound="Configured")

_OURS = ("keras", "tf_keras", "tensorflow", "lamella", "builtins")  # packages whose class names mean the same here


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


def unexpected(cls: type, given: Mapping[str, Any], known: Collection[str]) -> TypeError:
    """The error for keywords that the constructor of a class does not have, with the nearest that it has."""
    name = next(iter(given))
    near = difflib.get_close_matches(name, [each for each in known if each != name], n=1, cutoff=0.6)
    hint = f" Did you mean {near[0]!r}?" if near else f" Known: {', '.join(known)}."
    return TypeError(f"{cls.__name__} got an unexpected keyword argument {name!r}.{hint}")


def parameters(cls: type) -> dict[str, inspect.Parameter]:
    """The arguments of a class by name; where its constructor passes on ``**options``, its bases' as well."""
    found: dict[str, inspect.Parameter] = {}
    for owner in cls.__mro__:
        if "__init__" not in vars(owner) or owner is object:
            continue
        own = list(inspect.signature(vars(owner)["__init__"]).parameters.values())[1:]
        found |= {p.name: p for p in own if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY) and p.name not in found}
        if all(p.kind is not p.VAR_KEYWORD for p in own):
            break
    return found


def arguments(
    cls: type, config: Mapping[str, Any], known: Mapping[str, inspect.Parameter] | None = None
) -> dict[str, Any]:
    """What of a config the constructor takes: settings that lamella does not have may be there, switched off.

    Other versions of Keras write other settings; one that is None, or as in ``cls._unused``, changes nothing.

    Args:
        cls: The class.
        config: Its config.
        known: The constructor's arguments, where `parameters` would not find them.

    Raises:
        ValueError: If a setting is unknown and in use, or a needed one is missing.
    """
    known, unused = parameters(cls) if known is None else known, getattr(cls, "_unused", {})
    for key, value in config.items():
        if key not in known and value is not None and not (key in unused and value == unused[key]):
            raise ValueError(
                f"The config of {cls.__name__} has `{key}`={value!r}, which lamella does not know; without it, the "
                f"config can be read. Known: {', '.join(known)}."
            )
    missing = [name for name, p in known.items() if p.default is p.empty and name not in config]
    if missing:
        raise ValueError(f"The config of {cls.__name__} lacks {', '.join(f'`{name}`' for name in missing)}.")
    return {key: value for key, value in config.items() if key in known}


class Configured:
    """get_config() and from_config(), for classes that keep each argument in an attribute of that name."""

    _unused: ClassVar[Mapping[str, Any]] = {}  # settings of Keras that lamella does not have, with Keras' defaults

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {key: value for key, value in vars(self).items() if not key.startswith("_")}

    @classmethod
    def from_config(cls: type[C], config: dict[str, Any]) -> C:
        """The object that get_config() described.

        Raises:
            ValueError: If a setting is unknown and in use, or a needed one is missing.
        """
        return cls(**arguments(cls, config))


class Registry(Generic[T]):
    """Names of one family, each with a way to make its member.

    Args:
        kind: What members are called in messages, such as ``"optimizer"``.
        base: The class of the members.
        module: Where Keras has them; by default ``"keras."`` and the plural of `kind`.
        adapt: Makes a member of a callable, in families that take any.
    """

    def __init__(self, kind: str, base: type[T], module: str = "", adapt: Callable[[Any], T] | None = None) -> None:
        self.kind = kind
        self.base = base
        self.module = module or f"keras.{kind}{'es' if kind.endswith('s') else 's'}"
        self.adapt = adapt
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

    def get(self, identifier: Any, *, ignore_case: bool = False, argument: str = "") -> T:
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
            return self.deserialize(identifier)
        if isinstance(identifier, str):
            return self.find(identifier, ignore_case=ignore_case)()
        if self.adapt and callable(identifier):
            return self.adapt(identifier() if isinstance(identifier, type) else identifier)
        got = f"got {identifier!r} of type {type(identifier).__name__}"
        raise TypeError(f"`{argument or self.kind}` must be a name or {self._one()}, {got}.")

    def _check(self, member: Any) -> None:
        if not isinstance(member, self.base):
            raise TypeError(f"`{self.kind}` must be {self._one()}, got {member!r}.")

    def _one(self) -> str:
        return f"{_article(self.base.__name__)} {self.base.__name__}"

    def find(self, name: str, *, ignore_case: bool = False) -> Callable[..., T]:
        if name in self.makers:
            return self.makers[name]
        if ignore_case:
            for known, maker in self.makers.items():
                if known.lower() == name.lower():
                    return maker
        raise unknown(self.kind, name, list(self.makers))

    def spec(self, member: Any, structs: Any, without: Sequence[str] = ()) -> Any | None:
        """The struct of the core for a member, filled from its config; None for a class that is not the family's own.

        Args:
            member: A member with get_config().
            structs: The family in the core, such as ``core.regularizers``.
            without: Settings that the core has no use for.
        """
        name = type(member).__name__
        if self.makers.get(name) is not type(member):
            return None
        spec = getattr(structs, name)()
        for key, value in member.get_config().items():
            if key not in without:
                setattr(spec, key, value)
        return spec

    def serialize(self, member: Any) -> dict[str, Any]:
        """The dictionary that Keras writes: module, class_name, config, registered_name."""
        self._check(member)
        if function := getattr(member, "_function", None):
            name = getattr(function, "__name__", type(function).__name__)
            return {"module": "builtins", "class_name": "function", "config": name, "registered_name": "function"}
        # A private class is written as the public one that it refines.
        classes = [cls for cls in type(member).__mro__ if not cls.__name__.startswith("_")]
        name = classes[0].__name__
        known = self.makers.get(name) is classes[0]
        return {
            "module": self.module if known else None,
            "class_name": name,
            "config": member.get_config(),
            "registered_name": None if known else name,
        }

    def deserialize(self, config: Any, custom_objects: Mapping[str, Any] | None = None) -> T:
        """The member that serialize(), or any version of Keras, described; a name stands for its defaults.

        Args:
            config: ``{"class_name": ..., "config": {...}}``; ``module`` and ``registered_name`` may be there.
            custom_objects: Classes or functions of your own by name; they come before those of the family.

        Raises:
            ValueError: If the class or one of its settings is unknown.
            TypeError: If `config` is no such dictionary.
        """
        if isinstance(config, str):
            config = {"class_name": config}
        if not isinstance(config, Mapping) or not isinstance(config.get("class_name"), str):
            raise TypeError(f"The config of a {self.kind} must be a dictionary with a `class_name`, got {config!r}.")
        name, settings = config["class_name"], config.get("config") or {}
        if name == "function" and isinstance(settings, str):
            name, settings = settings, {}
        if not isinstance(settings, Mapping):
            raise TypeError(f"The `config` of {self.kind} {name!r} must be a dictionary, got {settings!r}.")
        custom = dict(custom_objects or {})
        for key in (config.get("registered_name"), name):
            if key in custom:
                made = custom[key]
                return _made(made, settings) if isinstance(made, type) else self.get(made)
        origin = str(config.get("module") or "keras").partition(".")[0]
        if origin not in _OURS or ">" in str(config.get("registered_name")):
            raise ValueError(
                f"Unknown {self.kind} {name!r} of {config.get('registered_name') or config['module']!r}: it is not one "
                f"of Keras'. Pass the class, as in custom_objects={{{name!r}: ...}}."
            )
        return _made(self.find(name), settings)


def _article(noun: str) -> str:
    return "an" if noun[0] in "AEIO" else "a"


def _made(maker: Callable[..., T], settings: Mapping[str, Any]) -> T:
    if hasattr(maker, "from_config"):
        made: T = maker.from_config(dict(settings))
        return made
    return maker(**(arguments(maker, settings) if isinstance(maker, type) else settings))
