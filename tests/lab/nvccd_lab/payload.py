"""The project on a disk of the guest, and how the guest installs it: Debian's packages, or quicker for developers what a build
directory installs."""
import os
import pathlib
import shutil
import subprocess
import tempfile

from .errors import LabError

# The disk keeps its size, so that a running guest sees a new payload.
DISK_SIZE = 256 << 20
DEVICE = "/dev/disk/by-id/virtio-payload"
PACKAGES = "/srv/nvccd"


def write(source, disk):
    """Writes what is to be installed to the disk: the packages in a directory, or the installed files of a build directory;
    without a source the disk is empty."""
    with open(disk, "ab"):
        pass
    os.truncate(disk, 0)
    if source:
        with tempfile.TemporaryDirectory(prefix="nvccd-lab-stage-") as stage:
            if packages := _packages(source):
                for package in packages:
                    shutil.copy(package, stage)
            else:
                _stage(source, stage)
            # The same content makes the same disk.
            subprocess.run(["tar", "-cf", disk, "--owner=0", "--group=0", "--sort=name", "--mtime=2024-01-01", "-C", stage, "."],
                           check=True)
    if os.path.getsize(disk) > DISK_SIZE:
        raise LabError("what is to be installed is larger than the payload disk: build it with less debug information")
    os.truncate(disk, DISK_SIZE)


def install_command(source):
    """The guest's shell command that installs what write() wrote to the disk."""
    # Past the guest's page cache, which may hold an older payload.
    read = f"dd if={DEVICE} iflag=direct bs=1M status=none"
    if _packages(source):
        return (f"rm -rf {PACKAGES} && mkdir {PACKAGES} && {read} | tar -x -C {PACKAGES} && "
                f"apt-get install -y -q --allow-downgrades --reinstall {PACKAGES}/*.deb")
    # Into links such as /lib, not over them; then what a package's scripts do.
    return (f"{read} | tar -x -C / --keep-directory-symlink --no-overwrite-dir && "
            "ldconfig && systemctl daemon-reload && systemctl reload dbus && udevadm control --reload")


def _packages(source):
    return sorted(pathlib.Path(source).glob("nvccd_*.deb"))


def _stage(build, stage):
    done = subprocess.run(["cmake", "--install", build, "--prefix", "/usr", "--component", "Unspecified", "--strip"], capture_output=True, text=True,
                          env={**os.environ, "DESTDIR": stage}, check=False)
    if done.returncode != 0:
        raise LabError(f"cmake --install {build} failed: build the project first\n{done.stdout}{done.stderr}")
