"""Tests of the session guarantees."""
