"""The project as built, staged as a package would install it, on a disk that the guest unpacks."""
import os
import shutil
import subprocess
import tempfile

from .errors import LabError

# The disk keeps its size, so that a running guest sees a new payload.
DISK_SIZE = 256 << 20
DEVICE = "/dev/disk/by-id/virtio-payload"


def write(build, disk):
    """Writes the installed files of a build directory to the disk; without one the disk is empty."""
    with open(disk, "ab"):
        pass
    os.truncate(disk, 0)
    if build:
        with tempfile.TemporaryDirectory(prefix="nvccd-lab-stage-") as stage:
            _install(build, stage)
            subprocess.run(["tar", "-cf", disk, "--owner=0", "--group=0", "-C", stage, "."], check=True)
    if os.path.getsize(disk) > DISK_SIZE:
        raise LabError("the staged install is larger than the payload disk: build it with less debug information")
    os.truncate(disk, DISK_SIZE)


def _install(build, stage):
    done = subprocess.run(["cmake", "--install", build, "--prefix", "/usr", "--strip"], capture_output=True, text=True,
                          env={**os.environ, "DESTDIR": stage}, check=False)
    if done.returncode != 0:
        shutil.rmtree(stage, ignore_errors=True)
        raise LabError(f"cmake --install {build} failed: build the project first\n{done.stdout}{done.stderr}")


# Past the guest's page cache, which may hold an older payload; into links such as /lib, not over them.
UNPACK = f"dd if={DEVICE} iflag=direct bs=1M status=none | tar -x -C / --keep-directory-symlink --no-overwrite-dir"
