"""``report.html``: one self-contained page about a run, from what the run left in its folder."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from harness.report.page import page
from harness.report.run_data import read_run
from harness.store import replace_file

NAME: Final = "report.html"


def write(run_folder: Path) -> Path:
    """Write ``report.html`` into a run's folder and return its path. Files that are missing or cannot be read make a
    shorter page that says so. Raises OSError if it cannot be written."""
    target = run_folder / NAME
    replace_file(target, page(read_run(run_folder), run_folder))
    return target


__all__ = ["NAME", "write"]
