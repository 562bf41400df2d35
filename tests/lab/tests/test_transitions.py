#!/usr/bin/python3
"""A full node, 8 GPUs and 4 NVSwitches, through every mode: each change takes exactly one reset of what it changes."""
from nvccd import Nvccd
from support import BUILD, LabTest, main


class Transitions(LabTest):
    options = {"gpus": 8, "nvswitches": 4, "install": BUILD}

    def expected_mode(self, name, mode):
        return mode if name.startswith("gpu") or mode == "ppcie" else "off"

    def test_each_change_takes_one_reset_of_each_device_it_changes_and_none_elsewhere(self):
        nvccd = Nvccd(self.lab)
        nvccd.enable("on")
        before_mode = "on"
        for mode in ("ppcie", "on", "off", "devtools"):
            with self.subTest(mode=mode):
                before = nvccd.resets()
                self.lab.run(f"nvccctl set-mode {mode}", timeout=300)
                after = nvccd.resets()
                for name, hardware in self.lab.hardware().items():
                    expected = self.expected_mode(name, mode)
                    changed = expected != self.expected_mode(name, before_mode)
                    self.assertEqual(hardware["active_mode"], expected, name)
                    self.assertEqual(after[name] - before[name], 1 if changed else 0, f"{name}: {before_mode} -> {mode}")
                    self.assertEqual(hardware["counters"]["protocol_errors"], 0, name)
                self.assertEqual(nvccd.property("ModeState"), mode)
                controls = self.lab.run("cat /sys/bus/pci/drivers/vfio-pci/0000:*/power/control").stdout.split()
                self.assertEqual(controls, ["auto"] * 12, "power management is as it was")
                before_mode = mode


if __name__ == "__main__":
    main()
