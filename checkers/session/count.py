"""How often a guarantee was broken, by whom, and how stale the reads were."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from checkers.session.operation import Atom, value_of
from checkers.session.scene import Scene
from checkers.session.violation import Violation
from checkers.value import plain

_LISTED_MAX: Final = 24


@dataclass(slots=True)
class Counts:
    """How often a guarantee was broken, by session and key, and the worst staleness with the read that had it."""

    sessions: Counter[str] = field(default_factory=Counter)
    keys: Counter[Atom] = field(default_factory=Counter)
    versions: tuple[int, int] | None = None
    lag_ns: tuple[int, int] | None = None

    def take_all(self, scene: Scene, violations: Iterable[Violation]) -> Counts:
        """These violations, too."""
        for violation in violations:
            self.take(scene, violation)
        return self

    def take(self, scene: Scene, violation: Violation) -> None:
        self.sessions[scene.sessions[violation.session]] += 1
        self.keys[violation.key] += 1
        earlier, later = violation.earlier, violation.later
        if earlier is None or later is None or later.is_write:
            return
        if violation.staleness_versions is not None:
            self.stale(violation.staleness_versions, later.invoke)
        times = scene.history.times
        if earlier.complete is not None and times[earlier.complete] >= 0 and times[later.invoke] >= 0:
            self.late(times[later.invoke] - times[earlier.complete], later.invoke)

    def stale(self, versions: int, invoke: int) -> None:
        """A read that was that many versions behind."""
        if self.versions is None or versions > self.versions[0]:
            self.versions = versions, invoke

    def late(self, lag_ns: int, invoke: int) -> None:
        """A read that began that long after what it missed was certainly there."""
        if self.lag_ns is None or lag_ns > self.lag_ns[0]:
            self.lag_ns = lag_ns, invoke

    def as_json(self) -> dict[str, Any]:
        """``staleness``: by how many versions, and how long after it had to be there, a read missed something."""
        told: dict[str, Any] = {"violations": self.sessions.total()}
        if self.sessions:
            told["by_session"] = dict(self.sessions.most_common(_LISTED_MAX))
            told["by_key"] = [[plain(value_of(key)), n] for key, n in self.keys.most_common(_LISTED_MAX)]
        if self.versions is not None:
            told["worst_staleness_versions"] = {"versions": self.versions[0], "operation": self.versions[1]}
        if self.lag_ns is not None:
            told["worst_staleness_ms"] = {"ms": round(self.lag_ns[0] / 1e6, 3), "operation": self.lag_ns[1]}
        return told
