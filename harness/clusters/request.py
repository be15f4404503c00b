"""Whether a provider can make the cluster that is asked for, before anything is made."""

from __future__ import annotations

from collections.abc import Sequence

from harness.cluster import ClusterError, ClusterSpec, Finding


def check_request(
    provider: str, spec: ClusterSpec, findings: Sequence[Finding], nodes_max: int, clients_max: int
) -> None:
    """Raises ClusterError: what the machine lacks and what would add it, or what is more than there are addresses."""
    if missing := [finding for finding in findings if finding.required and not finding.present]:
        needs = "; ".join(f"{finding.name} ({finding.remedy or finding.detail})" for finding in missing)
        raise ClusterError(f"the provider {provider} cannot be used here; it lacks: {needs}")
    for count, most, what in ((len(spec.nodes), nodes_max, "nodes"), (spec.clients, clients_max, "clients")):
        if count > most:
            raise ClusterError(f"read {count} {what}; expected at most {most} with the provider {provider}")
