"""z3."""

from checkers.linearizable.symbolic.register import ends

__all__ = ["ends"]
