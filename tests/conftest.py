"""What holds for all tests."""

from __future__ import annotations

import gc


def pytest_collection_finish() -> None:
    """Nine thousand tests are half a million objects that stay to the end: the collector need not visit them again and
    again."""
    gc.collect()
    gc.freeze()
