"""``postgres`` in the simulated world, for tests of who is ordered to do what: keepers and controller are the real
ones, and the server of each is a stand-in that has a log's end and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from harness.node import Env
from harness.node.machine import CommandError
from harness.system import Role
from systems_under_test.external.postgres import SYSTEM as REAL
from systems_under_test.external.postgres.keeper import Keeper
from systems_under_test.external.postgres.server import Observation

STEP_MS: Final = 200
"""How long each of a server's changes takes: long enough for faults to fall into it."""


class ScriptedServer:
    """Its data are two numbers on the disk: the term and the position at which its log ends. A copy takes those of the
    order; nothing streams but what is copied."""

    def __init__(self, env: Any, standbys: str) -> None:
        self._env, self._standbys = env, standbys
        self._primary: str | None = None
        self.runs = False

    @property
    def has_data(self) -> bool:
        return bool(self._env.disk.exists("log"))

    async def initialise(self) -> None:
        await self._write("0 0")

    async def copy(self, primary: str) -> None:
        await self._env.sleep(STEP_MS)
        try:
            seen = await self._env.call(primary, {"type": "look"}, STEP_MS)
        except Exception as error:
            raise CommandError(f"{primary} does not answer") from error
        if seen["role"] != "primary":
            raise CommandError(f"{primary} is no primary")
        await self._write(" ".join(map(str, seen["log"])))

    async def start(self, primary: str | None = None) -> None:
        await self._env.sleep(STEP_MS)
        self.runs, self._primary = True, primary

    async def start_standby(self, primary: str | None) -> None:
        self._env.disk.write("standby", b"")
        await self.start(primary)

    async def stop(self) -> None:
        await self._env.sleep(STEP_MS if self.runs else 1)
        self.runs = False

    async def promote(self) -> None:
        await self._env.sleep(STEP_MS)
        if self._env.disk.exists("standby"):
            self._env.disk.delete("standby")

    async def begin_term(self, term: int) -> None:
        await self._write(f"{term} {self._end()[1] + 1}")

    async def observe(self) -> Observation:
        if not self.runs:
            raise CommandError("it does not run")
        recovering = self._env.disk.exists("standby")
        return Observation(recovering, self._primary is not None, self._primary is None, *self._end())

    def _end(self) -> tuple[int, int]:
        term, position = map(int, self._env.disk.read("log").split())
        return term, position

    async def _write(self, text: str) -> None:
        self._env.disk.write("log", text.encode())
        await self._env.disk.sync("log")
        await self._env.disk.sync_dir()


class ScriptedKeeper(Keeper):
    def __init__(self, env: Env, options: Mapping[str, str]) -> None:
        super().__init__(env, options, ScriptedServer)  # type: ignore[arg-type]


SYSTEM: Final = replace(
    REAL,
    roles={**REAL.roles, "database": Role("tests.systems_under_test.external.scripted_postgres:ScriptedKeeper")},
    external=None,
)
