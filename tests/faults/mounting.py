"""File systems of our own: an ext4 whose power can be cut or that goes wrong, and a small tmpfs that can be filled."""

import fcntl
import os
import shutil
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

SHUTDOWN = 0x8004587D
"""EXT4_IOC_SHUTDOWN (linux/fs/ext4/ext4.h): the file system stops, as when the power fails."""
NO_FLUSH = struct.pack("I", 2)
"""EXT4_GOING_FLAGS_NOLOGFLUSH: neither data nor journal reach the disk any more."""
IMAGE_BYTES = 48 * 1024 * 1024


@cache
def why_not_mount() -> str | None:
    """Why file systems cannot be mounted here; None where they can."""
    if os.geteuid() != 0:
        return "only root can mount"
    missing = [name for name in ("mkfs.ext4", "mount", "umount") if shutil.which(name) is None]
    if missing:
        return f"{missing[0]} is missing"
    probe = subprocess.run(
        [shutil.which("unshare") or "unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"],
        capture_output=True,
        check=False,
    )
    return None if probe.returncode == 0 else "mounting is forbidden here"


needs_mount = pytest.mark.skipif(why_not_mount() is not None, reason=str(why_not_mount()))


class Disk:
    """An ext4 in a file, mounted over a loop device."""

    def __init__(self, image: Path, mountpoint: Path) -> None:
        self.image = image
        self.path = mountpoint
        mountpoint.mkdir(exist_ok=True)

    def mount(self) -> None:
        _run("mount", "-o", "loop,errors=remount-ro", str(self.image), str(self.path))

    def unmount(self) -> None:
        _run("umount", str(self.path))

    def cut_power(self) -> None:
        """Whatever was not synced is lost, and the disk comes back as it then is."""
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, SHUTDOWN, NO_FLUSH)
        finally:
            os.close(descriptor)
        self.mount_again()

    def go_wrong(self) -> None:
        """The kernel finds damage and makes the disk read-only at once, also for files that are open for writing."""
        device = Path(_run("findmnt", "-no", "SOURCE", str(self.path)).strip()).name
        trigger = Path("/sys/fs/ext4") / device / "trigger_fs_error"
        if not os.access(trigger, os.W_OK):
            pytest.skip("this kernel cannot be told that a file system went wrong")
        trigger.write_text("a test")

    def mount_again(self) -> None:
        """As an administrator does once all is well."""
        self.unmount()
        self.mount()


@contextmanager
def a_disk(folder: Path, template: Path) -> Iterator[Disk]:
    """A fresh ext4; `template` is made once and copied."""
    if not template.exists():
        with template.open("wb") as file:
            file.truncate(IMAGE_BYTES)
        _run("mkfs.ext4", "-q", "-F", str(template))
    image = folder / "disk.img"
    _run("cp", "--sparse=always", str(template), str(image))
    disk = Disk(image, folder / "disk")
    disk.mount()
    try:
        yield disk
    finally:
        disk.unmount()
        image.unlink()


@contextmanager
def a_small_disk(mountpoint: Path, kibibytes: int) -> Iterator[Path]:
    """A tmpfs of that size."""
    mountpoint.mkdir(exist_ok=True)
    _run("mount", "-t", "tmpfs", "-o", f"size={kibibytes}k,mode=0700", "tmpfs", str(mountpoint))
    try:
        yield mountpoint
    finally:
        _run("umount", str(mountpoint))


def remount(mountpoint: Path, option: str) -> None:
    """Change a mounted file system, e.g. its size."""
    _run("mount", "-o", f"remount,{option}", str(mountpoint))


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (command, done.stderr)
    return done.stdout
