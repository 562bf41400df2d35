"""The emulator of the devices (tests/emulator/server): its program, its control socket and its event log."""
import json
import socket

from .errors import LabError


class Emulator:
    """Serves the devices whose sockets are in the directory; control requests are one JSON object a line, both ways."""

    def __init__(self, directory):
        self.directory = directory

    def command_line(self, program, delays):
        """delays: reply_us, reset_ms, boot_ms, those to be other than 0."""
        options = [word for name, value in delays.items() for word in (f"--{name.replace('_', '-')}", value)]
        return [program, "--dir", self.directory, *options]

    def socket(self, name):
        """Where QEMU finds a device."""
        return self.directory / f"{name}.sock"

    def is_up(self):
        return (self.directory / "control.sock").exists()

    def request(self, operation, **arguments):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(30)
            connection.connect(str(self.directory / "control.sock"))
            connection.sendall(json.dumps({"op": operation, **arguments}).encode() + b"\n")
            line = connection.makefile("rb").readline()
        answer = json.loads(line) if line else {"ok": False, "error": "it hung up"}
        if not answer["ok"]:
            raise LabError(f"the emulator refused {operation} {arguments}: {answer['error']}")
        return answer

    def events(self):
        """The log as a list of {"time_us", "device", "event", "details"}, oldest first."""
        with (self.directory / "events.jsonl").open() as log:
            return [json.loads(line) for line in log if line.endswith("\n")]
