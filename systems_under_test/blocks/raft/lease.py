"""A leader's lease: for a while after a majority has heard it, it may answer reads by itself (dissertation, 6.4.1).

Each round of heartbeats that a majority answers proves that this server led when the round *began*; and none of that
majority votes for another before the least election timeout has passed since then (``State.is_loyal``). So there is no
other leader until that time has passed on the voters' clocks. The leader measures it on its own clock, and stops
earlier by a bound on how much faster theirs may run::

    lease = least election timeout / bound on clock drift

What this rests on is that clocks run at about the same rate; whether they show the same time does not matter. A wall
clock keeps neither: whoever sets it back makes a lease longer.

A lease is of one leadership: rounds are numbered anew in each.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from systems_under_test.blocks.raft.reading import confirmed_round
from systems_under_test.blocks.raft.state import Role, State

CLOCK_DRIFT_BOUND: Final = 1.1
"""A voter's clock runs at most so much faster than the leader's: far more than a quartz errs, so that the bound is seen
to cost little."""


class Lease:
    """One server's, over all its leaderships. ``now_ns`` is the clock that measures it; ``election_timeout_ms`` the
    least for which voters stand by a leader that they heard."""

    def __init__(
        self, now_ns: Callable[[], int], election_timeout_ms: float, drift_bound: float = CLOCK_DRIFT_BOUND
    ) -> None:
        self._now_ns = now_ns
        self._length_ns = round(election_timeout_ms * 1e6 / drift_bound)
        self._begun: dict[int, int] = {}
        self._end_ns: int | None = None

    def stepped(self, before: State, after: State) -> None:
        """What a step means for the lease. It must be told before any message of the step is sent."""
        if after.role is not Role.LEADER:
            self._begun.clear()
            self._end_ns = None
        elif after.round > before.round:
            self._begun[after.round] = self._now_ns()
        if self._begun:
            self._extend(confirmed_round(after))

    def _extend(self, confirmed: int) -> None:
        """A majority has answered round ``confirmed``, and so all before it."""
        for number in [number for number in self._begun if number <= confirmed]:
            self._end_ns = self._begun.pop(number) + self._length_ns

    def holds(self) -> bool:
        """Now; what is asked later, it says nothing about."""
        return self._end_ns is not None and self._now_ns() < self._end_ns
