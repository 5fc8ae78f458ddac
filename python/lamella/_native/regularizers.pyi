from __future__ import annotations
import typing
class L1:
    def __init__(self) -> None:
        ...
    @property
    def l1(self) -> float:
        ...
    @l1.setter
    def l1(self, arg0: float) -> None:
        ...
class L2:
    def __init__(self) -> None:
        ...
    @property
    def l2(self) -> float:
        ...
    @l2.setter
    def l2(self, arg0: float) -> None:
        ...
class L1L2:
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
class OrthogonalRegularizer:
    mode: str
    def __init__(self) -> None:
        ...
    @property
    def factor(self) -> float:
        ...
    @factor.setter
    def factor(self, arg0: float) -> None:
        ...
names: tuple[str, ...]
_Spec: typing.TypeAlias = L1 | L2 | L1L2 | OrthogonalRegularizer
