"""Single decisions (consensus): agreement, integrity, validity, termination; each key is one decision.

Cachin, Guerraoui, Rodrigues, "Introduction to Reliable and Secure Distributed Programming" (2011), uniform consensus.

Operations: ``propose`` (a value; an ok answer is the value that was decided, or null: accepted, and no decision is
told) and ``learn``, also called ``decide``, ``decided`` or ``read`` (an ok answer is the value that was decided, or
null: none is known here yet). So null says nothing and cannot be decided. A ``propose`` that failed did not propose;
one of unknown outcome may have. ``node`` says who told a decision; without it, the process that was told stands for it.

One property each: ``agreement``, ``integrity``, ``validity``, ``termination``; ``consensus`` is all of them. The first
three are safety: a prefix of the history is enough to refute them, so that nothing missing later matters.
"""
