"""A client of QEMU's machine protocol (QMP): commands, and waiting for events."""
import json
import socket
import time

from .errors import LabError


class Qmp:
    def __init__(self, path):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(60)
        self._socket.connect(str(path))
        self._stream = self._socket.makefile("rwb")
        self._events = []
        self._read()  # the greeting
        self.command("qmp_capabilities")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stream.close()
        self._socket.close()

    def _read(self):
        line = self._stream.readline()
        if not line:
            raise LabError("QEMU has ended")
        return json.loads(line)

    def command(self, name, **arguments):
        self._stream.write(json.dumps({"execute": name, "arguments": arguments}).encode() + b"\n")
        self._stream.flush()
        while True:
            message = self._read()
            if "event" in message:
                self._events.append(message)
            elif "error" in message:
                raise LabError(f"QEMU refused {name} {arguments}: {message['error']['desc']}")
            else:
                return message["return"]

    def wait_event(self, name, matches, timeout):
        """The first event of that name whose data matches; raises LabError after timeout seconds."""
        deadline = time.monotonic() + timeout
        while True:
            for event in self._events:
                if event["event"] == name and matches(event.get("data", {})):
                    self._events.remove(event)
                    return event
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise LabError(f"waited {timeout:.0f} s in vain for QEMU's event {name}")
            self._socket.settimeout(remaining)
            try:
                self._events.append(self._read())
            except TimeoutError:
                pass
            finally:
                self._socket.settimeout(60)
