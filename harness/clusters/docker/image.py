"""The image of a node: Debian with sshd, Python and the tools of the network faults. Built once, kept by its recipe.

Where ``debootstrap`` is installed, from the mirror that this machine's own packages come from: that needs no registry.
Else from the Dockerfile beside this file. What is particular to a run (keys, addresses, programs) is never in it. For
systems that need Debian packages there are images that have these besides, made of that one without running it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Final

from harness.cluster import ClusterError
from harness.clusters.docker import lease
from harness.clusters.docker.image_build import PACKAGES_VARIABLE
from harness.clusters.local import isolation
from harness.clusters.local.isolation import PATH
from harness.clusters.packages import check_names, failure, proxies

if TYPE_CHECKING:
    from docker import DockerClient

REPOSITORY: Final = "splitbrain-node"
DOCKERFILE: Final = Path(__file__).with_name("Dockerfile")
PACKAGES: Final = ("openssh-server", "python3", "nftables", "iproute2", "iptables", "e2fsprogs", "libfaketime")
BUILD_S_MAX: Final = 600

_DEFAULT_MIRROR: Final = ("http://deb.debian.org/debian", "bookworm")
_APT: Final = Path("/etc/apt")
_ONE_LINE: Final = re.compile(r"deb\s+(?:\[[^\]]*\]\s+)?(http\S+)\s+(\S+)\s+(.*)")

# Everything happens in mount and process namespaces of its own, on an in-memory file system there: nothing is left of
# it when it ends, and it ends with the thread that started it. Data: the packages, the suite, the mirror.
_BOOTSTRAP: Final = """\
set -eu
mount -t tmpfs splitbrain /mnt
debootstrap --variant=minbase --include="$1" "$2" /mnt/root "$3" >&2
usermod -R /mnt/root -s /bin/sh -p '*' root
cd /mnt/root
rm -rf var/cache/apt/* var/lib/apt/lists/* usr/share/doc usr/share/man usr/share/locale etc/ssh/ssh_host_*
exec tar -c .
"""
_ALONE: Final = (*isolation.TIED, "unshare", "--mount", "--pid", "--fork",
                 "--kill-child=KILL", "--mount-proc", "--")  # fmt: skip


def name(packages: Sequence[str] = ()) -> str:
    """The image's name; another recipe has another, and so have other packages."""
    recipe = "\n".join((_BOOTSTRAP, *PACKAGES, DOCKERFILE.read_text("utf-8"), *sorted(set(packages))))
    return f"{REPOSITORY}:{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"


def is_built(client: DockerClient, packages: Sequence[str] = ()) -> bool:
    return bool(client.api.images(name=name(packages)))


def ensure(client: DockerClient, packages: Sequence[str], say: Callable[[str], None], marks: Mapping[str, str]) -> str:
    """The name of the image that has these packages, once it is there; building one takes about a minute. ``say`` is
    told if that is so; ``marks`` are the labels of what is needed meanwhile. Raises ClusterError."""
    check_names(packages)
    lease.FOLDER.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (lease.FOLDER / "image.lock").open("w") as lock:  # several runs at once: one builds, the others wait
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not is_built(client):
            say("building the nodes' image, once")
            _build(client)
        if not is_built(client, packages):
            say(f"installing {', '.join(packages)} in an image for the nodes, once")
            _add(client, packages, marks)
    return name(packages)


def _add(client: DockerClient, packages: Sequence[str], marks: Mapping[str, str]) -> None:
    """Make the image with packages, of a container that is never started."""
    base = client.api.create_container(name(), ["true"], labels=dict(marks))["Id"]
    try:
        archive = _installed(client.api.export(base), packages)
    finally:
        client.api.remove_container(base)
    repository, _, tag = name(packages).partition(":")
    client.api.import_image_from_data(archive, repository=repository, tag=tag)


def _installed(root: Iterable[bytes], packages: Sequence[str]) -> bytes:
    """The tar of a root, with these packages installed there."""
    command = [*isolation.TIED, *isolation.command("image_build", package=__package__, network=True)]
    environment = {"PATH": PATH, **proxies(), PACKAGES_VARIABLE: " ".join(packages)}
    with TemporaryFile() as before, TemporaryFile() as after, TemporaryFile() as said:
        before.writelines(root)
        before.seek(0)
        try:
            status = subprocess.run(command, stdin=before, stdout=after, stderr=said, env=environment, check=False,
                                    timeout=BUILD_S_MAX).returncode  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise failure(packages, 1, f"it was not done after {error.timeout:g} s") from error
        for file in (after, said):
            file.seek(0)
        if status:
            raise failure(packages, status, said.read().decode("utf-8", "replace"))
        return after.read()


def _build(client: DockerClient) -> None:
    failures = []
    ways = [_bootstrap] if shutil.which("debootstrap", path=PATH) and os.geteuid() == 0 else []
    for way in (*ways, _build_from_registry):
        try:
            way(client)
        except ClusterError as error:
            failures.append(str(error))
        else:
            return
    if not ways:
        failures.append("without a registry: apt-get install -y --no-install-recommends debootstrap, and try again")
    raise ClusterError(f"the image of the nodes could not be built: {'; '.join(failures)}")


def _bootstrap(client: DockerClient) -> None:
    mirror, suite = mirror_and_suite()
    command = [*_ALONE, "sh", "-c", _BOOTSTRAP, "splitbrain", ",".join(PACKAGES), suite, mirror]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env={"PATH": PATH, **proxies()}) as running:  # fmt: skip
        try:
            archive, said = running.communicate(timeout=BUILD_S_MAX)
        except BaseException:
            running.kill()
            raise
    if running.returncode:
        raise ClusterError(f"debootstrap {suite} from {mirror}: {said.decode('utf-8', 'replace').strip()[-500:]}")
    repository, _, tag = name().partition(":")
    client.api.import_image_from_data(archive, repository=repository, tag=tag)


def _build_from_registry(client: DockerClient) -> None:
    from docker.errors import APIError, BuildError

    recipe = BytesIO(DOCKERFILE.read_bytes())
    packages = {"PACKAGES": " ".join(PACKAGES)}
    try:
        client.images.build(fileobj=recipe, tag=name(), rm=True, forcerm=True, timeout=BUILD_S_MAX, buildargs=packages)
    except (APIError, BuildError) as error:
        raise ClusterError(f"docker build from {DOCKERFILE}: {error}") from error


def mirror_and_suite() -> tuple[str, str]:
    """Where this machine's packages come from, if it is a Debian or Ubuntu; else Debian's own."""
    suite = _own_suite()
    found = (mirror for mirror, suites, components in _sources() if suite in suites and "main" in components)
    return next(((mirror, suite) for mirror in found if suite), _DEFAULT_MIRROR)


def _own_suite() -> str:
    release = Path("/etc/os-release")
    lines = release.read_text("utf-8").splitlines() if release.exists() else []
    return next((line.partition("=")[2].strip('"') for line in lines if line.startswith("VERSION_CODENAME=")), "")


def _sources() -> Iterator[tuple[str, list[str], list[str]]]:
    """Mirror, suites and components of each of apt's sources, in both of its formats."""
    for path in (_APT / "sources.list", *sorted((_APT / "sources.list.d").glob("*"))):
        text = path.read_text("utf-8", "replace") if path.is_file() else ""
        for found in _ONE_LINE.findall(text) if path.suffix == ".list" else ():
            yield found[0], [found[1]], found[2].split()
        for stanza in text.split("\n\n") if path.suffix == ".sources" else ():
            lines = (line.partition(":") for line in stanza.splitlines() if not line.startswith("#"))
            fields = {key: value.split() for key, _, value in lines}
            if fields.get("URIs"):
                yield fields["URIs"][0], fields.get("Suites", []), fields.get("Components", [])
