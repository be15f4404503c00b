"""Which versions of what we did not write run on the nodes: asked on one of them, for the report."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from harness.cluster import Shell, ShellError
from harness.system import External

TEXT_CHARACTERS_MAX: Final = 200
_PACKAGES: Final = ("dpkg-query", "--show", "--showformat=${Package} ${Version}\\n")


async def versions(external: External, shell: Shell) -> Mapping[str, str]:
    """What -> version: the first line that each of the system's commands prints, and then its packages' versions. Where
    there is none, the reason stands in its place: no run fails for that."""
    found = {name: await _first_line(shell, command) for name, command in external.versions.items()}
    if names := [re.split("[:=]", package)[0] for package in external.packages]:
        installed = await _installed(shell, names)
        found |= {name: installed.get(name, "not installed") for name in names}
    return {name: version[:TEXT_CHARACTERS_MAX] for name, version in found.items()}


async def _first_line(shell: Shell, command: tuple[str, ...]) -> str:
    try:
        done = await shell.run(*command)
    except ShellError as error:
        return f"unknown: {error}"
    return next(iter((done.stdout or done.stderr).strip().splitlines()), "unknown: it prints nothing")


async def _installed(shell: Shell, names: list[str]) -> Mapping[str, str]:
    try:
        done = await shell.run(*_PACKAGES, *names, check=False)  # it fails where only some are installed
    except ShellError:
        return {}
    return dict(line.split(" ", 1) for line in done.stdout.splitlines())
