#!/usr/bin/python3
"""The lab's hand in the guest: answers requests that come as JSON lines on a virtio-serial port.

Requests are {"id": ..., "op": "run", "argv": [...] | "sh": "...", "stdin": base64, "timeout": seconds},
{"op": "get", "path"} and {"op": "put", "path", "data": base64, "mode"}. Each is answered in a thread of its own, so a
command that takes long holds up nobody."""
import base64
import glob
import json
import os
import subprocess
import threading

PORT = "nvccd.lab.agent"
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "HOME": "/root",
               "PAGER": "cat", "SYSTEMD_PAGER": "cat"}


def find_port():
    """The port's node. Looked up in sysfs: udev, which makes the link by name, may not be that far yet."""
    for name in glob.glob("/sys/class/virtio-ports/*/name"):
        with open(name, encoding="ascii") as file:
            if file.read().strip() == PORT:
                return "/dev/" + name.split("/")[-2]
    raise FileNotFoundError(f"no virtio-serial port {PORT}")


def text(data):
    return base64.b64encode(data or b"").decode()


def run(request):
    argv = request.get("argv") or ["/bin/sh", "-c", request["sh"]]
    try:
        done = subprocess.run(argv, input=base64.b64decode(request.get("stdin", "")), capture_output=True,
                              timeout=request.get("timeout"), env=ENVIRONMENT, cwd="/", check=False)
        return {"status": done.returncode, "stdout": text(done.stdout), "stderr": text(done.stderr)}
    except subprocess.TimeoutExpired as expired:
        return {"timeout": True, "stdout": text(expired.stdout), "stderr": text(expired.stderr)}


def put(request):
    os.makedirs(os.path.dirname(request["path"]), exist_ok=True)
    with open(request["path"], "wb") as file:
        file.write(base64.b64decode(request["data"]))
    os.chmod(request["path"], request.get("mode", 0o644))
    return {}


def get(request):
    with open(request["path"], "rb") as file:
        return {"data": text(file.read())}


OPERATIONS = {"run": run, "put": put, "get": get}


class Port:
    """The serial port; answers of several threads are written one at a time."""

    def __init__(self, path):
        self.descriptor = os.open(path, os.O_RDWR)
        self.lock = threading.Lock()

    def lines(self):
        pending = b""
        while True:
            chunk = os.read(self.descriptor, 65536)
            if not chunk:  # nobody is connected on the host's side
                threading.Event().wait(0.05)
                continue
            *whole, pending = (pending + chunk).split(b"\n")
            yield from whole

    def write(self, answer):
        data = json.dumps(answer).encode() + b"\n"
        with self.lock:
            while data:
                data = data[os.write(self.descriptor, data):]


def answer(port, request):
    try:
        result = OPERATIONS[request["op"]](request)
    except Exception as error:  # whatever it is, the host is waiting for it
        result = {"error": f"{type(error).__name__}: {error}"}
    port.write({"id": request["id"], **result})


def main():
    port = Port(find_port())
    port.write({"hello": os.getpid()})
    for line in port.lines():
        try:
            request = json.loads(line)
        except ValueError:  # the rest of a line whose sender went away
            continue
        threading.Thread(target=answer, args=(port, request), daemon=True).start()


main()
