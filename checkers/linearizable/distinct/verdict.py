"""What a polynomial decision says."""

from __future__ import annotations

from dataclasses import dataclass

from checkers.linearizable.operation import Operation


@dataclass(frozen=True, slots=True)
class Verdict:
    """``order``: a linearization where valid. ``refuted``: a few operations that no order explains where not, however
    all others are helped. ``algorithm`` names the literature."""

    algorithm: str
    order: tuple[Operation, ...] | None = None
    refuted: tuple[Operation, ...] = ()
