"""Debian packages on local nodes: there and not on the host, made once, whole or not at all, by one at a time."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from harness.cluster import ClusterError
from harness.clusters.local import layer
from harness.clusters.local.leftovers import start_time
from harness.clusters.local.provider import PROVIDER
from harness.real_runtime import RealRuntime
from tests.harness.clusters.local_clusters import spec

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("local_provider")]

ROOT = Path(__file__).resolve().parents[4]
SMALL = ("hello",)
SEPARATE = """
set -eu
mount -t tmpfs splitbrain /mnt
for folder in usr var; do
    mkdir -p /mnt/$folder/upper /mnt/$folder/work
    mount -t overlay -o lowerdir=/$folder,upperdir=/mnt/$folder/upper,workdir=/mnt/$folder/work splitbrain /$folder
done
exec "$@"
"""


@pytest.fixture(scope="module")
def cache(local_provider: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for the module, so that downloads are made once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def empty(cache: Path) -> Path:
    """The cache without a layer in it."""
    for image in cache.glob("*.ext4"):
        image.unlink()
    return cache


@pytest.fixture
def running() -> Iterator[list[subprocess.Popen[str]]]:
    processes: list[subprocess.Popen[str]] = []
    yield processes
    for process in processes:
        process.kill()
        process.communicate()


def make(cache: Path, *packages: str) -> tuple[Path, list[str]]:
    told: list[str] = []
    return asyncio.run(layer.ensure(packages or SMALL, told.append, cache)), told


def another(cache: Path, *packages: str) -> subprocess.Popen[str]:
    program = "tests.harness.clusters.local.layer_process"
    command = [sys.executable, "-m", program, str(cache), *(packages or SMALL)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def images(cache: Path) -> list[str]:
    return sorted(path.name for path in cache.iterdir() if path.suffix in (".ext4", ".unfinished"))


def loops(cache: Path) -> list[str]:
    listed = subprocess.run(["losetup", "-a"], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if str(cache) in line]


def family(pid: int) -> list[int]:
    """All processes below one, as far as they live."""
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        children = [int(child) for task in tasks for child in (task / "children").read_text().split()]
    except OSError:  # it has ended meanwhile
        return []
    return [found for child in children if lives(child) for found in (child, *family(child))]


def lives(pid: int) -> bool:
    return start_time(pid) is not None


def eventually(check: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not check():
        assert time.monotonic() < deadline, "not so after 20 s"
        time.sleep(0.05)


def test_packages_are_on_every_node_and_not_on_the_host(
    empty: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layer, "CACHE", empty)
    told: list[str] = []

    async def installed() -> list[str]:
        wanted = replace(spec(folder), packages=SMALL, say=told.append)
        cluster = await PROVIDER.create(wanted, RealRuntime(1))
        try:
            return [(await cluster.shell(node).run("hello")).stdout for node in cluster.nodes]
        finally:
            await cluster.down()

    assert shutil.which("hello") is None, "else this test shows nothing"
    assert asyncio.run(installed()) == ["Hello, world!\n"] * 3
    assert shutil.which("hello") is None
    assert told[0].startswith("installing hello for the nodes, once")
    assert loops(empty) == []
    assert asyncio.run(installed())[0] == "Hello, world!\n"
    assert len(told) == 2, "the second time it was there"


def test_without_packages_a_node_has_what_the_host_has(folder: Path) -> None:
    async def ask() -> int:
        cluster = await PROVIDER.create(spec(folder, nodes=1), RealRuntime(1))
        try:
            return (await cluster.shell("n1").run("sh", "-c", "command -v hello", check=False)).status
        finally:
            await cluster.down()

    assert asyncio.run(ask()) != 0


def test_no_service_is_started_and_no_script_has_a_network(empty: Path, running: list[subprocess.Popen[str]]) -> None:
    process = another(empty, "redis-server")
    running.append(process)
    networks: dict[str, str] = {}  # of each program that was seen at work there
    while process.poll() is None:
        for pid in family(process.pid):
            with contextlib.suppress(OSError):  # it has ended meanwhile
                networks[Path(f"/proc/{pid}/comm").read_text().strip()] = os.readlink(f"/proc/{pid}/ns/net")
        time.sleep(0.02)
    assert process.returncode == 0, process.communicate()
    assert networks["dpkg"] != os.readlink("/proc/self/ns/net")
    assert "redis-server" not in networks, "its installation starts it, if nothing is said against that"


def test_the_second_time_it_is_there_at_once(cache: Path) -> None:
    first, _ = make(cache)
    began = time.monotonic()
    second, told = make(cache)
    assert (second, told) == (first, [])
    assert time.monotonic() - began < 1


def test_two_at_once_make_it_once(empty: Path, running: list[subprocess.Popen[str]]) -> None:
    running += [another(empty), another(empty)]
    eventually(lambda: images(empty) != [])
    assert layer.remove_unfinished(empty) == (), "it is no leftover"
    said = [process.communicate(timeout=200)[0].splitlines() for process in running]
    assert [process.returncode for process in running] == [0, 0], said
    assert len({lines[-1] for lines in said}) == 1
    assert sum(line.startswith("installing") for lines in said for line in lines) == 1
    assert len(images(empty)) == 1


def test_what_was_killed_half_way_is_never_used(empty: Path, running: list[subprocess.Popen[str]]) -> None:
    process = another(empty)
    running.append(process)
    assert process.stdout is not None
    assert process.stdout.readline().startswith("installing")
    eventually(lambda: len(loops(empty)) > 0)
    time.sleep(1)  # any moment of its work will do
    builders = family(process.pid)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert len(builders) > 1
    eventually(lambda: not any(map(lives, builders)) and loops(empty) == [])
    (unfinished,) = images(empty)
    assert unfinished.endswith(".unfinished")
    assert layer.remove_unfinished(empty) == (f"{empty / unfinished}, a layer of packages that was not finished",)
    assert layer.remove_unfinished(empty) == ()
    (empty / unfinished).write_text("half of it")
    image, told = make(empty)
    assert told[0].startswith("installing")
    assert images(empty) == [image.name]


def test_an_interrupted_one_leaves_nothing(empty: Path) -> None:
    async def interrupted() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(layer.ensure(SMALL, lambda text: None, empty), 1.5)

    before = set(family(os.getpid()))  # other tests' engine, perhaps
    asyncio.run(interrupted())
    eventually(lambda: set(family(os.getpid())) <= before and loops(empty) == [])
    assert images(empty) == []


def test_layers_for_this_machine_as_it_was_are_removed(empty: Path) -> None:
    image, _ = make(empty)
    old, young = (image.with_name(f"{image.name.partition('-')[0]}-{name}.ext4") for name in ("old", "young"))
    image.rename(old)
    shutil.copy(os.devnull, young)
    os.utime(old, (0, 0))
    again, _ = make(empty)
    assert images(empty) == sorted([again.name, young.name]), "a run may be about to use the young one"


def test_a_package_that_is_not_there_is_named(empty: Path) -> None:
    with pytest.raises(ClusterError, match=r"could not download no-such-package: (?s:.*)Unable to locate package"):
        make(empty, "no-such-package")
    assert images(empty) == []


def test_without_a_network_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # where nobody listens
    with pytest.raises(ClusterError, match="could not download hello: they come, once, from the sources of apt-get"):
        make(tmp_path)


@pytest.mark.parametrize("name", ["-o", "hello;true", "../hello.deb", "./hello.deb", "Hello", "", "hello="])
def test_only_names_of_packages_are_taken(tmp_path: Path, name: str) -> None:
    with pytest.raises(ClusterError, match="expected a Debian package's name"):
        make(tmp_path, name)
    assert list(tmp_path.iterdir()) == []


def test_a_host_whose_usr_and_var_are_file_systems_of_their_own(empty: Path, folder: Path) -> None:
    code = f"""
import asyncio
from dataclasses import replace
from pathlib import Path
from harness.clusters.local import layer
from harness.clusters.local.provider import PROVIDER
from harness.real_runtime import RealRuntime
from tests.harness.clusters.local_clusters import spec

layer.CACHE = Path({str(empty)!r})

async def main():
    cluster = await PROVIDER.create(replace(spec(Path({str(folder)!r}), 1), packages=("hello",)), RealRuntime(1))
    try:
        print((await cluster.shell("n1").run("sh", "-c", "hello; dpkg-query --show hello")).stdout)
    finally:
        await cluster.down()

asyncio.run(main())
"""
    command = ["unshare", "--mount", "sh", "-c", SEPARATE, "sh", sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=250)
    assert done.stdout.split() == ["Hello,", "world!", "hello", "2.10-3"] or done.stdout.startswith("Hello"), (
        done.stderr
    )
