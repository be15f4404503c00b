"""What is done to the data file system of a node, on the node or as root beside it: ``main([verb, argument, ...])``.

``root`` is where it is mounted, ``device`` what it is on, ``data`` the program's folder in it, ``scratch`` a folder
elsewhere. Each verb prints one JSON object.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, Final

from harness.agent.disk import damage, moment, power, stall, volume

Answer = Mapping[str, Any]

FROZEN_MS: Final = 500.0  # how often the keeper of a file system that stays frozen looks whether it is still wanted


def fill(root: str) -> Answer:
    return {"bytes": volume.fill(root)}


def fail(root: str) -> Answer:
    volume.fail(root)
    return {}


def read_only(root: str, pid_file: str) -> Answer:
    """While the program stands still: or a sync that is under way might succeed, and lose what it was about."""
    if volume.failure(root):  # it has failed already
        return {}
    with moment.halted(pid_file):
        volume.sync(root)
        volume.abort(root)
    return {}


def freeze(root: str, scratch: str, life_s: str, owner: str) -> Answer:
    stall.begin(root, scratch, FROZEN_MS, 0.0, float(life_s), int(owner))
    return {}


def slow(root: str, scratch: str, frozen_ms: str, gap_ms: str, life_s: str, owner: str) -> Answer:
    stall.begin(root, scratch, float(frozen_ms), float(gap_ms), float(life_s), int(owner))
    return {}


def ease(root: str, scratch: str) -> Answer:
    """End all that can be ended under a running program; says what still fails."""
    stall.end(root, scratch)
    failure = volume.failure(root)
    if not failure:
        volume.empty(root)
    return {"failure": failure}


def repair(root: str, device: str) -> Answer:
    volume.repair(device, root)
    return {}


def stop(root: str, pid_file: str, wait_ms: str, seed: str) -> Answer:
    return {"unsynced": moment.stop(root, pid_file, float(wait_ms), seed)}


def cut(root: str, scratch: str) -> Answer:
    stall.end(root, scratch)
    return {"bytes": power.cut(root, scratch)}


def restore(root: str, device: str, scratch: str, keep: str, torn: str, reordered: str, seed: str) -> Answer:
    way = power.Way(keep == "some", torn == "torn", reordered == "reordered")
    return asdict(power.restore(device, root, scratch, way, seed))


def flip(data: str, bits: str, files: str, seed: str) -> Answer:
    return {"flips": damage.flip(data, int(bits), files, seed)}


def truncate(data: str, size_bytes: str, seed: str) -> Answer:
    return {"cut": damage.truncate(data, int(size_bytes), seed)}


def copy_chunk(data: str, size_bytes: str, seed: str) -> Answer:
    return {"copied": damage.copy_chunk(data, int(size_bytes), seed)}


def save(root: str, data: str, scratch: str) -> Answer:
    """In one state of all files: nobody writes meanwhile."""
    stall.begin(root, scratch, FROZEN_MS, 0.0, 30.0, os.getpid())
    try:
        return {"bytes": damage.save(data, scratch)}
    finally:
        stall.end(root, scratch)


def load(data: str, scratch: str) -> Answer:
    size, files = damage.load(data, scratch)
    return {"bytes": size, "files": files}


def wipe(data: str) -> Answer:
    size, files = damage.wipe(data)
    return {"bytes": size, "files": files}


def was_read(data: str, *files: str) -> Answer:
    return {"files": damage.was_read(data, files)}


VERBS: Final[Mapping[str, Callable[..., Answer]]] = {
    verb.__name__: verb
    for verb in (
        fill, fail, read_only, freeze, slow, ease, repair, stop, cut, restore, flip, truncate, copy_chunk, save, load,
        wipe, was_read,
    )
}  # fmt: skip


def main(arguments: list[str]) -> None:
    verb, *rest = arguments
    try:
        answer = VERBS[verb](*rest)
    except OSError as error:
        sys.exit(f"{verb}: {error}")
    print(json.dumps(answer))
