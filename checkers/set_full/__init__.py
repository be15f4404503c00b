"""The set-full checker: what every single read says of every element, and how long elements took to stay visible.

After Jepsen's ``set-full`` checker (jepsen.checker/set-full), which asks of each element when it was there and when it
was not, where ``set`` asks of the final read only. Operations: ``add`` and ``read``, as in :mod:`checkers.set`.

An element is *known* from the moment that its add was acknowledged or a read returned it, whichever ended first. It is

* *lost* if a read that began after that, and after every read that returned it had ended, did not: it was there, and in
  the end it is not. (A read that overlaps the last one to return it may have looked earlier: that is no loss.)
* *stable* if it is not lost and was read; a stable element is *stale* if some read that began when it was known missed
  it. Its latency is the time from the moment it was known to the beginning of the last such read, else 0.
* *never read* if it is neither: nobody looked after it was acknowledged, or nobody knows whether it was added at all.
* *recovered* if nobody knew whether its add had happened, and it is stable.

A lost element is invalid. So is an *unexpected* one (a read returned it though no add of it had been invoked by then,
or all had certainly failed; Jepsen passes these over) and a *duplicate* (one read returned it twice). By
``set-full-linearizable`` so is a stale one: a linearizable set shows what was acknowledged to every later read. (That
is necessary, and not sufficient: two reads may still contradict each other. ``--expect linearizable --model set``
decides that.) Unknown if elements of a key were acknowledged and none is stable: nobody looked.

That elements acknowledged late were never read is told and, as in Jepsen, allowed: the sets are judged by their reads.
``details.final_read`` says whether somebody looked after every acknowledgement, as a run of ours must have.

``timeline`` reads from the reads when each element was there, ``verdict`` counts and tells.
"""

from checkers.set_full.verdict import EXPECT, LOST, STALE, WORST_MAX, check

__all__ = ["EXPECT", "LOST", "STALE", "WORST_MAX", "check"]
