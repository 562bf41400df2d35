#!/usr/bin/python3
"""Other people's clients of the bus: busctl, gdbus and python3-dbus work with the daemon, and systemd starts and reloads it."""
import json
import pathlib
import xml.etree.ElementTree as xml

from nvccd import MANAGER, SETTINGS, Nvccd, Recorder
from support import BUILD, LabTest, main

PYTHON_CLIENT = pathlib.Path(__file__).with_name("python_client.py")
GDBUS = "gdbus {} --system --dest org.nvccd1"
INTERFACES = "/usr/share/dbus-1/interfaces"


class BusClients(LabTest):
    options = {"gpus": 2, "nvswitches": 1, "install": BUILD}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.nvccd = Nvccd(cls.lab)
        cls.nvccd.enable("on")
        cls.device_path = cls.nvccd.device_paths()[0]

    def members(self, interface):
        """The members of an interface as its installed description has them."""
        described = xml.fromstring(self.lab.get(f"{INTERFACES}/{interface}.xml").decode())
        return [member.get("name") for kind in ("method", "property", "signal") for member in described.iter(kind)]

    def test_busctl_shows_the_tree_and_what_the_interface_files_describe(self):
        tree = self.lab.run("busctl tree --list org.nvccd1").stdout.split()
        self.assertLessEqual({"/org/nvccd1", *self.nvccd.device_paths()}, set(tree))
        for path, interface in (("/org/nvccd1", "org.nvccd1.Manager"), (self.device_path, "org.nvccd1.Device")):
            shown = self.lab.run(f"busctl introspect org.nvccd1 {path} {interface}").stdout
            for member in self.members(interface):
                self.assertRegex(shown, rf"(?m)^\.{member}\s", f"{interface} in\n{shown}")
        self.assertRegex(self.lab.run("busctl status org.nvccd1").stdout, r"(?m)^UnitName?=nvccd\.service|^Unit=nvccd\.service")

    def test_gdbus_shows_and_calls(self):
        shown = self.lab.run(GDBUS.format("introspect") + " --object-path /org/nvccd1 --recurse").stdout
        for word in ("interface org.nvccd1.Manager", "interface org.freedesktop.DBus.ObjectManager", "interface org.nvccd1.Device",
                     f"node {self.device_path} "):
            self.assertIn(word, shown)
        called = self.lab.run(GDBUS.format("call") + " --object-path /org/nvccd1 --method org.nvccd1.Manager.ListDevices").stdout
        self.assertIn(self.device_path, called)
        refused = self.lab.run(GDBUS.format("call") + " --object-path /org/nvccd1 --method org.nvccd1.Manager.SetMode sideways {}",
                               check=False)
        self.assertIn("GDBus.Error:org.nvccd1.Error.InvalidMode: ", refused.stderr)

    def test_every_client_sees_a_change_of_mode(self):
        self.lab.put("/root/python_client.py", PYTHON_CLIENT.read_bytes())
        with (Recorder(self.lab, "busctl", "busctl --json=short monitor org.nvccd1", "Monitoring") as busctl,
              Recorder(self.lab, "gdbus", GDBUS.format("monitor"), "is owned by") as gdbus,
              Recorder(self.lab, "user", GDBUS.format("monitor"), "is owned by", user="user") as user,
              Recorder(self.lab, "nvccctl", "nvccctl monitor", "mode on") as nvccctl):
            seen = json.loads(self.lab.run("python3 /root/python_client.py off", timeout=240).stdout)
            self.check_python(seen)
            for monitor in (gdbus, user):
                monitor.wait_for(f"/org/nvccd1: org.nvccd1.Manager.JobRemoved (uint32 {seen['job'].rpartition('/')[2]}, "
                                 f"objectpath '{seen['job']}', 'done')")
                self.assertIn(f"/org/nvccd1: org.nvccd1.Manager.JobNew ", monitor.output())
                self.assertIn(f"{self.device_path}: org.freedesktop.DBus.Properties.PropertiesChanged ('org.nvccd1.Device', ", monitor.output())
                self.assertIn("'Mode': <'off'>", monitor.output())
            busctl.wait_for('"member":"JobRemoved"')
            messages = [json.loads(line) for line in busctl.output().splitlines() if line.startswith("{")]
            self.assertTrue(any(message.get("member") == "PropertiesChanged" and message["path"] == self.device_path
                                for message in messages))
            nvccctl.wait_for("mode off")
        self.lab.run("nvccctl clear-mode", timeout=180)

    def check_python(self, seen):
        devices = [path for path, interfaces in seen["before"].items() if "org.nvccd1.Device" in interfaces]
        self.assertEqual(sorted(devices), sorted(self.nvccd.device_paths()))
        self.assertEqual((seen["result"], seen["error"], seen["mode_state"]), ("done", "org.nvccd1.Error.InvalidMode", "off"))
        self.assertEqual((seen["job_properties"]["Kind"], seen["job_properties"]["Mode"]), ("set-mode", "off"))
        # what the signals said, applied to what was there before, is what is there now
        for path in devices:
            properties = seen["before"][path]["org.nvccd1.Device"]
            for change in seen["changes"]:
                if change["path"] == path:
                    self.assertEqual(change["invalidated"], [])
                    properties |= change["changed"]
            self.assertEqual(properties, seen["after"][path]["org.nvccd1.Device"], path)
            self.assertEqual(properties["Mode"], "off", path)
        self.assertTrue(any(change["interface"] == "org.nvccd1.Job" for change in seen["changes"]), "the job told how far it is")
        manager = {name: value for change in seen["changes"] if change["interface"] == "org.nvccd1.Manager"
                   for name, value in change["changed"].items()}
        self.assertEqual((manager["ModeState"], manager["Ready"], manager["CurrentJob"]), ("off", False, "/"))

    def test_systemctl_reload_reads_the_settings_again(self):
        before = self.nvccd.process_id()
        with Recorder(self.lab, "gdbus", GDBUS.format("monitor"), "is owned by") as gdbus:
            self.nvccd.configure(SETTINGS.format("off"))
            self.lab.run("systemctl reload nvccd", timeout=180)
            gdbus.wait_for("'DefaultMode': <'off'>")
            self.nvccd.wait_node("off")
            self.nvccd.configure(SETTINGS.format("on"))
            self.lab.run("systemctl reload nvccd", timeout=180)
            self.nvccd.wait_node("on")
        self.assertEqual(self.nvccd.process_id(), before, "it is still the same process")

    def test_a_call_starts_the_service_that_is_enabled_and_stopped(self):
        self.lab.run("systemctl stop nvccd")
        self.assertIsNone(self.nvccd.state())
        waiting = self.lab.start("gdbus wait --system --timeout 180 org.nvccd1", timeout=200)
        answered = self.lab.run(f"busctl call {MANAGER} ListDevices", check=False, timeout=180)
        self.assertEqual(answered.status, 0, answered)
        self.assertEqual(waiting().status, 0, "gdbus wait sees the name come")
        self.assertEqual(self.lab.run("systemctl is-active nvccd", check=False).stdout.strip(), "active")
        self.nvccd.wait_node("on")


if __name__ == "__main__":
    main()
