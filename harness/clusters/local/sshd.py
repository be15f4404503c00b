"""A node's sshd: its configuration and the account it lets in (root, by key only)."""

from __future__ import annotations

from typing import Final

FOLDER: Final = "/etc/splitbrain"
CONFIG: Final = f"{FOLDER}/sshd_config"
LOG: Final = "/var/log/node/sshd.log"

# MaxStartups and MaxSessions: the harness opens many channels at once, and being refused one would look like a fault.
# StrictModes, UsePAM: the files are ours and fresh; PAM would cost 20 ms a login and consult the host's own rules.
_CONFIG: Final = """\
ListenAddress {address}:22
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/authorized_keys
PidFile none
UsePAM no
StrictModes no
UseDNS no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
AllowUsers root
AllowTcpForwarding local
AllowAgentForwarding no
X11Forwarding no
PrintMotd no
PrintLastLog no
MaxStartups 200:30:400
MaxSessions 200
LogLevel ERROR
Subsystem sftp internal-sftp
"""


def config(address: str) -> str:
    """sshd_config for a node that is reached at ``address`` only: never over the data network."""
    return _CONFIG.format(address=address, folder=FOLDER)


def with_plain_root_account(passwd: str, shadow: str) -> tuple[str, str]:
    """The host's account files with root's line replaced, for a node.

    The shell becomes /bin/sh, since our scripts are POSIX and the host's own shell may be slow to start or none at
    all; the password field becomes ``*`` (none), because sshd refuses an account that is locked with ``!``.
    """
    return (
        _replace_root(passwd, "root:x:0:0:root:/root:/bin/sh"),
        _replace_root(shadow, "root:*:19000:0:99999:7:::"),
    )


def _replace_root(text: str, line: str) -> str:
    others = [entry for entry in text.splitlines() if not entry.startswith("root:")]
    return "\n".join([line, *others]) + "\n"
