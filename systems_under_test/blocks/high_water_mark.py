"""High-water mark: the last position of a log that enough members are known to have
(*Patterns of Distributed Systems*, "High-Water Mark").

What is up to the mark survives the loss of any ``needed - 1`` members that have it, and may be shown to clients. Each
member's acknowledgement says "all up to here, on my disk".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def high_water_mark(positions: Iterable[int], needed: int) -> int:
    """The highest position that at least ``needed`` of the members have reached."""
    assert needed >= 1, "what nobody has is no mark"
    return sorted(positions, reverse=True)[needed - 1]


class HighWaterMark:
    """What each member has acknowledged, and the mark, which never falls.

    ``first``: a mark below it is not told, for it would vouch for entries of an earlier leader's which count only along
    with one of this leader's own (Ongaro and Ousterhout, "Raft", 5.4.2).
    """

    def __init__(self, members: Sequence[str], needed: int, first: int = 1) -> None:
        assert 1 <= needed <= len(members), f"{needed} of {len(members)} members"
        self._acknowledged = dict.fromkeys(members, 0)
        self._needed, self._first = needed, first
        self.mark = 0

    def acknowledge(self, member: str, position: int) -> bool:
        """``member`` has all up to ``position``; whether the mark has risen. An old acknowledgement that comes late
        changes nothing; a stranger's is refused."""
        assert member in self._acknowledged, f"{member} is no member"
        self._acknowledged[member] = max(self._acknowledged[member], position)
        reached = high_water_mark(self._acknowledged.values(), self._needed)
        if reached < self._first or reached <= self.mark:
            return False
        self.mark = reached
        return True

    def acknowledged(self, member: str) -> int:
        """How far ``member`` is known to be."""
        return self._acknowledged[member]

    def lag(self, member: str) -> int:
        """How many positions ``member`` is behind the one that is furthest."""
        return max(self._acknowledged.values()) - self._acknowledged[member]
