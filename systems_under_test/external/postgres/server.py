"""One PostgreSQL server on a machine: its data folder, its configuration, how it is started, asked, copied and ended.

Whoever calls decides what the server is to be; nothing here knows of terms or of other nodes' opinions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from harness.node.machine import CommandError, Completed, MachineEnv, Process

BIN: Final = "/usr/lib/postgresql/15/bin"
USER: Final = "postgres"
DATABASE: Final = "postgres"
PORT: Final = 5432

COPY_MS_MAX: Final = 20_000
START_MS_MAX: Final = 20_000
STOP_MS_MAX: Final = 10_000
ASK_MS_MAX: Final = 2_000
POLL_MS: Final = 20

SCHEMA: Final = """\
CREATE TABLE IF NOT EXISTS entries (key text PRIMARY KEY, value jsonb NOT NULL);
CREATE TABLE IF NOT EXISTS elements (key text, element jsonb, PRIMARY KEY (key, element));
CREATE TABLE IF NOT EXISTS terms (term int PRIMARY KEY);"""
"""Registers, counters and lists are values of one table; sets are rows of another, one for each element, so that two
who add do not meet. In the third each primary puts its term, before anybody follows it."""

_SETTINGS: Final[Mapping[str, str]] = {
    "port": str(PORT),
    "unix_socket_directories": "",
    "fsync": "on",
    "shared_buffers": "16MB",
    "dynamic_shared_memory_type": "mmap",  # a node need not have a /dev/shm that is everybody's
    "max_connections": "100",
    "enable_seqscan": "off",  # a scan of a small table would make every transaction that is serializable meet all
    "jit": "off",
    "deadlock_timeout": "100ms",  # a deadlock is found before the client has lost patience
    # A client that has gone away holds no locks for long, whether it said so or was cut off.
    "client_connection_check_interval": "500ms",
    "idle_in_transaction_session_timeout": "10s",
    "tcp_user_timeout": "3s",
    # Replication; what a replica has missed for a while is still there when it comes back.
    "wal_level": "replica",
    "hot_standby": "on",
    "max_wal_senders": "30",
    "wal_keep_size": "128MB",
    "wal_sender_timeout": "2s",
    "wal_receiver_timeout": "2s",
    "wal_receiver_status_interval": "1s",
    "wal_retrieve_retry_interval": "200ms",
    "log_min_messages": "log",  # in the log's order that leaves errors out: a refused transaction is none
    "log_line_prefix": "%m [%p] ",
}
_CONNECTION: Final = (
    f"port={PORT} user={USER} dbname={DATABASE} sslmode=disable connect_timeout=2 "
    "tcp_user_timeout=2000 keepalives_idle=1 keepalives_interval=1 keepalives_count=2"
)
_OBSERVE: Final = """\
SELECT pg_is_in_recovery(),
       coalesce((SELECT status = 'streaming' FROM pg_stat_wal_receiver), false),
       EXISTS (SELECT FROM pg_stat_activity
               WHERE backend_type = 'startup' AND wait_event = 'RecoveryRetrieveRetryInterval'),
       (SELECT max(term) FROM terms),
       CASE WHEN pg_is_in_recovery() THEN greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())
            ELSE pg_current_wal_flush_lsn() END - '0/0'::pg_lsn"""


@dataclass(frozen=True, slots=True)
class Observation:
    """What a server says of itself. ``recovering``: it is a standby; ``streaming``: one that gets its log from a
    primary; ``waiting``: one that has replayed all that it has and looks for more in vain. Its log ends at byte
    ``position``, and ``term`` is that of the primary who wrote the end: as in Raft, of two logs that of the later term,
    or else the longer one, has everything that was ever confirmed by a node with the other."""

    recovering: bool
    streaming: bool
    waiting: bool
    term: int
    position: int


class Server:
    """``standbys`` is the value of ``synchronous_standby_names``, empty where replication is asynchronous."""

    def __init__(self, env: MachineEnv, standbys: str) -> None:
        self._env, self._machine, self._standbys = env, env.machine, standbys
        self._data = f"{self._machine.data}/postgres"
        self._settings, self._access = f"{self._machine.data}/postgresql.conf", f"{self._machine.data}/pg_hba.conf"
        self._process: Process | None = None

    @property
    def has_data(self) -> bool:
        return self._machine.exists(f"{self._data}/PG_VERSION")

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.status is None

    async def initialise(self) -> None:
        """Make an empty database."""
        await self._run("initdb", "-D", self._new(), "-U", USER, "--auth=trust", "--locale=C", "-E", "UTF8",
                        "--data-checksums", "--wal-segsize=4", "--no-sync", timeout_ms=COPY_MS_MAX)  # fmt: skip
        await self._adopt_new()

    async def copy(self, primary: str) -> None:
        """Take the whole database of the node ``primary``, in the place of one's own, of a server that is stopped.
        Raises CommandError, and then nothing has changed.

        A standby of another history could be rewound instead (pg_rewind); but two standbys that are promoted one after
        the other, not knowing of each other, call different histories by the same number, and then it rewinds nothing.
        """
        # By the standby's own name it would be one that confirms commits, of which it may forget all.
        await self._run("pg_basebackup", "-d", self._connection(primary), "-D", self._new(), "-X", "stream",
                        "-c", "fast", "--no-slot", "--no-sync", timeout_ms=COPY_MS_MAX)  # fmt: skip
        await self._adopt_new()

    async def start_standby(self, primary: str | None) -> None:
        """Start it as a standby, which streams from the node ``primary``, or from nobody. As :meth:`start`."""
        self._machine.write(f"{self._data}/standby.signal", "", user=USER)
        await self.start(primary)

    async def start(self, primary: str | None = None) -> None:
        """Start it as what it was before it ended, primary or standby. Returns when it answers. Raises CommandError."""
        self._configure(primary)
        # Whoever wrote that has died with its keeper, and its number may be another process's by now.
        self._machine.remove(f"{self._data}/postmaster.pid")
        self._process = await self._machine.spawn(
            "postgres", f"{BIN}/postgres", "-D", self._data, "-c", f"config_file={self._settings}", user=USER
        )
        deadline_ns = self._env.clock.monotonic() + START_MS_MAX * 1_000_000
        while not self._says_ready():
            if not self.runs or self._env.clock.monotonic() > deadline_ns:
                raise CommandError("the server has ended, or is not ready in time; postgres.log says why")
            await self._env.sleep(POLL_MS)

    async def stop(self) -> None:
        """End it in good order. SIGTERM lets nobody in; then those who are in are sent away."""
        if self._process is None or not self.runs:
            return
        ending = self._env.spawn(self._process.terminate(STOP_MS_MAX), "ending")
        await self._run("pg_ctl", "stop", "-D", self._data, "-m", "fast", "-W", check=False)
        await ending

    async def promote(self) -> None:
        """Make it a primary, if it is a standby."""
        if self._machine.exists(f"{self._data}/standby.signal"):
            await self._run("pg_ctl", "promote", "-D", self._data, "-w", timeout_ms=START_MS_MAX)

    async def begin_term(self, term: int) -> None:
        """Put the term into the log of a primary, and make the tables if there are none; nobody confirms that."""
        begin = f"INSERT INTO terms VALUES ({term:d}) ON CONFLICT DO NOTHING"  # noqa: S608 (a number)
        await self._ask(f"SET synchronous_commit TO local; {SCHEMA} {begin}")

    async def observe(self) -> Observation:
        """Raises CommandError where it does not answer."""
        recovering, streaming, waiting, term, position = (await self._ask(_OBSERVE)).strip().split("|")
        return Observation(recovering == "t", streaming == "t", waiting == "t", int(term), int(position))

    def _says_ready(self) -> bool:
        """The last line of that file is the server's state, by which pg_ctl, too, knows when it may be asked."""
        file = f"{self._data}/postmaster.pid"
        return self._machine.exists(file) and self._machine.read(file).split()[-1:] == ["ready"]

    def _new(self) -> str:
        """A folder of the server's user in which a database is made, and stays until it is whole."""
        self._machine.remove(f"{self._data}.new")
        self._machine.folder(f"{self._data}.new", USER)
        return f"{self._data}.new"

    async def _adopt_new(self) -> None:
        await self._machine.run("sync", "-f", self._machine.data)  # what takes the old one's place is whole
        self._machine.remove(self._data)
        await self._machine.run("mv", "-T", f"{self._data}.new", self._data)
        await self._machine.run("sync", "-f", self._machine.data)

    def _configure(self, primary: str | None) -> None:
        settings = {
            **_SETTINGS,
            "listen_addresses": f"127.0.0.1,{self._machine.address}",
            "hba_file": self._access,
            "synchronous_standby_names": self._standbys,
            "primary_conninfo": f"{self._connection(primary)} application_name={self._env.name}" if primary else "",
        }
        lines = [f"{name} = '{value}'" for name, value in settings.items()]
        self._machine.write(self._settings, "\n".join([*lines, ""]), user=USER)
        # Whoever can reach the two addresses it listens on belongs to the run.
        self._machine.write(self._access, "host all,replication all all trust\n", user=USER)

    def _connection(self, node: str) -> str:
        return f"host={self._machine.addresses[node]} {_CONNECTION}"

    async def _ask(self, sql: str) -> str:
        done = await self._run("psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", f"host=127.0.0.1 {_CONNECTION}",
                               "-c", sql, timeout_ms=ASK_MS_MAX)  # fmt: skip
        return done.stdout

    async def _run(
        self, program: str, *arguments: str, check: bool = True, timeout_ms: float = STOP_MS_MAX
    ) -> Completed:
        return await self._machine.run(f"{BIN}/{program}", *arguments, user=USER, check=check, timeout_ms=timeout_ms)
