"""What makes two failures the same one, so that a smaller plan shows the same bug and not just any.

"The same failure" is the same type of anomaly, found by the same checker, of the same shape:

* a checker's anomaly (``non-linearizable``, ``lost``, ``divergence``, ...): the type and what was expected; which
  values and which operations show it may change, as they must when operations are taken away;
* a failed assertion of a node: also where it failed and what it said, with numbers and names of nodes left open, so
  that "term 7 fell to 6 on n3" stays what it is on another node in another term, and no other one takes its place;
* a system that did not come back after everything was healed: that, and nothing else.

A run may show several anomalies. The first one is what is shrunk; a smaller plan may lose the others, or show more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from harness.node_failure import ASSERTION
from harness.result import Anomaly, Reason, Result

NO_RECOVERY: Final = str(Reason.NO_RECOVERY)
SHAPE_CHARACTERS_MAX: Final = 300
_VARIABLE: Final = re.compile(r"\bn\d+\b|(?<![A-Za-z])-?\d+(\.\d+)?")


@dataclass(frozen=True, slots=True)
class Failure:
    """The signature of a failure: ``type`` of the anomaly, ``checker`` that found it (``Result.expect``; "assertion"
    for a node's own), ``shape`` of what it says where that matters, else empty."""

    type: str
    checker: str
    shape: str = ""

    def __str__(self) -> str:
        return f"{self.type} ({self.shape})" if self.shape else self.type

    def as_json(self) -> dict[str, Any]:
        return {"type": self.type, "checker": self.checker, "shape": self.shape}


def failures(result: Result) -> Iterator[tuple[Failure, Anomaly | None]]:
    """The failures that a verdict shows, each with its anomaly, in the verdict's order; nothing if it shows none.

    A system that did not recover is one without an anomaly: the verdict is unknown there, by right, but it is the first
    thing that a person wants to see smaller.
    """
    for anomaly in result.anomalies if result.valid is False else ():
        if anomaly.type == ASSERTION:
            yield Failure(ASSERTION, ASSERTION, shape_of(anomaly.explanation)), anomaly
        else:
            yield Failure(anomaly.type, result.expect), anomaly
    if result.reason is Reason.NO_RECOVERY:
        yield Failure(NO_RECOVERY, "availability"), None


def shape_of(text: str) -> str:
    """A text with its numbers, names of nodes and line breaks left open."""
    return _VARIABLE.sub("#", " ".join(text.split()))[:SHAPE_CHARACTERS_MAX]
