"""The programs that are compared: one file each, imported only in its own process."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from workloads import Array, Data, Workload


class Contestant:
    """Trains and predicts one workload; `prepare` is called once, before anything is timed."""

    packages: ClassVar[tuple[str, ...]] = ()  # whose versions are reported
    same_steps: ClassVar[bool] = True  # the workload's start and its rule: the final loss can be compared

    def prepare(self, workload: Workload, data: Data, threads: int) -> None:
        """Builds the model with the workload's start weights; raises NotApplicable if it cannot."""
        raise NotImplementedError

    def fit(self, epochs: int) -> tuple[list[float], float | None]:
        """Trains; returns the seconds of each epoch and the mean loss over the last one."""
        raise NotImplementedError

    def predict(self, x: Array) -> Array:
        """Shapes: x (batch x inputs), result (batch x outputs), both NumPy arrays."""
        raise NotImplementedError


class NotApplicable(Exception):
    """This contestant has no part in this workload."""


# name: module, class, environment of its process
CONTESTANTS: dict[str, tuple[str, str, dict[str, str]]] = {
    "lamella": ("ours", "Ours", {}),
    "jax": ("jax_scan", "JaxScan", {"JAX_PLATFORMS": "cpu"}),
    "numpy": ("numpy_mlp", "NumpyMlp", {}),
    "sklearn": ("sklearn_mlp", "SklearnMlp", {}),
    "torch": ("torch_eager", "TorchEager", {"CUDA_VISIBLE_DEVICES": ""}),
    "keras-jax": ("keras_mlp", "KerasMlp", {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}),
    "keras-tensorflow": ("keras_mlp", "KerasMlp", {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}),
    "eigen": ("eigen_product", "EigenProduct", {}),
}


def create(name: str) -> Contestant:
    """Imports the contestant; an ImportError means that it is not installed."""
    module, cls, _ = CONTESTANTS[name]
    contestant: Contestant = getattr(importlib.import_module(f"contestants.{module}"), cls)()
    return contestant
