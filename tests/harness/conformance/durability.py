"""Statements about the disk: what a program reads, what survives, what a failing disk says."""

from __future__ import annotations

import errno
from typing import cast

from harness.cluster_faults import DiskFaults, PowerFaults
from tests.harness.conformance.world import World

MISSING = ["FileNotFoundError"] * 5
BLOCK_BYTES = 16384


async def a_program_reads_its_own_unsynced_data(world: World) -> None:
    """Appends, overwrites, truncations, renames and deletions are seen at once; names are listed in order; what is not
    there is FileNotFoundError."""
    told = await world.ask("n1", "files")
    assert told["seen"] == [
        [6, "234", "56"],
        [["a/one", "a/two", "b"], ["a/one", "a/two"], "12"],
        [["a/one"], "second", False],
    ]
    assert told["missing"] == [MISSING, MISSING]


async def syncs_at_once_all_return(world: World) -> None:
    """Many may sync one file at the same time, and each returns when its data is durable."""
    assert await world.ask("n1", "sync-at-once", file="f", parts=["a", "b", "c", "d"]) == {"synced": 4}
    assert await world.data("n1", "f") == "abcd"


async def disks_are_not_shared(world: World) -> None:
    """Each node has files of its own."""
    await world.ask("n1", "write", file="own", data="1", sync=True, sync_dir=True)
    assert await world.data("n2", "own") is None
    await world.ask("n2", "write", file="own", data="2", whole=True)
    assert await world.data("n1", "own") == "1"


async def synced_data_survives_a_power_loss(world: World) -> None:
    """What was synced, under a name that ``sync_dir`` made durable, is there after the power comes back. Of the rest
    nothing is sure; with ``keep="none"`` all of it is gone."""
    world.needs("power-loss")
    await world.ask("n1", "write", file="log", data="synced", sync=True, sync_dir=True)
    await world.ask("n1", "write", file="log", data=" and not")
    await world.ask("n1", "write", file="unsynced", data="x")
    incarnation = await world.incarnation("n1")
    lost = await _lose_power(world, "none")
    assert lost["bytes"] >= len(" and notx")
    assert await world.data("n1", "log") == "synced"
    assert await world.data("n1", "unsynced") is None
    assert await world.incarnation("n1") == incarnation + 1


async def a_power_loss_keeps_a_prefix(world: World) -> None:
    """With ``keep="some"``, neither torn nor reordered: the synced data, and of the later writes the first few."""
    world.needs("power-loss")
    await world.ask("n1", "write", file="log", data="synced", sync=True, sync_dir=True)
    for part in ("123", "456", "789"):
        await world.ask("n1", "write", file="log", data=part)
    await _lose_power(world, "some")
    assert await world.data("n1", "log") in ("synced", "synced123", "synced123456", "synced123456789")


async def a_new_name_may_be_lost_without_sync_dir(world: World) -> None:
    """Without ``sync_dir`` a new file may be gone, synced content and all; but if it is there, it has that content. A
    renamed one has its old name or its new one, with its content."""
    world.needs("power-loss")
    await world.ask("n1", "write", file="new", data="content", sync=True)
    await _lose_power(world, "none")
    assert await world.data("n1", "new") in (None, "content")


async def a_machine_without_power_is_silent(world: World) -> None:
    """It refuses nothing at once: whoever calls waits, as for a machine that is cut off; and it comes back."""
    world.needs("power-loss")
    await cast(PowerFaults, world.cluster).power_loss(["n2"], torn=False, reordered=False)
    for _ in range(2):  # a real connection is given up when a second has brought nothing
        told = await world.between("n1", "n2", "echo", timeout_ms=300)
        assert told["error"] in ("Timeout", "Refused", "Closed")
    assert told["error"] != "Closed"
    assert told["took_ms"] >= 299
    assert await world.cluster.status("n2") is None
    await world.cluster.start(["n2"])
    await world.eventually(lambda: world.reaches("n1", "n2"))


async def a_machine_that_lost_its_power_has_forgotten_its_connections(world: World) -> None:
    """Whoever had a connection is told by its first message, which is lost; the next one makes a new connection."""
    world.needs("power-loss")
    assert await world.outcome("n1", "echo") == "reply"
    await cast(PowerFaults, world.cluster).power_loss(["n1"], torn=False, reordered=False)
    await world.cluster.start(["n1"])
    assert await world.outcome("n1", "echo") == "Closed"
    assert await world.outcome("n1", "echo") == "reply"


