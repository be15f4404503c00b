"""Ephemeral keys: usable by paramiko, and never the same twice."""

from __future__ import annotations

from harness.clusters.local.keys import new_key_pair


def test_a_pair_fits_together_in_both_formats() -> None:
    pair = new_key_pair()
    key = pair.for_paramiko()
    assert pair.public == f"ssh-ed25519 {key.get_base64()}"
    assert key.can_sign()


def test_every_pair_is_new() -> None:
    assert new_key_pair().private != new_key_pair().private
