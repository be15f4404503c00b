"""Write skew: two doctors go off call at once, because each saw the other one on call.

The example of Cahill, Roehm, Fekete, "Serializable Isolation for Snapshot Databases" (SIGMOD 2008) and Kleppmann,
"Designing Data-Intensive Applications", ch. 7; snapshot isolation allows it, serializability does not. Transactions
(``txn``: :mod:`checkers.micro_operation`; or, of the same form, ``go-off-call`` and ``roster``) read the doctors of a
shift, ``["r", doctor, true]`` (true or 1: on call), and write themselves, ``["w", doctor, false]``. Whoever goes off
must have seen somebody else on call, or put somebody on, so that every transaction by itself keeps the invariant: *at
least one doctor of each shift is on call*. A shift is the field ``key``, or the first part of a doctor [shift, doctor];
else there is one. ``initial``: who is on call at the beginning, true (all, the default), false, or a map by doctor.

A shift is right if its transactions have a serial order in which each read what was there; then the invariant holds
all the time. Unknown ones may have happened, at any time, or not; failed ones have not. This is decided exactly (a
search with memory), not only for pairs. Anomalies, one per shift:

* "write-skew": two transactions, each of which saw the other's doctor on call and took its own off;
* "nobody-on-call": a transaction saw all of a shift's doctors off call, and no such pair is known for certain;
* "unserializable": otherwise no serial order explains what was read; the smallest set of transactions says so.

The evidence S is 1-minimal: no serial order of the transactions in S exists even if all others may have happened or
not, whatever they read. Shifts too large to search are unknown; so is a history in which nobody went off call after
seeing somebody else.
"""

from checkers.write_skew.verdict import check

__all__ = ["check"]
