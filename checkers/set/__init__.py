"""The set checker: is every element whose add was acknowledged still there at the end, and nothing else?

After Jepsen's ``set`` checker (jepsen.checker/set). Operations: ``add`` (the value is the element) and ``read`` (an ok
value is the list of elements, null none). An element is

* *lost* if an add of it was acknowledged and the final read lacks it,
* *unexpected* if a read returned it though no add of it had been invoked by then, or all that had certainly failed,
* *duplicate* if one read returned it twice,
* *recovered* if nobody knew whether its add happened, and the final read has it; *never read* if it has not,
* *stale* if a read after its acknowledgement missed it and the final read has it: counted, and allowed.

The final read is the last ok read, which must have begun after the last add completed. What an ok read overlapping it
still returned is not lost. Keys, where present, are sets of their own.

``contents`` reads the sets from the history, ``findings`` judges their reads, ``explain`` tells what was found in
words, ``verdict`` puts it together. ``checkers.set_full`` asks more of the same sets.
"""

from checkers.set.verdict import EXPECT, check

__all__ = ["EXPECT", "check"]
