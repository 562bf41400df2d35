#!/usr/bin/python3
"""A broken settings file at start and at reload."""
from nvccd import SETTINGS, Nvccd
from support import BUILD, LabTest, main

FILE = "/etc/nvccd/nvccd.toml.d/90-broken.toml"


class Settings(LabTest):
    options = {"gpus": 1, "install": BUILD}

    def setUp(self):
        self.nvccd = Nvccd(self.lab)
        self.lab.run(f"systemctl stop nvccd; systemctl reset-failed nvccd; rm -f {FILE}", check=False)
        self.nvccd.configure(SETTINGS.format("on"))

    def test_a_broken_file_stops_the_start_with_78_and_a_message_with_its_place(self):
        self.lab.put(FILE, "[mode]\n\ndefault = \"sideways\"\n")
        self.assertNotEqual(self.lab.run("systemctl start nvccd", check=False).status, 0)
        self.assertEqual(self.lab.run("systemctl show -p ExecMainStatus --value nvccd").stdout.strip(), "78")
        self.assertRegex(self.lab.run("journalctl -u nvccd --no-pager").stdout, FILE.replace(".", r"\.") + r":3:\d+: .*default")
        # systemd does not try again, and nothing was touched
        self.assertEqual(self.lab.run("systemctl show -p ActiveState --value nvccd").stdout.strip(), "failed")
        self.assertEqual(self.nvccd.restarts(), 0)
        self.assertNotIn("in use", self.lab.run("lspci -k -d 10de:").stdout)
        checked = self.lab.run("nvccd --check-config", check=False)
        self.assertEqual(checked.status, 1)
        self.assertRegex(checked.stderr + checked.stdout, FILE.replace(".", r"\.") + r":3:\d+:")

    def test_text_that_is_no_toml_is_refused_the_same_way(self):
        self.lab.put(FILE, "[mode\n")
        result = self.lab.run("nvccd", check=False)
        self.assertEqual(result.status, 78)
        self.assertRegex(result.stderr + result.stdout, FILE.replace(".", r"\.") + r":1:\d+:")

    def test_at_reload_the_old_settings_stay(self):
        self.lab.run("systemctl start nvccd", timeout=180)
        self.lab.put(FILE, "[mode]\ndefault = 7\n")
        result = self.lab.run("nvccctl reload", check=False)
        self.assertEqual(result.status, 1, result)
        self.assertIn(f"{FILE}:2:", result.stderr)
        self.assertEqual(self.nvccd.property("DefaultMode"), "on")
        self.assertEqual(self.lab.run("systemctl is-active nvccd").stdout.strip(), "active")


if __name__ == "__main__":
    main()
