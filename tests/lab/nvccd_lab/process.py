"""The two programs a lab runs, known so that another process can end them."""
import os
import pathlib
import shutil
import signal

from .errors import LabError
from .wait import until


def _started(pid):
    """When a process started, in ticks since boot (field 22 of its stat line); None when it has ended."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def start(argv, log, with_parent):
    """Starts a program in a session of its own, its output going to a file; with_parent: it ends when its parent does. Returns
    its identity, a list [process id, start time]: the number alone may be given to another program later."""
    argv = [str(argument) for argument in argv]
    if with_parent:
        argv = [shutil.which("setpriv"), "--pdeathsig", "TERM", "--", *argv]
    writing = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    pid = os.posix_spawn(argv[0], argv, os.environ, setsid=True, file_actions=[
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0), (os.POSIX_SPAWN_OPEN, 1, str(log), writing, 0o644),
        (os.POSIX_SPAWN_DUP2, 1, 2)])
    return [pid, _started(pid)]


def alive(identity):
    return bool(identity) and _started(identity[0]) == identity[1]


def end(identity, timeout=10):
    """Ends a program, harder when it does not listen."""
    for signal_number in (signal.SIGTERM, signal.SIGKILL):
        if not alive(identity):
            return
        os.kill(identity[0], signal_number)
        try:
            until(lambda: not alive(identity), f"process {identity[0]} to end", timeout)
        except LabError:
            if signal_number == signal.SIGKILL:
                raise
