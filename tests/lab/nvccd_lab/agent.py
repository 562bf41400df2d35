"""The host's end of the channel to the agent in the guest (guest/agent.py)."""
import base64
import dataclasses
import itertools
import json
import os
import socket
import time

from .errors import LabError


@dataclasses.dataclass(frozen=True)
class Result:
    """How a command in the guest ended."""
    status: int
    stdout: str
    stderr: str


class Agent:
    def __init__(self, path):
        self._path = str(path)
        self._socket = None
        self._pending = b""
        self._answers = {}
        # Answers to a caller that went away may still come: no two callers use the same identifiers.
        self._ids = (f"{os.getpid()}-{os.urandom(4).hex()}-{number}" for number in itertools.count())

    def close(self):
        if self._socket:
            self._socket.close()
        self._socket = None
        self._pending = b""
        self._answers.clear()

    def send(self, request):
        """Sends a request and returns its identifier for receive()."""
        if not self._socket:
            self._socket = socket.socket(socket.AF_UNIX)
            self._socket.connect(self._path)
        identifier = next(self._ids)
        self._socket.settimeout(120)
        self._socket.sendall(json.dumps({"id": identifier, **request}).encode() + b"\n")
        return identifier

    def receive(self, identifier, timeout):
        deadline = time.monotonic() + timeout
        while identifier not in self._answers:
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise LabError(f"the guest did not answer within {timeout:.0f} s")
            self._socket.settimeout(remaining)
            try:
                chunk = self._socket.recv(1 << 20)
            except TimeoutError:
                continue
            if not chunk:
                raise LabError("the guest's channel was closed: QEMU has ended")
            *lines, self._pending = (self._pending + chunk).split(b"\n")
            for line in lines:
                self._take(line)
        return self._answers.pop(identifier)

    def _take(self, line):
        try:
            answer = json.loads(line)
        except ValueError:  # the rest of an answer to a caller that went away
            return
        if "id" in answer:
            self._answers[answer["id"]] = answer

    def call(self, request, timeout):
        answer = self.receive(self.send(request), timeout)
        if "error" in answer:
            raise LabError(f"in the guest: {answer['error']}")
        return answer

    def boot_id(self, timeout):
        """The kernel's name for this boot, or None when the agent does not answer in time."""
        try:
            return self.get("/proc/sys/kernel/random/boot_id", timeout).decode().strip()
        except (LabError, OSError):
            self.close()
            return None

    def run(self, command, timeout, stdin=b""):
        """Runs a shell command (str) or an argument vector (list); returns a Result."""
        return self.result(self.start(command, timeout, stdin), command, timeout)

    def start(self, command, timeout, stdin=b""):
        """Starts a command and returns at once; result() collects it."""
        how = {"sh": command} if isinstance(command, str) else {"argv": list(command)}
        return self.send({"op": "run", "timeout": timeout, "stdin": base64.b64encode(stdin).decode(), **how})

    def result(self, identifier, command, timeout):
        answer = self.receive(identifier, timeout + 30)
        if "error" in answer:
            raise LabError(f"in the guest: {answer['error']}")
        stdout, stderr = (base64.b64decode(answer[name]).decode(errors="replace") for name in ("stdout", "stderr"))
        if answer.get("timeout"):
            raise LabError(f"{command}: still running after {timeout:.0f} s\n{stdout}{stderr}")
        return Result(answer["status"], stdout, stderr)

    def put(self, path, data, mode=0o644):
        self.call({"op": "put", "path": path, "data": base64.b64encode(data).decode(), "mode": mode}, timeout=120)

    def get(self, path, timeout=120):
        return base64.b64decode(self.call({"op": "get", "path": path}, timeout)["data"])
