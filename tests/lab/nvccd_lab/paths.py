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


def emulator_program(build):
    """The emulator of a build directory (None: of the default one)."""
    named = os.environ.get("NVCCD_EMULATOR")
    program = pathlib.Path(named or pathlib.Path(build or build_directory()) / "tests/emulator/server/nvccd-emulator")
    if not program.is_file():
        raise LabError(f"there is no {program}: build it first, or name the build directory in NVCCD_BUILD_DIR")
    return program
