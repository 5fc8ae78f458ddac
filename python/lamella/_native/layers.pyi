from __future__ import annotations
import collections.abc
import lamella._native.activations
import typing
class Dense:
    activation: lamella._native.activations._Spec
    trainable: bool
    use_bias: bool
    def __init__(self) -> None:
        ...
    @property
    def units(self) -> int:
        ...
    @units.setter
    def units(self, arg0: int) -> None:
        ...
class Activation:
    activation: lamella._native.activations._Spec
    def __init__(self) -> None:
        ...
class Rescaling:
    def __init__(self) -> None:
        ...
    @property
    def offset(self) -> float:
        ...
    @offset.setter
    def offset(self, arg0: float) -> None:
        ...
    @property
    def scale(self) -> float:
        ...
    @scale.setter
    def scale(self, arg0: float) -> None:
        ...
class Reshape:
    def __init__(self) -> None:
        ...
    @property
    def groups(self) -> int:
        ...
    @groups.setter
    def groups(self, arg0: int) -> None:
        ...
class BatchNormalization:
    center: bool
    scale: bool
    trainable: bool
    def __init__(self) -> None:
        ...
    @property
    def epsilon(self) -> float:
        ...
    @epsilon.setter
    def epsilon(self, arg0: float) -> None:
        ...
    @property
    def momentum(self) -> float:
        ...
    @momentum.setter
    def momentum(self, arg0: float) -> None:
        ...
class LayerNormalization:
    center: bool
    scale: bool
    trainable: bool
    def __init__(self) -> None:
        ...
    @property
    def epsilon(self) -> float:
        ...
    @epsilon.setter
    def epsilon(self, arg0: float) -> None:
        ...
class UnitNormalization:
    def __init__(self) -> None:
        ...
class Normalization:
    invert: bool
    def __init__(self) -> None:
        ...
    @property
    def mean(self) -> list[float]:
        ...
    @mean.setter
    def mean(self, arg0: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex]) -> None:
        ...
    @property
    def statistics(self) -> int:
        ...
    @statistics.setter
    def statistics(self, arg0: int) -> None:
        ...
    @property
    def variance(self) -> list[float]:
        ...
    @variance.setter
    def variance(self, arg0: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex]) -> None:
        ...
class PReLU:
    trainable: bool
    def __init__(self) -> None:
        ...
class Dropout:
    shared_groups: bool
    shared_samples: bool
    shared_width: bool
    def __init__(self) -> None:
        ...
    @property
    def rate(self) -> float:
        ...
    @rate.setter
    def rate(self, arg0: float) -> None:
        ...
    @property
    def seed(self) -> int:
        ...
    @seed.setter
    def seed(self, arg0: int) -> None:
        ...
class AlphaDropout:
    shared_groups: bool
    shared_samples: bool
    shared_width: bool
    def __init__(self) -> None:
        ...
    @property
    def rate(self) -> float:
        ...
    @rate.setter
    def rate(self, arg0: float) -> None:
        ...
    @property
    def seed(self) -> int:
        ...
    @seed.setter
    def seed(self, arg0: int) -> None:
        ...
class GaussianDropout:
    def __init__(self) -> None:
        ...
    @property
    def rate(self) -> float:
        ...
    @rate.setter
    def rate(self, arg0: float) -> None:
        ...
    @property
    def seed(self) -> int:
        ...
    @seed.setter
    def seed(self, arg0: int) -> None:
        ...
class GaussianNoise:
    def __init__(self) -> None:
        ...
    @property
    def seed(self) -> int:
        ...
    @seed.setter
    def seed(self, arg0: int) -> None:
        ...
    @property
    def stddev(self) -> float:
        ...
    @stddev.setter
    def stddev(self, arg0: float) -> None:
        ...
class ActivityRegularization:
    def __init__(self) -> None:
        ...
    @property
    def l1(self) -> float:
        ...
    @l1.setter
    def l1(self, arg0: float) -> None:
        ...
    @property
    def l2(self) -> float:
        ...
    @l2.setter
    def l2(self, arg0: float) -> None:
        ...
names: tuple[str, ...]
_Spec: typing.TypeAlias = Dense | Activation | Rescaling | Reshape | BatchNormalization | LayerNormalization | UnitNormalization | Normalization | PReLU | Dropout | AlphaDropout | GaussianDropout | GaussianNoise | ActivityRegularization
