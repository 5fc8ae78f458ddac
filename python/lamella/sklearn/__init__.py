"""Estimators of scikit-learn on lamella's core; needs scikit-learn: ``pip install "lamella[sklearn]"``.

Example:
    >>> import warnings
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> x, y = load_iris(return_X_y=True)
    >>> network = DenseClassifier((16,), learning_rate_init=0.01, max_iter=100, n_iter_no_change=100, random_state=0)
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")  # 100 epochs are not the end of it
    ...     pipeline = make_pipeline(StandardScaler(), network).fit(x, y)
    >>> pipeline.score(x, y) > 0.95
    True
"""

from __future__ import annotations

from .._optional import require
from .._public import publish

if not hasattr(require("sklearn.utils.validation", extra="sklearn", purpose="use lamella.sklearn"), "validate_data"):
    raise ImportError(
        'lamella.sklearn needs scikit-learn 1.6 or later; install it with: pip install "lamella[sklearn]"'
    )

from ._classifier import DenseClassifier
from ._regressor import DenseRegressor

__all__ = ["DenseClassifier", "DenseRegressor"]

publish(globals())
