#!/usr/bin/python3
"""One device that is broken, in each of several ways, among healthy ones."""
from nvccd import Nvccd
from support import BUILD, LabTest, main

FAULTS = {
    "boot-never": ("1", "boot"),
    "no-reply": ("1", "reply"),
    "fsp-error": ("0x202", "0x202"),
    "bar0-all-ones": ("1", "0xffffffff"),
    "recovery": ("1", "recovery"),
}


class BrokenDevices(LabTest):
    options = {"gpus": 3, "install": BUILD}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.nvccd = Nvccd(cls.lab)
        cls.nvccd.configure("[transition]\nboot_timeout = \"3s\"\nretries = 0\n", name="60-impatient.toml")
        cls.nvccd.enable("off")

    def test_the_others_end_right_and_the_node_says_which_device_failed_and_why(self):
        broken, address = "gpu1", self.lab.address("gpu1")
        mode = "on"
        for fault, (value, reason) in FAULTS.items():
            with self.subTest(fault=fault):
                self.lab.fault(broken, fault, value)
                result = self.lab.run(f"nvccctl set-mode {mode}", check=False, timeout=180)
                self.assertEqual(result.status, 1, result)
                self.assertIn(address, result.stderr)
                self.assertIn(reason, result.stderr)
                node = self.nvccd.state()["node"]
                self.assertEqual((node["mode_state"], node["ready"]), ("failed", False))
                self.assertIn(address, node["error"])
                status = self.lab.run("nvccctl status").stdout
                self.assertIn("failed", status)
                self.assertIn(reason, status)
                for name in ("gpu0", "gpu2"):
                    self.assertEqual(self.lab.hardware(name)["active_mode"], mode, name)
                    self.assertEqual(self.nvccd.device(self.lab.address(name))["state"], "ready", name)
                # repaired, as by a technician; from there on it comes right by itself
                self.lab.fault(broken, fault, "")
                self.lab.run("nvccctl reset " + address, check=False, timeout=180)
                self.nvccd.wait_node(mode)
                self.assertEqual(self.lab.hardware(broken)["active_mode"], mode)
                mode = "off" if mode == "on" else "on"


if __name__ == "__main__":
    main()
