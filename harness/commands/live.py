"""How `splitbrain run` shows what happens: a live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Final, Protocol, TextIO

from harness.commands.output import printable
from harness.progress import Phase, Progress

LINE_EVERY_S: Final = 2.0


class Display(Protocol):
    """Shows progress, and lines for people above it."""

    def watch(self, progress: Progress) -> None: ...
    def say(self, text: str) -> None: ...
    def close(self) -> None: ...


def display(stream: TextIO) -> Display:
    """The live display if ``stream`` is a terminal that can show one, else plain lines."""
    return WhileSeen(LiveLine(stream) if stream.isatty() else PlainLines(stream))


class WhileSeen:
    """Another display, until it can show nothing any more (its reader has gone): that is no reason to end a run, with
    a cluster standing and faults in force."""

    def __init__(self, shown: Display) -> None:
        self._shown, self._seen = shown, True

    def watch(self, progress: Progress) -> None:
        self._try(lambda: self._shown.watch(progress))

    def say(self, text: str) -> None:
        self._try(lambda: self._shown.say(text))

    def close(self) -> None:
        self._try(self._shown.close)

    def _try(self, show: Callable[[], None]) -> None:
        if not self._seen:
            return
        try:
            show()
        except OSError:
            self._seen = False


class PlainLines:
    """A line when a phase begins or the faults in force change, and one every few seconds."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._last: tuple[Phase, tuple[str, ...]] | None = None
        self._next_s = 0.0

    def watch(self, progress: Progress) -> None:
        if (progress.phase, progress.faults) == self._last and progress.elapsed_s < self._next_s:
            return
        self._last, self._next_s = (progress.phase, progress.faults), progress.elapsed_s + LINE_EVERY_S
        self.say(progress.line())

    def say(self, text: str) -> None:
        for line in text.splitlines():
            print(printable(line), file=self._stream, flush=True)

    def close(self) -> None:
        """Nothing to take away."""


class LiveLine:
    """A spinner, the phase, a bar over the main phase, figures; rewritten in place."""

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, SpinnerColumn, TextColumn
        from rich.progress import Progress as Bar

        self._console = Console(file=stream, highlight=False)
        # Everything is plain text to rich (markup=False): names and messages come from systems under test.
        self._bar = Bar(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[figures]}", markup=False),
            console=self._console,
            transient=True,
        )
        self._task = self._bar.add_task("", total=1.0, figures="")
        self._phase: Phase | None = None
        self._bar.start()

    def watch(self, progress: Progress) -> None:
        if progress.phase is not self._phase:
            self._phase = progress.phase
            self.say(f"{progress.elapsed_s:6.1f} s  {progress.phase}")
        self._bar.update(
            self._task,
            description=str(progress.phase),
            total=progress.limit_s or 1.0,
            completed=min(progress.main_s, progress.limit_s),
            figures=_figures(progress),
        )

    def say(self, text: str) -> None:
        for line in text.splitlines():
            self._console.print(printable(line), markup=False)

    def close(self) -> None:
        self._bar.stop()


def _figures(progress: Progress) -> str:
    text = f"{progress.rate_hz:.0f}/s  ok {progress.ok}  fail {progress.fail}  info {progress.info}"
    return text + (f"  faults: {', '.join(progress.faults)}" if progress.faults else "")


def output(json: bool) -> Any:
    """Where people's lines go: standard output, or with --json standard error."""
    return sys.stderr if json else sys.stdout
