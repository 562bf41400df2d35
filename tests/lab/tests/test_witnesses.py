#!/usr/bin/python3
"""What others do to a device that is ready: it is not ready from then on, until it was looked at again."""
import json
import pathlib
import re
import struct

from nvccd import Nvccd, Recorder
from support import BUILD, LabTest, main

HERE = pathlib.Path(__file__).parent
NODE = "/org/nvccd1"
# Seconds of the guest between what happens and what the bus says; but on a busy machine what udev takes for so many events.
AT_ONCE = 1.0
UDEV_EVENTS = 5
SLACK = 0.1  # what is said of the same event may come in any order
POISONED = 0x1000  # of the uncorrectable errors one that is not fatal
KNOB = 8  # of CC mode: 1 = on


class StateWatch(Recorder):
    """All changes of node and devices from the moment of entering, each with its time."""

    def __init__(self, lab):
        lab.put("/root/state_watch.py", (HERE / "state_watch.py").read_bytes())
        super().__init__(lab, "state-watch", "python3 /root/state_watch.py", "Listening")

    def changes(self):
        return [json.loads(line) for line in self.output().splitlines() if line.startswith("{")]

    def values(self, path, name, since):
        """[time, value] of a property, oldest first."""
        return [(change["time"], change["changed"][name]) for change in self.changes()
                if change["path"] == path and change["time"] >= since and name in change["changed"]]


class KernelEvents(Recorder):
    """What the kernel tells of PCI devices, and when."""
    EVENT = re.compile(r"^KERNEL\[([\d.]+)\] (\w+) +(\S+) \(pci\)\n((?:\w+=.*\n)*)", re.MULTILINE)

    def __init__(self, lab):
        super().__init__(lab, "kernel-events", "udevadm monitor --kernel --property --subsystem-match=pci", "KERNEL - ")

    def errors(self, address, what, since):
        """Times of the events about an error of a device."""
        return [float(time) for time, action, path, properties in self.EVENT.findall(self.output())
                if action == "change" and path.endswith(address) and f"ERROR_EVENT={what}\n" in properties and float(time) >= since]


