"""nvccd in a lab's guest, as its users see it: unit, D-Bus, state file, command line."""
import json

from support import until

STATE_FILE = "/run/nvccd/state.json"
MANAGER = "org.nvccd1 /org/nvccd1 org.nvccd1.Manager"
# The lab's host is not confidential, which would turn the default mode into "off".
SETTINGS = '[mode]\ndefault = "{}"\nrequire_confidential_host = false\n'
READY_TIMEOUT = 180


class Nvccd:
    def __init__(self, lab):
        self.lab = lab

    def configure(self, text, name="50-lab.toml"):
        self.lab.put(f"/etc/nvccd/nvccd.toml.d/{name}", text)

    def enable(self, default="on"):
        """Enables and starts the service as an administrator does, and waits until the node is in that mode. (systemd is told
        READY earlier when a device is slow, and a guest without KVM on a busy machine is slow.)"""
        self.configure(SETTINGS.format(default))
        self.lab.run("systemctl enable --now nvccd", timeout=READY_TIMEOUT)
        self.wait_node(default)

    def wait_node(self, mode_state, timeout=READY_TIMEOUT):
        def is_in_mode():
            state = self.state()
            return state and state["node"]["mode_state"] == mode_state
        until(is_in_mode, f"the node to be in mode {mode_state}", timeout, interval=0.3)

    def process_id(self):
        return self.lab.run("systemctl show -p MainPID --value nvccd").stdout.strip()

    def restarts(self):
        return int(self.lab.run("systemctl show -p NRestarts --value nvccd").stdout)

    def state(self):
        """The state file, or None while there is none."""
        result = self.lab.run(["cat", STATE_FILE], check=False)
        return json.loads(result.stdout) if result.status == 0 else None

    def device(self, address):
        """A device's entry in the state file, or None."""
        state = self.state() or {"devices": []}
        return next((device for device in state["devices"] if device["address"] == address), None)

    def property(self, name, target=MANAGER):
        """A property on the bus, as a value."""
        return json.loads(self.lab.run(f"busctl --json=short get-property {target} {name}").stdout)["data"]

    def device_paths(self):
        return json.loads(self.lab.run(f"busctl --json=short call {MANAGER} ListDevices").stdout)["data"][0]

    def set_mode(self, mode):
        """Calls SetMode as in the contract and returns the job's path."""
        answer = self.lab.run(f"busctl --json=short call {MANAGER} SetMode 'sa{{sv}}' {mode} 0").stdout
        return json.loads(answer)["data"][0]

    def wait_device_ready(self, address, mode, timeout=READY_TIMEOUT):
        def ready():
            device = self.device(address)
            return device and device["state"] == "ready" and device["mode"] == mode
        until(ready, f"{address} to be ready in mode {mode}", timeout, interval=0.3)


class Signals:
    """The manager's signals from the moment of entering, e.g. with Signals(lab) as signals."""
    FILE = "/run/nvccd-lab-signals.jsonl"
    WATCH = "type='signal',sender='org.nvccd1',interface='org.nvccd1.Manager'"

    def __init__(self, lab):
        self.lab = lab

    def __enter__(self):
        self.lab.run(f"rm -f {self.FILE}; systemd-run -q --unit=nvccd-lab-signals -p StandardOutput=file:{self.FILE} "
                     f"stdbuf -oL busctl --json=short monitor --match \"{self.WATCH}\"")
        until(lambda: "Monitoring" in self.lab.run("journalctl -u nvccd-lab-signals --no-pager; cat " + self.FILE, check=False).stdout,
              "the bus monitor", 30, interval=0.2)
        return self

    def __exit__(self, *_):
        self.lab.run("systemctl stop nvccd-lab-signals", check=False)

    def _messages(self):
        lines = self.lab.run(["cat", self.FILE]).stdout.splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def job_result(self, job):
        """How a job ended (done, failed, cancelled), or None."""
        for message in self._messages():
            if message["member"] == "JobRemoved" and message["payload"]["data"][1] == job:
                return message["payload"]["data"][2]
        return None

    def wait_job(self, job, timeout=READY_TIMEOUT):
        return until(lambda: self.job_result(job), f"job {job} to end", timeout, interval=0.3)
