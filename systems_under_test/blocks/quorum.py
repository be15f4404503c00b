"""Majority quorum: any two majorities share a member, so two of them never decide differently."""

from __future__ import annotations

from collections.abc import Sequence


def majority(n: int) -> int:
    """The least number of ``n`` members that is more than half of them."""
    assert n >= 1, "a majority of nobody"
    return n // 2 + 1


class Tally:
    """Who of the members has agreed. Each counts once, however often its answer arrives; strangers are refused."""

    def __init__(self, members: Sequence[str], needed: int | None = None) -> None:
        self._members = frozenset(members)
        self._agreed: set[str] = set()
        self.needed = majority(len(self._members)) if needed is None else needed

    def add(self, member: str) -> bool:
        """Count a member's agreement; returns whether there are enough now."""
        assert member in self._members, f"{member} is no member and has no vote"
        self._agreed.add(member)
        return self.reached

    @property
    def reached(self) -> bool:
        return len(self._agreed) >= self.needed
