"""The scheduler: one heap of events, own futures and tasks, and virtual time that jumps from one event to the next.

Why not asyncio: a heap and ``coroutine.send`` are twice as fast, and asyncio's sets are ordered by address, so that no
two runs are alike. What makes one run repeatable is here:

* *Time* is an integer number of microseconds on a grid of one millisecond. On a fine grid hardly two events would meet;
  on a coarse one many do, and their order is a choice.
* *The order of one moment* is drawn per lane. A lane is whatever acts by itself (an incarnation of a node, a link, the
  harness), with its own stream of draws: removing an event from one lane leaves the others' draws as they were, and a
  plan that is being shrunk goes on failing the same way. The policy "pct" gives each lane a priority instead, changed
  now and then (Burckhardt et al., "A Randomized Scheduler with Probabilistic Guarantees of Finding Bugs", ASPLOS 2010).
* *A lane's end* needs no bookkeeping: the events of a dead lane are thrown away when their time comes, those of a
  paused one are kept until it goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Coroutine, Generator
from fractions import Fraction
from heapq import heapify, heappop, heappush
from typing import Any, Final, Generic, TypeVar
from zlib import crc32

from harness.simulation.oscillator import Oscillator

T = TypeVar("T")

TICK_US: Final = 1000
RUNNING, PAUSED, DEAD = 0, 1, 2
EVENTS_PER_TICK_MAX: Final = 20_000
PCT_CHANGE_EVERY: Final = 500

_OWN_FOLDER: Final = __file__.rpartition("/")[0] + "/"
_MASK: Final = (1 << 64) - 1
_MULTIPLIER: Final = 6364136223846793005  # Knuth's MMIX linear congruential generator
_INCREMENT: Final = 1442695040888963407

Call = Callable[[Any], None]
Entry = tuple[int, int, int, "Lane", Call, Any]


class Cancelled(BaseException):
    """Thrown into a coroutine that is cancelled."""


class LivelockError(Exception):
    """Too many events in one millisecond of virtual time; the text names the tasks that never sleep."""


class DeadlockError(Exception):
    """Nothing is left that could happen, and the awaited task has not ended; the text says who waits where."""


class Lane:
    """Whatever acts by itself. ``state`` is RUNNING, PAUSED or DEAD. The ``first`` lane, the harness, comes before all
    others at every moment, in the order in which it was asked: a fault strikes before the next step of any node. Its
    ``oscillator`` times what it waits for; without one that is true time."""

    __slots__ = ("_draw", "_first", "_priority", "_ties", "backlog", "name", "oscillator", "state")

    def __init__(self, name: str, seed: int, *, pct: bool = False, first: bool = False) -> None:
        self.name, self.state, self._first = name, RUNNING, first
        self.backlog: list[Entry] = []
        self.oscillator: Oscillator | None = None
        self._draw = (crc32(name.encode()) << 32 ^ seed * _MULTIPLIER ^ _INCREMENT) & _MASK
        for _ in range(4):  # near seeds begin near each other
            self.draw()
        self._priority = 1 + self.draw() if pct else None
        self._ties = 0

    def draw(self) -> int:
        """The next number of this lane's own stream, 31 bits."""
        self._draw = draw = (self._draw * _MULTIPLIER + _INCREMENT) & _MASK
        return draw >> 33

    def chance(self) -> float:
        """The same, in [0, 1)."""
        return self.draw() / 0x80000000

    def tie(self) -> int:
        """This event's place among those of the same moment."""
        if self._first:
            return 0
        if self._priority is None:
            self._draw = draw = (self._draw * _MULTIPLIER + _INCREMENT) & _MASK
            return 1 + (draw >> 33)
        self._ties += 1
        if self._ties % PCT_CHANGE_EVERY == 0:
            self._priority = 1 + self.draw()
        return self._priority


class SimFuture(Generic[T]):
    """A value that will be there later; see :class:`harness.node.Future`."""

    __slots__ = ("_done", "_error", "_result", "_scheduler", "waiters")

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._done = False
        self._error: BaseException | None = None
        self._result: Any = None
        self.waiters: list[tuple[Lane, Call, Any]] = []

    def __await__(self) -> Generator[Any, None, T]:
        if not self._done:
            yield self
        if self._error is not None:
            raise self._error
        result: T = self._result
        return result

    def done(self) -> bool:
        return self._done

    def set_result(self, result: T) -> None:
        assert not self._done, "a future is set once"
        self._result = result
        self._settle()

    def set_exception(self, error: BaseException) -> None:
        assert not self._done, "a future is set once"
        self._error = error
        self._settle()

    def _settle(self) -> None:
        self._done = True
        soon = self._scheduler.soon
        for lane, call, argument in self.waiters:
            soon(lane, call, argument)
        self.waiters = []


