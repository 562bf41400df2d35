"""nvccd in a lab's guest, as its users see it: unit, D-Bus, state file, command line."""
import json

from support import until

# What a VM's monitor does first: open the group, and keep it open.
HOLDER = "import os, signal; os.open('{}', os.O_RDWR); signal.pause()"
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

    def resets(self):
        """How often each device was reset, by name, as the hardware counts it."""
        return {name: each["counters"]["function_level_resets"] + each["counters"]["bus_resets"]
                for name, each in self.lab.hardware().items()}

    def wait_device_ready(self, address, mode, timeout=READY_TIMEOUT):
        def ready():
            device = self.device(address)
            return device and device["state"] == "ready" and device["mode"] == mode
        until(ready, f"{address} to be ready in mode {mode}", timeout, interval=0.3)


class Holder:
    """A device in use, as a VM would have it: with Holder(nvccd, "gpu1") as holder. The unit is called vm."""

    def __init__(self, nvccd, name):
        self.nvccd = nvccd
        self.lab = nvccd.lab
        self.address = self.lab.address(name)

    def __enter__(self):
        node = self.nvccd.device(self.address)["vfio_group"]
        self.lab.run(["systemd-run", "-q", "--unit=vm", "python3", "-c", HOLDER.format(node)])
        until(lambda: self.nvccd.device(self.address)["in_use"], "nvccd to see that the device is in use", 60, interval=0.2)
        return self

    def release(self):
        self.lab.run("systemctl stop vm", timeout=60)

    def __exit__(self, *_):
        self.lab.run("systemctl stop vm", check=False, timeout=60)


class Recorder:
    """What a command that runs on in the guest prints, from the moment of entering: with Recorder(lab, ...) as recorder.
    started: a word that says that it is listening."""

    def __init__(self, lab, name, command, started, user="root"):
        self.lab = lab
        self.unit = f"nvccd-lab-{name}"
        self.file = f"/run/{self.unit}"
        self.command = command
        self.started = started
        self.user = user

    def __enter__(self):
        self.lab.run(f"rm -f {self.file}; systemd-run -q --unit={self.unit} -p User={self.user} -p StandardOutput=file:{self.file} "
                     f"-p StandardError=append:{self.file} stdbuf -oL {self.command}")
        until(lambda: self.started in self.output(), f"{self.unit} to listen", 60, interval=0.2)
        return self

    def __exit__(self, *_):
        self.lab.run(f"systemctl stop {self.unit}", check=False)

    def output(self):
        return self.lab.run(["cat", self.file], check=False).stdout

    def wait_for(self, text, timeout=READY_TIMEOUT):
        until(lambda: text in self.output(), f"{text!r} from {self.unit}", timeout, interval=0.3)


class Signals(Recorder):
    """The manager's signals from the moment of entering, e.g. with Signals(lab) as signals."""
    WATCH = "type='signal',sender='org.nvccd1',interface='org.nvccd1.Manager'"

    def __init__(self, lab):
        super().__init__(lab, "signals", f'busctl --json=short monitor --match "{self.WATCH}"', "Monitoring")

    def _messages(self):
        return [json.loads(line) for line in self.output().splitlines() if line.startswith("{")]

    def job_result(self, job):
        """How a job ended (done, failed, cancelled), or None."""
        for message in self._messages():
            if message["member"] == "JobRemoved" and message["payload"]["data"][1] == job:
                return message["payload"]["data"][2]
        return None

    def wait_job(self, job, timeout=READY_TIMEOUT):
        return until(lambda: self.job_result(job), f"job {job} to end", timeout, interval=0.3)
