"""What a replica is at present, and whether what it says is the chain's word."""

from __future__ import annotations

from harness.node import Env

from systems_under_test.chain.history import History
from systems_under_test.chain.membership import Membership
from systems_under_test.chain.upstream import Upstream


class Standing:
    """One replica's. ``leased`` is False where a replica goes on speaking for its old epoch, which is not safe.

    ``settled`` is the end of the log when the present epoch was entered, as far as the joining replica must have that
    before it is in step; it is 0 in the first epoch of an incarnation, because an earlier one may have entered the same
    epoch and told the joining replica of an earlier end.
    """

    def __init__(self, env: Env, membership: Membership, history: History, upstream: Upstream, *, leased: bool) -> None:
        self._env, self._membership, self._history, self._upstream = env, membership, history, upstream
        self._leased = leased
        self._entered = False
        self.settled = 0
        self._unsettled = 0  # in the first epoch: the end of the log, of which nobody here knows what was acknowledged

    def enter(self) -> None:
        """A new epoch begins."""
        last = self._history.log.last
        self.settled, self._unsettled = (last, 0) if self._entered else (0, last)
        self._entered = True

    @property
    def place(self) -> str:
        """See :meth:`Configuration.place`."""
        configuration = self._membership.configuration
        return "outside" if configuration is None else configuration.place(self._env.name)

    @property
    def is_head(self) -> bool:
        return self.place in ("head", "alone")

    @property
    def is_tail(self) -> bool:
        return self.place in ("tail", "alone")

    @property
    def may_speak(self) -> bool:
        """Whether it is in the chain, beyond doubt, and in step; and, as the tail, knows what it acknowledged before it
        was restarted."""
        entitled = self._membership.holds_lease or not self._leased
        informed = not self.is_tail or self._history.committed >= self._unsettled
        return entitled and informed and self.place not in ("outside", "joining") and self._upstream.in_step
