"""A node's file system: an overlay of the host's root, fresh system folders, and an own ext4 for its data.

Everything that is written lives on one in-memory file system of the run, mounted in the supervisor's mount namespace
only. So the host sees no mount, and when the run's last process ends the kernel takes everything back: what remains
after a kill -9 of the harness is one empty folder.
"""

from __future__ import annotations

import os
import stat
import subprocess
import time
from dataclasses import dataclass
from errno import EBUSY
from pathlib import Path
from typing import Final

from harness.clusters.local import sshd, syscalls
from harness.clusters.local.protocol import FabricRequest, NodeRequest
from harness.clusters.local.syscalls import (
    MS_BIND,
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    MS_RDONLY,
    MS_REC,
    MS_REMOUNT,
    mount,
)

DISK_BYTES: Final = 1 << 30  # sparse: an empty one takes 84 KiB
DATA_FOLDER: Final = "/var/lib/node"
LOG_FOLDER: Final = "/var/log/node"
DISK_DEVICE: Final = "/dev/node-disk"
DISK_SCRATCH: Final = "/var/lib/splitbrain"

_DEVICES: Final = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9), "tty": (5, 0)}
_LINKS: Final = {"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2", "ptmx": "pts/ptmx"}
_LOOP_TRIES: Final = 100
_IMAGE_BYTES: Final = 8 << 30  # of a layer of packages; sparse: it takes what they take, and some MiB
_SEPARATE: Final = ("/usr", "/var")  # may be file systems of their own, and packages write there
_UNMOUNTED_SECONDS_MAX: Final = 10


@dataclass(frozen=True, slots=True)
class Disk:
    """An ext4 image behind a loop device. ``fd`` keeps the device bound while the supervisor lives, so that a node may
    unmount and mount again; the last close frees it (LO_FLAGS_AUTOCLEAR)."""

    number: int
    fd: int


def mount_run_folder(folder: str) -> None:
    """The run's in-memory file system, private to this mount namespace; device nodes must work on it."""
    mount("splitbrain", folder, "tmpfs", MS_NOSUID, "mode=0700")


def make_disk(folder: str, name: str) -> Disk:
    image = f"{folder}/{os.path.basename(folder)}-{name}.ext4"  # by this name a run's loop devices are known
    with open(image, "wb") as file:
        file.truncate(DISK_BYTES)
    return disk_in(image, folder, name)


def disk_in(image: str, folder: str, name: str) -> Disk:
    """An empty file system in the file ``image``; ``folder`` is where device nodes may be made."""
    # Nothing lazy: the kernel's background initialisation would be noise in the measurements.
    options = ["-q", "-F", "-m", "0", "-N", "4096", "-J", "size=8", "-E", "lazy_itable_init=0,lazy_journal_init=0"]
    done = subprocess.run(["mkfs.ext4", *options, image], capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"mkfs.ext4 for {name}: status {done.returncode}: {done.stderr.strip()}")
    return _attach(folder, image)


def make_layer(folder: str, image: str) -> Disk:
    """An empty layer (see ``mount_host``) in the new file ``image``, mounted on ``folder/layer`` to be filled. It has
    no journal: one that was not finished is never used."""
    with open(image, "xb") as file:
        file.truncate(_IMAGE_BYTES)
    options = ["-q", "-F", "-m", "0", "-N", "262144", "-O", "^has_journal", "-E", "lazy_itable_init=0"]
    done = subprocess.run(["mkfs.ext4", *options, image], capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"mkfs.ext4 for {image}: status {done.returncode}: {done.stderr.strip()}")
    return _mount_layer(folder, image, 0)


def mount_layer(folder: str, image: str) -> None:
    """Mount a finished layer on ``folder/layer``, for as long as this mount namespace is there."""
    os.close(_mount_layer(folder, image, MS_RDONLY).fd)


def _mount_layer(folder: str, image: str, flags: int) -> Disk:
    disk = _attach(folder, image, os.O_RDONLY if flags & MS_RDONLY else os.O_RDWR)
    os.mkdir(f"{folder}/layer")
    mount(f"{folder}/loop{disk.number}", f"{folder}/layer", "ext4", MS_NODEV | flags)
    return disk


