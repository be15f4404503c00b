"""Transactions on sets, counters and ranges of keys, whose reads say something of several writes at once.

Updates of a set or a counter commute, so that a read says *which* of them it saw and nothing of their order: each
update of one transaction is a register of its own (a *cell*), written once, and the read is one of all those cells. A
predicate read is one of every key in its range, those without a value included. What remains are transactions on
registers, which ``checkers.transactional.register`` decides. Where a read does not say which updates it saw (a total
that several of them add up to, an element that was added twice), each possibility is a history of its own, and a level
holds if it holds for one of them.

The updates of one transaction to one key are one: who sees some of them and not the others saw an intermediate state
(G1b). Adds and increments never conflict, not even two adds of one element.
"""
