"""Whether what a session has seen is applied on this node: the same entry, not just another in its place."""

from __future__ import annotations

from systems_under_test.blocks.replicated_log import Position
from systems_under_test.single_leader.replica import Replica


class Applied:
    """One node's applied log. ``numbered`` tells entries of one index apart by their generation. What is below the base
    of a log that began with a copy cannot be told apart: then nothing is said."""

    def __init__(self, replica: Replica, numbered: bool = True) -> None:
        self._replica, self._log, self._numbered = replica, replica.log, numbered

    @property
    def position(self) -> Position:
        """Of the last entry applied. Whoever has it has all that this node shows."""
        return self._log.position_at(self._replica.high_water)

    def has(self, position: Position) -> bool:
        """Whether that entry is applied here; then, where generations are on, so is all that was before it."""
        there = position.index <= self._replica.high_water
        return there and (not self._numbered or (self._known(position) and self._log.agrees(position)))

    def lost(self, position: Position) -> bool:
        """Whether this log has an entry of a later generation in that place or before it, and so will never have it."""
        place = min(position.index, self._log.last)
        replaced = self._log.position_at(place).generation > position.generation
        return self._numbered and self._known(position) and replaced

    def _known(self, position: Position) -> bool:
        return position.index >= self._log.base.index
