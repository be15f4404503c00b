"""``report.html``: one self-contained page about a run, from what the run left in its folder."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from harness.report.page import page
from harness.report.run_data import read_run

NAME: Final = "report.html"


def write(run_folder: Path) -> Path:
    """Write ``report.html`` into a run's folder and return its path. Files that are missing or cannot be read make a
    shorter page that says so. Raises OSError if it cannot be written."""
    target = run_folder / NAME
    scratch = run_folder / f".{NAME}.new"
    scratch.write_text(page(read_run(run_folder), run_folder), encoding="utf-8")
    scratch.replace(target)
    return target


__all__ = ["NAME", "write"]
