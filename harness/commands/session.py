"""One real run in this process: the event loop, the signals, the display, and holding the cluster if that is asked."""

from __future__ import annotations

import asyncio
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from harness.cluster import Cluster, of_earlier_run
from harness.commands.live import Display
from harness.commands.run_plan import faults_in_words
from harness.commands.run_summary import lines, opening
from harness.real_runtime import RealRuntime
from harness.result import Validity
from harness.runner import Record, Run
from harness.setup import Setup
from harness.store import RunFolder
from harness.verdict import Verdict, judge

CHECK_TIME_LIMIT_S: Final = 120.0
ALWAYS, ON_FAILURE, NEVER = "always", "failure", "never"
DATA: Final = "data.tar.gz"


class InterruptedCheckError(Exception):
    """The run is over and on disk, and was not judged."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of the nodes besides their logs: their ``data``, "always", on "failure" of the run or "never"; and
    their ``packets``."""

    data: str = "never"
    packets: bool = False


def keep_or_drop_data(folder: RunFolder, wish: str, valid: Validity) -> None:
    """What was on the nodes' disks was fetched before there was a verdict; now it is known whether it is wanted."""
    for archive in folder.nodes.glob(f"*/{DATA}") if wish == ON_FAILURE and valid is not False else ():
        archive.unlink()


class Session:
    """One run in this process: the event loop, the signals, the display."""

    def __init__(
        self,
        setup: Setup,
        folder: RunFolder,
        leave_running: bool,
        shown: Display,
        kept: Kept = Kept(),
    ) -> None:
        self._setup, self._folder, self._leave_running, self._display = setup, folder, leave_running, shown
        self._kept = kept
        self._verdict: Verdict | None = None
        self._run: Run | None = None
        self._task: asyncio.Task[Record] | None = None
        self._interrupts = 0
        self._released: asyncio.Event | None = None

    def verdict(self) -> Verdict:
        """Make the run, then judge it. Raises what ``Run.execute`` raises, CancelledError after a second Ctrl-C, and
        InterruptedCheckError."""
        for line in opening(self._setup, self._folder, faults_in_words(self._setup.plan)):
            self._display.say(line)
        for line in self._setup.provider.remove_leftovers():
            self._display.say(of_earlier_run(line))
        try:
            record = asyncio.run(self._make_run())
        finally:
            shutil.rmtree(self._folder.path / "cluster", ignore_errors=True)
        if self._verdict is None:
            self._display.say("        checking")
            signal.signal(signal.SIGTERM, signal.default_int_handler)  # the event loop took its own handler away
            try:
                self._verdict = judge(self._setup, self._folder, record, CHECK_TIME_LIMIT_S)
            except KeyboardInterrupt:
                raise InterruptedCheckError from None
        keep_or_drop_data(self._folder, self._kept.data, self._verdict.result.valid)
        return self._verdict

    def close(self) -> None:
        self._display.close()

    async def _make_run(self) -> Record:
        loop = asyncio.get_running_loop()
        self._released = asyncio.Event()
        hold = self._hold if self._leave_running else None
        runtime = RealRuntime(self._setup.plan.seed)
        self._run = Run(self._setup, runtime, self._folder, self._display.watch, self._display.say, hold,
                        keeps_data=self._kept.data != NEVER, captures=self._kept.packets)  # fmt: skip
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # the last: its terminal was closed
            loop.add_signal_handler(number, self._interrupted)
        self._task = loop.create_task(self._run.execute())
        return await self._task

    def _interrupted(self) -> None:
        assert self._run is not None, "signals are handled only during the run"
        assert self._released is not None, "made with the run"
        self._interrupts += 1
        self._released.set()
        if self._interrupts == 1:
            if self._verdict is None:
                self._display.say(
                    "interrupted: healing, then checking what there is (again: remove the cluster at once)"
                )
            self._run.stop()
        elif self._task is not None:
            self._display.say("interrupted again: removing the cluster")
            self._run.abort()
            self._task.cancel()

    async def _hold(self, cluster: Cluster, record: Record) -> None:
        """Judge while the cluster is up, say how to reach it, and wait for Enter or Ctrl-C."""
        self._verdict = await asyncio.to_thread(judge, self._setup, self._folder, record, CHECK_TIME_LIMIT_S)
        assert self._released is not None, "made with the run"
        loop, released = asyncio.get_running_loop(), self._released
        self._display.close()
        for line in lines(self._verdict, self._setup, self._folder, None, "", told=False):
            print(line, file=sys.stderr)
        for node in cluster.nodes:
            print(f"  {node}  {cluster.entry(node)}", file=sys.stderr)
        print("the cluster is left running; Enter or Ctrl-C removes it", file=sys.stderr, flush=True)
        with _entered(loop, released):
            await released.wait()


@contextmanager
def _entered(loop: asyncio.AbstractEventLoop, event: asyncio.Event) -> Iterator[None]:
    """Set ``event`` when a person presses Enter; without a terminal only a signal ends the waiting."""
    if not sys.stdin.isatty():
        yield
        return

    def entered() -> None:
        sys.stdin.readline()
        event.set()

    loop.add_reader(sys.stdin, entered)
    try:
        yield
    finally:
        loop.remove_reader(sys.stdin)
