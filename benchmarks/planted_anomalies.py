"""The table of planted anomalies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Planted:
    name: str
    data: Literal["list", "register"]
    text: str
    types: tuple[str, ...]
    weakest: tuple[str, ...]
    open: tuple[str, ...] = ()


LISTS: tuple[Planted, ...] = ()
REGISTERS: tuple[Planted, ...] = ()
