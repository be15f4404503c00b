"""Pre-votes, loyalty and transfers under a random network: nothing of what holds without them is lost.

The random times at which a server stops standing by a leader are among the events; so every order of silences, votes
and transfers may come up.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from systems_under_test.blocks.raft import ElectionTimeout, Role
from systems_under_test.blocks.raft.core import HandOver, SilenceTimeout
from tests.systems_under_test.blocks.raft.network import Network
from tests.systems_under_test.blocks.raft.test_random_network import Chaos

RUNS = 60


class LoyalNetwork(Network):
    """All servers ask for pre-votes, and stand by a leader that they have heard."""

    def __init__(self, names: Sequence[str], bugs: Iterable[str] = ()) -> None:
        super().__init__(names, bugs)
        for name in names:
            self.crash(name)

    def crash(self, name: str) -> None:
        super().crash(name)
        self.states[name] = self.states[name]._replace(pre_vote=True, heard_leader=True)


class LoyalChaos(Chaos):
    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.network = LoyalNetwork(self.network.names)
        self.transfers = 0

    def act(self) -> None:
        draw = self.random.random()
        if draw < 0.2:
            self.step(self.random.choice(self.network.names), SilenceTimeout())
        elif draw < 0.22:
            self.hand_over()
        super().act()

    def hand_over(self) -> None:
        leaders = [name for name in self.network.names if self.network.states[name].role is Role.LEADER]
        if leaders:
            self.transfers += 1
            self.step(self.random.choice(leaders), HandOver(self.random.choice([None, *self.network.names])))

    def calm(self) -> None:
        for name in self.network.names:
            self.network.step(name, SilenceTimeout())
            if self.network.states[name].transfer is not None:
                self.network.step(name, ElectionTimeout())  # abort it
        super().calm()


def test_safety_and_recovery_with_pre_votes_and_transfers() -> None:
    elections = transfers = applied = 0
    for seed in range(RUNS):
        chaos = LoyalChaos(seed)
        try:
            network = chaos.run()
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error
        elections += len(network.observer.leaders)
        applied += len(network.observer.applied)
        transfers += chaos.transfers
    # Too little happening would prove nothing.
    assert elections > RUNS
    assert transfers > RUNS
    assert applied > 5 * RUNS
