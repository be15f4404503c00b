"""splitbrain's harness: clusters, faults, histories, verdicts."""
