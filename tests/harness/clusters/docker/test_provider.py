"""A cluster of containers: what its nodes may and may not do, its life, and what a dead harness leaves of it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from docker import DockerClient

from harness.cluster import ClusterError, Provider
from harness.clusters.docker import engine, leftovers
from harness.clusters.docker.containers import CAPABILITIES, Containers, Keys
from harness.clusters.docker.provider import PROVIDER
from harness.clusters.remote.cluster import RemoteCluster
from harness.node import CallError
from harness.real_runtime import RealRuntime
from tests.harness.clusters.local_clusters import root_network, spec

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("docker_provider")]

ROOT = Path(__file__).resolve().parents[4]
BITS = {"CHOWN": 0, "DAC_OVERRIDE": 1, "FOWNER": 3, "KILL": 5, "SETGID": 6, "SETUID": 7, "NET_BIND_SERVICE": 10,
        "NET_ADMIN": 12, "NET_RAW": 13, "SYS_CHROOT": 18}  # fmt: skip

WAIT = "import time; time.sleep(1); "
EAT = "x = bytearray(96 << 20); print('eaten')"
SPIN = """
end, start = time.monotonic() + 1, time.process_time()
while time.monotonic() < end:
    pass
print(time.process_time() - start)"""


def test_it_is_a_provider() -> None:
    provider: Provider = PROVIDER
    assert provider.name == "docker"
    assert {"partition", "kill", "pause", "power-off"} <= provider.capabilities


def test_nodes_and_clients_have_addresses_of_their_own(runner: asyncio.Runner, containers: RemoteCluster) -> None:
    async def ask() -> tuple[Any, ...]:
        from_clients = [(await containers.client_env(i, f"c{i}").call("n1", {}, 2000))["source"] for i in (0, 3)]
        relayed = await containers.client_env(0, "c0").call("n1", {"to": "n2"}, 2000)
        names = await containers.shell("n1").run("getent", "hosts", "n3")
        routes = await containers.shell("n1").run("ip", "route")
        return from_clients, relayed["source"], names.stdout.split(), routes.stdout

    clients, relayed, names, routes = runner.run(ask())
    assert (clients, relayed) == (["c0", "c3"], "n1")
    assert names[0].startswith("198.19.")
    assert names[1] == "n3"
    assert "default" not in routes, "a node reaches its cluster and nothing else"


def test_a_partition_cuts_peers_and_clients_and_spares_the_harness(
    runner: asyncio.Runner, containers: RemoteCluster
) -> None:
    async def cut() -> tuple[Any, ...]:
        dropped = (await containers.observe()).dropped
        await containers.partition({"n1": ["n2", "n3", "clients"]})
        seen = [await _reply(containers, "n1"), await _reply(containers, "n2"), await _relayed(containers, "n2", "n1")]
        alive = (await containers.shell("n1").run("hostname")).stdout.strip()
        more = (await containers.observe()).dropped["n1"] - dropped["n1"]
        await containers.heal()
        return seen, alive, more, await _relayed(containers, "n2", "n1"), await _reply(containers, "n1")

    seen, alive, more, relayed, reply = runner.run(cut())
    assert seen == [None, "n2", None]
    assert (alive, relayed, reply) == ("n1", "n1", "n1")
    assert more > 0


async def _reply(cluster: RemoteCluster, node: str, timeout_ms: float = 700) -> str | None:
    try:
        return str((await cluster.client_env(1, "c1").call(node, {}, timeout_ms))["node"])
    except CallError:
        return None


async def _relayed(cluster: RemoteCluster, node: str, to: str) -> str | None:
    return (await cluster.client_env(2, "c2").call(node, {"to": to, "timeout_ms": 700}, 3000)).get("node")


def test_a_container_may_do_what_it_needs_and_no_more(runner: asyncio.Runner, containers: RemoteCluster) -> None:
    async def look() -> tuple[str, list[int]]:
        shell = containers.shell("n1")
        status = (await shell.run("cat", "/proc/self/status")).stdout
        refused = [
            (await shell.run(*words, check=False)).status
            for words in (("mount", "-t", "tmpfs", "x", "/mnt"), ("umount", "/var/lib/node"),
                          ("head", "-c", "1", "/dev/node-disk"), ("mknod", "/tmp/null", "c", "1", "3"),
                          ("sh", "-c", "echo 1 > /proc/sys/kernel/sysrq"))
        ]  # fmt: skip
        return status, refused

    status, refused = runner.run(look())
    (effective,) = (int(line.split()[1], 16) for line in status.splitlines() if line.startswith("CapEff"))
    assert set(BITS) == set(CAPABILITIES)
    assert effective == sum(1 << bit for bit in BITS.values())
    assert 0 not in refused


def test_data_is_on_a_file_system_of_its_own(runner: asyncio.Runner, containers: RemoteCluster) -> None:
    async def kinds() -> list[str]:
        return [(await containers.shell(node).run("stat", "-f", "-c", "%T", "/var/lib/node")).stdout.strip()
                for node in ("n1", "n2", "n3")]  # fmt: skip

    assert runner.run(kinds()) == ["ext2/ext3", "ext2/ext3", "tmpfs"], "the third is specified without a disk"
    assert "/var/lib/node" not in Path("/proc/mounts").read_text(), "and this machine sees no mount of it"


def test_keys_are_of_this_run_and_nobody_else_s(runner: asyncio.Runner, containers: RemoteCluster) -> None:
    async def look() -> list[str]:
        script = "cd /etc/splitbrain; stat -c '%a %n' *; ls /etc/ssh; cat /root/.ssh/* 2>/dev/null; env; true"
        return [(await containers.shell(node).run("sh", "-c", script)).stdout for node in ("n1", "n2")]

    for text in runner.run(look()):
        assert "600 host_key" in text
        assert "600 authorized_keys" in text
        assert "ssh_host_" not in text, "no key is in the image"
        assert "SSH_AUTH_SOCK" not in text, "no agent is forwarded"
    with opened() as client:
        inspected = [str(client.api.inspect_container(found["Id"])) for found in client.api.containers()]
    assert not any("PRIVATE KEY" in text for text in inspected)


def test_a_node_that_was_off_has_its_address_and_disk_and_nothing_else(
    runner: asyncio.Runner, containers: RemoteCluster
) -> None:
    async def cycle() -> tuple[Any, ...]:
        shell = containers.shell("n2")
        await shell.run("sh", "-c", "echo kept > /var/lib/node/file; sync; echo gone > /run/file; sleep 600 >&- 2>&- &")
        await containers.power_off(["n2"])
        off = await _reply(containers, "n2", 300)
        await containers.start(["n2"])
        await asyncio.sleep(0)
        kept = (await shell.run("cat", "/var/lib/node/file")).stdout
        gone = (await shell.run("cat", "/run/file", check=False)).status
        sleeping = (await shell.run("sh", "-c", "cat /proc/[0-9]*/comm")).stdout.split()
        return off, kept, gone, "sleep" in sleeping, await _reply(containers, "n2", 3000)

    assert runner.run(cycle()) == (None, "kept\n", 1, False, "n2")


def test_limits_hold_for_programs_and_end(runner: asyncio.Runner, containers: RemoteCluster) -> None:
    """Of a program that is no child of the harness's session, as a node's own program is none."""

    async def started(code: str) -> None:
        script = 'setsid python3 -c "$1" < /dev/null > /tmp/out 2>&1 &'
        await containers.shell("n1").run("sh", "-c", script, "start", code)
        await asyncio.sleep(0.5)

    async def result() -> str:
        await asyncio.sleep(2.5)
        return (await containers.shell("n1").run("cat", "/tmp/out")).stdout.strip()

    async def limit() -> tuple[Any, ...]:
        site = containers._site
        before = await site.felt(1)
        await started(WAIT + EAT)
        await site.limit(1, "memory", 16 << 20)
        starved = await result()
        await site.limit(1, "memory", None)
        await started(WAIT + EAT)
        fed = await result()
        await started(WAIT + SPIN)
        await site.limit(1, "cpu", 0.1)
        slow = await result()
        await site.limit(1, "cpu", None)
        after = await site.felt(1)
        return starved, fed, slow, {name: after[name] - before.get(name, 0) for name in after}

    if not {"memory", "cpu"} <= containers.capabilities:
        pytest.skip(f"no control groups here: {sorted(containers.capabilities)}")
    starved, fed, slow, felt = runner.run(limit())
    assert (starved, fed) == ("", "eaten")
    assert float(slow) < 0.4
    assert felt["memory"] > 0
    assert felt["cpu"] > 0


def test_down_leaves_nothing_and_may_be_called_again(tmp_path: Path) -> None:
    network = root_network()

    async def live() -> str:
        cluster = await PROVIDER.create(spec(tmp_path, 2), RealRuntime(1))
        run = cluster._site._containers.run  # type: ignore[attr-defined]
        own = engine.answering() == engine.OWN
        assert not own or root_network() == network, "our own engine has a network of its own"
        assert traces_of(run)
        await cluster.down()
        assert traces_of(run) == []
        await cluster.down()
        cluster.down_now()
        with pytest.raises(ClusterError, match="removed"):
            await cluster.start(["n1"])
        return str(run)

    run = asyncio.run(live())
    assert not (Path("/run/splitbrain") / run).exists()
    assert [loop for loop in _memory_loops() if run in loop] == []


def test_a_failure_while_it_is_made_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.clusters.docker.containers._BOOT", "exit 3")

    async def fail() -> None:
        with pytest.raises(ClusterError, match=r"n1|n2|could not be made"):
            await PROVIDER.create(spec(tmp_path, 2), RealRuntime(1))

    before = traces_of(f"{os.getpid()}-")
    asyncio.run(fail())
    assert traces_of(f"{os.getpid()}-") == before


@pytest.mark.parametrize("after_s", [0.05, 0.4, 0.9])
def test_removal_while_it_is_made_leaves_nothing(tmp_path: Path, after_s: float) -> None:
    """The second Ctrl-C at the beginning: another thread is at work, and does not see what the removal has seen."""
    containers = Containers(spec(tmp_path, 2), Keys("", ""))
    failures: list[BaseException] = []

    def start() -> None:
        try:
            containers.start()
        except ClusterError as error:
            failures.append(error)

    making = threading.Thread(target=start)
    making.start()
    time.sleep(after_s)
    containers.stop()
    making.join(60)
    assert len(failures) == 1 or after_s > 0.05, "no machine makes two containers in a twentieth of a second"
    assert traces_of(containers.run) == []
    assert [loop for loop in _memory_loops() if containers.run in loop] == []


@pytest.mark.parametrize("moment", ["begin", "running"])
def test_what_a_killed_harness_leaves_is_removed(tmp_path: Path, moment: str) -> None:
    """This process needs the engine too, so that the engine stays, and with it the containers of the dead: also where
    a disk is frozen, whose processes cannot be killed."""
    engine.hold().close()
    with subprocess.Popen([sys.executable, "-m", "tests.harness.clusters.docker.harness_process", str(tmp_path)],
                          cwd=ROOT, stdout=subprocess.PIPE, text=True) as harness:  # fmt: skip
        started = leftovers.start_time(harness.pid)
        assert harness.stdout is not None
        while harness.stdout.readline().strip() != moment:
            assert harness.poll() is None, "the harness ended by itself"
        if moment == "begin":
            time.sleep(0.9)
        harness.kill()
    run = f"{harness.pid}-{started}-"
    if moment == "running":
        assert len(traces_of(run)) == 4, "two nodes, the clients and their network"
    said = PROVIDER.remove_leftovers()
    assert not any("NOT" in line and run in line for line in said), said  # others' leftovers are theirs
    assert traces_of(run) == []
    assert [loop for loop in _memory_loops() if run in loop] == []


def traces_of(run: str) -> list[str]:
    """Containers and networks of a run, or of all whose name begins so."""
    with opened() as client:
        found = client.api.containers(all=True, filters={"label": leftovers.RUN_LABEL})
        found += client.api.networks(filters={"label": leftovers.RUN_LABEL})
    names = [entry["Names"][0] if "Names" in entry else entry["Name"] for entry in found
             if entry["Labels"][leftovers.RUN_LABEL].startswith(run)]  # fmt: skip
    return sorted(names)


@contextlib.contextmanager
def opened() -> Iterator[DockerClient]:
    held = engine.hold()
    held.close()
    with engine.client(held.host) as client:
        yield client


def _memory_loops() -> list[str]:
    listed = subprocess.run(["losetup", "-l", "-n", "-O", "NAME,BACK-FILE"], capture_output=True, text=True, check=True)
    return [line for line in listed.stdout.splitlines() if "memfd:" in line]
