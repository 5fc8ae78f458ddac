from __future__ import annotations
from . import losses
from lamella._native.losses import BinaryCrossentropy
from lamella._native.losses import CategoricalCrossentropy
from lamella._native.losses import CategoricalHinge
from lamella._native.losses import KLDivergence
from lamella._native.losses import LogCosh
from lamella._native.losses import MeanAbsoluteError
from lamella._native.losses import MeanAbsolutePercentageError
from lamella._native.losses import MeanSquaredError
from lamella._native.losses import MeanSquaredLogarithmicError
from lamella._native.losses import Poisson
from lamella._native.losses import SparseCategoricalCrossentropy
import typing
class Accuracy:
    def __init__(self) -> None:
        ...
class BinaryAccuracy:
    def __init__(self) -> None:
        ...
    @property
    def threshold(self) -> float:
        ...
    @threshold.setter
    def threshold(self, arg0: float) -> None:
        ...
class CategoricalAccuracy:
    def __init__(self) -> None:
        ...
class SparseCategoricalAccuracy:
    def __init__(self) -> None:
        ...
class TopKCategoricalAccuracy:
    def __init__(self) -> None:
        ...
    @property
    def k(self) -> int:
        ...
    @k.setter
    def k(self, arg0: int) -> None:
        ...
class SparseTopKCategoricalAccuracy:
    def __init__(self) -> None:
        ...
    @property
    def k(self) -> int:
        ...
    @k.setter
    def k(self, arg0: int) -> None:
        ...
names: tuple[str, ...]
_Spec: typing.TypeAlias = Accuracy | BinaryAccuracy | CategoricalAccuracy | SparseCategoricalAccuracy | TopKCategoricalAccuracy | SparseTopKCategoricalAccuracy | losses.MeanSquaredError | losses.MeanAbsoluteError | losses.MeanAbsolutePercentageError | losses.MeanSquaredLogarithmicError | losses.LogCosh | losses.CategoricalCrossentropy | losses.SparseCategoricalCrossentropy | losses.BinaryCrossentropy | losses.KLDivergence | losses.Poisson | losses.CategoricalHinge
