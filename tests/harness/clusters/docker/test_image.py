"""The image of a node: where its packages come from, that its name tells its recipe, and one that has more packages."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from docker.errors import ImageNotFound

from harness.cluster import ClusterError
from harness.clusters.docker import engine, image
from harness.clusters.docker.leftovers import RUN_LABEL
from harness.clusters.docker.provider import PROVIDER
from harness.real_runtime import RealRuntime
from tests.harness.clusters.local_clusters import spec

SMALL = ("hello",)

DEB822 = """\
# a comment: with a colon
Types: deb
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main

Types: deb
URIs: http://mirror.example/security
Suites: bookworm-security
Components: main
"""
ONE_LINE = """\
# deb http://nowhere.example/ bookworm main
deb [signed-by=/k.gpg] http://other.example/apt other main
deb [arch=amd64] http://mirror.example/ubuntu noble main universe
"""


@pytest.mark.parametrize(
    ("name", "text", "suite", "expected"),
    [
        ("debian.sources", DEB822, "bookworm", ("http://mirror.example/debian", "bookworm")),
        ("ubuntu.list", ONE_LINE, "noble", ("http://mirror.example/ubuntu", "noble")),
        ("debian.sources", DEB822, "trixie", ("http://deb.debian.org/debian", "bookworm")),
        ("debian.sources", DEB822, "", ("http://deb.debian.org/debian", "bookworm")),
    ],
)
def test_packages_come_from_this_machine_s_own_mirror(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str, suite: str, expected: tuple[str, str]
) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list.d" / name).write_text(text)
    monkeypatch.setattr(image, "_APT", tmp_path)
    monkeypatch.setattr(image, "_own_suite", lambda: suite)
    assert image.mirror_and_suite() == expected


def test_another_recipe_is_another_image(monkeypatch: pytest.MonkeyPatch) -> None:
    name = image.name()
    monkeypatch.setattr(image, "PACKAGES", (*image.PACKAGES, "tcpdump"))
    assert image.name() != name
    assert name.startswith("splitbrain-node:")


def test_other_packages_are_another_image() -> None:
    assert image.name() == image.name([])
    assert image.name(["a", "b"]) == image.name(["b", "a"])
    assert len({image.name(), image.name(["a"]), image.name(["b"]), image.name(["a", "b"])}) == 4


@pytest.fixture
def unbuilt(docker_provider: None) -> Iterator[None]:
    """Without the image that has the package, before and after."""
    for step in range(2):
        held = engine.hold()
        try:
            with engine.client(held.host) as client, contextlib.suppress(ImageNotFound):
                client.api.remove_image(image.name(SMALL))
        finally:
            held.close()
        if step == 0:
            yield


@pytest.mark.cluster
def test_packages_are_in_every_container_and_not_on_the_host(unbuilt: None, tmp_path: Path) -> None:
    told: list[str] = []

    async def installed() -> list[str]:
        wanted = replace(spec(tmp_path, nodes=2), packages=SMALL, say=told.append)
        cluster = await PROVIDER.create(wanted, RealRuntime(1))
        try:
            command = ("sh", "-c", "hello; ls /var/lib/apt/lists /var/cache/apt/archives")
            return [(await cluster.shell(node).run(*command)).stdout for node in cluster.nodes]
        finally:
            await cluster.down()

    assert shutil.which("hello") is None, "else this test shows nothing"
    for output in asyncio.run(installed()):
        assert output.startswith("Hello, world!\n")
        assert "_Packages" not in output, "what it was downloaded by is no part of it"
        assert ".deb" not in output
    assert shutil.which("hello") is None
    assert told[-1] == "installing hello in an image for the nodes, once"
    count = len(told)
    assert asyncio.run(installed())[0].startswith("Hello, world!\n")
    assert len(told) == count, "the second time it was there"


@pytest.mark.cluster
def test_a_package_that_is_not_there_is_named(docker_provider: None, tmp_path: Path) -> None:
    async def make() -> None:
        await PROVIDER.create(replace(spec(tmp_path), packages=("no-such-package",)), RealRuntime(1))

    with pytest.raises(ClusterError, match=r"could not download no-such-package: (?s:.*)Unable to locate package"):
        asyncio.run(make())
    held = engine.hold()
    try:
        with engine.client(held.host) as client:
            assert not image.is_built(client, ["no-such-package"])
            everything = client.api.containers(all=True, filters={"label": RUN_LABEL})
            assert not [entry for entry in everything if entry["Labels"][RUN_LABEL].startswith(f"{os.getpid()}-")]
    finally:
        held.close()


def test_the_dockerfile_makes_the_same_of_another_base() -> None:
    text = image.DOCKERFILE.read_text()
    assert "usermod -s /bin/sh -p '*' root" in text
    assert "rm -rf /var/lib/apt/lists/* /etc/ssh/ssh_host_*" in text
