"""Building blocks that systems compose: logs, clocks, quorums, consensus cores."""
