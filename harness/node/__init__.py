"""What node programs are written against: :class:`Env`, and the real host that provides it.

Standard library only: nodes run on ``/usr/bin/python3 -S`` with nothing installed.
"""

from harness.node.env import (
    CallError,
    Clock,
    Closed,
    Disk,
    Env,
    Future,
    Interval,
    Message,
    Program,
    Refused,
    Task,
    Timeout,
)

__all__ = ["CallError", "Clock", "Closed", "Disk", "Env", "Future", "Interval", "Message", "Program", "Refused",
           "Task", "Timeout"]  # fmt: skip
