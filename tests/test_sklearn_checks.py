"""scikit-learn's own checks of estimators."""

from __future__ import annotations

from typing import Any

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from lamella.sklearn import DenseClassifier, DenseRegressor

# Weights of 0 and repeated samples change which samples share a mini-batch, as in MLPClassifier.
_BATCHES = {
    f"check_sample_weight_equivalence_on_{kind}_data": "samples left out or repeated make other shuffled mini-batches"
    for kind in ("dense", "sparse")
}


@pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning"
)  # 100 epochs are few; it is not checked here
@parametrize_with_checks(
    [DenseClassifier(max_iter=100), DenseRegressor(max_iter=100)], expected_failed_checks=lambda estimator: _BATCHES
)
def test_estimator_passes_the_check(estimator: Any, check: Any) -> None:
    check(estimator)
