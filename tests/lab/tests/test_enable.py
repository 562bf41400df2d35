#!/usr/bin/python3
"""Installing changes nothing, enabling does, disabling takes it back; what the administrator excluded is never taken."""
from nvccd import SETTINGS, Nvccd
from support import BUILD, LabTest, main

BROKEN = "/etc/nvccd/nvccd.toml.d/90-broken.toml"
EXCLUDE = "/etc/nvccd/nvccd.toml.d/20-exclude.toml"


class EnableTest(LabTest):
    options = {"gpus": 2, "nvswitches": 1, "install": BUILD}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.nvccd = Nvccd(cls.lab)
        cls.nvccd.configure(SETTINGS.format("on"))

    def directory(self, name):
        return f"/sys/bus/pci/devices/{self.lab.address(name)}"

    def driver(self, name):
        return self.lab.run(f"basename $(readlink {self.directory(name)}/driver || echo none)").stdout.strip()

    def override(self, name):
        """The device's driver override; None when there is none."""
        text = self.lab.run(["cat", f"{self.directory(name)}/driver_override"]).stdout.strip()
        return None if text == "(null)" else text

    def tags(self, name):
        return self.lab.run(f"udevadm info -q property --property=CURRENT_TAGS --value {self.directory(name)}").stdout.strip()

    def wait_unit(self, name, state):
        """Until the unit that stands for the device is active (others can wait for it), or inactive."""
        unit = f"sys-bus-pci-devices-{self.lab.address(name)}.device"
        self.wait_until(lambda: self.lab.run(f"systemctl show -p ActiveState --value {unit}").stdout.strip() == state,
                        f"{unit} of {name} to be {state}")

    def check_untouched(self, *names):
        self.lab.run("udevadm settle")
        for name in names:
            self.assertEqual((self.driver(name), self.override(name), self.tags(name)), ("none", None, ""), name)
            self.wait_unit(name, "inactive")

    def appear_again(self, name):
        """Makes udev treat a device as one that has just come, as it does at boot."""
        self.lab.run(f"udevadm trigger --settle --action=add {self.directory(name)}")


class Enable(EnableTest):
    """From boot to boot, as an administrator does it before the first boot, or takes it back."""

    def test_only_an_enabled_service_takes_devices_at_boot(self):
        self.lab.reboot()
        self.check_untouched(*self.lab.devices())
        # Enabled, as in an image that has not run yet: the links are all.
        self.lab.run("systemctl --root=/ enable nvccd")
        self.check_untouched(*self.lab.devices())
        self.lab.reboot()
        self.nvccd.wait_node("on")
        for name in self.lab.devices():
            self.assertEqual((self.driver(name), self.override(name), self.tags(name)), ("vfio-pci", "vfio-pci", ":systemd:"), name)
            self.wait_unit(name, "active")
        self.assertEqual(self.lab.hardware("gpu0")["active_mode"], "on")
        self.assertNotRegex(self.lab.run("journalctl -b --no-pager").stdout, "(?i)ordering cycle")
        # Disabled: at the next boot the devices are the host's again.
        self.lab.run("systemctl disable nvccd")
        self.lab.reboot()
        self.check_untouched(*self.lab.devices())


class Exclude(EnableTest):
    """Devices that are not for nvccd, and the way back without a boot."""

    def setUp(self):
        self.lab.run(f"systemctl unmask nvccd; systemctl disable --now nvccd; systemctl reset-failed nvccd; rm -f {BROKEN} {EXCLUDE}",
                     check=False)
        self.release_all()

    def release_all(self):
        """What a boot would do."""
        for name in self.lab.devices():
            device = self.directory(name)
            self.lab.run(f"echo > {device}/driver_override; if [ -e {device}/driver ]; then "
                         f"basename $(readlink -f {device}) > {device}/driver/unbind; fi; "
                         f"udevadm trigger --settle {device}")

    def test_an_excluded_device_is_never_taken(self):
        address = self.lab.address("gpu1")
        self.lab.put(EXCLUDE, f'[[device]]\nmatch = {{ address = "{address}" }}\nmanaged = false\n'
                              '[[device]]\nmatch = { device_id = "2901" }\nmanaged = false\n')
        self.nvccd.enable("on")
        self.wait_unit("gpu0", "active")
        self.check_untouched("gpu1")
        self.appear_again("gpu1")
        self.check_untouched("gpu1")
        self.assertEqual(self.nvccd.device(address)["state"], "unmanaged")
        # one that comes later
        self.lab.hotplug("excluded", "gb100")
        self.lab.hotplug("wanted", "gh100")
        self.nvccd.wait_device_ready(self.lab.address("wanted"), "on")
        self.assertEqual(self.override("wanted"), "vfio-pci")
        self.wait_unit("wanted", "active")
        self.check_untouched("excluded", "gpu1")
        for name in ("excluded", "wanted"):
            self.lab.unplug(name)

    def test_with_broken_settings_nothing_is_taken_and_the_log_says_so(self):
        self.lab.put(BROKEN, "[[device]]\nmatch = { address = 1 }\nmanaged = false\n")
        self.assertNotEqual(self.lab.run("systemctl enable --now nvccd", check=False).status, 0)
        self.appear_again("gpu0")
        self.check_untouched(*self.lab.devices())
        for command in ("journalctl -b -u nvccd", "journalctl -b -t nvccd _SYSTEMD_UNIT=systemd-udevd.service"):
            self.assertIn(f"{BROKEN}:2:", self.lab.run(f"{command} --no-pager").stdout, command)

    def test_a_masked_service_takes_nothing(self):
        self.lab.run("systemctl enable nvccd && systemctl mask nvccd")
        self.appear_again("gpu0")
        self.check_untouched("gpu0")
        self.lab.run("systemctl unmask nvccd && systemctl daemon-reload")
        self.appear_again("gpu0")
        self.assertEqual(self.override("gpu0"), "vfio-pci")

    def test_a_device_can_be_given_back_at_once(self):
        self.nvccd.enable("on")
        # A driver of the host that claims this kind of device.
        self.lab.run("modprobe uio_pci_generic; echo 10de 2330 > /sys/bus/pci/drivers/uio_pci_generic/new_id")
        self.lab.run(["nvccctl", "unbind", self.lab.address("gpu1")])
        self.assertEqual((self.driver("gpu1"), self.override("gpu1")), ("uio_pci_generic", None))
        self.wait_unit("gpu1", "inactive")
        self.lab.run(["nvccctl", "unbind", self.lab.address("nvswitch0")])
        self.check_untouched("nvswitch0")
        self.assertEqual(self.driver("gpu0"), "vfio-pci", "the others stay")
        # and stays there: nobody takes it again, and the end of the service changes nothing
        self.lab.run("nvccctl rescan && systemctl disable --now nvccd")
        self.assertEqual(self.driver("gpu1"), "uio_pci_generic")
        self.lab.run("echo 10de 2330 > /sys/bus/pci/drivers/uio_pci_generic/remove_id")


if __name__ == "__main__":
    main()
