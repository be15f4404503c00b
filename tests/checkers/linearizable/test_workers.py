"""Keys decided in other processes: the same answers in the same order, and nobody left behind."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

from checkers.linearizable import workers
from checkers.linearizable.limit import Limit

NONE = Limit()


def _doubled(number: int, limit: Limit) -> Mapping[str, Any]:
    return {"process": os.getpid(), "double": 2 * number, "deadline": limit.deadline}


def _alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def test_every_number_is_answered_once_by_another_process() -> None:
    said = dict(workers.answers(range(20), _doubled, NONE, 3))
    assert {number: answer["double"] for number, answer in said.items()} == {i: 2 * i for i in range(20)}  # type: ignore[index]
    processes = {answer["process"] for answer in said.values()}  # type: ignore[index]
    assert os.getpid() not in processes
    assert 1 <= len(processes) <= 3
    assert not any(map(_alive, processes))


def test_answers_may_be_long() -> None:
    ((_, said),) = workers.answers([0], lambda number, limit: {"list": list(range(300_000))}, NONE, 1)
    assert not isinstance(said, workers.Lost)
    assert len(said["list"]) == 300_000


def test_a_worker_that_is_killed_is_lost_and_the_others_go_on() -> None:
    def answer(number: int, limit: Limit) -> Mapping[str, Any]:
        if number == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return _doubled(number, limit)

    said = dict(workers.answers(range(8), answer, NONE, 2))
    assert said[3] == workers.Lost(signal.SIGKILL)
    assert all(not isinstance(said[i], workers.Lost) for i in range(8) if i != 3)


def test_a_worker_that_crashes_is_lost() -> None:
    def answer(number: int, limit: Limit) -> Mapping[str, Any]:
        raise RuntimeError(number)

    assert dict(workers.answers(range(3), answer, NONE, 2)) == {i: workers.Lost(0) for i in range(3)}


def test_a_worker_that_does_not_look_at_the_clock_is_ended() -> None:
    def answer(number: int, limit: Limit) -> Mapping[str, Any]:
        if number == 0:
            sleep(60)
        return {}

    began = monotonic()
    said = dict(workers.answers(range(4), answer, NONE.at_most(seconds=0.4), 2))
    assert monotonic() - began < 10
    assert said[0] == workers.Lost(0, late=True)
    assert said[1] == said[2] == said[3] == {}


def test_time_is_shared_equally() -> None:
    limit = NONE.at_most(seconds=1000)
    said = dict(workers.answers(range(10), _doubled, limit, 2))
    deadlines = [answer["deadline"] - monotonic() for answer in said.values()]  # type: ignore[index]
    assert 150 < min(deadlines) <= 201
    assert limit.deadline is not None
    assert max(deadlines) <= limit.deadline - monotonic() + 1


def test_who_stops_listening_leaves_nobody_behind() -> None:
    def answer(number: int, limit: Limit) -> Mapping[str, Any]:
        if number:
            sleep(60)
        return {"process": os.getpid(), "group": os.getppid()}

    began = monotonic()
    heard = workers.answers(range(4), answer, NONE, 3)
    next(heard)
    heard.close()  # type: ignore[attr-defined]
    assert monotonic() - began < 10
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    assert not any(_alive(int(child)) for child in children)


PARENT = """
import sys, time
from checkers.linearizable import workers
from checkers.linearizable.limit import Limit
import os
def answer(number, limit):
    os.write(1, b"%d\\n" % os.getpid())
    time.sleep(60)
    return {}
list(workers.answers(range(2), answer, Limit(), 2))
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_workers_end_with_their_parent(how: signal.Signals) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    processes = [int(parent.stdout.readline()) for _ in range(2)]
    assert all(map(_alive, processes))
    parent.send_signal(how)
    parent.wait(timeout=10)
    deadline = monotonic() + 10
    while any(map(_alive, processes)) and monotonic() < deadline:
        sleep(0.01)
    assert not any(map(_alive, processes))
    parent.stdout.close()


LIMITED = """
import resource
from checkers.linearizable import workers
from checkers.linearizable.limit import Limit
limit = 400 << 20
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
def answer(number, _):
    held = []
    try:
        while True:
            held.append(bytearray(8 << 20))
    except MemoryError:
        return {"megabytes": 8 * len(held)}
said = dict(workers.answers(range(3), answer, Limit(), 3))
print(sum(each["megabytes"] for each in said.values()), min(each["megabytes"] for each in said.values()))
print(workers.useful_workers())
resource.setrlimit(resource.RLIMIT_DATA, (60 << 20, limit))
print(workers.useful_workers())
"""


def test_all_workers_have_as_much_memory_as_their_parent() -> None:
    done = subprocess.run([sys.executable, "-c", LIMITED], capture_output=True, text=True, timeout=60, check=True)
    (total, least), (useful,), (starved,) = (map(int, line.split()) for line in done.stdout.splitlines())
    assert total <= 400
    assert least >= 60, "of the 400, each has its third, but for what the program itself takes"
    cores = len(os.sched_getaffinity(0))
    assert (useful, starved) == (min(cores, useful), 1)
    assert resource.getrlimit(resource.RLIMIT_DATA)[0] == resource.RLIM_INFINITY, "of this process nothing was limited"
