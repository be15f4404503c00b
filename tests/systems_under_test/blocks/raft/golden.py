"""Golden traces: a script of events for a few Raft servers, with exactly what each event makes them do.

A trace is a text file. Lines that begin with ``#`` are comments, lines that begin with ``> `` are commands, all others
are what the command before them prints. To accept what the code prints now (and then read the difference):

    python -m tests.systems_under_test.blocks.raft.golden

Commands; SOURCE and TO are server names or ``*``:

    servers NAME...                 a new network
    install NAME term=N vote=NAME log=T,T,...   a server whose storage holds a log of entries of these terms
    timeout NAME                    its election timer runs out
    heartbeat NAME                  its heartbeat timer runs out
    request NAME COMMAND... ?N...   clients ask for commands, and for reads with token N
    deliver SOURCE TO [COUNT]       the letters in flight on these links, in the order sent (the first COUNT)
    duplicate SOURCE TO             deliver them, and keep them in flight
    drop SOURCE TO                  lose them
    settle                          deliver until nothing is in flight, without printing the steps
    isolate NAME / rejoin NAME      from now on, lose what it sends and what is sent to it; end that
    crash NAME                      lose memory, restart from storage
    entries-per-message N           the bound on a message's length, for this trace
    snapshot NAME                   it takes a snapshot of what it has applied
    show                            all servers
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from systems_under_test.blocks.raft import (
    ElectionTimeout,
    Entry,
    HardState,
    HeartbeatTimeout,
    Read,
    Ready,
    Receive,
    Request,
    Snapshot,
    State,
)
from systems_under_test.blocks.raft.message import AppendEntries, RaftMessage
from tests.systems_under_test.blocks.raft.network import Letter, Network

FOLDER = Path(__file__).parent / "golden"
STEPS_MAX = 10_000


class Trace:
    def __init__(self, *bugs: str) -> None:
        self._bugs = bugs
        self.network = Network(())

    def run(self, script: str) -> str:
        """The script with what its commands print now."""
        return "".join(f"{line}\n" for line in self._lines(script))

    def _lines(self, script: str) -> Iterator[str]:
        for line in script.splitlines():
            if line.startswith("> "):
                yield line
                yield from self._command(line[2:].split())
            elif not line or line.startswith("#"):
                yield line

    def _command(self, words: list[str]) -> Iterator[str]:
        commands: dict[str, Callable[..., Iterator[str]]] = {
            "servers": self._servers, "install": self._install, "timeout": self._timeout, "heartbeat": self._heartbeat,
            "request": self._request, "deliver": self._deliver, "duplicate": self._duplicate, "drop": self._drop,
            "settle": self._settle, "crash": self._crash, "show": self._show, "snapshot": self._snapshot,
            "isolate": self._isolate, "rejoin": self._rejoin, "entries-per-message": self._entries_per_message,
        }  # fmt: skip
        return commands[words[0]](*words[1:])

    def _servers(self, *names: str) -> Iterator[str]:
        bound = self.network.entries_per_message
        self.network = Network(names, self._bugs)
        self.network.bound(bound)
        yield from ()

    def _install(self, name: str, *settings: str) -> Iterator[str]:
        given = dict(setting.split("=") for setting in settings)
        terms = [int(term) for term in given.get("log", "").split(",") if term]
        entries = [Entry(term, index, {"f": f"e{index}.{term}"}) for index, term in enumerate(terms, 1)]
        self.network.install(name, HardState(int(given["term"]), given.get("vote")), entries)
        yield f"{name}  {_describe(self.network.states[name])}"

    def _timeout(self, name: str) -> Iterator[str]:
        return self._print(name, "election timeout", self.network.step(name, ElectionTimeout()))

    def _heartbeat(self, name: str) -> Iterator[str]:
        return self._print(name, "heartbeat timeout", self.network.step(name, HeartbeatTimeout()))

    def _snapshot(self, name: str) -> Iterator[str]:
        return self._print(name, "takes a snapshot", self.network.compact(name))

    def _request(self, name: str, *words: str) -> Iterator[str]:
        commands = tuple({"f": word} for word in words if not word.startswith("?"))
        reads = tuple(int(word[1:]) for word in words if word.startswith("?"))
        for token in reads:
            self.network.observer.ask_read(token)
        return self._print(name, f"request {' '.join(words)}", self.network.step(name, Request(commands, reads)))

    def _in_flight(self, source: str, to: str) -> list[Letter]:
        found = [m for m in self.network.letters if source in ("*", m.source) and to in ("*", m.to)]
        assert found, f"nothing is in flight from {source} to {to}"
        return found

    def _deliver(self, source: str, to: str, count: str = "1000") -> Iterator[str]:
        for letter in self._in_flight(source, to)[: int(count)]:
            self.network.letters.remove(letter)
            yield from self._receive(letter)

    def _duplicate(self, source: str, to: str) -> Iterator[str]:
        for letter in self._in_flight(source, to):
            yield from self._receive(letter)

    def _receive(self, letter: Letter) -> Iterator[str]:
        ready = self.network.step(letter.to, Receive(letter.source, letter.message))
        yield from self._print(letter.to, f"receives from {letter.source}: {_message(letter.message)}", ready)

    def _drop(self, source: str, to: str) -> Iterator[str]:
        for letter in self._in_flight(source, to):
            self.network.letters.remove(letter)
            yield f"lost: {letter.source} to {letter.to}: {_message(letter.message)}"

    def _isolate(self, name: str) -> Iterator[str]:
        self.network.isolated.add(name)
        lost = [letter for letter in self.network.letters if name in (letter.source, letter.to)]
        self.network.letters = [letter for letter in self.network.letters if letter not in lost]
        yield f"{len(lost)} letters lost"

    def _rejoin(self, name: str) -> Iterator[str]:
        self.network.isolated.remove(name)
        yield from ()

    def _settle(self) -> Iterator[str]:
        steps = 0
        while self.network.letters:
            self.network.deliver(self.network.letters.pop(0))
            steps += 1
            assert steps < STEPS_MAX, "the network does not come to rest"
        yield f"{steps} letters"

    def _crash(self, name: str) -> Iterator[str]:
        self.network.crash(name)
        yield f"{name}  {_describe(self.network.states[name])}"

    def _entries_per_message(self, count: str) -> Iterator[str]:
        self.network.bound(int(count))
        yield from ()

    def _show(self) -> Iterator[str]:
        for name in self.network.names:
            yield f"{name}  {_describe(self.network.states[name])}"

    def _print(self, name: str, what: str, ready: Ready) -> Iterator[str]:
        yield f"{name}  {what}"
        if ready.save is not None and ready.save.hard is not None:
            yield f"    save   term {ready.save.hard.term}, vote {ready.save.hard.vote or '-'}"
        if ready.save is not None and ready.save.snapshot is not None:
            yield f"    save   snapshot at {ready.save.snapshot.index}"
        if ready.save is not None and ready.save.log_from is not None:
            yield f"    save   log from {ready.save.log_from}: {_entries(ready.save.entries)}"
        yield from (f"    send   {envelope.to}: {_message(envelope.message)}" for envelope in ready.send)
        for item in ready.apply:
            yield f"    apply  {_item(item)}"
        yield from (f"    timer  {timer}" for timer in ready.timers)
        yield f"    state  {_describe(self.network.states[name])}"


def _describe(state: State) -> str:
    included = (f"[{state.log.included_index}]",) if state.log.included_index else ()
    terms = " ".join([*included, *(str(entry.term) for entry in state.log)]) or "-"
    vote = f", voted {state.hard.vote}" if state.hard.vote else ""
    leader = state.leader_hint or "-"
    return f"{state.role} of term {state.term}{vote}, leader {leader}, log {terms}, commit {state.commit}"


def _item(item: Snapshot | Entry | Read) -> str:
    if isinstance(item, Entry):
        return _entries((item,))
    return f"snapshot at {item.index}" if isinstance(item, Snapshot) else f"?{item.token} at {item.index}"


def _entries(entries: tuple[Entry, ...]) -> str:
    commands = ((entry, "no-op" if entry.command is None else entry.command["f"]) for entry in entries)
    return ", ".join(f"{entry.index}:{entry.term} {command}" for entry, command in commands) or "nothing"


def _message(message: RaftMessage) -> str:
    if not isinstance(message, AppendEntries):
        return repr(message).replace(", disrupts=False", "").replace(", incarnation=1)", ")")
    head = repr(replace(message, entries=())).replace("entries=()", f"entries=[{_entries(message.entries)}]")
    return head.replace("[nothing]", "[]")


def main() -> None:
    for file in sorted(FOLDER.glob("*.txt")):
        file.write_text(Trace().run(file.read_text()))
        print(file.name)


if __name__ == "__main__":
    main()
