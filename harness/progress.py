"""What a run is doing right now, as data; whoever shows it decides how."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Phase(StrEnum):
    """The phases of a run, in order."""

    CREATE = "making the cluster"
    START = "starting the nodes"
    READY = "waiting until the system is ready"
    MAIN = "operations"
    HEAL = "healing"
    RECOVER = "waiting until the system answers again"
    FINAL = "final reads"
    LOGS = "fetching logs"
    HELD = "left running"
    DOWN = "removing the cluster"
    CHECK = "checking"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Progress:
    """A moment of a run: seconds since it began and since its main phase began (of ``limit_s``), client operations by
    how they ended, those completed per second of late, the faults in force."""

    phase: Phase
    elapsed_s: float
    main_s: float = 0.0
    limit_s: float = 0.0
    rate_hz: float = 0.0
    ok: int = 0
    fail: int = 0
    info: int = 0
    running: int = 0
    faults: tuple[str, ...] = ()

    def line(self) -> str:
        """One line for a person."""
        text = f"{self.elapsed_s:6.1f} s  {self.phase}"
        if self.phase is Phase.MAIN:
            text += f" {self.main_s:.0f}/{self.limit_s:.0f} s"
        if self.ok or self.fail or self.info:
            text += f"  {self.rate_hz:.0f}/s  ok {self.ok}  fail {self.fail}  info {self.info}"
        return text + (f"  faults: {', '.join(self.faults)}" if self.faults else "")


Watch = Callable[[Progress], None]
Say = Callable[[str], None]
