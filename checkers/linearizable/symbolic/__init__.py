"""z3: every model as a question of which operations take effect, and in which order.

An operation is an *event* with a step and an interval (``question``). The order of two events is a yes-no variable,
unless their intervals force it; what each model means is said with such variables alone: who reads has a source
(``cells``), a number is the sum of what came before (``sums``), who takes takes what one certain event put
(``container``), or what there is more of than was taken (``counted``), contents are laid out in what was read
(``appending``), tokens grow (``fencing``); ``semantics`` has a line for each model. So all is clauses and sums
(``formula``): no arithmetic on moments, which z3 is a hundred times slower at. Much of it follows by itself from the
forced order (``saturation``); the rest z3 is asked (``solver``). That an order has no circles is said for three events
at a time as far as there is room, and of longer circles only those that z3 runs into (``order``).

A history is decided window by window, from one moment at which nothing is open to the next (``window``; ``register``
for windows that the registers' own search gives up on). ``core`` makes witnesses of z3's unsat cores.

A valid answer is an order, which ``certificate`` replays; of an invalid one the witness is decided again by the search
and by brute force, where they can. Sums and dense orders of few operations are what z3 is good for; a search that goes
straight to an order is faster wherever there is one to be found soon.
"""

from checkers.linearizable.symbolic.register import ends

__all__ = ["ends"]
