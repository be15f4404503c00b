"""Client sessions: bounded, and never executing again what they have forgotten."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from systems_under_test.blocks.client_session import EXPIRED, REGISTER, ClientSessions

OK = {"value": None}


def test_a_repeated_request_has_its_first_reply_and_an_older_one_none() -> None:
    sessions = ClientSessions(2)
    assert sessions.answered("c1", 1) is None
    sessions.record("c1", 1, {"value": 5})
    assert sessions.answered("c1", 1) == {"value": 5}
    assert sessions.answered("c1", 2) is None
    sessions.record("c1", 2, OK)
    assert sessions.answered("c1", 1) == {"error": "superseded"}


def test_the_least_recently_used_session_expires_and_must_register() -> None:
    sessions = ClientSessions(2)
    for client in ("c1", "c2"):
        sessions.record(client, 1, OK)
    assert sessions.answered("c3", 1) is None, "nothing has been forgotten yet: whoever is unknown is new"
    assert sessions.answered("c1", 1) == OK  # used again
    sessions.record("c3", 1, OK)
    assert sessions.answered("c2", 1) == EXPIRED
    assert sessions.answered("c4", 1) == EXPIRED, "new or forgotten: nobody knows"
    name = sessions.register("c4")
    assert sessions.answered(name, 1) is None


def test_a_command_is_executed_once_and_one_that_registers_never() -> None:
    gone: list[str] = []
    sessions, executed = ClientSessions(1, gone.append), []

    def execute(command: Mapping[str, Any]) -> Mapping[str, Any]:
        executed.append(command["value"])
        return {"value": len(executed)}

    def asked(client: str, f: str = "inc", sequence: int = 1) -> Mapping[str, Any]:
        return sessions.once({"client": client, "sequence": sequence, "f": f, "value": client}, execute)

    assert [asked("c1"), asked("c1"), asked("c2")] == [{"value": 1}, {"value": 1}, {"value": 2}]
    assert (asked("c1"), gone) == (EXPIRED, ["c1"])
    assert asked("c1", "register", 2) == {"value": "c1-session-1"}
    assert (asked("c1-session-1", sequence=2), executed) == ({"value": 3}, ["c1", "c2", "c1-session-1"])
    assert gone == ["c1", "c2"]


def test_a_session_whose_registration_was_lost_is_not_given_to_another_client() -> None:
    """The log of the one is cut, and with it the table is made anew: what it has told its client stays told."""

    def registered(sessions: ClientSessions, client: str) -> str:
        command = {"client": client, "sequence": 1, "f": REGISTER}
        return str(sessions.once(command, lambda command: OK)["value"])

    sessions, anew = ClientSessions(2), ClientSessions(2)
    told = registered(sessions, "c1")
    assert registered(anew, "c2") != told
    assert registered(sessions, told) == "c1-session-2", "by the client's name, however often it registers"


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=60), st.integers(1, 4))
def test_nothing_is_executed_twice_and_a_snapshot_goes_on_alike(asked: list[tuple[int, bool]], bound: int) -> None:
    """Clients whose every request may come again at any time; those who are refused register."""
    sessions, names, sequences = ClientSessions(bound), [f"c{n}" for n in range(6)], [0] * 6
    executed: set[tuple[str, int]] = set()
    for client, again in asked:
        copy = ClientSessions(bound)
        copy.restore(json.loads(json.dumps(sessions.snapshot())))
        sequences[client] += not again
        request = names[client], max(sequences[client], 1)
        reply = sessions.answered(*request)
        assert copy.answered(*request) == reply
        if reply is None:
            assert request not in executed
            executed.add(request)
            sessions.record(*request, OK)
        elif reply == EXPIRED:
            names[client] = sessions.register(names[client])
