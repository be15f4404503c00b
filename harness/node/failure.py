"""How a node that ended by an error of its program is reported: the event's name."""

from __future__ import annotations

import errno
from typing import Final, Literal

from harness.node.machine import CommandError

ASSERTION: Final = "assertion"
CRASH: Final = "crash"
DISK_FAILURE: Final = "disk-failure"
EXIT: Final = "exit"
"""What a keeper keeps has ended by itself, or a command of it has failed: the database's own business, as it is where
its disk is full, and no mistake of ours. A node that ends so is down until it is started."""

DISK_ERRORS: Final = frozenset({errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE})
"""What a disk says that has failed or is full, or of which no more files can be opened. Any other OSError, such as that
a file is not there, is a mistake of the program."""


def failure_kind(error: BaseException) -> Literal["assertion", "disk-failure", "exit", "crash"]:
    """An assertion is an anomaly, and a crash leaves no valid verdict. A program that lets an error of its disk through
    does what it must (``harness.node.Disk``): it stops, as if it had been killed, and that speaks for no verdict."""
    if isinstance(error, AssertionError):
        return "assertion"
    if isinstance(error, CommandError):
        return "exit"
    return "disk-failure" if isinstance(error, OSError) and error.errno in DISK_ERRORS else "crash"
