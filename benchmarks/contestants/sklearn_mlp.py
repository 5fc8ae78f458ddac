"""scikit-learn: MLPClassifier and MLPRegressor with Adam, the nearest rule they have, from their own start weights."""

from __future__ import annotations

import time
import warnings

import numpy as np
from sklearn.neural_network import MLPClassifier, MLPRegressor

from contestants import Contestant, NotApplicable
from workloads import Array, Data, Workload


class SklearnMlp(Contestant):
    packages = ("scikit-learn", "numpy")
    same_steps = False

    def prepare(self, workload: Workload, data: Data, threads: int) -> None:
        if workload.loss == "mse" and workload.output != "linear":
            raise NotApplicable("scikit-learn regresses with a linear output only")
        warnings.simplefilter("ignore")
        regression = workload.loss == "mse"
        self.model = (MLPRegressor if regression else MLPClassifier)(
            hidden_layer_sizes=workload.hidden,
            alpha=0,
            batch_size=workload.batch,
            learning_rate_init=workload.learning_rate,
            random_state=0,
        )
        self.x, self.half = data.x, regression  # its squared loss is half the mean square
        self.y = data.y.argmax(1) if workload.output == "softmax" else data.y.ravel()
        self.classes = {} if regression else {"classes": np.unique(self.y)}

    def fit(self, epochs: int) -> tuple[list[float], float | None]:
        """One `partial_fit` an epoch: the same steps as `fit`, and a clock between them."""
        seconds = []
        for _ in range(epochs):
            start = time.perf_counter()
            self.model.partial_fit(self.x, self.y, **self.classes)
            seconds.append(time.perf_counter() - start)
        return seconds, float(self.model.loss_) * (2 if self.half else 1)

    def predict(self, x: Array) -> Array:
        if not hasattr(self.model, "coefs_"):
            self.model.partial_fit(self.x[:256], self.y[:256], **self.classes)
        result: Array = (self.model.predict if self.half else self.model.predict_proba)(x)
        return result
