"""A harness in a process of its own, for tests to watch and to kill: makes a layer, and says what it is told.

python -m tests.harness.clusters.local.layer_process CACHE PACKAGE...
"""

from __future__ import annotations

import asyncio
import sys
from functools import partial
from pathlib import Path

from harness.clusters.local import layer

if __name__ == "__main__":
    print(asyncio.run(layer.ensure(sys.argv[2:], partial(print, flush=True), Path(sys.argv[1]))), flush=True)
