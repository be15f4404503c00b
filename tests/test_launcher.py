"""The launcher: says what is missing, works from anywhere, and costs little once set up."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def clone(target: Path) -> Path:
    """What a fresh clone would hold of the files the launcher needs."""
    target.mkdir()
    for name in ("splitbrain", "pyproject.toml", ".lock"):
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy2)(source, target / name)
    return target


def stand_in(root: Path, need: str = "run") -> None:
    """An environment as the launcher leaves it, whose command prints its arguments: the fast path needs no packages."""
    done = root / ".venv" / ".splitbrain"
    done.mkdir(parents=True)
    shutil.copy2(root / ".lock" / f"{need}.txt", done)
    shutil.copy2(root / "pyproject.toml", done)
    (done / "root").write_text(str(root))
    command = root / ".venv" / "bin" / "splitbrain"
    command.parent.mkdir()
    command.write_text('#!/bin/sh\nprintf "%s|" "$@"\n')
    command.chmod(0o755)


def launch(
    root: Path, *words: str, cwd: Path | None = None, path: str | None = None
) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": path or os.environ["PATH"], "HOME": str(root)}
    return subprocess.run([str(root / "splitbrain"), *words], cwd=cwd or root, env=environment, capture_output=True,
                          text=True, timeout=60, check=False)  # fmt: skip


def test_nothing_is_installed_when_asked_not_to(tmp_path: Path) -> None:
    root = clone(tmp_path / "clone")
    done = launch(root, "check", "x.jsonl", "--no-install")
    assert done.returncode == 254
    assert "missing: the virtual environment" in done.stderr
    assert not (root / ".venv").exists()
    assert done.stdout == ""


def tools(folder: Path, *without: str) -> str:
    """A PATH with what a bare Debian has, less the tools named."""
    folder.mkdir()
    for name in (
        "sh",
        "cat",
        "cmp",
        "cp",
        "dirname",
        "readlink",
        "mkdir",
        "rm",
        "id",
        "env",
        "mktemp",
        "tail",
        "flock",
    ):
        (folder / name).symlink_to(shutil.which(name) or f"/bin/{name}")
    (folder / "python3").symlink_to(sys.executable)
    assert not set(without) & {path.name for path in folder.iterdir()}
    return str(folder)


@pytest.mark.skipif(
    Path("/usr/sbin/sshd").exists() is False, reason="says which package is missing where all are there"
)
def test_set_up_means_straight_to_the_command(tmp_path: Path) -> None:
    root = clone(tmp_path / "clone")
    stand_in(root)
    done = launch(root, "check", "a b", "--expect", "set", "--no-install", "*")
    assert (done.returncode, done.stdout) == (0, "check|a b|--expect|set|*|"), done.stderr


def test_it_works_from_any_folder_and_through_links(tmp_path: Path) -> None:
    root = clone(tmp_path / "a clone with spaces")
    stand_in(root)
    link = tmp_path / "link"
    link.symlink_to(root / "splitbrain")
    done = subprocess.run([str(link), "list", "systems"], cwd="/", capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "list|systems|"), done.stderr


def test_a_changed_lock_asks_for_a_new_set_up(tmp_path: Path) -> None:
    root = clone(tmp_path / "clone")
    stand_in(root)
    (root / ".lock" / "run.txt").write_text("# other packages\n")
    assert launch(root, "list", "--no-install").returncode == 254


def test_a_moved_clone_asks_for_a_new_set_up(tmp_path: Path) -> None:
    root = clone(tmp_path / "clone")
    stand_in(root)
    moved = root.rename(tmp_path / "moved")
    assert launch(moved, "list", "--no-install").returncode == 254


def test_the_packages_of_the_tests_serve_every_command_and_not_the_reverse(tmp_path: Path) -> None:
    tested = clone(tmp_path / "tested")
    stand_in(tested, "test")
    assert launch(tested, "check", "--no-install").returncode == 0
    plain = clone(tmp_path / "plain")
    stand_in(plain, "run")
    done = launch(plain, "selftest", "--no-install")
    assert done.returncode == 254
    assert ".lock/test.txt" in done.stderr


def test_missing_packages_are_named_with_the_command_that_adds_them(tmp_path: Path) -> None:
    if any(Path(folder, "nft").exists() for folder in ("/usr/sbin", "/sbin")):
        # The launcher always looks into the system's own folders too: hide them from it.
        done = isolated(tmp_path)
    else:
        root = clone(tmp_path / "clone")
        stand_in(root)
        done = launch(root, "run", "raft", "--no-install", path=tools(tmp_path / "bin"))
    assert done.returncode == 254
    assert "apt-get install -y --no-install-recommends" in done.stderr
    assert "nftables" in done.stderr


@pytest.mark.parametrize("words", [("--provider", "docker"), ("--provider=docker", "--json")])
def test_containers_need_an_engine_and_what_builds_their_image(tmp_path: Path, words: tuple[str, ...]) -> None:
    if Path("/var/run/docker.sock").exists():
        pytest.skip("an engine of this machine's own is there, and is used as it is")
    done = isolated(tmp_path, *words)
    assert done.returncode == 254
    assert "docker.io" in done.stderr
    assert "debootstrap" in done.stderr
    assert "openssh-server" not in done.stderr
    assert "docker.io" not in isolated(tmp_path / "2", "-o", "name=docker").stderr


def isolated(tmp_path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The launcher where /usr/sbin is empty: in a mount namespace of its own."""
    tmp_path.mkdir(exist_ok=True)
    if os.geteuid() != 0:
        pytest.skip("hiding /usr/sbin from the launcher needs root")
    root = clone(tmp_path / "clone")
    stand_in(root)
    script = 'mount --bind "$1" /usr/sbin && shift && exec "$@"'
    empty = tmp_path / "empty"
    empty.mkdir()
    return subprocess.run(
        ["unshare", "--mount", "sh", "-c", script, "sh", str(empty), str(root / "splitbrain"), "run", "raft",
         "--no-install", *words],
        env={"PATH": tools(tmp_path / "bin") + ":/usr/bin:/bin", "HOME": str(root)},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_the_start_costs_little(tmp_path: Path) -> None:
    root = clone(tmp_path / "clone")
    stand_in(root)
    took = []
    for _ in range(5):
        begin = time.monotonic()
        assert launch(root, "list", "systems").returncode == 0
        took.append(time.monotonic() - begin)
    assert min(took) < 0.25, f"the launcher itself took {min(took):.3f} s at best"


def test_the_locks_pin_and_hash_every_package() -> None:
    for name in ("run", "test"):
        text = (ROOT / ".lock" / f"{name}.txt").read_text()
        packages = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
        assert packages
        assert [line for line in packages if "==" not in line] == []
        assert text.count("--hash=sha256:") >= len(packages)
