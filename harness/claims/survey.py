"""Many questions side by side, each answered by runs: whichever needs a run gets one, until all are settled."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Generic, Protocol, TypeVar

from harness import catalog
from harness.claims.experiment import plan_of
from harness.claims.finding import Finding
from harness.claims.inquiry import Arm
from harness.claims.worker import SIM, request
from harness.plan import Plan
from harness.search.pool import Pool

WORKER: Final = "harness.claims.worker"


class Question(Protocol):
    """What runs are made for: a claim, the search for a seeded bug, a correct twin."""

    @property
    def name(self) -> str: ...
    @property
    def system(self) -> str: ...
    def next(self) -> tuple[Arm, int] | None:
        """The configuration and the seed of the run to be made next; None if no more are wanted."""

    def add(self, arm: Arm, finding: Finding) -> None: ...
    @property
    def runs(self) -> int:
        """How many were made."""

    @property
    def wanted(self) -> int:
        """How many it has taken and may still take."""


Q = TypeVar("Q", bound=Question)


class Survey(Generic[Q]):
    """``questions`` are served in order, those at the front first. Real runs are kept below ``store``, a folder for
    each question and arm."""

    def __init__(self, questions: Sequence[Q], provider: str, store: Path, workers: int | None = None) -> None:
        self.questions, self._provider, self._store = questions, provider, store
        self._workers = workers or os.cpu_count() or 1
        self._faults = catalog.faults()

    def execute(self, watch: Callable[[Survey[Q]], None] = lambda survey: None) -> None:
        """Make the runs, telling ``watch`` a few times a second. Raises harness.search.batch's WorkerError;
        KeyboardInterrupt ends it with all workers gone, and what was found stays."""
        for answered in Pool(WORKER, self._workers, self._ask).answers():
            if answered is not None:
                (question, arm), data = answered
                question.add(arm, Finding.from_json(data))
            watch(self)

    def _ask(self) -> tuple[tuple[Q, Arm], Mapping[str, Any]] | None:
        for question in self.questions:
            if (wanted := question.next()) is not None:
                arm, seed = wanted
                place = self._store / _folder(question.name) / _folder(arm.name)
                plan = self.plan(question, arm, seed)
                return (question, arm), request(
                    plan, arm.figures, arm.told, None if self._provider == SIM else str(place)
                )
        return None

    def plan(self, question: Q, arm: Arm, seed: int) -> Plan:
        """The plan of a run: what repeats it."""
        return plan_of(
            arm.experiment, catalog.system(arm.system or question.system), self._faults, seed, self._provider
        )

    def keep(self, question: Q, arm: Arm, seed: int) -> Path:
        """Write the plan of a run where a person can repeat it from."""
        place = self._store / _folder(question.name)
        place.mkdir(parents=True, exist_ok=True)
        path = place / f"{_folder(arm.name)}-{seed}.json"
        path.write_text(json.dumps(self.plan(question, arm, seed).as_json(), indent=1), encoding="utf-8")
        return path

    @property
    def runs(self) -> int:
        return sum(question.runs for question in self.questions)

    @property
    def wanted(self) -> int:
        return sum(question.wanted for question in self.questions)

    @property
    def settled(self) -> int:
        """How many questions need no further run."""
        return sum(question.runs >= question.wanted for question in self.questions)

    @property
    def complete(self) -> bool:
        """Whether nothing was cut short: without all of its runs a question has no good answer."""
        return self.settled == len(self.questions)


def _folder(name: str) -> str:
    return name.replace("/", "-").replace(" ", "-")
