"""Session guarantees: read your writes, monotonic reads and writes, writes follow reads, and PRAM, each with a witness.

Terry et al., "Session Guarantees for Weakly Consistent Replicated Data" (1994); the formulas stand in
``checkers.weak_model``. A session is the field ``session``, else a process; inside it, what was ok before another
operation began comes first. Registers, lists, sets, and transactions of micro-operations (``operation``).

The four are about each key by itself: an order of its versions, and what each read sees of them. Where that order is
explicit, versions have ranks, and the guarantees compare these (``ranked``); of other registers it is asked what the
operations force, and where that is not enough the answer is unknown (``unordered``); of sets and unruly lists, what
elements are shown (``contents``). PRAM is about all keys together, and about each session's view (``pram``). ``decide``
puts them together, ``columnar`` does so for a million operations, ``brute`` by the formulas alone, for the tests.

A *witness* is a set S of operations such that the guarantee is broken even if every read outside S is removed and every
write outside S may have happened or not, at any time after its invocation; without any one of them it is not
(``minimal``). An anomaly's ``operations`` are the invocations of a witness, and its explanation tells what else helps.
"""
