"""Guests as they are when they have started and the project is installed, kept so that a lab can go on from there: to boot and to
install takes most of the time of most tests, and is the same each time."""
import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import time

from .cache import artifact
from .paths import LAB, cache_directory

# How long one is kept after its last use: each build of the project has its own.
KEPT_SECONDS = 3600
FILES = ["root.qcow2", "memory"]


def find(settings, payload, start):
    """The directory of the started guest (FILES) with these settings and what is on its payload disk. start is called to make one
    when there is none, and returns a lab that was frozen. Several processes may ask at once."""
    recipe = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for name in ("qemu", "kernel", "image", *(["iommufd"] if settings["iommufd"] else [])):
        recipe.update(artifact(name).name.encode())
    for part in ("machine.py", "payload.py", "started.py"):
        recipe.update((LAB / "nvccd_lab" / part).read_bytes())
    with payload.open("rb") as file:
        recipe.update(hashlib.file_digest(file, "sha256").digest())
    target = cache_directory() / f"started-{recipe.hexdigest()[:12]}"
    with (cache_directory() / f"{target.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.is_dir():
            _keep(start, target)
        os.utime(target)
    _remove_old()
    return target


def _keep(start, target):
    unfinished = target.with_suffix(".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    with start() as lab:
        lab.freeze()
        for name in FILES:
            shutil.move(lab.directory / name, unfinished / name)
    os.rename(unfinished, target)


def _remove_old():
    for directory in cache_directory().glob("started-*/"):
        with contextlib.suppress(FileNotFoundError):  # another process does it
            if time.time() - directory.stat().st_mtime > KEPT_SECONDS:
                shutil.rmtree(directory)


def use(directory, lab_directory):
    """Gives a lab the disk of a started guest for its own, whatever is removed meanwhile; returns it."""
    disk = lab_directory / "started.qcow2"
    try:
        os.link(directory / "root.qcow2", disk)
    except OSError:  # another file system
        shutil.copy(directory / "root.qcow2", disk)
    return disk
