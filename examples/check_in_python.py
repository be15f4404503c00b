"""Three clients of a register, and what they were told: written down by hand, and judged."""

from checkers import CasRegister, info, invoke, linearizable, ok

history = [
    invoke(0, "write", 1),
    ok(0, "write", 1),
    invoke(1, "cas", [1, 2]),
    invoke(2, "write", 3),
    info(2, "write", 3),  # no answer: it may take effect at any later time, or never
    invoke(0, "read"),
    ok(0, "read", 1),  # so the cas comes later, for it is still running
    ok(1, "cas", [1, 2]),
]
print(linearizable(history, CasRegister()))
print(linearizable([*history, invoke(0, "read"), ok(0, "read", 3)], CasRegister()))
print(linearizable([*history, invoke(0, "read"), ok(0, "read", 1)], CasRegister()))
