"""Workloads: a generator of operations and the checker of what they returned, packaged; one file each."""
