"""Faults: partitions, kills, pauses; their grammar and schedule; the nemesis that applies and measures them."""
