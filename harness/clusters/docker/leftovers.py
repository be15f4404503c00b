"""Containers and networks of harnesses that are gone: found by their labels, and removed."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Mapping
from errno import EINVAL
from fcntl import ioctl
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from harness.clusters.docker import engine
from harness.clusters.local.filesystem import DATA_FOLDER
from harness.clusters.local.leftovers import start_time

if TYPE_CHECKING:
    from docker import DockerClient

RUN_LABEL: Final = "splitbrain.run"  # <pid>-<start time>-<number>, as the folders of local runs are named
BOOT_LABEL: Final = "splitbrain.boot"  # containers outlive a reboot of the machine, and process ids are then used again

REMOVAL_S_MAX: Final = 20
_RUN: Final = re.compile(r"(\d+)-(\d+)-\d+")
_FITHAW: Final = 0xC0045878  # linux/fs.h


def labels(run: str) -> dict[str, str]:
    return {RUN_LABEL: run, BOOT_LABEL: _boot()}


def remove_leftovers() -> tuple[str, ...]:
    """Remove what dead harnesses left at the engine that answers; says what. None answers: then nothing of ours runs,
    and what is kept of it is removed when one does."""
    held = engine.present()
    if held is None:
        return ()
    held.close()
    with engine.client(held.host) as client:
        return tuple(remove_dead(client))


def remove_dead(client: DockerClient) -> list[str]:
    """Remove what dead harnesses left at this engine; says what."""
    everything = client.api.containers(all=True, filters={"label": RUN_LABEL})
    everything += client.api.networks(filters={"label": RUN_LABEL})
    runs = {found["Labels"][RUN_LABEL]: found["Labels"] for found in everything}
    return [line for run, found in sorted(runs.items()) if is_dead(found) for line in remove_run(client, run)]


def living() -> tuple[str, ...]:
    """The runs at the engine that answers whose harness lives, in words."""
    host = engine.answering()
    if host is None:
        return ()
    with engine.client(host) as client:
        everything = client.api.containers(all=True, filters={"label": RUN_LABEL})
    alive = {found["Labels"][RUN_LABEL] for found in everything if not is_dead(found["Labels"])}
    return tuple(f"a run of process {run.partition('-')[0]}" for run in sorted(alive))


def is_dead(found: Mapping[str, str]) -> bool:
    """Whether the harness that put these labels on something is gone."""
    name = _RUN.fullmatch(found[RUN_LABEL])
    alive = name is not None and start_time(int(name[1])) == int(name[2])
    return not alive or found.get(BOOT_LABEL) != _boot()


def remove_run(client: DockerClient, run: str) -> list[str]:
    """Remove the containers and the network of one run; says what, and what could not be."""
    chosen = {"label": f"{RUN_LABEL}={run}"}
    containers = [_removed(client, found) for found in client.api.containers(all=True, filters=chosen)]
    networks = client.api.networks(filters=chosen)
    remove = client.api.remove_network
    return containers + [_attempt(f"network {found['Name']}", remove, found["Id"]) for found in networks]


def _removed(client: DockerClient, found: Mapping[str, Any]) -> str:
    from docker.errors import NotFound

    with contextlib.suppress(NotFound):
        thaw(int(client.api.inspect_container(found["Id"])["State"]["Pid"]))
    name = found["Names"][0].lstrip("/")
    return _attempt(f"container {name}", _remove_container, client, found["Id"])


def _remove_container(client: DockerClient, container: str) -> None:
    """Several may be at it, as they all tidy up when they start: then this waits until one of them has done it."""
    from docker.errors import APIError, NotFound

    try:
        client.api.remove_container(container, force=True, v=True)
    except NotFound:
        raise
    except APIError as error:
        if "already in progress" not in str(error.explanation):
            raise
        with contextlib.suppress(NotFound):
            client.api.wait(container, timeout=REMOVAL_S_MAX, condition="removed")


def thaw(pid: int) -> None:
    """Let go of a frozen disk: a process that waits for one cannot be killed."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        if not pid:
            return
        fd = os.open(f"/proc/{pid}/root{DATA_FOLDER}", os.O_RDONLY)
        try:
            ioctl(fd, _FITHAW, 0)
        except OSError as error:
            if error.errno != EINVAL:  # it is not frozen
                raise
        finally:
            os.close(fd)


def _attempt(what: str, remove: Any, *arguments: Any, **options: Any) -> str:
    from docker.errors import APIError, NotFound

    try:
        remove(*arguments, **options)
    except NotFound:
        return f"{what} (gone already)"
    except APIError as error:
        return f"could NOT remove {what}, of a run whose harness is gone: {error.explanation}"
    return what


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
