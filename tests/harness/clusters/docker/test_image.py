"""The image of a node: where its packages come from, and that its name tells its recipe."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.clusters.docker import image

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


def test_the_dockerfile_makes_the_same_of_another_base() -> None:
    text = image.DOCKERFILE.read_text()
    assert "usermod -s /bin/sh -p '*' root" in text
    assert "rm -rf /var/lib/apt/lists/* /etc/ssh/ssh_host_*" in text
