"""What the books say of reads from replicas that are behind, and of a leader that is one no more."""

from __future__ import annotations

from typing import Final

from harness.claim import Claim, Curve, Experiment, Holds, Measured, Shape, Source, Thresholds, Variant, Violates

OWN_WRITES: Final = "ch. 5, Reading Your Own Writes"
MONOTONIC: Final = "ch. 5, Monotonic Reads"

RYW: Final = ("read-your-writes",)
MR: Final = ("monotonic-reads",)
LIN: Final = ("non-linearizable",)

# Links slower than any timeout, and nobody takes the leader's place: what is late is the replication alone.
SLOW: Final = Experiment("sessions", {"failover": "none", "reads": "any"}, faults="slow-link")
# One leader deposed, once: so some keys and sessions of before are there afterwards.
DEPOSED: Final = Experiment("sessions", {"reads": "position"}, faults="partition=isolate-leader", windows=((2.0, 5.0),))
DEVICES: Final = Experiment("devices", {"failover": "none", "reads": "position"}, faults="slow-link")
LINEARIZABLE: Final = Experiment(
    "register", {"replication": "majority"}, faults="partition=isolate-leader", windows=((1.5, 4.0),)
)


def _reads(policy: str, **options: str) -> Variant:
    label = f"reads={policy}" + "".join(f", {name.replace('_', '-')}={value}" for name, value in options.items())
    return Variant(label, {"reads": policy, **{name.replace("_", "-"): value for name, value in options.items()}})


RECENT_MS: Final = 100
MONITORED: Final = _reads("monitored", recent_ms=str(RECENT_MS))
UNMONITORED: Final = _reads("own-writes", recent_ms=str(RECENT_MS))