def _attach(folder: str, image: str, mode: int = os.O_RDWR) -> Disk:
    """Bind a free loop device. Other runs take them too, so being beaten to one is normal and tried again."""
    control = os.open(_device(folder, "loop-control", stat.S_IFCHR, 10, 237), os.O_RDWR | os.O_CLOEXEC)
    backing = os.open(image, mode | os.O_CLOEXEC)
    try:
        for _ in range(_LOOP_TRIES):
            number = syscalls.free_loop_number(control)
            path = _device(folder, f"loop{number}", stat.S_IFBLK, syscalls.LOOP_MAJOR, number)
            loop = os.open(path, mode | os.O_CLOEXEC)
            try:
                syscalls.configure_loop(loop, backing)
            except OSError as error:
                os.close(loop)
                if error.errno != EBUSY:
                    raise
            else:
                return Disk(number, loop)
        raise OSError(EBUSY, f"no free loop device in {_LOOP_TRIES} tries")
    finally:
        os.close(control)
        os.close(backing)


def lose_unsynced(pid: int) -> None:
    """What the node whose first process that is has not synced is gone from its data file system, which from then on
    fails every call (nothing to do where it has no disk)."""
    folder = os.open(f"/proc/{pid}/root{DATA_FOLDER}", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if os.major(os.fstat(folder).st_dev) == syscalls.LOOP_MAJOR:
            syscalls.shut_down_ext4(folder)
    finally:
        os.close(folder)


def thaw(folder: str, disk: Disk) -> None:
    """Let go of a disk that is frozen, whoever froze it and has ended since: a process that waits for it cannot even be
    killed, and the frozen file system would outlive them all."""
    place = f"{folder}/thaw-{disk.number}"
    os.makedirs(place, exist_ok=True)
    syscalls.thaw_device(f"{folder}/loop{disk.number}", place)


def await_unmounted(folder: str, disk: Disk) -> None:
    """Return when nothing has the disk mounted any more, which is a little after the last process has ended: a mount
    before that would get the old, failing file system again. Raises OSError (EBUSY)."""
    deadline = time.monotonic() + _UNMOUNTED_SECONDS_MAX
    while True:
        try:
            os.close(os.open(f"{folder}/loop{disk.number}", os.O_RDONLY | os.O_EXCL | os.O_CLOEXEC))
        except OSError as error:
            if error.errno != EBUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.005)
        else:
            return


def _device(folder: str, name: str, kind: int, major: int, minor: int) -> str:
    """Our own device node: the host's /dev may be a plain folder that lacks the device (in containers it does)."""
    path = f"{folder}/{name}"
    if not os.path.exists(path):
        os.mknod(path, kind | 0o600, os.makedev(major, minor))
    return path


def enter_node_root(request: FabricRequest, node: NodeRequest, disk: Disk | None) -> None:
    """Build the node's root and make it this mount namespace's; runs as the node's first process."""
    place = f"{request.folder}/{node.name}"
    root = f"{place}/root"
    for folder in (root, f"{place}/log"):
        os.makedirs(folder, exist_ok=True)  # a machine that is turned on again has them
    if request.layer:
        mount_host(root, place, f"{request.folder}/layer")
    else:
        _overlay("/", root, place)
        _show_separate_usr(root)
    mount_system_folders(root)
    _mount_node_folders(root, f"{place}/log", disk)
    _write_files(root, request, node)
    syscalls.pivot_root(root)


def separate_folders() -> tuple[str, ...]:
    """What of the host an overlay of ``/`` does not show, and programs and their installation need."""
    return tuple(folder for folder in _SEPARATE if os.path.ismount(folder))


def mount_host(root: str, own: str, layer: str = "") -> None:
    """Mount the host's ``/`` on ``root``, with its separate folders, each an overlay: what is written goes into a
    folder below ``own``, and what a mounted ``layer`` has there is seen in place of the host's. So the ``own`` of one
    root may be the layer of others."""
    for folder in ("/", *separate_folders()):
        _overlay(folder, f"{root}{folder}", f"{own}{folder}", f"{layer}{folder}" if layer else "")


