"""Benchmarks and campaigns: run by hand, never installed."""
