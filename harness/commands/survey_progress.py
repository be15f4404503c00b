"""A survey made for a command: with progress, and an end whatever happens."""

from __future__ import annotations

import signal
from time import monotonic
from typing import Any, Final

from harness.claims.survey import Survey
from harness.commands import complain
from harness.commands.live import Display, display, output
from harness.search.batch import WorkerError

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


def surveyed(survey: Survey[Any], what: str, *, json: bool) -> float | None:
    """Make the runs; how many seconds they took. After Ctrl-C, or SIGTERM, there is what there is, and the workers are
    gone. None, and a line about it, if one of them crashed."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    shown, begin = display(output(json)), monotonic()
    try:
        survey.execute(SurveyProgress(shown, what).watch)
    except KeyboardInterrupt:
        complain(f"splitbrain: interrupted after {survey.runs} runs; what there is was judged")
    except WorkerError as error:
        complain(f"splitbrain: {error}")
        return None
    finally:
        shown.close()
    return monotonic() - begin


def tell(text: str, *, json: bool) -> None:
    """The outcome for people, who get what programs do not read."""
    complain(text) if json else print(text, flush=True)


def add_options(option: Any, store: str) -> None:
    """Those that every survey has; ``store`` says what is kept."""
    option("--seed", type=int, default=1, metavar="N", help="the seed of the first run (default: 1)")
    option("--jobs", type=int, metavar="N", help="runs at a time (default: one per core)")
    option("--store", default="store", metavar="DIR", help=f"where {store} kept (default: ./store)")
