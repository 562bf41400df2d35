#!/usr/bin/python3
"""Devices that come and go while the guest runs, without nvccd."""
from support import LabError, LabTest, main


class Hotplug(LabTest):
    options = {"gpus": 2}

    def addresses(self):
        return self.lab.run("lspci -Dn -d 10de: | cut -d' ' -f1").stdout.split()

    def test_a_device_that_is_plugged_in_is_found(self):
        address = self.lab.hotplug("gpu7", "gh100")
        self.assertIn(address, self.addresses())
        self.lab.unplug("gpu7")
        self.assertNotIn(address, self.addresses())

    def test_a_device_that_is_pulled_out_is_gone_at_once_and_its_port_serves_again(self):
        self.lab.hotplug("victim", "gh100")
        address, port = self.lab.address("victim"), self.lab.port_address("victim")
        self.lab.pull_out("victim")
        self.wait_until(lambda: address not in self.addresses(), "the device to be gone", timeout=10)
        # no button was pressed: nobody was asked
        messages = self.lab.run(f"dmesg | grep 'pcieport {port}: pciehp'").stdout.splitlines()
        self.assertIn("Card not present", messages[-1])
        # the port serves the next card
        self.assertEqual(self.lab.hotplug("next", "ls10"), address)
        self.lab.unplug("next")

    def test_a_device_that_vanishes_reads_as_all_ones_and_may_come_back(self):
        address = self.lab.address("gpu1")
        self.lab.fault("gpu1", "vanish")
        self.assertEqual(self.lab.run(["setpci", "-s", address, "0.w"]).stdout.strip(), "ffff")
        self.lab.fault("gpu1", "vanish", "")
        self.assertEqual(self.lab.run(["setpci", "-s", address, "0.w"]).stdout.strip(), "10de")

    def test_a_name_is_used_once(self):
        with self.assertRaisesRegex(LabError, "gpu0 is plugged in already"):
            self.lab.hotplug("gpu0", "gh100")
        with self.assertRaisesRegex(LabError, "no device gpu99"):
            self.lab.unplug("gpu99")


if __name__ == "__main__":
    main()
