"""A model of your own: an account with deposit, withdraw (refused where it would overdraw) and balance."""

from typing import Any


class Account:
    """The state is the balance. An operation's result nobody may have seen (``known`` is false): then it is any."""

    def init(self, initial: Any = None) -> int:
        return initial or 0

    def step(self, balance: int, operation: Any) -> int | None:
        if operation.f == "deposit":
            return balance + operation.value
        if operation.f == "balance":
            return balance if operation.result == balance or not operation.known else None
        left = balance - operation.value
        succeeds = left >= 0
        if operation.known and operation.result is not succeeds:
            return None  # it cannot have had this result here
        return left if succeeds else balance

    def observes(self, operation: Any) -> bool:  # optional: what never changes anything is found a place sooner
        return bool(operation.f == "balance")