CLAIMS: Final = (
    Claim(
        id="SL-5a",
        sentence="Who reads from any asynchronous follower may not find what he has just written.",
        source=Source("DDIA", OWN_WRITES, 162, "the new data may not yet have reached the replica"),
        experiment=SLOW,
        expect=Violates(RYW),
    ),
    Claim(
        id="SL-5b",
        sentence="Who reads from one follower after another may see time run backwards.",
        source=Source("DDIA", MONOTONIC, 164, "moving backward in time"),
        experiment=SLOW,
        expect=Violates(MR),
    ),
    Claim(
        id="SL-6a",
        sentence="Who always reads from the same follower does not see time run backwards.",
        source=Source(
            "DDIA", MONOTONIC, 165, "make sure that each user always makes their reads from the same replica"
        ),
        experiment=SLOW.varied(_reads("sticky")),
        expect=Holds(MR),
        control=_reads("any"),
    ),
    Claim(
        id="SL-6b",
        sentence="The same follower may still be without what the user has just written.",
        source=Source("DDIA", OWN_WRITES, 162, "the new data may not yet have reached the replica"),
        experiment=SLOW.varied(_reads("sticky")),
        expect=Violates(RYW),
    ),
    Claim(
        id="SL-6c",
        sentence="When a user's follower dies and the user moves to another, time may run backwards.",
        source=Source(
            "DDIA",
            MONOTONIC,
            165,
            "if that replica fails, the user's queries will need to be rerouted to another replica",
        ),
        experiment=Experiment(
            "sessions",
            {"failover": "none", "reads": "sticky"},
            faults="slow-link=one,kill=followers:2",
            windows=((0.5, 9.0), (3.0, 6.0)),
        ),
        expect=Violates(MR),
    ),
    Claim(
        id="SL-7a",
        sentence="A session that remembers the generation and position of what it has seen reads nothing older.",
        source=Source(
            "DDIA",
            OWN_WRITES,
            163,
            "the replica serving any reads for that user reflects updates at least until that timestamp",
        ),
        experiment=DEPOSED,
        expect=Holds((*RYW, *MR)),
        control=_reads("position-only"),
    ),
    Claim(
        id="SL-7b",
        sentence="Reading from the leader for a while after a write is not enough if a follower lags for longer.",
        source=Source("DDIA", OWN_WRITES, 163, "for one minute after the last update, make all reads from the leader"),
        experiment=SLOW.varied(_reads("own-writes", recent_ms="100")),
        expect=Violates(RYW),
    ),
    Claim(
        id="SL-7c",
        sentence="A position without its generation is worth nothing after a failover: something else may stand there.",
        source=Source(
            "DDIA",
            "ch. 5, Leader failure: Failover",
            157,
            "the old leader's unreplicated writes to simply be discarded",
        ),
        experiment=DEPOSED.varied(_reads("position-only")),
        expect=Violates(RYW),
    ),
    Claim(
        id="SL-7d",
        sentence="Reading from the leader after one's own write, for longer than any follower lags, one finds it.",
        source=Source("DDIA", OWN_WRITES, 163, "for one minute after the last update, make all reads from the leader"),
        experiment=SLOW.varied(_reads("own-writes", recent_ms="3000")),
        expect=Holds(RYW),
        control=_reads("own-writes", recent_ms="100"),
    ),
    Claim(
        id="SL-8a",
        sentence="What each device remembers for itself does not help the same user's other device.",
        source=Source("DDIA", OWN_WRITES, 164, "doesn't know what updates have happened on the other device"),
        experiment=DEVICES,
        expect=Violates(RYW),
    ),
    Claim(
        id="SL-8b",
        sentence="Where the position of a user's writes is kept in one place, each of his devices finds them.",
        source=Source("DDIA", OWN_WRITES, 164, "This metadata will need to be centralized"),
        experiment=DEVICES.varied(Variant("shared position", {"shared-position": "on"})),
        expect=Holds(RYW),
        control=Variant("each device its own", {"shared-position": "off"}),
    ),
    Claim(
        id="SL-13b",
        sentence="A leader that was deposed and does not know it answers reads with old values.",
        source=Source(
            "DDIA",
            "ch. 9, Implementing Linearizable Systems",
            333,
            "if the delusional leader continues to serve requests, it is likely to violate linearizability",
        ),
        experiment=LINEARIZABLE,
        expect=Violates(LIN),
    ),
    Claim(
        id="SL-13c",
        sentence="A leader that asks a majority whether it still leads, before it answers a read, is linearizable.",
        source=Source(
            "DDIA",
            "ch. 9, Epoch numbering and quorums",
            368,
            "it must first check that there isn't some other leader with a higher epoch number",
        ),
        experiment=LINEARIZABLE.varied(_reads("confirmed")),
        expect=Holds(LIN),
        control=_reads("leader"),
    ),
    Claim(
        id="SL-26a",
        sentence="If followers that lag beyond a bound refuse, reading from the leader for that long is enough.",
        source=Source("DDIA", OWN_WRITES, 163, "prevent queries on any follower that is more than one minute behind"),
        experiment=SLOW.varied(MONITORED),
        expect=Holds(RYW),
        control=UNMONITORED,
    ),
    Claim(
        id="SL-26b",
        sentence="With them nobody reads what was overwritten longer ago than that bound.",
        source=Source("DDIA", OWN_WRITES, 163, "prevent queries on any follower that is more than one minute behind"),
        experiment=SLOW,
        expect=Measured(
            over="followers that refuse",
            points=(MONITORED,),
            curves=(Curve("staleness-ms:read", Shape("at-most", bound=float(RECENT_MS))),),
        ),
        thresholds=Thresholds(runs=12),
    ),
    Claim(
        id="SL-26c",
        sentence="Where nobody watches how far followers lag, answers are older.",
        source=Source("DDIA", OWN_WRITES, 163, "You could also monitor the replication lag on followers"),
        experiment=SLOW,
        expect=Measured(
            over="followers that answer anyhow",
            points=(UNMONITORED,),
            curves=(Curve("staleness-ms:read", Shape("at-least", bound=2.0 * RECENT_MS)),),
        ),
        thresholds=Thresholds(runs=12),
    ),
)
