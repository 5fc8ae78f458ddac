"""scikit-learn's own checks of estimators."""

from __future__ import annotations

from typing import Any

from sklearn.utils.estimator_checks import parametrize_with_checks

from lamella.sklearn import DenseClassifier, DenseRegressor


@parametrize_with_checks([DenseClassifier(max_iter=100), DenseRegressor(max_iter=100)])
def test_estimator_passes_the_check(estimator: Any, check: Any) -> None:
    check(estimator)
