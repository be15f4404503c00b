"""One simulated node: its disk and clock, which outlive its processes, and the program that runs in the present one."""

from __future__ import annotations

import importlib
import traceback
from collections.abc import Mapping
from typing import Any, Final, cast

from harness.cluster import NodeEvent, NodeSpec
from harness.node import Disk, Future, Message, Program
from harness.node.failure import failure_kind
from harness.node.wire import WireError
from harness.simulation.clock import SimClock
from harness.simulation.disk import SimDisk
from harness.simulation.env import Call, SimEnv
from harness.simulation.network import CALL, ERROR, REPLY, Parcel
from harness.simulation.oscillator import Oscillator
from harness.simulation.resources import KILLED_WITHIN_MS, Connection, Resources
from harness.simulation.scheduler import DEAD, PAUSED, Lane, Sleep
from harness.simulation.world import World

BOOT_MS_MIN: Final = 5
BOOT_MS_SPREAD: Final = 20
LOG_LINES_MAX: Final = 20_000
CLOCK_ERROR_MS: Final = 10.0
OLD, NEW = "old", "new"
HANDLERS_MAX: Final = 20_000
HARNESS: Final = "harness"


class SimNode:
    """A machine with at most one process. ``incarnation`` counts its processes; ``serving`` says that the present one
    has started its program; ``silent`` that its machine has no power, so that nobody refuses anything. ``build`` is
    what is installed, which the next process will run."""

    def __init__(self, world: World, spec: NodeSpec, peers: tuple[str, ...], options: Mapping[str, str]) -> None:
        self.world, self.name, self.role, self.peers = world, spec.name, spec.role, peers
        self._program_path, self._options = spec.program, dict(options)
        self.disk = SimDisk(world.scheduler, lambda stream: world.random("disk", self.name, stream), self._late)
        self.clock = self._new_clock()
        self.env: SimEnv | None = None
        self.program: Program | None = None
        self.incarnation = 0
        self.serving = self.silent = False
        self.slowness, self.delay_ms = 1.0, 0.0
        self.resources = Resources()
        self.build = self._running_build = OLD
        self._taken_up = 0, 0  # when, and in which place of that moment, the last late message is taken up
        self.events: list[dict[str, Any]] = []
        self.lines: list[str] = []
        self._handled: dict[int, list[Parcel]] = {}  # calls not answered yet: all copies under way, by their number
        self._connected: set[str] = set()
        self._cut_off: set[str] = set()

    @property
    def running(self) -> bool:
        return self.env is not None

    @property
    def paused(self) -> bool:
        return self.env is not None and self.env.lane.state == PAUSED

    @property
    def oscillator(self) -> Oscillator:
        return self.clock.oscillator

    @property
    def incarnation_up(self) -> int:
        """The incarnation that accepts connections; 0 if none does."""
        return self.incarnation if self.serving else 0

    def start(self) -> None:
        """Power on, and a new process."""
        assert self.env is None, f"{self.name} runs already"
        if self.silent:
            self.clock = self._new_clock()
        self.silent = False
        self.incarnation += 1
        self._running_build = self.build
        self.resources.renew()
        self.env = env = SimEnv(self, self.incarnation)
        self.world.tell("start", self.name)
        self.tell("start", {})
        env.spawn(self._boot(env), "start")

    def kill(self) -> None:
        """SIGKILL: what was written stays in the kernel's cache; whoever had a connection sees it end."""
        if self.env is not None:
            self._end("kill")

    def stop(self) -> None:
        """SIGTERM: the program ends in good order, which means nothing more than that it says so."""
        if self.env is not None:
            self.tell("stop", {})
            self._end("stop")

    def power_loss(self, *, torn: bool, reordered: bool, keep: str) -> dict[str, int]:
        """The machine is off: its network falls silent, and its disk forgets what was not synced."""
        stream = f"power-loss/{self.incarnation}"
        self.silent = True
        self._cut_off = self._connected
        self._connected = set()
        if self.env is not None:
            self._end("power-loss")
        return self.disk.power_loss(torn=torn, reordered=reordered, keep=keep, stream=stream)

    def stop_failed(self, where: str, error: BaseException) -> None:
        """The program let an error through, and the node ends itself."""
        kind = failure_kind(error)
        text = "".join(traceback.format_exception(error))
        self.log(f"stopped by an error in {where}: {text}")
        self.tell(kind, {"where": where, "error": repr(error)[:1000], "trace": text[-8000:]})
        self._end(kind)

    def arrive(self, parcel: Parcel) -> None:
        """A message has reached this machine."""
        env = self.env
        if env is not None and env.lane.state == PAUSED:
            env.lane.backlog.append((self.world.scheduler.now_us, 0, 0, env.lane, self.arrive, parcel))
        elif self.silent:
            self.world.network.lose(parcel, "no power")
        elif env is None or not self.serving or parcel.sent_to != self.incarnation:
            self._refuse(parcel)
        elif parcel.source in self._cut_off:
            self._reset(parcel)
        elif not self._take_connection(parcel.source):
            self.world.network.lose(parcel, "no descriptor")
        elif self.delay_ms or self.resources.share < 1 or self._taken_up[0] > self.world.scheduler.now_us:
            self._take_up_late(env, parcel)
        else:
            self._deliver(parcel)

    def _out_of_memory(self, env: SimEnv) -> None:
        """The kernel kills the process that took the last of it."""
        if self.env is env and self.resources.memory_bytes is not None:
            self.world.network.met[self.name]["memory"] += 1
            self._end("out-of-memory")

    def _reset(self, parcel: Parcel) -> None:
        """Who had a connection before the power went finds out by using it."""
        self._cut_off.discard(parcel.source)
        self.world.network.lose(parcel, "down")
        if parcel.kind is CALL:
            self._break(parcel, "closed", "the machine has been restarted")
        elif (sender := self.world.nodes.get(parcel.source)) is not None:
            sender.count("net.closed")

    def _take_up_late(self, env: SimEnv, parcel: Parcel) -> None:
        """A slow node is slow, and no message overtakes another in it: not those that come once it is fast again."""
        scheduler = self.world.scheduler
        self.world.network.met[self.name]["slow-node"] += bool(self.delay_ms)
        self.world.network.met[self.name]["cpu"] += self.resources.share < 1
        delay_ms = round(self.delay_ms + self.resources.take_up_ms)
        time_us, tie = scheduler.now_us + delay_ms * 1000, env.lane.tie()
        if time_us <= self._taken_up[0]:
            time_us, tie = self._taken_up[0], max(tie, self._taken_up[1])
        self._taken_up = time_us, tie
        scheduler.at(env.lane, time_us, tie, self._deliver, parcel)

    def service_ms(self, ms: float) -> float:
        """How long work takes here that takes a free machine so long."""
        if self.resources.share < 1:
            self.world.network.met[self.name]["cpu"] += 1
        return ms * self.slowness / self.resources.share

    def limit_fds(self, spare: int) -> None:
        """Connections are known by who has received what: one that carried a message is there."""
        others = self.world.nodes.values()
        arrived = {self._connection("in", source) for source in self._connected}
        left = {self._connection("out", other.name) for other in others if other.hears(self.name)}
        self.resources.limit_fds(spare, arrived | left)

    def drift(self, factor: float) -> None:
        """The oscillator runs at ``factor`` times the true rate from now on, and all that is timed by it, with it."""
        stretch = self.oscillator.run_at(factor)
        if self.env is not None:
            self.env.retime(stretch)

    def hears(self, source: str) -> bool:
        """Whether there is a connection from there."""
        return self.serving and source in self._connected

    def can_reach(self, to: str) -> bool:
        """Whether there is a connection to it, or could be."""
        return self._take_connection(to, "out")

    def _take_connection(self, other: str, direction: str = "in") -> bool:
        if self.resources.descriptors is None or self.resources.connect(self._connection(direction, other)):
            return True
        self.world.network.met[self.name]["fds"] += 1
        return False

    def _connection(self, direction: str, other: str) -> Connection:
        node = self.world.nodes.get(other)
        return direction, other, 0 if node is None else node.incarnation

    def open_disk(self, lane: Lane) -> Disk:
        """The disk, for a new process."""
        return self.disk.open(lane)

    def count(self, counter: str) -> None:
        """Add to a counter of the present process, if there is one."""
        if self.env is not None:
            self.env.counters[counter] += 1

    def tell(self, name: str, fields: Mapping[str, Any]) -> None:
        """An event, kept, and told to whoever watches. TypeError or ValueError if the fields are not JSON."""
        copied = self.world.copier.copy(dict(fields))
        now_ns = self.world.scheduler.now_us * 1000
        self.events.append({"name": name, "node": self.name, "incarnation": self.incarnation,
                            "time_wall_ns": self.world.wall_origin_ns + now_ns, "time_monotonic_ns": now_ns,
                            "fields": copied})  # fmt: skip
        self.world.told(NodeEvent("event", self.name, self.incarnation, name, copied))

    def log(self, text: str) -> None:
        if self.world.keeps_logs and len(self.lines) < LOG_LINES_MAX:
            time_s = self.world.scheduler.now_us / 1e6
            self.lines.append(f"{time_s:10.3f} {self.name}/{self.incarnation} {text[:16384]}")
        if self.world.log_texts:
            self.world.logged(self, text[:16384])

    def status(self) -> Message:
        """See the real node's control port."""
        env, program = self.env, self.program
        assert env is not None, "a dead node does not answer"
        return {
            "name": self.name,
            "role": self.role,
            "incarnation": self.incarnation,
            "pid": 0,
            "build": self._running_build,
            "serving": self.serving,
            "program": program.status() if program is not None and self.serving else {},
            "counters": dict(env.counters),
            "gauges": dict(env.gauges),
            "wall_ns": self.clock.look(),
        }

    def ask(self, message: Message, answer: Future[Message]) -> None:
        """A message of the harness to the program; a paused one takes it up later, a dead one never."""
        env, program = self.env, self.program
        if env is not None and program is not None and self.serving:
            self.world.scheduler.after(env.lane, 1, self._take_up_asked, (env, program, message, answer))

    def _take_up_asked(self, asked: tuple[SimEnv, Program, Message, Future[Message]]) -> None:
        env, program, message, answer = asked
        env.handle(self._handle_asked(env, program, self.world.copier.copy(message), answer), "handle")

    async def _handle_asked(self, env: SimEnv, program: Program, message: Message, answer: Future[Message]) -> None:
        reply = await program.handle(HARNESS, message)
        if reply is not None and env.lane.state != DEAD and not answer.done():
            answer.set_result(self.world.copier.copy(reply))

    async def _boot(self, env: SimEnv) -> None:
        await Sleep(BOOT_MS_MIN + env.lane.draw() % BOOT_MS_SPREAD)
        module, _, name = self._program_path.partition(":")
        self.program = cast(Program, getattr(importlib.import_module(module), name)(env, self._options))
        await self.program.start()
        self.serving = True
        self.log("serving")

    def _deliver(self, parcel: Parcel) -> None:
        env, program = self.env, self.program
        assert env is not None, "only a running node is delivered to"
        assert program is not None, "only a serving node is delivered to"
        env.counters["net.received"] += 1
        if self._running_build == NEW:
            env.counters["build.new"] += 1
        self._connected.add(parcel.source)
        if self.resources.take_memory():
            self.world.scheduler.after(env.lane, 1 + env.lane.draw() % KILLED_WITHIN_MS, self._out_of_memory, env)
        if parcel.kind is not CALL:
            env.handle(self._handle_send(program, parcel), "handle")
        elif len(self._handled) < HANDLERS_MAX:
            self._handled.setdefault(parcel.number, []).append(parcel)
            env.handle(self._handle_call(env, program, parcel), "handle")
        else:
            env.counters["net.dropped_handlers"] += 1

    async def _handle_send(self, program: Program, parcel: Parcel) -> None:
        await program.handle(parcel.source, parcel.body)

    async def _handle_call(self, env: SimEnv, program: Program, parcel: Parcel) -> None:
        reply = await program.handle(parcel.source, parcel.body)
        if env.lane.state == DEAD:
            return
        copies = self._handled.pop(parcel.number, [])
        if reply is None:
            if len(copies) > 1:  # the network made another, which may be answered
                self._handled[parcel.number] = copies[1:]
            return
        call: Call = parcel.context
        try:
            body = self.world.copier.copy(reply)
        except WireError as error:
            self._break(parcel, "closed", str(error))
            return
        env.counters["net.sent"] += 1
        self.world.transmit(Parcel(0, REPLY, self.name, parcel.source, body, call.answer))

    def _refuse(self, parcel: Parcel) -> None:
        """There is no process here, or not the one that was spoken to."""
        known = "refused" if parcel.sent_to == 0 else "closed"
        self.world.network.lose(parcel, "down")
        if parcel.kind is CALL:
            self._break(parcel, known, "nobody listens" if known == "refused" else "the process ended")
        elif (sender := self.world.nodes.get(parcel.source)) is not None:
            sender.count(f"net.{known}")

    def _break(self, parcel: Parcel, error: str, reason: str) -> None:
        body = {"error": error, "reason": reason}
        self.world.transmit(Parcel(0, ERROR, self.name, parcel.source, body, parcel.context.fail))

    def _end(self, why: str) -> None:
        env, handled = self.env, self._handled
        assert env is not None, "filtered by whoever calls"
        waiting = [entry[5] for entry in env.lane.backlog if entry[4] == self.arrive]
        self.env, self.program, self.serving, self._handled = None, None, False, {}
        self.disk.close()  # first: what closing the coroutines sets going must find nothing it could do
        env.die()
        self.world.tell(why, self.name)
        if not self.silent:
            unanswered = [copies[0] for copies in handled.values()]
            for parcel in [*unanswered, *(parcel for parcel in waiting if parcel.kind is CALL)]:
                self._break(parcel, "closed", "the process ended")

    def _new_clock(self) -> SimClock:
        scheduler, world = self.world.scheduler, self.world
        offset_ns = round(world.random("clock", self.name).uniform(-CLOCK_ERROR_MS, CLOCK_ERROR_MS) * 1e6)
        oscillator = Oscillator(lambda: scheduler.now_us, self._met_drift)
        return SimClock(lambda: scheduler.now_us, world.wall_origin_ns, CLOCK_ERROR_MS, self._met_clock, offset_ns,
                        oscillator)  # fmt: skip

    def _met_clock(self) -> None:
        self.world.network.met[self.name]["clock"] += 1

    def _met_drift(self) -> None:
        self.world.network.met[self.name]["drift"] += 1

    def _late(self, what: str) -> None:
        self.world.violate(f"{what} on the disk after death", self.name, "", 0)
