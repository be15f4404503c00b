"""The counter checker: is every value that was read a sum of increments that could have been there?

After Jepsen's ``counter`` checker (jepsen.checker/counter), and sharper. Operations: ``add`` or ``inc`` (the value is
the amount, negative ones too; an ``inc`` of null is one of 1), ``sub`` or ``dec`` (the same, taken away) and ``read``
(an ok value is the sum; null is 0). An ok ``inc`` or ``dec`` may return the new value: if in a history one returns
anything but its amount, all do, and each is a read, too, which has its own increment in it. For each ok read

* an increment that was acknowledged before the read began is *surely* in it;
* one that failed, or that was invoked after the read had ended, is surely not;
* every other one is *open*: it ran beside the read, or its outcome is unknown and it may take effect at any time after
  its invocation, or never. But an open one that is in the read brings along those that had ended when it began.

A read below the least of these sums is "counter-low" (an acknowledged increment is missing), one above the greatest
"counter-high" (an increment counts twice, or came from nowhere), one between them that is none of them
"counter-impossible". Each read is judged alone, and exactly: there is an order of the increments that explains it, or
there is none. That all reads fit one and the same order is linearizability, and another question.

The verdict is about reads, as Jepsen's is: valid says that each of them was possible, and in a history without reads
that nothing contradicts its increments, as in the published ones that elle-cli calls valid. It does not say that what
was acknowledged late, or never read, is still there, and then says so in ``explanation``; ``details.final_read`` tells
whether some read began after the last increment had ended. A *run* must have such a read to be valid, for there the
question is whether the system kept what it acknowledged while it was disturbed: the counter workload asks for it
(``final_read=True``), and so does whoever checks its folder again.

``contents`` reads the counters from the history, ``sums`` says what each read may have returned, ``verdict`` compares
and tells.
"""

from checkers.counter.verdict import EXPECT, HIGH, IMPOSSIBLE, LOW, READS_TOLD_MAX, check

__all__ = ["EXPECT", "HIGH", "IMPOSSIBLE", "LOW", "READS_TOLD_MAX", "check"]
