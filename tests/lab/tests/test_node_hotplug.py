#!/usr/bin/python3
"""Devices that come and go while nvccd runs."""
from nvccd import Nvccd
from support import BUILD, LabTest, main


class NodeHotplug(LabTest):
    options = {"gpus": 3, "install": BUILD}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.nvccd = Nvccd(cls.lab)
        cls.nvccd.enable()

    def setUp(self):
        self.process = self.nvccd.process_id()

    def tearDown(self):
        self.assertEqual(self.nvccd.process_id(), self.process, "the daemon lives on")

    def object_path(self, address):
        return "/org/nvccd1/device/" + address.replace(":", "_").replace(".", "_")

    def test_a_gpu_that_comes_is_bound_and_on_without_any_command(self):
        address = self.lab.hotplug("gpu3", "gh100")
        self.nvccd.wait_device_ready(address, "on")
        self.assertIn("Kernel driver in use: vfio-pci", self.lab.run(["lspci", "-k", "-s", address]).stdout)
        self.assertEqual(self.lab.hardware("gpu3")["active_mode"], "on")
        self.assertIn(self.object_path(address), self.nvccd.device_paths())
        self.assertIn(address, self.lab.run("nvccctl list").stdout)
        self.wait_until(lambda: self.nvccd.state()["node"]["ready"], "the node to be ready again")
        self.check_removal("gpu3", address)

    def check_removal(self, name, address):
        self.lab.unplug(name)
        self.wait_until(lambda: self.nvccd.device(address) is None, "the device to leave the state file")
        self.assertNotIn(self.object_path(address), self.nvccd.device_paths())
        self.wait_until(lambda: self.nvccd.state()["node"]["ready"], "the others to be ready")

    def test_a_gpu_that_is_pulled_out_in_a_transition_fails_its_job_and_the_others_finish(self):
        slow, address = "gpu2", self.lab.address("gpu2")
        self.lab.set_delays(slow, boot_ms=60000)
        resets = len(self.lab.events(slow, "reset"))
        command = self.lab.start("nvccctl set-mode devtools", timeout=180)
        self.wait_until(lambda: len(self.lab.events(slow, "reset")) > resets, "the transition to reset the GPU", 120)
        self.lab.pull_out(slow)
        result = command()
        self.assertEqual(result.status, 1, result)
        self.assertIn(address, result.stderr, "the error names the device")
        self.assertRegex(result.stderr, "(?i)gone|removed|vanished|no longer")
        self.wait_until(lambda: self.nvccd.device(address) is None, "the device to leave the state file")
        for name in ("gpu0", "gpu1"):
            self.nvccd.wait_device_ready(self.lab.address(name), "devtools")
            self.assertEqual(self.lab.hardware(name)["active_mode"], "devtools")
        self.lab.run("nvccctl set-mode on", timeout=180)


if __name__ == "__main__":
    main()
