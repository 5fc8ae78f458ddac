"""Names under which different editions of Keras wrote the same metric."""

from __future__ import annotations

from collections.abc import Container

_GROUPS = (
    ("accuracy", "acc"),
    ("mean_squared_error", "mse", "MSE"),
    ("mean_absolute_error", "mae", "MAE"),
    ("mean_absolute_percentage_error", "mape", "MAPE"),
    ("mean_squared_logarithmic_error", "msle", "MSLE"),
    ("binary_crossentropy", "bce", "BCE"),
    ("kl_divergence", "kld", "KLD", "kullback_leibler_divergence"),
    ("log_cosh", "logcosh"),
    ("cosine_similarity", "cosine_proximity"),
    ("learning_rate", "lr"),
)
_OTHERS = {name: tuple(other for other in group if other != name) for group in _GROUPS for name in group}


def aliases(name: str) -> tuple[str, ...]:
    """Other names of a metric, with its `val_` and `weighted_` kept.

    Example:
        >>> aliases("val_acc"), aliases("loss")
        (('val_accuracy',), ())
    """
    bare = name.removeprefix("val_").removeprefix("weighted_")
    return tuple(name[: len(name) - len(bare)] + other for other in _OTHERS.get(bare, ()))


def find_key(name: str, keys: Container[str]) -> str | None:
    """The key that `name` means: itself, else an alias, else None.

    Example:
        >>> find_key("acc", {"accuracy": 0.9}), find_key("auc", {"accuracy": 0.9})
        ('accuracy', None)
    """
    if name in keys:
        return name
    return next((other for other in aliases(name) if other in keys), None)
