#!/usr/bin/python3
"""The emulated devices as the guest's kernel sees them, driven by hand, without nvccd."""
from support import LabTest, main

CC_MODE_KNOB = 8


def bind(lab, address):
    lab.run(f"modprobe vfio-pci && echo vfio-pci > /sys/bus/pci/devices/{address}/driver_override && "
            f"echo {address} > /sys/bus/pci/drivers_probe")


class Devices(LabTest):
    options = {"gpus": ["gh100", "gb100", "gb202"], "nvswitches": 1}

    def attribute(self, name, attribute):
        return self.lab.run(["cat", f"/sys/bus/pci/devices/{self.lab.address(name)}/{attribute}"]).stdout.strip()

    def test_each_has_its_identity_and_class(self):
        expected = {"gpu0": ("0x10de", "0x2330", "0x030200"), "gpu1": ("0x10de", "0x2901", "0x030200"),
                    "gpu2": ("0x10de", "0x2bb5", "0x030200"), "nvswitch0": ("0x10de", "0x22a3", "0x068000")}
        found = {name: tuple(self.attribute(name, attribute) for attribute in ("vendor", "device", "class"))
                 for name in self.lab.devices()}
        self.assertEqual(found, expected)

    def test_each_has_an_iommu_group_of_its_own(self):
        for name in self.lab.devices():
            group = f"/sys/bus/pci/devices/{self.lab.address(name)}/iommu_group/devices"
            self.assertEqual(self.lab.run(["ls", group]).stdout.split(), [self.lab.address(name)], name)

    def test_no_driver_takes_one_by_itself(self):
        for name in self.lab.devices():
            driver = f"/sys/bus/pci/devices/{self.lab.address(name)}/driver"
            self.assertNotEqual(self.lab.run(f"test -e {driver}", check=False).status, 0, name)

    def test_vfio_binds_one_by_driver_override_and_its_group_has_one_holder(self):
        address = self.lab.address("gpu1")
        bind(self.lab, address)
        self.assertIn("Kernel driver in use: vfio-pci", self.lab.run(["lspci", "-k", "-s", address]).stdout)
        # a group has one holder: the second to open it is refused
        group = self.lab.run(f"basename $(readlink /sys/bus/pci/devices/{address}/iommu_group)").stdout.strip()
        second = self.lab.run(f"exec 3<>/dev/vfio/{group} && dash -c 'exec 3<>/dev/vfio/{group}'", check=False)
        self.assertNotEqual(second.status, 0)
        self.assertIn("busy", second.stderr)
        self.assertEqual(self.lab.run("test -e /dev/vfio/devices", check=False).status, 1, "this kernel has no iommufd")

    def test_a_reset_by_sysfs_reaches_the_hardware_and_makes_a_knob_active(self):
        address = self.lab.address("gpu0")
        self.lab.set_knob("gpu0", CC_MODE_KNOB, 1)
        before = self.lab.hardware("gpu0")
        self.assertEqual(before["active_mode"], "off", "a knob alone changes nothing")
        self.lab.run(f"echo 1 > /sys/bus/pci/devices/{address}/reset")
        after = self.lab.hardware("gpu0")
        self.assertEqual(after["counters"]["function_level_resets"], before["counters"]["function_level_resets"] + 1)
        self.assertEqual(after["active_mode"], "on")
        self.assertEqual([event["details"]["mode"] for event in self.lab.events("gpu0", "latched")][-1], "on")

    def test_bus_and_function_resets_are_told_apart(self):
        device = f"/sys/bus/pci/devices/{self.lab.address('gpu2')}"
        before = self.lab.hardware("gpu2")["counters"]
        self.lab.run(f"echo bus > {device}/reset_method && echo 1 > {device}/reset && echo > {device}/reset_method")
        after = self.lab.hardware("gpu2")["counters"]
        self.assertEqual(after["bus_resets"], before["bus_resets"] + 1)
        self.assertEqual(after["function_level_resets"], before["function_level_resets"])

    def test_a_fault_is_seen_by_the_guest(self):
        address = self.lab.address("nvswitch0")
        self.lab.fault("nvswitch0", "config-f0-all-ones")
        self.assertEqual(self.lab.run(["setpci", "-s", address, "f0.w"]).stdout.strip(), "ffff")
        self.lab.fault("nvswitch0", "config-f0-all-ones", "")
        self.assertNotEqual(self.lab.run(["setpci", "-s", address, "f0.w"]).stdout.strip(), "ffff")


class Iommufd(LabTest):
    """The other way of VFIO: character devices, on a kernel whose modules have iommufd."""
    options = {"gpus": 1, "iommufd": True}

    def test_a_bound_device_has_a_character_device_and_its_group(self):
        address = self.lab.address("gpu0")
        bind(self.lab, address)
        self.lab.run("udevadm settle")
        name = self.lab.run(["ls", f"/sys/bus/pci/devices/{address}/vfio-dev"]).stdout.strip()
        self.assertEqual(name, "vfio0")
        self.lab.run(f"test -c /dev/iommu && test -c /dev/vfio/devices/{name}")
        group = self.lab.run(f"basename $(readlink /sys/bus/pci/devices/{address}/iommu_group)").stdout.strip()
        self.lab.run(f"test -c /dev/vfio/{group}")


if __name__ == "__main__":
    main()
