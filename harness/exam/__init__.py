"""The exam of the harness itself: seeded bugs that it must find, and correct twins over which it must not cry wolf."""
