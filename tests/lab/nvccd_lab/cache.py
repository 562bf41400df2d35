"""What the lab builds once (QEMU, the guest's root, its kernels, and a schema to test against), each named after a hash of its recipe."""
import fcntl
import hashlib
import os
import pathlib
import platform
import shutil
import subprocess
import time

from .errors import LabError
from .paths import LAB, cache_directory

RECIPES = {
    "qemu": ["build-common.sh", "build-qemu"],
    "kernel": ["build-common.sh", "build-kernel", "pack-modules", "pack-initramfs", "guest/init"],
    "image": ["build-common.sh", "build-image", "guest/agent.py", "guest/nvccd-lab-agent.service"],
    "iommufd": ["build-common.sh", "build-iommufd", "pack-modules"],
    "udevadm": ["build-common.sh", "build-udevadm"],
    "cdi-schema": ["build-common.sh", "build-cdi-schema"],
}
# An artifact that is made from another one changes with it.
MADE_FROM = {"iommufd": ["kernel"]}


def _key(name):
    release = os.environ.get("NVCCD_LAB_RELEASE") or platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    recipe = hashlib.sha256(release.encode())
    for file in RECIPES[name]:
        recipe.update((LAB / file).read_bytes())
    for other in MADE_FROM.get(name, []):
        recipe.update(_key(other).encode())
    return recipe.hexdigest()[:12]


def artifact(name):
    """The directory of an artifact, built if it is not there. Several processes may ask at once."""
    cache = cache_directory()
    target = cache / f"{name}-{_key(name)}"
    if target.is_dir():
        return target
    sources = [artifact(other) for other in MADE_FROM.get(name, [])]
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.is_dir():
            _build(name, target, sources)
    return target


def _build(name, target, sources):
    unfinished = pathlib.Path(f"{target}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    started = time.monotonic()
    print(f"lab: building {name} (once)", flush=True)
    built = subprocess.run([LAB / f"build-{name}", unfinished, *sources], stdin=subprocess.DEVNULL, check=False)
    if built.returncode != 0:
        raise LabError(f"tests/lab/build-{name} failed; what it left is in {unfinished}")
    os.rename(unfinished, target)
    print(f"lab: {name} built in {time.monotonic() - started:.0f} s, kept in {target}", flush=True)
