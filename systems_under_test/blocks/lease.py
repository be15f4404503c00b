"""Lease: a lock that ends by itself, so that it need not wait for a holder that is dead or cut off
(Gray and Cheriton, "Leases", SOSP 1989; *Patterns of Distributed Systems*, "Lease").

Two clocks measure one lease, and only durations are compared, never readings. The holder counts from the moment before
it asked, the granter from the moment it granted, which is later; so with equally fast clocks the holder stops before
the granter gives the lease to another. Clocks are not equally fast: if the rate of each is within 1 +- drift of true
time, the holder may use ttl * (1 - drift) / (1 + drift) by its own clock. A wall clock, which jumps, has no such bound.

Two gaps no clock closes. A holder that finds the lease valid may be paused before it acts: what it acts on must refuse
old tokens (``fencing_token``). And a granter that restarts has forgotten to whom it granted: it grants nothing for as
long as its longest lease lasts.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

from harness.node import Env

DRIFT_MAX: Final = 200e-6  # what Google assumes of its servers (DDIA ch. 8, "Clock Synchronization and Accuracy")
RETRY_MS: Final = 50
RENEWALS: Final = 3  # a lease is renewed when a third of it is used: two renewals may be lost


class Grant(NamedTuple):
    """A lease of ``ttl_ms``. ``token`` rises with each grant; a renewal keeps it."""

    token: int
    ttl_ms: float


class _Lease(NamedTuple):
    holder: str
    token: int
    end_ns: int


class LeaseTable:
    """The granter's side: who holds what until when, in memory.

    ``now_ns`` reads its clock (monotonic, unless the mistake of another is to be studied). ``incarnation`` is the
    node's: tokens of a later one are higher than all of an earlier one, and only the first has nothing to wait for. A
    holder's name is one incarnation's of a node, for the next one does not know what its predecessor began.
    """

    def __init__(self, now_ns: Callable[[], int], ttl_ms: float, incarnation: int = 1) -> None:
        self._now_ns, self._ttl_ms = now_ns, ttl_ms
        self._leases: dict[str, _Lease] = {}
        self._token = incarnation << 32
        self._silent_until_ns = now_ns() + (self._ttl_ns if incarnation > 1 else 0)

    def acquire(self, resource: str, holder: str, token: int | None = None) -> Grant | None:
        """Grant, or renew what ``holder`` has; None while another holds it, or may still hold it from before this
        granter's restart. A holder without a token has given up what it had, and is granted a new lease: a release of
        the old one may still be on its way, and must find nothing to end."""
        now_ns = self._now_ns()
        if now_ns < self._silent_until_ns:
            return None
        lease = self._leases.get(resource)
        if lease is None or lease.end_ns <= now_ns or (lease.holder == holder and token is None):
            self._token += 1
            lease = _Lease(holder, self._token, now_ns)
        elif lease.holder != holder:
            return None
        self._leases[resource] = lease._replace(end_ns=now_ns + self._ttl_ns)
        return Grant(lease.token, self._ttl_ms)

    def release(self, resource: str, holder: str, token: int) -> bool:
        """End a lease early. A release that comes late must not end a later lease, its own holder's or another's."""
        lease = self._leases.get(resource)
        if lease is None or (lease.holder, lease.token) != (holder, token):
            return False
        del self._leases[resource]
        return True

    def holder(self, resource: str) -> str | None:
        """Who holds it now."""
        lease = self._leases.get(resource)
        return None if lease is None or lease.end_ns <= self._now_ns() else lease.holder

    @property
    def _ttl_ns(self) -> int:
        return round(self._ttl_ms * 1e6)


class HeldLease:
    """The holder's side of one lease."""

    def __init__(self, now_ns: Callable[[], int], drift_max: float = DRIFT_MAX) -> None:
        self._now_ns = now_ns
        self._usable = (1 - drift_max) / (1 + drift_max)
        self._end_ns = self._given_up_ns = -1
        self.token: int | None = None

    def granted(self, asked_ns: int, grant: Grant) -> None:
        """``asked_ns`` is this clock's reading from before the request was sent. What was asked for before the lease
        was given up counts no more: its release may be on the way already. Nor does an older grant than the present."""
        if asked_ns <= self._given_up_ns or (self.token is not None and grant.token < self.token):
            return
        end_ns = asked_ns + int(grant.ttl_ms * self._usable * 1e6)
        self._end_ns = max(self._end_ns, end_ns) if grant.token == self.token else end_ns
        self.token = grant.token

    def give_up(self) -> None:
        """Before a release is sent, never after."""
        self._end_ns, self._given_up_ns, self.token = -1, self._now_ns(), None

    @property
    def held(self) -> bool:
        """Whether nobody else holds it now. By the time that one acts on the answer, it is old."""
        return self.token is not None and self._now_ns() < self._end_ns

    async def keep(
        self, env: Env, acquire: Callable[[int | None], Awaitable[Grant | None]], wanted: Callable[[], bool]
    ) -> None:
        """Get the lease and renew it, as long as it is ``wanted``. ``acquire`` asks the granter, with the token."""
        while wanted():
            asked_ns = self._now_ns()
            grant = await acquire(self.token)
            if grant is not None:
                self.granted(asked_ns, grant)
            used_ms = (self._now_ns() - asked_ns) / 1e6
            wait_ms = RETRY_MS if grant is None else grant.ttl_ms * self._usable / RENEWALS - used_ms
            await env.sleep(max(wait_ms, 1.0))
