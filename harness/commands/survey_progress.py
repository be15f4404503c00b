"""Progress of a survey: a line now and then."""

from __future__ import annotations

from time import monotonic
from typing import Any, Final

from harness.claims.survey import Survey
from harness.commands.live import Display

EVERY_S: Final = 2.0


class SurveyProgress:
    """How many runs were made, of at most how many; how many of the questions (``what``) are settled."""

    def __init__(self, shown: Display, what: str) -> None:
        self._shown, self._what, self._begin, self._next_s = shown, what, monotonic(), EVERY_S

    def watch(self, survey: Survey[Any]) -> None:
        elapsed_s = monotonic() - self._begin
        if elapsed_s < self._next_s:
            return
        self._next_s = elapsed_s + max(EVERY_S, elapsed_s / 20)
        rate = survey.runs / elapsed_s
        left = f", at most {(survey.wanted - survey.runs) / rate:.0f} s left" if rate else ""
        self._shown.say(f"{elapsed_s:6.1f} s  {survey.runs} runs of at most {survey.wanted}, {survey.settled} of "
                        f"{len(survey.questions)} {self._what} settled{left}")  # fmt: skip