class SimTask(SimFuture[T]):
    """A spawned coroutine; see :class:`harness.node.Task`. ``unattended`` gets an error nobody awaits.

    A step sends into the coroutine; what comes out says how it waits: for a future, or, a number, so many milliseconds.
    """

    __slots__ = ("_token", "attended", "coroutine", "lane", "name", "unattended")

    def __init__(self, scheduler: Scheduler, lane: Lane, coroutine: Coroutine[Any, Any, T], name: str,
                 unattended: Callable[[str, BaseException], None]) -> None:  # fmt: skip
        super().__init__(scheduler)
        self.lane, self.coroutine, self.name, self.unattended = lane, coroutine, name, unattended
        self.attended = 0
        self._token = 0

    def __await__(self) -> Generator[Any, None, T]:
        self.attended += 1
        try:
            return (yield from super().__await__())
        finally:
            self.attended -= 1

    def cancel(self) -> None:
        if not self._done:
            self._scheduler.soon(self.lane, self._throw, Cancelled())

    def close(self) -> None:
        """End the coroutine where it stands; its ``finally`` blocks run. Raises RuntimeError if it will not end."""
        if not self._done:
            self._token += 1
            self.coroutine.close()

    def start(self, _: Any = None) -> None:
        """Run to the first wait."""
        self._advance(self.coroutine.send, None)

    def _wake(self, token: int) -> None:
        if token == self._token and not self._done:  # a cancelled coroutine may wait for something else by now
            self._advance(self.coroutine.send, None)

    def _throw(self, error: BaseException) -> None:
        if not self._done:
            self._advance(self.coroutine.throw, error)

    def _advance(self, resume: Callable[[Any], Any], argument: Any) -> None:
        scheduler = self._scheduler
        self._token = token = self._token + 1
        outer, scheduler.running = scheduler.running, self
        try:
            awaited = resume(argument)
        except StopIteration as end:
            self._result = end.value
            self._settle()
        except Cancelled as cancelled:
            self._error = cancelled
            self._settle()
        except Exception as error:  # noqa: BLE001 - whoever awaits the task gets it, or it is reported
            self._error = error
            attended = self.attended
            self._settle()
            if not attended:
                self.unattended(self.name, error)
        else:
            if isinstance(awaited, SimFuture):
                awaited.waiters.append((self.lane, self._wake, token))
            elif awaited.__class__ is float or awaited.__class__ is int:
                scheduler.wait(self.lane, awaited, self._wake, token)
            else:
                text = (
                    f"awaited a {type(awaited).__name__} in {place(self.coroutine)}; expected what Env or Runtime give"
                )
                scheduler.soon(self.lane, self._throw, TypeError(text))
        finally:
            scheduler.running = outer


class Sleep:
    """Awaitable: so many milliseconds of virtual time."""

    __slots__ = ("_ms",)

    def __init__(self, ms: float) -> None:
        self._ms = ms

    def __await__(self) -> Generator[float, None, None]:
        yield self._ms


