"""Events: what a person or a fault wants to know of a Raft server's steps."""

from __future__ import annotations

from typing import Final

from harness.node import Env

from systems_under_test.blocks.raft.state import Role, State

EVENTS: Final = ("election-started", "vote-granted", "became-leader", "stepped-down", "committed", "disk-corrupt",
                 "snapshot-taken", "snapshot-installed", "members-changed")  # fmt: skip
COMMITS_PER_EVENT: Final = 1000


class Milestones:
    """Tells the events of one server, step by step."""

    def __init__(self, env: Env) -> None:
        self._env = env
        self._commit_term = 0  # the last term in which a commit was told

    def tell(self, before: State, after: State) -> None:
        env = self._env
        if after.term > before.term and after.hard.vote == after.name:
            env.count("election")
            env.event("election-started", term=after.term)
        elif after.hard != before.hard and after.hard.vote is not None:
            env.event("vote-granted", term=after.term, to=after.hard.vote)
        if after.role is not before.role and after.role is Role.LEADER:
            env.event("became-leader", term=after.term)
        if after.role is not before.role and before.role is Role.LEADER:
            env.event("stepped-down", term=before.term, new_term=after.term)
        if after.configurations is not before.configurations and after.configuration != before.configuration:
            voters, old_voters = after.configuration
            env.event("members-changed", term=after.term, voters=list(voters), old_voters=list(old_voters))
        if after.snapshot is not before.snapshot:
            installed = after.commit == after.snapshot.index != before.commit
            env.event("snapshot-installed" if installed else "snapshot-taken", index=after.snapshot.index)
        if after.commit > before.commit and self._is_milestone(before, after):
            env.event("committed", term=after.term, index=after.commit)

    def _is_milestone(self, before: State, after: State) -> bool:
        """Not every commit is worth an event: the first that this server learns of in a term, and one in a thousand."""
        first, self._commit_term = after.term > self._commit_term, after.term
        return first or after.commit // COMMITS_PER_EVENT > before.commit // COMMITS_PER_EVENT
