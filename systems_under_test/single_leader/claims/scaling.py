"""What more followers are good for, and what they cost (DDIA 5)."""

from __future__ import annotations

from typing import Final

from harness.claim import Claim, Curve, Experiment, Measured, Shape, Source, Thresholds, Variant

BUDGET: Final = Thresholds(runs=5)


def with_followers(*followers: int) -> tuple[Variant, ...]:
    return tuple(Variant(str(count), sizes={"nodes": count + 1}) for count in followers)


CLAIMS: Final = (
    Claim(
        "SL-25a",
        "With more followers, any of which serves reads, more reads are served.",
        Source("DDIA", "ch. 5, Problems with Replication Lag", 161,
               "you can increase the capacity for serving read-only requests simply by adding more followers"),
        Experiment("sessions", {"reads": "any", "service-ms": "20"}, concurrency=20, rate_hz=1000.0, time_limit_s=5.0),
        Measured(
            "followers", with_followers(1, 2, 4, 8), (Curve("ok-per-second:read", Shape("rises", ratio=4.0)),)
        ),
        thresholds=BUDGET,
    ),
    Claim(
        "SL-25b",
        "The more followers a write has to wait for, the longer it takes.",
        Source("DDIA", "ch. 5, Synchronous Versus Asynchronous Replication", 153,
               "the leader waits until follower 1 has confirmed that it received the write before reporting success"),
        Experiment("set", {"replication": "sync"}),
        Measured(
            "synchronous followers", with_followers(1, 2, 4, 8), (Curve("median-ms:add", Shape("rises", ratio=1.5)),)
        ),
        thresholds=BUDGET,
    ),
)  # fmt: skip
