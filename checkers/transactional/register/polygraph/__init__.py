"""The levels of registers that take a search: which orders of writes are possible, as a polygraph (Papadimitriou 1979).

A history is first executed by a guess of how it happened (``schedule``): if that explains all of it, it is the proof.
Where the guess leaves a cycle (``dependency``), the few transactions around it (``window``) are decided exactly: the
order of each two writers of one register is an either-or (``polygraph``), known order decides most of these, and a
solver the rest (``residue``, ``sat``, ``smt``). A window that no order explains refutes the history; an order that does
improves the guess.
"""
