"""The names of a simulated disk's files: those that are there now, those that are durable, and the changes between.

Errors are those of a real file system: a name whose path leads through a file, or that is a folder's, is refused.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from random import Random
from typing import Final

from harness.agent.disk.draw import kept_count
from harness.simulation.disk_content import NONE, Content

NAME_CHARACTERS_MAX: Final = 255
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*")

Change = tuple[str | None, str | None, Content]
"""The old name (None: created), the new name (None: deleted), and the file."""


def check_name(file: str) -> None:
    """Raises ValueError if this names no file; as ``harness.node.disk`` does."""
    if len(file) > NAME_CHARACTERS_MAX or not _NAME.fullmatch(file):
        raise ValueError(f"read the file name {file[:80]!r}; expected a relative path such as 'wal/00000001'")


def failure(number: int, file: str) -> OSError:
    """The OSError of that errno, of the subclass that Python has for it."""
    return OSError(number, os.strerror(number), file)


class Names:
    """``present`` is what a reader sees. ``pending`` are the changes that no ``sync_dir`` has covered, ``count`` is how
    many there ever were; ``failed``: a ``sync_dir`` failed, and what it should have covered is lost.

    ``folders`` are never lost: of an empty one nothing can be seen but that its name is taken.
    """

    def __init__(self, files: Mapping[str, Content] | None = None, folders: Iterable[str] = ()) -> None:
        self.present: dict[str, Content] = dict(files or {})
        self.durable = dict(self.present)
        self.folders = set(folders)
        self.pending: list[Change] = []
        self.count = 0
        self.failed = False

    def missing(self, file: str) -> OSError:
        """Why ``file``, which is not there, cannot be opened. Raises ValueError if it is no name at all."""
        check_name(file)
        if file in self.folders:
            return failure(errno.EISDIR, file)
        return failure(errno.ENOTDIR if self._below_file(file) else errno.ENOENT, file)

    def create(self, file: str) -> Content:
        """A new, empty file where there is none."""
        error = self.missing(file)
        if error.errno != errno.ENOENT:
            raise error
        self._make_folders(file)
        content = Content()
        self._change((None, file, content))
        return content

    def rename(self, old: str, new: str) -> None:
        check_name(old)
        check_name(new)
        if self._below_file(new):
            raise failure(errno.EEXIST, new)
        self._make_folders(new)  # before the rename is found to be impossible, as a real node does
        content = self.present.get(old)
        if content is None:
            raise failure(errno.EINVAL, old) if new.startswith(f"{old}/") else self.missing(old)
        if new in self.folders:
            raise failure(errno.ENOTEMPTY if old.startswith(f"{new}/") else errno.EISDIR, new)
        if new != old:
            self._change((old, new, content))

    def delete(self, file: str) -> None:
        content = self.present.get(file)
        if content is None:
            raise self.missing(file)
        self._change((file, None, content))

    def settle(self, covered: int) -> None:
        """A ``sync_dir`` that began when ``count`` was ``covered`` has ended."""
        done = covered - self.count + len(self.pending)
        for change in self.pending[: max(done, 0)]:
            _apply(self.durable, change)
        del self.pending[: max(done, 0)]

    def forget(self) -> None:
        """Drop every change that is not durable."""
        self.present, self.pending, self.failed = dict(self.durable), [], False

    def contents(self) -> Iterable[Content]:
        """Every file that is there, or would be after a power loss; each once."""
        changed = (content for _, _, content in self.pending)
        return dict.fromkeys([*self.present.values(), *self.durable.values(), *changed])

    def after_power_loss(self, random: Random, *, reordered: bool, keep: str) -> tuple[Names, int]:
        """The names that remain, and how many changes are lost: a prefix is kept (``reordered``: any of them)."""
        kept: Sequence[Change] = []
        if keep != NONE and not self.failed:
            if reordered:
                kept = _independent(self.pending, random)
            else:
                kept = self.pending[: kept_count(len(self.pending), random)]
        for change in kept:
            _apply(self.durable, change)
        return Names(self.durable, self.folders), len(self.pending) - len(kept)

    def _change(self, change: Change) -> None:
        _apply(self.present, change)
        self.pending.append(change)
        self.count += 1

    def _below_file(self, file: str) -> bool:
        return any(folder in self.present for folder in _folders(file))

    def _make_folders(self, file: str) -> None:
        self.folders.update(_folders(file))


def _folders(file: str) -> Iterable[str]:
    """The folders on the way to a file, from the outermost."""
    parts = file.split("/")[:-1]
    return ("/".join(parts[: depth + 1]) for depth in range(len(parts)))


def _apply(names: dict[str, Content], change: Change) -> None:
    old, new, content = change
    if old is not None:
        del names[old]
    if new is not None:
        names[new] = content


def _independent(changes: Sequence[Change], random: Random) -> Sequence[Change]:
    """Some of the changes, but none without the earlier ones of the same name: a folder's entry is written as a whole,
    so that no synced file can vanish because a later one took over its name."""
    kept: list[Change] = []
    lost_names: set[str] = set()
    for change in changes:
        touched = {name for name in change[:2] if name is not None}
        if random.random() < 0.5 and not touched & lost_names:
            kept.append(change)
        else:
            lost_names |= touched
    return kept
