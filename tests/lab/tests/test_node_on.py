#!/usr/bin/python3
"""A node with default = "on": every device is bound and in its mode, and the hardware says so too."""
from nvccd import Nvccd
from support import BUILD, LabTest, main


class NodeOn(LabTest):
    options = {"gpus": 4, "nvswitches": 2, "install": BUILD}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.nvccd = Nvccd(cls.lab)
        cls.nvccd.enable()

    def test_lspci_shows_vfio_pci_for_each_device(self):
        listing = self.lab.run("lspci -nnk -d 10de:").stdout
        self.assertEqual(listing.count("[10de:2330]"), 4, listing)
        self.assertEqual(listing.count("[10de:22a3]"), 2, listing)
        self.assertEqual(listing.count("Kernel driver in use: vfio-pci"), 6, listing)

    def test_the_hardware_is_in_the_mode_and_booted(self):
        for name, hardware in self.lab.hardware().items():
            self.assertEqual(hardware["active_mode"], "off" if name.startswith("nvswitch") else "on", name)
            self.assertTrue(hardware["booted"], name)

    def test_the_emulators_log_shows_one_reset_that_made_the_mode_active(self):
        for gpu in (name for name in self.lab.devices() if name.startswith("gpu")):
            latched = [event["details"]["mode"] for event in self.lab.events(gpu, "latched")]
            self.assertEqual(latched[-1], "on", gpu)
            self.assertEqual(latched.count("on"), 1, f"{gpu}: one reset is enough: {latched}")

    def test_the_service_runs_and_the_bus_says_ready(self):
        self.assertEqual(self.lab.run("systemctl is-active nvccd").stdout.strip(), "active")
        self.assertIs(self.nvccd.property("Ready"), True)

    def test_the_state_file_matches_the_contract(self):
        state = self.nvccd.state()
        self.assertEqual(state["schema"], 1)
        node = state["node"]
        self.assertEqual((node["default_mode"], node["node_mode"], node["requested_mode"], node["mode_state"], node["ready"]),
                         ("on", None, "on", "on", True))
        self.assertEqual((node["host_confidential"], node["error"]), ("none", None))
        addresses = [device["address"] for device in state["devices"]]
        self.assertEqual(addresses, sorted(self.lab.address(name) for name in self.lab.devices()))
        for device in state["devices"]:
            self.check_device(device)
        self.assertEqual(self.lab.run("stat -c %a /run/nvccd/state.json").stdout.strip(), "644")

    def check_device(self, device):
        address, is_gpu = device["address"], device["kind"] == "gpu"
        self.assertEqual(device["id"], address.replace(":", "-"))
        self.assertEqual((device["vendor_id"], device["device_id"]), ("10de", "2330" if is_gpu else "22a3"))
        self.assertEqual(device["resource"], "nvidia.com/pgpu" if is_gpu else "nvidia.com/nvswitch")
        self.assertEqual(device["supported_modes"], ["off", "on", "devtools", "ppcie"] if is_gpu else ["off", "ppcie"])
        self.assertEqual((device["driver"], device["state"], device["healthy"], device["in_use"], device["error"]),
                         ("vfio-pci", "ready", True, False, None))
        self.assertEqual(device["mode"], "on" if is_gpu else "off")
        group = self.lab.run(f"basename $(readlink /sys/bus/pci/devices/{address}/iommu_group)").stdout.strip()
        self.assertEqual((device["iommu_group"], device["vfio_group"]), (int(group), f"/dev/vfio/{group}"))
        self.assertIsNone(device["vfio_device"], "Debian's kernel has no iommufd")

    def test_the_bus_says_the_same_as_the_state_file(self):
        self.assertEqual(self.nvccd.property("ModeState"), "on")
        self.assertEqual(len(self.nvccd.device_paths()), 6)
        for device in self.nvccd.state()["devices"]:
            path = "/org/nvccd1/device/" + device["address"].replace(":", "_").replace(".", "_")
            self.assertIn(path, self.nvccd.device_paths())
            target = f"org.nvccd1 {path} org.nvccd1.Device"
            for name, member in (("Address", "address"), ("Kind", "kind"), ("Mode", "mode"), ("State", "state"),
                                 ("Driver", "driver"), ("IommuGroup", "iommu_group"), ("VfioGroup", "vfio_group")):
                self.assertEqual(self.nvccd.property(name, target), device[member], f"{path} {name}")

    def test_status_shows_every_device(self):
        table = self.lab.run("nvccctl status").stdout
        for device in self.nvccd.state()["devices"]:
            line = next(line for line in table.splitlines() if line.startswith(device["address"]))
            for word in (device["kind"], device["mode"], "ready", "vfio-pci"):
                self.assertIn(word, line)

    def test_a_killed_daemon_leaves_no_ready_behind_and_comes_back(self):
        before = self.nvccd.process_id()
        self.lab.run("kill -9 " + before)
        self.wait_until(lambda: self.nvccd.process_id() not in ("0", before) and self.nvccd.state(), "nvccd to be back", 120)
        self.wait_until(lambda: self.nvccd.state()["node"]["ready"], "the node to be ready again", 120)
        for gpu in (name for name in self.lab.devices() if name.startswith("gpu")):
            latched = [event["details"]["mode"] for event in self.lab.events(gpu, "latched")]
            self.assertEqual(latched.count("on"), 1, f"{gpu} was in its mode already: no reset is needed")


class NodeOnIommufd(LabTest):
    """The same on a kernel with iommufd, whose devices have a character device."""
    options = {"gpus": 2, "nvswitches": 1, "install": BUILD, "iommufd": True}

    def test_devices_are_on_and_have_their_character_device(self):
        nvccd = Nvccd(self.lab)
        nvccd.enable()
        state = nvccd.state()
        self.assertTrue(state["node"]["ready"], state)
        for device in state["devices"]:
            name = self.lab.run(f"ls /sys/bus/pci/devices/{device['address']}/vfio-dev").stdout.strip()
            self.assertEqual(device["vfio_device"], f"/dev/vfio/devices/{name}")
            self.lab.run(["test", "-c", device["vfio_device"]])
        self.assertEqual({name: each["active_mode"] for name, each in self.lab.hardware().items()},
                         {"gpu0": "on", "gpu1": "on", "nvswitch0": "off"})


if __name__ == "__main__":
    main()
