"""The page in a real browser: it shows, without an error, also at fifty thousand operations and with hostile values."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from harness.report import write
from tests.harness.report.example import operations, results, write_run
from tests.harness.report.test_page import hostile

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync",
           "--disable-component-update", "--no-first-run", "--enable-logging=stderr", "--v=0")  # fmt: skip
PNG = b"\x89PNG\r\n\x1a\n"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here (apt-get install chromium)"),
]


def browse(page: Path, *options: str) -> tuple[str, list[str]]:
    """What chromium prints, and the messages on its console."""
    profile = page.parent / "profile"
    command = [str(CHROMIUM), *OPTIONS, f"--user-data-dir={profile}", *options, page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def test_fifty_thousand_operations_show_at_once(tmp_path: Path) -> None:
    ops = operations(50_000, 30.0, concurrency=30)
    page = write(write_run(tmp_path, ops, results(ops)))
    assert page.stat().st_size < 1_000_000
    start = time.monotonic()
    dom, console = browse(page, "--dump-dom")
    assert time.monotonic() - start < 20, "chromium starts, lays it out and ends"
    assert console == []
    assert re.search(r'class="verdict invalid".*?Invalid', dom, re.DOTALL)
    assert dom.count("<svg") >= 4
    assert "</html>" in dom
    picture = tmp_path / "page.png"
    _, console = browse(page, f"--screenshot={picture}", "--window-size=1100,2400")
    assert console == []
    assert picture.read_bytes().startswith(PNG)
    assert picture.stat().st_size > 50_000, "more than an empty page"


def test_the_script_runs_and_no_other(tmp_path: Path) -> None:
    """Ours takes the titles out of the drawings; what hostile values would add is text, and the policy forbids it."""
    evil = '</script><script>document.title="owned"</script><img src=x onerror="document.title=\'owned\'">'
    hostile(tmp_path, evil)
    dom, console = browse(tmp_path / "report.html", "--dump-dom")
    assert console == []
    assert "<title>owned" not in dom
    assert not re.search(r"<(g|rect)[^>]*><title>", dom), "our own script has run"
    assert dom.count("<script") == 1
    assert "<img" not in dom


def test_the_policy_stops_a_script_that_is_not_ours(tmp_path: Path) -> None:
    hostile(tmp_path, "calm")
    page = tmp_path / "report.html"
    page.write_text(page.read_text().replace("</main>", '</main><script>document.title = "owned"</script>'))
    dom, console = browse(page, "--dump-dom")
    assert "<title>owned" not in dom
    assert any("Content Security Policy" in line for line in console), "so the console is read, too"
