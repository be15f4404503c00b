"""Transactions on registers: reads say which write they saw, and nobody says in which order writes took effect."""