async def a_full_disk_says_so(world: World) -> None:
    """What makes a file grow, beyond the block that it has, raises OSError (no space) until the disk has room again;
    what was there stays."""
    world.needs("disk-full")
    await world.ask("n1", "write", file="f", data="before", sync=True, sync_dir=True)
    await cast(DiskFaults, world.cluster).disk_full(["n1"])
    told = await world.ask("n1", "write", file="g", data="x", times=BLOCK_BYTES)
    assert told == {"error": "OSError", "errno": errno.ENOSPC}
    lost = await world.outcome("n1", "write", file="g", data="x", times=BLOCK_BYTES, sync=True, stops=True)
    assert lost in ("Closed", "Timeout")
    await _stopped_by_its_disk(world)
    await _heal(world)
    assert await world.data("n1", "f") == "before"
    assert await world.outcome("n1", "write", file="f", data="after", sync=True) == "reply"


async def a_disk_that_is_read_only_says_so(world: World) -> None:
    """Whatever changes the disk raises OSError (read-only file system), and what was synced can be read."""
    world.needs("read-only")
    await world.ask("n1", "write", file="f", data="before", sync=True, sync_dir=True)
    await cast(DiskFaults, world.cluster).disk_read_only(["n1"])
    told = await world.ask("n1", "write", file="f", data="x")
    assert told == {"error": "OSError", "errno": errno.EROFS}
    assert await world.data("n1", "f") == "before"
    assert await world.outcome("n1", "write", file="g", data="x", stops=True) in ("Closed", "Timeout")
    await _stopped_by_its_disk(world)
    await _heal(world)
    assert await world.data("n1", "f") == "before"
    assert await world.outcome("n1", "write", file="f", data="after", sync=True) == "reply"


async def syncs_wait_for_a_stalled_disk(world: World) -> None:
    """While the disk stalls no sync comes back; when it no longer does, they all do, and nothing is lost."""
    world.needs("disk-stall")
    await world.ask("n1", "write", file="f", data="before", sync=True, sync_dir=True)
    await cast(DiskFaults, world.cluster).disk_stall(["n1"])
    began_ns = world.runtime.now()
    waiting = world.begin(world.ask("n1", "write", file="f", data=" and after", sync=True, timeout_ms=20_000))
    await world.runtime.sleep(700)
    assert not waiting.done()
    await cast(DiskFaults, world.cluster).disk_heal(["n1"])
    assert "size" in await waiting
    assert world.since_ms(began_ns) >= 699
    assert await world.data("n1", "f") == "before and after"
    assert await _took_ms(world) < world.slack_ms


async def a_slow_sync_takes_longer(world: World) -> None:
    """By about what was asked for; and as long as ever when that is over."""
    world.needs("slow-fsync")
    delay_ms = world.slack_ms + 300
    await cast(DiskFaults, world.cluster).disk_slow(["n1"], delay_ms)
    # One that comes between two stalls, where that is how it is done, gets through.
    assert max([await _took_ms(world, 3 * delay_ms) for _ in range(3)]) >= delay_ms / 2
    await cast(DiskFaults, world.cluster).disk_heal(["n1"])
    assert await _took_ms(world) < world.slack_ms


async def _took_ms(world: World, within_ms: float = 5000) -> float:
    """How long a write and its sync take."""
    began_ns = world.runtime.now()
    await world.ask("n1", "write", file="timed", data="x", sync=True, timeout_ms=within_ms)
    return world.since_ms(began_ns)


async def what_is_damaged_is_read_as_it_is(world: World) -> None:
    """A flipped bit, a lost end, a chunk in the wrong place: the program reads what is there now."""
    world.needs("bit-flip", "kill")
    cluster = cast(DiskFaults, world.cluster)
    text = "0123456789abcdef"
    await world.ask("n1", "write", file="f", data=text, sync=True, sync_dir=True)
    await world.cluster.kill(["n1"])
    flips = (await cluster.disk_flip(["n1"], 1))["n1"]["flips"]
    assert [file for file, _, _ in flips] == ["f"]
    cut = (await cluster.disk_truncate(["n1"], 4))["n1"]["cut"]
    ((file, source, target, length),) = (await cluster.disk_copy_chunk(["n1"], 4))["n1"]["copied"]
    assert [name for name, _ in cut] == [file] == ["f"]
    damaged = bytearray(text.encode())
    damaged[flips[0][1]] ^= 1 << flips[0][2]
    del damaged[len(text) - cut[0][1] :]
    damaged[target : target + length] = damaged[source : source + length]
    await _start(world)
    assert await world.data("n1", "f") == damaged.decode("latin-1")
    met = (await world.cluster.observe()).met["n1"]
    assert met.get("chunk-copy", 0) >= 1, "that was a read of what was damaged"