def _overlay(host: str, target: str, own: str, layer: str = "") -> None:
    upper, work = os.path.join(own, "upper"), os.path.join(own, "work")
    for folder in (upper, work):
        os.makedirs(folder, exist_ok=True)
    lower = f"{os.path.join(layer, 'upper')}:{host}" if layer else host
    mount("overlay", target, "overlay", 0, f"lowerdir={lower},upperdir={upper},workdir={work}")


def _show_separate_usr(root: str) -> None:
    """An overlay shows one file system; where /usr is another, the node must still see its programs."""
    if os.path.ismount("/usr"):
        mount("/usr", f"{root}/usr", None, MS_BIND | MS_REC)
        mount("/usr", f"{root}/usr", None, MS_BIND | MS_REMOUNT | MS_RDONLY)


def mount_system_folders(root: str) -> None:
    """/proc, /dev and so on of its own."""
    closed = MS_NOSUID | MS_NODEV
    mount("proc", f"{root}/proc", "proc", closed | MS_NOEXEC)
    mount("sysfs", f"{root}/sys", "sysfs", closed | MS_NOEXEC | MS_RDONLY)
    mount("tmpfs", f"{root}/dev", "tmpfs", MS_NOSUID, "mode=0755")
    mount("tmpfs", f"{root}/run", "tmpfs", closed, "mode=0755")
    mount("tmpfs", f"{root}/tmp", "tmpfs", closed, "mode=1777")  # noqa: S108 - the node's
    # The host's own keys and shell start-up files are no business of a node, and a slow .bashrc costs 200 ms a command.
    mount("tmpfs", f"{root}/root", "tmpfs", closed, "mode=0700")
    _fill_dev(root)


def _fill_dev(root: str) -> None:
    for name, (major, minor) in _DEVICES.items():
        os.mknod(f"{root}/dev/{name}", stat.S_IFCHR | 0o666, os.makedev(major, minor))
        os.chmod(f"{root}/dev/{name}", 0o666)  # noqa: S103 - as everywhere; mknod obeyed the umask
    for name, target in _LINKS.items():
        os.symlink(target, f"{root}/dev/{name}")
    for name in ("pts", "shm"):
        os.mkdir(f"{root}/dev/{name}")
    mount("devpts", f"{root}/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620")
    mount("tmpfs", f"{root}/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777")  # noqa: S108 - the node's


def _mount_node_folders(root: str, log: str, disk: Disk | None) -> None:
    for folder in (DATA_FOLDER, LOG_FOLDER, "/opt/splitbrain", sshd.FOLDER, "/run/sshd", "/run/splitbrain"):
        os.makedirs(f"{root}{folder}", exist_ok=True)
    mount(log, f"{root}{LOG_FOLDER}", None, MS_BIND)
    if disk is None:
        mount("tmpfs", f"{root}{DATA_FOLDER}", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755")
        return
    os.mknod(f"{root}{DISK_DEVICE}", stat.S_IFBLK | 0o600, os.makedev(syscalls.LOOP_MAJOR, disk.number))
    mount(f"{root}{DISK_DEVICE}", f"{root}{DATA_FOLDER}", "ext4", MS_NOSUID | MS_NODEV)


def _write_files(root: str, request: FabricRequest, node: NodeRequest) -> None:
    etc = Path(root, "etc")
    shadow = etc / "shadow"
    accounts = sshd.with_plain_root_account(
        (etc / "passwd").read_text("utf-8"), shadow.read_text("utf-8") if shadow.exists() else ""
    )
    hosts = "".join(f"{other.data} {other.name}\n" for other in request.nodes)
    for name, text, mode in (
        ("passwd", accounts[0], 0o644),
        ("shadow", accounts[1], 0o600),
        ("hostname", f"{node.name}\n", 0o644),
        ("hosts", f"127.0.0.1 localhost\n{hosts}", 0o644),
        ("splitbrain/sshd_config", sshd.config(node.control), 0o600),
        ("splitbrain/host_key", request.host_key, 0o600),
        ("splitbrain/authorized_keys", f"{request.authorized_key}\n", 0o600),
    ):
        write(etc / name, text, mode)


def write(path: Path, text: str, mode: int) -> None:
    """Replace a file, never write through one: /etc/hosts and others may be symbolic links to elsewhere."""
    path.unlink(missing_ok=True)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with open(fd, "w", encoding="utf-8") as file:
        file.write(text)
