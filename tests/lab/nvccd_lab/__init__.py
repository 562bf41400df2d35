"""The lab: a guest in QEMU with emulated NVIDIA devices. See README.md beside this package."""
from .errors import CommandFailed, LabError
from .lab import Lab

__all__ = ["CommandFailed", "Lab", "LabError"]
