"""What faults need that do something again and again while they are in force (``harness.fault.RecurringFault``)."""

from __future__ import annotations

from harness.node import Future
from harness.runtime import Runtime


async def rest(runtime: Runtime, over: Future[None], ms: float) -> bool:
    """Let some time go by; whether the fault is still in force then. Returns at once when it is over."""
    if over.done():
        return False
    try:
        await runtime.within(ms, over)
    except TimeoutError:
        return True
    return False
