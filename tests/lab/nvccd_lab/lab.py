"""One lab: a guest, its emulated devices, and what a test may do to them.

The lab lives in a directory (sockets, overlay, logs, lab.json), so that another process can go on with it."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time

from . import machine, payload, process, started
from .agent import Agent
from .cache import artifact
from .emulator import Emulator
from .errors import CommandFailed, LabError
from .paths import emulator_program
from .qmp import Qmp
from .wait import until

BOOT_TIMEOUT = 400  # with others at work on the machine
SPARE_PORTS = 4
PCI_ADDRESS = re.compile(r"[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]")


def _ports(devices, warm):
    """How many ports a guest has; warm ones are of few kinds."""
    wanted = devices + SPARE_PORTS
    return next(ports for ports in (8, 16, wanted) if ports >= wanted) if warm else wanted


class Lab:
    """with Lab(gpus=4, nvswitches=2) as lab: ...  boots a guest and ends it.

    gpus is a number (Hopper) or a list of the emulator's models, e.g. ["gh100", "gb202"]. install is a directory with packages,
    or a build directory, or None for a guest without the project. append goes to the kernel's command line. kvm: the guest's
    processor has AMD's virtualisation, so that machines can be made in it (to run one takes long). warm: the guest is not booted but
    goes on from where an earlier one had booted and installed the same, and its devices are plugged in then."""

    def __init__(self, gpus=0, nvswitches=0, iommufd=False, kvm=False, install=None, append="", delays=None,
                 directory=None, warm=False):
        self._temporary = directory is None
        self.directory = pathlib.Path(directory or tempfile.mkdtemp(prefix="nvccd-lab-", dir="/var/tmp"))
        models = ["gh100"] * gpus if isinstance(gpus, int) else list(gpus)
        names = {f"gpu{index}": model for index, model in enumerate(models)}
        names |= {f"nvswitch{index}": "ls10" for index in range(nvswitches)}
        self._state = {
            "devices": {name: {"model": model, "port": port} for port, (name, model) in enumerate(names.items())},
            "ports": _ports(len(names), warm), "warm": warm, "iommufd": iommufd, "kvm": kvm, "append": append, "delays": delays or {},
            "install": str(install) if install else None, "qemu": None, "emulator": None,
        }
        self._connect()

    @classmethod
    def attach(cls, directory):
        """The lab that another process started in that directory."""
        lab = cls.__new__(cls)
        lab._temporary = False
        lab.directory = pathlib.Path(directory)
        try:
            lab._state = json.loads((lab.directory / "lab.json").read_text())
        except FileNotFoundError:
            raise LabError(f"no lab in {directory}: start one with 'lab up'") from None
        lab._connect()
        return lab

    def _connect(self):
        self._agent = Agent(self.directory / "agent.sock")
        self.emulator = Emulator(self.directory / "emulator")

    def _save(self):
        unfinished = self.directory / "lab.json.new"
        unfinished.write_text(json.dumps(self._state, indent=2))
        os.replace(unfinished, self.directory / "lab.json")

    # --- life ---

    def __enter__(self):
        try:
            self.up()
        except BaseException:
            self.down()
            raise
        return self

    def __exit__(self, *_):
        self.down()

    def up(self):
        """Builds what is missing, starts the emulator and the guest, and waits until it runs; installs the payload."""
        self.directory.mkdir(parents=True, exist_ok=True)
        payload.write(self._state["install"], self.directory / "payload.tar")
        if self._state["devices"]:
            self._start_emulator()
        if self._state["warm"]:
            self._go_on()
            return
        self._make_disk(artifact("image") / "root.img", "raw")
        self.boot()
        if self._state["install"]:
            self.install()

    def _make_disk(self, backing, backing_format):
        subprocess.run([artifact("qemu") / "qemu-img", "create", "-q", "-f", "qcow2", "-F", backing_format, "-b", backing,
                        self.directory / "root.qcow2"], check=True)

    def _go_on(self):
        """Goes on with a guest that has started, and plugs in the devices."""
        settings = {name: self._state[name] for name in ("ports", "iommufd", "kvm", "append", "install")}

        def cold():
            lab = Lab(**{name: value for name, value in settings.items() if name != "ports"})
            lab._state["ports"] = settings["ports"]
            return lab
        directory = started.find({**settings, "install": bool(settings["install"])}, self.directory / "payload.tar", cold)
        self._make_disk(started.use(directory, self.directory), "qcow2")
        self._start_qemu([], directory / "memory")
        with Qmp(self.directory / "qmp.sock") as qmp:
            self._wait_for("qemu", lambda: qmp.command("query-status")["status"] != "inmigrate", 60, "qemu.log")
            qmp.command("cont")
            self._wait_until_running(None)
            self.run(["date", "-s", f"@{time.time():.3f}"])
            for name, device in self._state["devices"].items():
                qmp.command("device_add", **machine.device(name, device["port"], self.emulator.socket(name)))
        for name in self._state["devices"]:
            until(lambda name=name: self._find_address(name), f"the guest to find {name}", 60, interval=0.2)
        self.run("udevadm settle")

    def freeze(self):
        """Ends the guest and leaves what it was in the lab's directory, for others to go on with (see started.py)."""
        for port in range(self._state["ports"]):
            self._wait_until_off(port)
        self.run("udevadm settle && sync")
        self._agent.close()
        with Qmp(self.directory / "qmp.sock") as qmp:
            qmp.command("stop")
            qmp.command("migrate", uri=f"file:{self.directory}/memory")

            def is_written():
                migration = qmp.command("query-migrate")
                if migration.get("status") == "failed":
                    raise LabError(f"QEMU could not save the guest: {migration}")
                return migration.get("status") == "completed"
            self._wait_for("qemu", is_written, 120, "qemu.log")
            qmp.command("quit")
        until(lambda: not process.alive(self._state["qemu"]), "QEMU to end", 30)

    def down(self):
        """Ends the guest and the emulator; a lab of the class's own directory leaves nothing behind."""
        self._agent.close()
        for program in ("qemu", "emulator"):
            if self._state[program]:
                process.end(self._state[program])
                self._state[program] = None
        if self._temporary and not os.environ.get("NVCCD_LAB_KEEP"):
            shutil.rmtree(self.directory, ignore_errors=True)
        elif self.directory.is_dir():
            self._save()

    def _start_emulator(self):
        self.emulator.directory.mkdir(exist_ok=True)
        argv = self.emulator.command_line(emulator_program(self._state["install"]), self._state["delays"])
        self._state["emulator"] = process.start(argv, self.directory / "emulator.log", self._temporary)
        self._save()
        self._wait_for("emulator", self.emulator.is_up, 30, "emulator.log")
        for name, device in self._state["devices"].items():
            self.emulator.request("add", name=name, model=device["model"])

    def _wait_for(self, program, condition, timeout, log):
        """Waits for a condition while a program of the lab must stay alive."""
        def check():
            if not process.alive(self._state[program]):
                raise LabError(f"the {program} has ended\n{self.log_tail(log)}")
            return condition()
        until(check, f"the {program} to come up (its log: {self.directory / log})", timeout)

    def log_tail(self, name, lines=20):
        try:
            return "\n".join((self.directory / name).read_text(errors="replace").splitlines()[-lines:])
        except FileNotFoundError:
            return ""

    def boot(self):
        """Starts QEMU on the guest's disk as it is (after up() or power_cut()) and waits until systemd is done."""
        self._start_qemu([(name, device["port"], self.emulator.socket(name)) for name, device in self._state["devices"].items()])
        self._wait_until_running(None)

    def _start_qemu(self, devices, memory=None):
        kernel = artifact("kernel")
        modules = (artifact("iommufd") if self._state["iommufd"] else kernel) / "modules.img"
        argv = machine.command_line(artifact("qemu"), kernel, modules, self.directory, self._state["ports"], devices,
                                    self._state["append"], self._state["kvm"], memory)
        self._state["qemu"] = process.start(argv, self.directory / "qemu.log", self._temporary)
        self._save()
        self._wait_for("qemu", (self.directory / "qmp.sock").exists, 30, "qemu.log")

    def _wait_until_running(self, previous_boot):
        """Waits for a boot other than the given one to be complete."""
        def another_boot():
            return self._agent.boot_id(timeout=3) not in (None, previous_boot)
        try:
            self._wait_for("qemu", another_boot, BOOT_TIMEOUT, "console.log")
        except LabError as error:
            raise LabError(f"{error}\n{self.log_tail('qemu.log')}\n{self.log_tail('console.log')}") from None
        state = self.run("systemctl is-system-running --wait", check=False, timeout=BOOT_TIMEOUT).stdout.strip()
        if state != "running":
            failed = self.run("systemctl --failed --no-legend --plain", check=False).stdout
            raise LabError(f"the guest's systemd is {state}; failed units:\n{failed}")

    def reboot(self):
        """Restarts the guest the way an administrator does, and waits until it runs again."""
        before = self._agent.boot_id(timeout=30)
        self._agent.start("systemctl reboot --no-block", timeout=60)  # the agent may be gone before it can answer
        self._wait_until_running(before)

    def power_cut(self):
        """Cuts the power of guest and devices: nothing in the guest is told, what it had not written is lost."""
        self._agent.close()
        with Qmp(self.directory / "qmp.sock") as qmp:
            qmp.command("quit")
        until(lambda: not process.alive(self._state["qemu"]), "QEMU to end", 30)
        self._state["qemu"] = None
        self._save()
        (self.directory / "qmp.sock").unlink(missing_ok=True)
        if self._state["emulator"]:
            self.emulator.request("power-cycle")

    def install(self, source=None):
        """Installs the project in the guest: from a directory with packages or a build directory, else what up() was told."""
        if source:
            self._state["install"] = str(source)
            self._save()
            payload.write(source, self.directory / "payload.tar")
        self.run(payload.install_command(self._state["install"]), timeout=300)

    # --- in the guest ---

    def run(self, command, check=True, timeout=60, stdin=b""):
        """Runs a shell command (str) or an argument vector (list) as root in the guest, and returns its Result (status,
        stdout, stderr). With check a status other than 0 is an error."""
        result = self._agent.run(command, timeout, stdin)
        if check and result.status != 0:
            raise CommandFailed(command, result)
        return result

    def start(self, command, timeout=60):
        """Starts a command in the guest and returns a function that waits for it and returns its Result."""
        identifier = self._agent.start(command, timeout)
        return lambda: self._agent.result(identifier, command, timeout)

    def put(self, path, data, mode=0o644):
        """Writes a file in the guest; data is str or bytes."""
        self._agent.put(path, data.encode() if isinstance(data, str) else data, mode)

    def get(self, path):
        """The content of a file in the guest, as bytes."""
        return self._agent.get(path)

    # --- devices ---

    def devices(self):
        """Names of the devices that are plugged in."""
        return list(self._state["devices"])

    def address(self, name):
        """The PCI address that the guest gave a device, e.g. 0000:01:00.0."""
        address = self._find_address(name)
        if not address:
            raise LabError(f"the guest has no device at {name}'s port {self.port_address(name)}")
        return address

    def _find_address(self, name):
        listing = self.run(["ls", f"/sys/bus/pci/devices/{self.port_address(name)}"]).stdout.split()
        return next((entry for entry in listing if PCI_ADDRESS.fullmatch(entry)), None)

    def port_address(self, name):
        """The PCI address of the root port above a device."""
        return machine.port_address(self._device(name)["port"])

    def _device(self, name):
        if name not in self._state["devices"]:
            raise LabError(f"no device {name} here; there are {', '.join(self.devices()) or 'none'}")
        return self._state["devices"][name]

    def hotplug(self, name, model="gh100"):
        """Plugs in one more device and waits until the guest's kernel has found it; returns its address."""
        if name in self._state["devices"]:
            raise LabError(f"a device {name} is plugged in already")
        taken = {device["port"] for device in self._state["devices"].values()}
        free = [port for port in range(self._state["ports"]) if port not in taken]
        if not free:
            raise LabError("every port has a device: unplug one")
        if not self._state["emulator"]:
            self._start_emulator()
        self.emulator.request("add", name=name, model=model)
        self._wait_until_off(free[0])
        with Qmp(self.directory / "qmp.sock") as qmp:
            qmp.command("device_add", **machine.device(name, free[0], self.emulator.socket(name)))
        self._state["devices"][name] = {"model": model, "port": free[0]}
        self._save()
        return until(lambda: self._find_address(name), f"the guest to find {name} at {self.port_address(name)}", 30,
                     interval=0.2)

    def _wait_until_off(self, port):
        """Waits until the kernel has switched off an empty port: a card that comes earlier is switched off with it."""
        address = machine.port_address(port)

        def is_off():  # slot control: power controller and power indicator off
            return int(self.run(["setpci", "-s", address, "CAP_EXP+18.w"]).stdout, 16) & 0x0700 == 0x0700
        until(is_off, f"the guest to switch off the empty port {address}", 30, interval=0.2)

    def unplug(self, name, timeout=60):
        """Asks for a device as its attention button does, and waits until the guest let go of it (5 s and more)."""
        self._device(name)
        with Qmp(self.directory / "qmp.sock") as qmp:
            qmp.command("device_del", id=name)
            qmp.wait_event("DEVICE_DELETED", lambda data: data.get("device") == name, timeout)
        self._forget(name)

    def pull_out(self, name):
        """Takes a device out without warning: its port loses link and presence at once."""
        # Slot control of the port: power and its indicator off, hot-plug interrupt masked. QEMU then detaches the device. With
        # power and interrupt on again the kernel learns of it as of a card that has gone, not as of a slot it switched off.
        port = self.port_address(name)
        with Qmp(self.directory / "qmp.sock") as qmp:
            self.run(f"setpci -s {port} CAP_EXP+18.w=0700:0720 CAP_EXP+18.w=0120:0720")
            qmp.wait_event("DEVICE_DELETED", lambda data: data.get("device") == name, 30)
        self._forget(name)

    def _forget(self, name):
        self.emulator.request("kill", device=name)
        del self._state["devices"][name]
        self._save()

    # --- what only a test may see and do ---

    def fault(self, name, fault, value="1"):
        """Switches a fault of a device on, or off with the value "". The faults are in tests/emulator/faults.cpp."""
        self._device(name)
        self.emulator.request("fault", device=name, name=fault, value=value)

    def inject_port_error(self, name, error):
        """Lets the port above a device report an error of PCI Express, by QEMU's name for it (MALF_TLP is fatal, POISON_TLP not)."""
        line = f"pcie_aer_inject_error {machine.port_id(self._device(name)['port'])} {error}"
        with Qmp(self.directory / "qmp.sock") as qmp:
            answer = qmp.command("human-monitor-command", **{"command-line": line})
        if not answer.startswith("OK"):
            raise LabError(f"QEMU refused {line}: {answer.strip()}")

    def set_delays(self, name=None, **delays):
        """How long a device, or all, take from now on: reply_us, reset_ms, boot_ms, those named."""
        self.emulator.request("delays", **({"device": name} if name else {}), **delays)

    def set_knob(self, name, knob, value):
        """Writes a persistent knob behind everybody's back; the next reset makes it active."""
        self.emulator.request("set-knob", device=name, knob=knob, value=value)

    def hardware(self, name=None):
        """What the hardware itself says (active_mode, booted, knobs, counters, ...): of one device, or of all by name."""
        if name:
            return self.emulator.request("status", device=name)
        return {each: self.hardware(each) for each in self.devices()}

    def events(self, device=None, event=None):
        """The emulator's log, oldest first, of one device and one kind of event if given."""
        return [entry for entry in self.emulator.events()
                if device in (None, entry["device"]) and event in (None, entry["event"])]
