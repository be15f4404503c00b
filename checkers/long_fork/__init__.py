"""Long fork: two transactions see two writes in opposite orders.

After Jepsen's ``jepsen.tests.long_fork``; the anomaly that parallel snapshot isolation allows and snapshot isolation
does not (Sovran et al. 2011; Cerone, Bernardi, Gotsman 2015). Transactions write keys that nobody else writes and read
groups of them (:mod:`checkers.micro_operation` has the forms); a key that is not written yet reads as null. Every
transaction must see a prefix of one order of all writing transactions, and must come after what it saw if it writes
itself. Where every key is written once, this is decided completely, not only for pairs of reads: a graph leads from
each writer to those that saw it, and from each reader to those whose writes it missed; an order exists exactly if that
graph has no cycle. Anomalies:

* "long-fork": several transactions that each saw a write and missed another one, in a circle;
* "fractured-read": one transaction saw one write of a transaction and missed another one;
* "G-single": a transaction saw a write and missed what its writer had seen;
* "internal": a transaction read a key twice and differently, or not as it had just written it;
* "garbage-read" (nobody wrote that), "G1a" (its writer failed), "future-read" (its writer began later, or is the
  reader itself).

An unknown write may have happened, and has if somebody saw it. Real time is not looked at: reads may be stale. Where
several transactions wrote a key it is not known which null or which equal value came when; what is certain all the
same is told, else the verdict is unknown. So it is where fewer than two transactions read two keys.
"""

from checkers.long_fork.verdict import check

__all__ = ["check"]
