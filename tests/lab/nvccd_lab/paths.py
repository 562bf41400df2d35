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


def emulator_program():
    named = os.environ.get("NVCCD_EMULATOR")
    candidates = [pathlib.Path(named)] if named else sorted(build_directory().glob("tests/emulator/**/nvccd-emulator"))
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    raise LabError(f"nvccd-emulator is not in {named or build_directory()}: build it first "
                   "(cmake --build BUILD --target nvccd-emulator), or name the build in NVCCD_BUILD_DIR")
