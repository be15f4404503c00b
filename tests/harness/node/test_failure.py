"""How the end of a node is named: an assertion, a failed disk, a crash."""

from __future__ import annotations

import asyncio
import errno
from pathlib import Path

import pytest

from harness.node import CallError
from harness.node.failure import failure_kind
from harness.node_failure import node_failures
from tests.harness.node.cluster import echo_cluster, events, until


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (AssertionError("the term falls"), "assertion"),
        (OSError(errno.EIO, "a failed sync"), "disk-failure"),
        (OSError(errno.ENOSPC, "a full disk"), "disk-failure"),
        (OSError(errno.EROFS, "mounted read-only by the kernel, after errors"), "disk-failure"),
        (FileNotFoundError(errno.ENOENT, "a file that the program made up"), "crash"),
        (OSError("no errno"), "crash"),
        (ValueError("x"), "crash"),
    ],
)
def test_kinds(error: Exception, kind: str) -> None:
    assert failure_kind(error) == kind


def test_a_program_that_lets_an_error_of_its_disk_through_stops_and_has_not_crashed(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with echo_cluster(tmp_path) as cluster:
            (tmp_path / "n1" / "data").mkdir(exist_ok=True)
            (tmp_path / "n1" / "data" / "full").symlink_to("/dev/full")
            ask = cluster.client_env(0, "c0").call("n1", {"type": "disk_append", "file": "full", "data": "x"}, 2000)
            with pytest.raises(CallError):
                await ask
            await until(lambda: cluster.exit_status("n1") is not None)
            assert cluster.exit_status("n1") == 70

    asyncio.run(scenario())
    last = events(tmp_path, "n1")[-1]
    assert last["name"] == "disk-failure"
    assert "No space left" in last["fields"]["error"]
    assert node_failures(tmp_path) == []