class Witnesses(LabTest):
    options = {"gpus": 2, "kvm": True, "install": BUILD}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.nvccd = Nvccd(cls.lab)
        cls.nvccd.enable("on")
        cls.watch = StateWatch(cls.lab).__enter__()
        cls.events = KernelEvents(cls.lab).__enter__()

    def setUp(self):
        self.wait_until(lambda: self.nvccd.property("Ready"), "the node to be ready", 180)
        self.address = self.lab.address("gpu0")
        self.sysfs = f"/sys/bus/pci/devices/{self.address}"
        self.at_once = max(AT_ONCE, UDEV_EVENTS * self.time_of_an_event())
        self.before = {name: self.lab.hardware(name)["counters"] for name in self.lab.devices()}

    def time_of_an_event(self):
        """How long udev takes now."""
        began, ended = self.lab.run("read -r now rest </proc/uptime; udevadm trigger --settle --action=change /sys/class/mem/null; "
                                    "echo $now; cat /proc/uptime").stdout.split()[:2]
        return float(ended) - float(began)

    def path(self, name):
        return f"{NODE}/device/" + re.sub("[:.]", "_", self.lab.address(name))

    def do(self, command):
        """Runs a shell command in the guest, and returns the guest's time before it."""
        return float(self.lab.run(f"read -r now rest </proc/uptime; {command}; echo $now").stdout.split()[-1])

    def looks(self, name):
        """Whether the device's knobs were read since the test began."""
        return self.lab.hardware(name)["counters"]["knob_reads"] > self.before[name]["knob_reads"]

    def resets(self, name):
        """How often the device was reset since the test began."""
        counters = self.before[name]
        return self.nvccd.resets()[name] - counters["function_level_resets"] - counters["bus_resets"]

    def wait_value(self, path, name, value, since):
        """Waits until a property has become something, and returns when it did."""
        def time():
            return next((time for time, seen in self.watch.values(path, name, since) if seen == value), None)
        return self.wait_until(time, f"{name} of {path} to become {value}", 180)

    def assert_doubted(self, since, *names, state="discovered"):
        """Node and devices were not ready at once, and are ready again of themselves, after a look."""
        for path, name, value in ((NODE, "Ready", False), *((self.path(each), "State", state) for each in names)):
            doubted = self.wait_value(path, name, value, since)
            self.assertLess(doubted - since, self.at_once, f"{name} of {path}")
            if path == NODE:
                told = doubted
        for name in names:
            self.wait_value(self.path(name), "State", "ready", since)
            self.assertTrue(self.looks(name), f"{name} was looked at")
        self.wait_value(NODE, "Ready", True, told)
        for name in names:
            self.assertEqual(self.lab.hardware(name)["active_mode"], "on")
            self.assertEqual(self.lab.hardware(name)["knobs"][str(KNOB)], 1)
        self.assertEqual(self.lab.hardware(name)["counters"]["protocol_errors"], 0)

    def assert_left_alone(self, since, name):
        self.assertEqual(self.watch.values(self.path(name), "State", since), [], f"nothing happened to {name}")
        self.assertFalse(self.looks(name), f"{name} was not looked at")

    # --- other programs of this host ---

    def test_nothing_is_looked_at_while_nothing_happens(self):
        generation = self.nvccd.state()["generation"]
        since = self.do("true")
        self.lab.run("sleep 10")  # what is not to happen has no event to wait for
        self.assertEqual({name: self.lab.hardware(name)["counters"] for name in self.lab.devices()}, self.before)
        self.assertEqual(self.nvccd.state()["generation"], generation)
        self.assertEqual([change for change in self.watch.changes() if change["time"] >= since], [])

    def test_a_write_to_configuration_space(self):
        since = self.do(f"setpci -s {self.address} CACHE_LINE_SIZE=10")
        self.assert_doubted(since, "gpu0")
        self.assert_left_alone(since, "gpu1")

    def test_a_write_to_configuration_space_of_the_bridge(self):
        since = self.do(f"setpci -s {self.lab.port_address('gpu0')} CACHE_LINE_SIZE=10")
        self.assert_doubted(since, "gpu0")
        self.assert_left_alone(since, "gpu1")

    def test_reading_configuration_space_changes_nothing(self):
        since = self.do("lspci -vvxxxx >/dev/null; cat /sys/bus/pci/devices/*/resource >/dev/null")
        # what comes after it is seen, so that what would come of it was seen
        self.assert_doubted(self.do(f"setpci -s {self.lab.address('gpu1')} CACHE_LINE_SIZE=10"), "gpu1")
        self.assert_left_alone(since, "gpu0")

    def test_a_reset_that_made_another_programs_knobs_active_is_put_right(self):
        self.lab.set_knob("gpu0", KNOB, 0)
        before = self.do("true")
        since = self.do(f"echo 1 >{self.sysfs}/reset")
        self.assertIn("off", [event["details"]["mode"] for event in self.lab.events("gpu0", "latched")])
        self.assertLess(self.watch.values(NODE, "Ready", before)[0][0] - since, self.at_once)
        self.assert_doubted(before, "gpu0")
        self.assertEqual(self.resets("gpu0"), 2, "its reset, and ours that puts it right")
        self.assert_left_alone(since, "gpu1")

    def test_a_reset_that_changed_nothing_costs_a_look_only(self):
        since = self.do(f"echo 1 >{self.sysfs}/reset")
        self.assert_doubted(since, "gpu0")
        self.assertEqual(self.resets("gpu0"), 1)
        self.assert_left_alone(since, "gpu1")

    def test_a_program_with_the_registers_mapped_has_the_device_until_it_ends(self):
        mapper = f"import mmap, os, signal; mmap.mmap(os.open('{self.sysfs}/resource0', os.O_RDWR), 4096); signal.pause()"
        self.lab.put("/root/mapper.py", mapper)
        since = self.do("systemd-run -q --unit=mapper python3 /root/mapper.py")
        self.addCleanup(self.lab.run, "systemctl stop mapper", check=False)
        opened = self.wait_value(self.path("gpu0"), "InUse", True, since)
        self.assertLess(self.wait_value(NODE, "Ready", False, since) - opened, self.at_once)
        self.assertNotEqual(self.nvccd.device(self.address)["state"], "ready")
        self.assertIn("registers", self.nvccd.device(self.address)["error"])
        self.assertFalse(self.looks("gpu0"), "nobody talks to the mailbox beside it")
        since = self.do("systemctl stop mapper")
        self.wait_value(self.path("gpu0"), "InUse", False, since)
        self.wait_value(NODE, "Ready", True, since)
        self.assertTrue(self.looks("gpu0"))
        self.assert_left_alone(since, "gpu1")

    def test_a_driver_that_was_unbound_and_bound_again(self):
        since = self.do(f"cd {self.sysfs}/driver && echo {self.address} >unbind && echo {self.address} >bind")
        self.assert_doubted(since, "gpu0")
        self.assertEqual(self.nvccd.device(self.address)["driver"], "vfio-pci")
        self.assert_left_alone(since, "gpu1")

    # --- errors of PCI Express, from which the kernel recovers a device and all below a bridge ---

    def wait_recovery(self, since):
        """Waits until the kernel tells of it, and returns when it began."""
        def began():
            return self.events.errors(self.address, "BEGIN_RECOVERY", since)
        return self.wait_until(began, "the kernel to tell of the error")[0]

    def test_an_error_of_the_bridge(self):
        since = self.do("true")
        self.lab.inject_port_error("gpu0", "POISON_TLP")
        self.assert_doubted(self.wait_recovery(since) - SLACK, "gpu0")
        self.assert_left_alone(since, "gpu1")

    def test_an_error_of_the_device(self):
        # QEMU has no errors of devices that another process emulates; this gives the kernel's handler one to read.
        bus, slot, function = (int(part, 16) for part in re.split("[:.]", self.address)[1:])
        self.lab.put("/root/error", struct.pack("=BBBxIIIIIII", bus, slot, function, POISONED, 0, 0, 0, 0, 0, 0))
        since = self.do("modprobe aer_inject && dd if=/root/error of=/dev/aer_inject bs=32 status=none")
        self.assert_doubted(self.wait_recovery(since) - SLACK, "gpu0")
        self.assert_left_alone(since, "gpu1")

    def test_a_fatal_error_of_the_bridge_whose_reset_makes_another_programs_knobs_active(self):
        self.lab.set_knob("gpu0", KNOB, 0)
        latched = len(self.lab.events("gpu0", "latched"))
        since = self.do("true")
        self.lab.inject_port_error("gpu0", "MALF_TLP")
        doubted = self.wait_value(self.path("gpu0"), "State", "discovered", since)
        self.assertLess(doubted - self.wait_recovery(since), self.at_once)
        self.assertEqual(self.lab.events("gpu0", "latched")[latched]["details"]["mode"], "off")
        # The kernel has reset the bus, and vfio-pci does not give the device its addresses back (6.12): who is to use it has to
        # have it found anew. Until then nothing is said that the hardware has not said.
        self.wait_until(lambda: self.nvccd.device(self.address)["state"] in ("ready", "failed"), "the device to be looked at", 180)
        if self.nvccd.device(self.address)["state"] == "failed":
            self.assertFalse(self.nvccd.property("Ready"))
            self.assertNotIn("ready", [state for _, state in self.watch.values(self.path("gpu0"), "State", doubted)])
            self.lab.run(f"echo 1 >{self.sysfs}/remove && echo 1 >/sys/bus/pci/rescan")
        self.nvccd.wait_device_ready(self.address, "on")
        self.assertEqual((self.lab.hardware("gpu0")["active_mode"], self.lab.hardware("gpu0")["knobs"][str(KNOB)]), ("on", 1))

    # --- machines with a /dev of their own, so that nobody sees them open a device ---

    def test_a_machine_that_came_and_went_between_two_looks(self):
        node = self.nvccd.device(self.address)["vfio_group"]
        self.lab.put("/root/private_machine.py", (HERE / "private_machine.py").read_bytes())
        with Recorder(self.lab, "machine", f"unshare --mount --propagation private python3 /root/private_machine.py {node}",
                      "open") as machine:
            since = self.do("true")
            self.lab.set_knob("gpu0", KNOB, 0)  # what its guest has done
            self.lab.run("systemctl kill --signal=TERM nvccd-lab-machine")
            machine.wait_for("ended")
            ended = float(machine.output().split()[-1])
        changes = [change["time"] for change in self.watch.changes() if change["time"] >= since]
        self.assertTrue(all(time >= ended for time in changes), "nobody saw it come")
        self.assert_doubted(ended, "gpu0", "gpu1")
        self.assertEqual(self.resets("gpu0"), 1)


if __name__ == "__main__":
    main()
