"""Checkers: pure functions from a history to a result; they never touch a cluster."""
