"""The account a node's sshd lets in. (Its configuration is judged by sshd itself, in test_remote_cluster.)"""

from __future__ import annotations

from harness.clusters.local import sshd


def test_root_gets_a_plain_shell_and_an_account_that_is_not_locked() -> None:
    passwd = "root:x:0:0:root:/root:/usr/bin/fish\nsshd:x:100:65534::/run/sshd:/usr/sbin/nologin\n"
    shadow = "root:!:19000:0:99999:7:::\nsshd:!:19000::::::\n"
    new_passwd, new_shadow = sshd.with_plain_root_account(passwd, shadow)
    assert new_passwd.splitlines() == [
        "root:x:0:0:root:/root:/bin/sh",
        "sshd:x:100:65534::/run/sshd:/usr/sbin/nologin",
    ]
    assert new_shadow.splitlines()[0].startswith("root:*:")
    assert new_shadow.splitlines()[1:] == shadow.splitlines()[1:]
