"""`splitbrain run` on node processes of this machine's loopback interface: for tests that cannot have namespaces.

python -m tests.harness.commands.run_on_loopback raft --faults kill ...
"""

from __future__ import annotations

import sys

from harness import catalog
from harness.cli import main
from harness.cluster import Provider
from harness.clusters.loopback import LoopbackProvider


def loopback(name: str) -> Provider:
    return LoopbackProvider()


if __name__ == "__main__":
    catalog.provider = loopback
    sys.exit(main(["run", *sys.argv[1:]]))