async def an_old_state_comes_back_once(world: World) -> None:
    """What was saved is there again, and nothing of what came later; a second time there is nothing to put back."""
    world.needs("snapshot", "kill")
    cluster = cast(DiskFaults, world.cluster)
    await world.ask("n1", "write", file="f", data="old", sync=True, sync_dir=True)
    await cluster.disk_save(["n1"])
    await world.ask("n1", "write", file="f", data=" and new", sync=True)
    await world.ask("n1", "write", file="g", data="new", sync=True, sync_dir=True)
    for expected, seen in ((len("old") + len("new"), "old"), (0, "old, newer")):
        await world.cluster.kill(["n1"])
        assert (await cluster.disk_load(["n1"]))["n1"]["bytes"] == expected
        await _start(world)
        assert await world.data("n1", "f") == seen
        assert await world.data("n1", "g") is None
        await world.ask("n1", "write", file="f", data=", newer", sync=True)


async def a_wiped_disk_is_empty(world: World) -> None:
    """Nothing is there any more; and the node is a new incarnation, not its first."""
    world.needs("snapshot", "kill")
    await world.ask("n1", "write", file="f", data="123", sync=True, sync_dir=True)
    incarnation = await world.incarnation("n1")
    await world.cluster.kill(["n1"])
    assert (await cast(DiskFaults, world.cluster).disk_wipe(["n1"]))["n1"] == {"bytes": 3, "files": 1}
    await _start(world)
    assert (await world.ask("n1", "read", file="f")) == {"data": None, "files": []}
    assert await world.incarnation("n1") == incarnation + 1
    assert await world.outcome("n1", "write", file="f", data="x", sync=True, sync_dir=True) == "reply"


async def a_failed_sync_is_told(world: World) -> None:
    """A failing disk raises OSError (EIO) from ``sync``, and a node that lets it through stops and says why."""
    world.needs("eio")
    await cast(DiskFaults, world.cluster).disk_eio(["n1"], 1.0)
    told = await world.ask("n1", "write", file="f", data="x", sync=True)
    assert told == {"error": "OSError", "errno": errno.EIO}
    assert await world.outcome("n1", "write", file="g", data="x", sync=True, stops=True) in ("Closed", "Timeout")
    await _stopped_by_its_disk(world)
    await _heal(world)
    assert await world.outcome("n1", "write", file="h", data="x", sync=True, sync_dir=True) == "reply"


async def _stopped_by_its_disk(world: World) -> None:
    await world.eventually(lambda: _is_down(world))
    last = (await world.events("n1"))[-1]
    assert last["name"] in ("disk-failure", "crash")
    assert "OSError" in last["fields"]["error"]


async def _heal(world: World) -> None:
    await cast(DiskFaults, world.cluster).disk_heal(["n1"])
    await _start(world)


async def _start(world: World) -> None:
    await world.cluster.start(["n1"])
    await world.eventually(lambda: _answers(world))


async def _is_down(world: World) -> bool:
    return await world.cluster.status("n1") is None


async def _lose_power(world: World, keep: str) -> dict[str, int]:
    """What was lost; the node is back."""
    cluster = cast(PowerFaults, world.cluster)
    lost = await cluster.power_loss(["n1"], torn=False, reordered=False, keep=keep)
    await world.cluster.start(["n1"])
    await world.eventually(lambda: _answers(world))
    return dict(lost["n1"])


async def _answers(world: World) -> bool:
    return await world.outcome("n1", "echo") == "reply"


STATEMENTS = (
    a_program_reads_its_own_unsynced_data,
    syncs_at_once_all_return,
    disks_are_not_shared,
    synced_data_survives_a_power_loss,
    a_power_loss_keeps_a_prefix,
    a_new_name_may_be_lost_without_sync_dir,
    a_machine_without_power_is_silent,
    a_machine_that_lost_its_power_has_forgotten_its_connections,
    a_full_disk_says_so,
    a_disk_that_is_read_only_says_so,
    syncs_wait_for_a_stalled_disk,
    a_slow_sync_takes_longer,
    what_is_damaged_is_read_as_it_is,
    an_old_state_comes_back_once,
    a_wiped_disk_is_empty,
    a_failed_sync_is_told,
)
