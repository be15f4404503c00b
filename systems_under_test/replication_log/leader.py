"""The leader: executes statements one after the other, and logs what became of each."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Final

from harness.node import Env, Message

from systems_under_test.blocks.client_session import ClientSessions
from systems_under_test.blocks.statement import BadStatement, Functions, Statement, Trigger, execute, fixed
from systems_under_test.replication_log.change_table import capture, changes_after
from systems_under_test.replication_log.log_form import LogForm
from systems_under_test.replication_log.shipping import SHIP_MS, Shipping
from systems_under_test.replication_log.storage import Storage

ROW_MS: Final = 1.0
"""The service time of each row that a statement changes, by its own will or a trigger's."""

IDENTITY: Final = "request"


class Leader:
    """The one database that takes writes. What it answers is durable here; followers have it later (asynchronous)."""

    def __init__(self, env: Env, options: Mapping[str, str], storage: Storage, form: LogForm, functions: Functions,
                 triggers: tuple[Trigger, ...]) -> None:  # fmt: skip
        self._env, self._storage, self._form = env, storage, form
        self._functions, self._triggers = functions, triggers
        self._fixes = options["nondeterminism"] == "fixed-by-leader"
        self._captures = options["log"] == "trigger"
        same_version = (options["log"], options["version-check"]) == ("wal", "on")
        followers = () if self._captures else env.peers
        self._shipping = [Shipping(env, follower, form, same_version=same_version) for follower in followers]
        self._clients = ClientSessions()

    def start(self) -> None:
        """Remember, from the log, what clients were answered; then ship it."""
        for record in self._storage.records():
            if IDENTITY in record:
                self._clients.record(*record[IDENTITY])
        for shipping in self._shipping:
            self._env.spawn(self._ship(shipping), "ship")

    async def _ship(self, shipping: Shipping) -> None:
        for round_number in count():
            await shipping.step(self._storage.records()[: self._storage.durable], round_number)
            await self._env.sleep(SHIP_MS)

    def read(self, table: str) -> Message:
        """All rows of a table, each with its key as "id". To be told only once they are durable."""
        return {"value": [{"id": key, **row} for key, row in self._storage.tables.rows(table)]}

    async def write(self, request: Message) -> Message:
        """Execute a statement, once however often it is asked for; durable on return."""
        reply = self._clients.answered(request["client"], request["sequence"])
        if reply is None:
            try:
                reply, rows = self._execute(request)
            except BadStatement as error:
                self._env.log(str(error))
                return {"error": "unsupported"}
            await self._env.work(ROW_MS * rows)
        await self._storage.sync()
        return reply

    def _execute(self, request: Message) -> tuple[Message, int]:
        """The reply, and how many rows were written. Without an await: the log has the statements in the order in which
        they were executed."""
        value = request["value"]
        statement: Statement = {request["f"]: request["key"], **value}
        if self._fixes:
            statement = fixed(statement, self._functions)
        tables = self._storage.tables
        outcome = execute(tables, statement, self._functions, self._triggers)
        changes = tables.take_row_changes()
        if self._captures:
            capture(tables, changes)
        rows = len(changes) + len(tables.take_row_changes())
        reply = {"value": {**value, **outcome}}
        identity = (request["client"], request["sequence"], reply)
        self._clients.record(*identity)
        self._storage.commit(**{IDENTITY: identity}, **self._form.logged(statement, changes))
        return reply, rows

    def changes(self, request: Message) -> Message:
        """What the change table has after that number. To be told only once it is durable."""
        return {"changes": changes_after(self._storage.tables, request["after"])}