class Scheduler:
    """Virtual time and all that will happen in it. ``order`` is "uniform" or "pct"."""

    def __init__(self, seed: int, order: str = "uniform") -> None:
        self.seed, self._pct = seed, order == "pct"
        self.now_us = 0
        self.events = 0
        self.running: SimTask[Any] | None = None
        self._heap: list[Entry] = []
        self._sequence = 0

    def lane(self, name: str, *, first: bool = False) -> Lane:
        """A new lane; its draws depend on its name and the seed alone."""
        return Lane(name, self.seed, pct=self._pct, first=first)

    def soon(self, lane: Lane, call: Call, argument: Any = None) -> None:
        """Call at this very moment, after whatever runs now."""
        self._sequence = sequence = self._sequence + 1
        heappush(self._heap, (self.now_us, lane.tie(), sequence, lane, call, argument))

    def after(self, lane: Lane, ms: float, call: Call, argument: Any = None) -> None:
        """Call when ``ms`` have passed, on the grid of milliseconds; later than now unless ``ms`` is 0."""
        time_us = -(-round(self.now_us + ms * 1000) // TICK_US) * TICK_US
        if ms > 0 and time_us <= self.now_us:
            time_us = self.now_us + TICK_US
        self._sequence = sequence = self._sequence + 1
        heappush(self._heap, (time_us, lane.tie(), sequence, lane, call, argument))

    def wait(self, lane: Lane, ms: float, call: Call, argument: Any = None) -> None:
        """Call when ``ms`` have passed as the lane itself counts them."""
        self.after(lane, ms if lane.oscillator is None else lane.oscillator.true_ms(ms), call, argument)

    def retime(self, lane: Lane, calls: Collection[Callable[..., Any]], stretch: Fraction) -> None:
        """What is still to come of the lane's own waits, which end in one of the methods ``calls``, takes ``stretch``
        times as long: its oscillator runs at another rate from now on."""
        heap, now_us = self._heap, self.now_us
        for place, (time_us, tie, sequence, owner, call, argument) in enumerate(heap):
            if owner is lane and time_us > now_us and getattr(call, "__func__", None) in calls:
                end_us = now_us - (now_us - time_us) * stretch.numerator // stretch.denominator
                heap[place] = -(-end_us // TICK_US) * TICK_US, tie, sequence, owner, call, argument
        heapify(heap)

    def at(self, lane: Lane, time_us: int, tie: int, call: Call, argument: Any) -> None:
        """Call at a time, at a given place among the events of that moment: for links that keep their order."""
        self._sequence = sequence = self._sequence + 1
        heappush(self._heap, (time_us, tie, sequence, lane, call, argument))

    def future(self) -> SimFuture[Any]:
        return SimFuture(self)

    def pause(self, lane: Lane) -> None:
        if lane.state == RUNNING:
            lane.state = PAUSED

    def resume(self, lane: Lane) -> None:
        """Let a paused lane go on; what should have happened meanwhile happens now, in its order."""
        if lane.state != PAUSED:
            return
        lane.state = RUNNING
        backlog, lane.backlog = lane.backlog, []
        for place, (_, _, _, _, call, argument) in enumerate(backlog):
            self.at(lane, self.now_us, place - len(backlog), call, argument)

    def run(self, task: SimTask[T], limit_us: int) -> T:
        """Let things happen until ``task`` has ended; its result or error.

        Raises DeadlockError when nothing can happen any more or ``limit_us`` has passed, and LivelockError.
        """
        heap, count, tick_end = self._heap, 0, 0
        while not task._done:
            if not heap:
                raise DeadlockError(f"nothing is left to happen at {self.now_us / 1e6:.3f} s; {where(task)}")
            entry = heappop(heap)
            time_us, _, _, lane, call, argument = entry
            if lane.state:
                if lane.state == PAUSED:
                    lane.backlog.append(entry)
                continue
            if time_us != self.now_us:
                self.now_us = time_us
                if time_us > limit_us:
                    raise DeadlockError(f"not at an end after {limit_us / 1e6:g} s of virtual time; {where(task)}")
                self.events += count - tick_end
                tick_end = count
            count += 1
            if count - tick_end > EVENTS_PER_TICK_MAX:
                raise LivelockError(self._livelock(entry))
            call(argument)
        self.events += count - tick_end
        if task._error is not None:
            raise task._error
        result: T = task._result
        return result

    def _livelock(self, last: Entry) -> str:
        waiting: dict[str, int] = {}
        for time_us, _, _, lane, call, _ in [last, *self._heap]:
            if time_us == self.now_us:
                owner = getattr(call, "__self__", None)
                text = where(owner) if isinstance(owner, SimTask) else getattr(call, "__qualname__", repr(call))
                waiting[f"{lane.name}: {text}"] = waiting.get(f"{lane.name}: {text}", 0) + 1
        busiest = sorted(waiting, key=lambda text: -waiting[text])[:3]
        return (f"more than {EVENTS_PER_TICK_MAX} events at {self.now_us / 1e6:.3f} s of virtual time: some loop never "
                f"sleeps; at work: {'; '.join(busiest)}")  # fmt: skip


def where(task: SimTask[Any]) -> str:
    """The task's name and the line at which its innermost coroutine waits."""
    file, line = place(task.coroutine)
    return f"the task {task.name!r} waits in {file}:{line}"


def place(coroutine: Any) -> tuple[str, int]:
    """File and line at which a suspended coroutine, or what it awaits, stands; the innermost outside the simulator."""
    found: tuple[str, int] = ("?", 0)
    inner: Any = coroutine
    while inner is not None and getattr(inner, "cr_frame", None) is not None:
        file = inner.cr_code.co_filename
        if found[1] == 0 or not file.startswith(_OWN_FOLDER):
            found = file, inner.cr_frame.f_lineno
        inner = inner.cr_await
    return found


def spawn(scheduler: Scheduler, lane: Lane, coroutine: Coroutine[Any, Any, T], name: str,
          unattended: Callable[[str, BaseException], None]) -> SimTask[T]:  # fmt: skip
    """Begin a coroutine, in its turn."""
    task = SimTask(scheduler, lane, coroutine, name, unattended)
    scheduler.soon(lane, task.start)
    return task


__all__ = ["DEAD", "PAUSED", "RUNNING", "Cancelled", "DeadlockError", "Lane", "LivelockError",
           "Scheduler", "SimFuture", "SimTask", "Sleep", "place", "spawn", "where"]  # fmt: skip
