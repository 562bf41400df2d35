#!/usr/bin/python3
"""Who may change something, decided by the real polkitd: root, a user without a rule and with one, and without polkit."""
import xml.etree.ElementTree as xml

from nvccd import SETTINGS, Holder, Nvccd
from support import BUILD, LabTest, main

REFUSALS = ("org.freedesktop.DBus.Error.AccessDenied", "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired")
MANAGER_PATH = "/org/nvccd1"
# A method that is in neither of these fails a test: whoever adds one says here who may call it.
READING = {"ListDevices": "", "GetDevice": "{address}", "Check": ""}
CHANGING = {"SetMode": "off {{}}", "ClearMode": "{{}}", "Rescan": "", "Reload": "",
            "Bind": "", "Unbind": "", "Reset": "", "Cancel": ""}
POLKIT_SERVICE = "/usr/share/dbus-1/system-services/org.freedesktop.PolicyKit1.service"
RULE = """polkit.addRule(function(action, subject) {
  if (action.id == "org.nvccd1.%s" && subject.user == "user"%s) return polkit.Result.YES;
});
"""


class Authorization(LabTest):
    options = {"gpus": 2, "install": BUILD}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # a restart is how a test knows that polkit has read its rules, and systemd allows five in ten seconds
        cls.lab.put("/etc/systemd/system/polkit.service.d/lab.conf", "[Unit]\nStartLimitIntervalSec=0\n")
        cls.lab.run("systemctl daemon-reload")
        cls.nvccd = Nvccd(cls.lab)
        cls.nvccd.enable("on")

    # --- helpers ---

    def call(self, path, method, arguments="", user="user"):
        """A call by gdbus, which prints the error's name."""
        return self.lab.run(f"runuser -u {user} -- gdbus call --system --dest org.nvccd1 --object-path {path} "
                            f"--method {method} {arguments}", check=False, timeout=180)

    def manager(self, method, arguments="", user="user"):
        return self.call(MANAGER_PATH, f"org.nvccd1.Manager.{method}", arguments, user)

    def device(self, name, method, user="user"):
        path = "/org/nvccd1/device/" + self.lab.address(name).replace(":", "_").replace(".", "_")
        return self.call(path, f"org.nvccd1.Device.{method}", user=user)

    def nvccctl(self, arguments):
        return self.lab.run(f"runuser -u user -- nvccctl {arguments}", check=False, timeout=180)

    def methods(self, path):
        """Names of our methods of an object, with their interface, as the daemon itself describes them."""
        described = self.lab.run(f"gdbus introspect --system --dest org.nvccd1 --object-path {path} --xml").stdout
        return [f"{interface.get('name')}.{method.get('name')}" for interface in xml.fromstring(described).iter("interface")
                if interface.get("name").startswith("org.nvccd1.") for method in interface.iter("method")]

    def allow(self, action, condition=""):
        """A rule that lets the user do something, until the end of the test."""
        self.lab.put("/etc/polkit-1/rules.d/50-lab.rules", RULE % (action, condition))
        self.addCleanup(self.lab.run, "rm /etc/polkit-1/rules.d/50-lab.rules; systemctl restart polkit")
        self.lab.run("systemctl restart polkit")

    def assert_refused(self, result, what=""):
        self.assertNotEqual(result.status, 0, f"{what}: {result}")
        self.assertTrue(any(name in result.stderr for name in REFUSALS), f"{what}: {result}")

    def wait_job(self, result):
        """Waits for the job in a call's answer, which must be good."""
        self.assertEqual(result.status, 0, result)
        job = result.stdout.split("'")[1]
        self.wait_until(lambda: self.nvccd.property("CurrentJob") != job, f"{job} to end", 180)

    # --- stories ---

    def test_a_user_may_read_everything(self):
        address = self.lab.address("gpu0")
        for command in ("status", "list", f"show {address}", "status --json"):
            self.assertEqual(self.nvccctl(command).status, 0, command)
        answer = self.call(MANAGER_PATH, "org.freedesktop.DBus.ObjectManager.GetManagedObjects")
        self.assertIn(address, answer.stdout)
        answer = self.call(MANAGER_PATH, "org.freedesktop.DBus.Properties.GetAll", "org.nvccd1.Manager")
        self.assertIn("'ModeState': <'on'>", answer.stdout)
        self.assertIn("/org/nvccd1/device/", self.manager("ListDevices").stdout)
        self.assertIn("/org/nvccd1/device/", self.manager("GetDevice", address).stdout)
        self.lab.run("runuser -u user -- cat /run/nvccd/state.json")

    def test_a_user_may_change_nothing(self):
        self.nvccd.configure(SETTINGS.format("off"))  # what a reload would bring
        self.addCleanup(self.nvccd.configure, SETTINGS.format("on"))
        with Holder(self.nvccd, "gpu1") as holder:
            # a change that waits for the device that is held, so that there is a job to cancel
            job = self.nvccd.set_mode("off")
            self.wait_until(lambda: self.nvccd.property("State", f"org.nvccd1 {job} org.nvccd1.Job") == "waiting", "the job to wait")
            before, events = self.nvccd.state(), len(self.lab.events())
            called = set()
            for path in (MANAGER_PATH, *self.nvccd.device_paths(), job):
                for method in self.methods(path):
                    name = method.rpartition(".")[2]
                    called.add(name)
                    arguments = (CHANGING | READING)[name].format(address=holder.address)
                    result = self.call(path, method, arguments)
                    if name in CHANGING:
                        self.assert_refused(result, f"{path} {method}")
                    else:
                        self.assertEqual(result.status, 0, f"{path} {method}: {result}")
            self.assertLessEqual(CHANGING.keys(), called)
            self.assertEqual(self.nvccd.state(), before)
            self.assertEqual(len(self.lab.events()), events, "no device was touched")
            self.assertEqual(self.nvccd.property("State", f"org.nvccd1 {job} org.nvccd1.Job"), "waiting", "the job was not cancelled")
            self.assertEqual(self.nvccd.property("DefaultMode"), "on", "the settings were not read again")
            # root may do the same
            self.assertEqual(self.call(job, "org.nvccd1.Job.Cancel", user="root").status, 0)
        self.assertEqual(self.manager("ClearMode", "{}", user="root").status, 0)
        self.nvccd.wait_node("on")

    def test_nvccctl_says_that_the_user_is_not_authorised_and_exits_with_6(self):
        address = self.lab.address("gpu0")
        for command in ("set-mode off", "clear-mode", f"bind {address}", f"unbind {address}", f"reset {address}", "reload", "rescan"):
            result = self.nvccctl(command)
            self.assertEqual(result.status, 6, f"{command}: {result}")
            self.assertRegex(result.stderr, "(?s)^nvccctl: not authorised: .*root", command)
        self.assertEqual(self.nvccd.property("NodeMode"), "")

    def test_a_rule_allows_one_action_and_no_other(self):
        self.allow("set-mode")
        self.wait_job(self.manager("SetMode", "off {}"))
        self.assertEqual(self.lab.hardware("gpu0")["active_mode"], "off")
        for refused in (self.manager("Reload"), self.manager("Rescan"), self.device("gpu0", "Reset")):
            self.assert_refused(refused)
        self.assertEqual(self.nvccctl("clear-mode").status, 0)
        self.assertEqual(self.lab.hardware("gpu0")["active_mode"], "on")

    def test_a_rule_can_look_at_the_mode_that_is_asked_for(self):
        self.allow("set-mode", ' && action.lookup("mode") == "devtools"')
        self.assert_refused(self.manager("SetMode", "off {}"))
        self.assert_refused(self.manager("ClearMode", "{}"))
        self.assertEqual(self.nvccctl("set-mode devtools").status, 0)
        self.assertEqual(self.lab.hardware("gpu0")["active_mode"], "devtools")
        self.lab.run("nvccctl clear-mode", timeout=180)

    def test_a_rule_can_look_at_the_device(self):
        self.allow("manage-devices", f' && action.lookup("device") == "{self.lab.address("gpu1")}"')
        before = self.nvccd.resets()
        self.assert_refused(self.device("gpu0", "Reset"))
        self.wait_job(self.device("gpu1", "Reset"))
        self.assertEqual(self.nvccd.resets(), {"gpu0": before["gpu0"], "gpu1": before["gpu1"] + 1})
        self.nvccd.wait_node("on")

    def check_without_polkit(self):
        for result in (self.manager("SetMode", "off {}"), self.manager("Reload"), self.device("gpu0", "Reset")):
            self.assert_refused(result)
            self.assertIn("polkit", result.stderr, "the denial says why")
        self.assertEqual(self.nvccctl("set-mode off").status, 6)
        self.assertEqual(self.nvccctl("status").status, 0)
        self.assertEqual(self.manager("Reload", user="root").status, 0)
        self.lab.run("nvccctl set-mode off && nvccctl clear-mode", timeout=180)

    def test_without_a_polkit_that_starts_only_root_may(self):
        self.lab.run("systemctl mask --now polkit")
        self.addCleanup(self.lab.run, "systemctl unmask polkit")
        self.check_without_polkit()

    def test_without_polkit_installed_only_root_may(self):
        self.lab.run(f"systemctl stop polkit; mv {POLKIT_SERVICE} /root/ && systemctl reload dbus")
        self.addCleanup(self.lab.run, f"mv /root/{POLKIT_SERVICE.rpartition('/')[2]} {POLKIT_SERVICE} && systemctl reload dbus")
        self.check_without_polkit()

    def test_only_root_may_own_the_name(self):
        self.lab.run("systemctl stop nvccd")
        own = "python3 -c \"import dbus; dbus.SystemBus().request_name('org.nvccd1', dbus.bus.NAME_FLAG_DO_NOT_QUEUE)\""
        refused = self.lab.run(f"runuser -u user -- {own}", check=False)
        self.assertIn("org.freedesktop.DBus.Error.AccessDenied", refused.stderr)
        self.lab.run(own)
        self.lab.run("systemctl start nvccd", timeout=180)
        self.nvccd.wait_node("on")


if __name__ == "__main__":
    main()
