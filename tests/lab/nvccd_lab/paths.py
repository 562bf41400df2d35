"""Where the lab finds the project and keeps its own things."""
import os
import pathlib

from .errors import LabError

LAB = pathlib.Path(__file__).resolve().parent.parent
PROJECT = LAB.parent.parent


def cache_directory():
    return pathlib.Path(os.environ.get("NVCCD_LAB_CACHE", "/var/tmp/nvccd-lab"))


def default_lab_directory():
    """The lab the command line works on. Short: it holds UNIX sockets, whose paths may have 107 bytes."""
    return pathlib.Path(os.environ.get("NVCCD_LAB_DIR", "/var/tmp/nvccd-lab/running"))


def build_directory():
    return pathlib.Path(os.environ.get("NVCCD_BUILD_DIR", PROJECT / "build/release"))


def default_install():
    """What a guest gets: the packages in NVCCD_PACKAGES, else what the build directory installs."""
    return pathlib.Path(os.environ.get("NVCCD_PACKAGES") or build_directory())


def emulator_program(installed):
    """The emulator beside what a lab installs (a build directory has one), or in the default build directory."""
    if named := os.environ.get("NVCCD_EMULATOR"):
        return pathlib.Path(named)
    for directory in (installed, build_directory()):
        program = pathlib.Path(directory or "/nonexistent") / "tests/emulator/server/nvccd-emulator"
        if program.is_file():
            return program
    raise LabError(f"there is no {program}: build it first, or name the build directory in NVCCD_BUILD_DIR")
