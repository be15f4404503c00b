"""Debian packages for local nodes: a layer that lies between the host's root and the nodes' own files, made once.

A layer is one file, an ext4 with the upper halves of overlays of the host's root, and fits that host as it is now. It
is made aside, under a lock, and gets its name when it is complete.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Final

from harness.cluster import ClusterError
from harness.clusters.local import filesystem, isolation
from harness.clusters.local.layer_build import BuildRequest
from harness.clusters.packages import check_names, failure, proxies

CACHE: Final = Path("/var/cache/splitbrain/packages")
BUILD_S_MAX: Final = 900
FREE_BYTES_MIN: Final = 1 << 30

_HOST: Final = ("/etc/os-release", "/var/lib/dpkg/status")
_FORMAT: Final = "1"
_UNFINISHED: Final = ".unfinished"
_UNUSED_S: Final = 3600.0


async def ensure(packages: Sequence[str], say: Callable[[str], None], cache: Path) -> Path:
    """The image of a layer with these packages and all they depend on; made, which takes a few seconds to a minute,
    if there is none for this machine as it is. ``say`` is told if that is so. Raises ClusterError."""
    image = _image(packages, cache)
    if not image.exists():
        async with _locked(cache, say):
            if not image.exists():  # nobody else made it meanwhile
                list(_remove_unfinished(cache))
                await _build(packages, image, say)
                _remove_outdated(image)
    os.utime(image)
    return image


def _image(packages: Sequence[str], cache: Path) -> Path:
    """Where it is or will be. Raises ClusterError where there can be none."""
    check_names(packages)
    if missing := [tool for tool in ("apt-get", "dpkg", "setpriv") if not shutil.which(tool, path=isolation.PATH)]:
        raise ClusterError(f"the packages {', '.join(packages)} cannot be had here: {', '.join(missing)} is missing; "
                           "expected a Debian or Ubuntu machine")  # fmt: skip
    cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    return cache / f"{_key(packages)}.ext4"


def remove_unfinished(cache: Path) -> Sequence[str]:
    """Remove what a builder left that was killed; says what."""
    if not os.access(cache, os.W_OK):
        return ()
    with (cache / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # one is at work
            return ()
        return tuple(_remove_unfinished(cache))


def _remove_unfinished(cache: Path) -> Iterator[str]:
    for path in sorted(cache.glob(f"*{_UNFINISHED}")):
        path.unlink()
        yield f"{path}, a layer of packages that was not finished"


def _remove_outdated(image: Path) -> None:
    """The same packages' layers for this machine as it was: never to be used again."""
    for other in image.parent.glob(f"{image.name.partition('-')[0]}-*.ext4"):
        if other != image and time.time() - other.stat().st_mtime > _UNUSED_S:
            other.unlink()


def _key(packages: Sequence[str]) -> str:
    """What is installed, and the machine it was made for: other packages there give another layer."""
    host = hashlib.sha256("\n".join((_FORMAT, *filesystem.separate_folders())).encode())
    for path in map(Path, _HOST):
        host.update(path.read_bytes() if path.exists() else b"")
    return f"{hashlib.sha256(' '.join(sorted(set(packages))).encode()).hexdigest()[:12]}-{host.hexdigest()[:12]}"


@contextlib.asynccontextmanager
async def _locked(cache: Path, say: Callable[[str], None]) -> AsyncIterator[None]:
    with (cache / "lock").open("w") as lock:
        if not _try_lock(lock):
            say("another run installs packages; waiting for it")
            while not _try_lock(lock):  # noqa: ASYNC110 - of another process, and who waits can be interrupted
                await asyncio.sleep(0.1)
        yield


def _try_lock(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


async def _build(packages: Sequence[str], image: Path, say: Callable[[str], None]) -> None:
    free = shutil.disk_usage(image.parent).free
    if free < FREE_BYTES_MIN:
        raise ClusterError(f"{image.parent} has {free >> 20} MiB free; expected {FREE_BYTES_MIN >> 20} for packages")
    say(f"installing {', '.join(packages)} for the nodes, once ({image.parent} keeps it)")
    started = time.monotonic()
    unfinished = image.with_suffix(_UNFINISHED)
    place = image.parent / "build"
    place.mkdir(mode=0o700, exist_ok=True)
    try:
        status, said = await _run_builder(
            BuildRequest(str(place), str(unfinished), str(image.parent), tuple(packages), proxies())
        )
        if status:
            raise failure(packages, status, said)
        unfinished.rename(image)
    finally:
        unfinished.unlink(missing_ok=True)
    say(f"installed in {time.monotonic() - started:.1f} s")


async def _run_builder(request: BuildRequest) -> tuple[int, str]:
    """Its exit status and what it printed. It ends with this task, and with this process, however that ends."""
    builder = await asyncio.create_subprocess_exec(
        *isolation.TIED, *isolation.command("layer_build", network=True), stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, env={"PATH": isolation.PATH},
        start_new_session=True,
    )  # fmt: skip
    try:
        said, _ = await asyncio.wait_for(builder.communicate(request.encode()), BUILD_S_MAX)
    except TimeoutError:
        return 1, f"it was not done after {BUILD_S_MAX} s"
    finally:
        if builder.returncode is None:
            builder.kill()
            await builder.wait()
    assert builder.returncode is not None, "it was waited for"
    return builder.returncode, said.decode("utf-8", "replace")
