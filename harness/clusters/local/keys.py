"""Ephemeral SSH keys: one ed25519 pair for the nodes of a run, one for the harness; no passwords anywhere.

The harness's private key never leaves its memory. The nodes' one lies on their in-memory root and goes with them.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import StringIO

import paramiko
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat


@dataclass(frozen=True, slots=True)
class KeyPair:
    """An ed25519 pair in OpenSSH's formats: ``private`` PEM text, ``public`` one authorized_keys line."""

    private: str
    public: str

    def for_paramiko(self) -> paramiko.PKey:
        return paramiko.Ed25519Key.from_private_key(StringIO(self.private))


def new_key_pair() -> KeyPair:
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return KeyPair(private.decode(), public.decode())
