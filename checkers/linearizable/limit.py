"""How long, and over how many configurations, a decision may go on."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic


@dataclass(frozen=True, slots=True)
class Limit:
    """``deadline`` on the clock of ``time.monotonic`` (None: no limit); ``configurations`` bound the memory."""

    deadline: float | None = None
    configurations: int = 5_000_000

    def expired(self) -> bool:
        return self.deadline is not None and monotonic() >= self.deadline

    def remaining_s(self) -> float | None:
        return None if self.deadline is None else max(0.0, self.deadline - monotonic())

    def at_most(self, *, seconds: float | None = None, configurations: int | None = None) -> Limit:
        """This limit, or a nearer one."""
        deadlines = [d for d in (self.deadline, None if seconds is None else monotonic() + seconds) if d is not None]
        return Limit(
            min(deadlines) if deadlines else None,
            self.configurations if configurations is None else min(configurations, self.configurations),
        )

    def share(self, parts: int) -> Limit:
        """One of ``parts`` equal parts of what remains."""
        remaining = self.remaining_s()
        return self if remaining is None else self.at_most(seconds=remaining / parts)
