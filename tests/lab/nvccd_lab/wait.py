"""Waiting for a condition with a deadline: the only place of the lab that polls."""
import time

from .errors import LabError


def until(condition, what, timeout, interval=0.05):
    """Calls condition until it returns something true, and returns that; after timeout seconds raises LabError."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise LabError(f"waited {timeout:.0f} s in vain for {what}")
        time.sleep(interval)
