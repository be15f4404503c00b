"""Packs what a node needs into one file: ``python3 -S node.pyz CONFIG`` runs it, with nothing installed."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import harness
import systems_under_test
from harness.node.main import OLD

_EPOCH: Final = (1980, 1, 1, 0, 0, 0)  # the earliest time a zip can hold; real ones would differ from build to build
_MAIN: Final = "from harness.node.main import main\n\nmain(build={build!r})\n"


def build_zipapp(target: Path, modules: Iterable[Path] = (), build: str = OLD) -> Path:
    """Write the zipapp to ``target`` and return it. The same sources and ``build`` (its name, which the node tells in
    its status) give the same bytes.

    It holds the node contract with its host, the words that clients share with it, and the systems; it is made
    from the packages as they are imported, so it works from a clone and from an installation. ``modules`` are files
    with further node programs, importable there by their names.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        _add(archive, "__main__.py", _MAIN.format(build=build).encode())
        for name, path in sorted([*_sources(), *((path.name, path) for path in modules)]):
            _add(archive, name, path.read_bytes())
    return target


def _sources() -> Iterator[tuple[str, Path]]:
    harness_folder = Path(harness.__file__ or "").parent
    for name in ("__init__.py", "claim.py", "columns.py", "history.py", "system.py"):
        yield f"harness/{name}", harness_folder / name
    yield from _package("harness/agent", harness_folder / "agent")
    yield from _package("harness/node", harness_folder / "node")
    yield from _package("systems_under_test", Path(systems_under_test.__file__ or "").parent)


def _package(name: str, folder: Path) -> Iterator[tuple[str, Path]]:
    """The Python files of a package."""
    for path in folder.rglob("*.py"):
        yield f"{name}/{path.relative_to(folder).as_posix()}", path


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, content)
