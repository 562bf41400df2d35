#!/usr/bin/python3
"""The project as it is installed: what is there, and what an installation must not do."""
from nvccd import MANAGER, Nvccd
from support import BUILD, LabTest, main


class Install(LabTest):
    options = {"gpus": 1, "nvswitches": 1, "install": BUILD}

    def test_its_files_are_where_users_expect_them(self):
        self.lab.run("test -x /usr/sbin/nvccd && test -x /usr/bin/nvccctl")
        for file in ("/etc/nvccd/nvccd.toml", "/usr/lib/udev/rules.d/60-nvccd.rules", "/usr/share/dbus-1/system.d/org.nvccd1.conf",
                     "/usr/share/dbus-1/system-services/org.nvccd1.service", "/usr/share/polkit-1/actions/org.nvccd1.policy",
                     "/usr/share/nvccd/state.schema.json", "/usr/lib/modprobe.d/nvccd.conf"):
            self.assertEqual(self.lab.run(["test", "-f", file], check=False).status, 0, file)

    def test_every_library_it_needs_is_in_the_guest(self):
        self.assertNotIn("not found", self.lab.run("ldd /usr/sbin/nvccd /usr/bin/nvccctl").stdout)

    def test_the_settings_it_ships_are_good(self):
        self.lab.run("nvccd --check-config")

    def test_installing_takes_nobodys_device(self):
        self.assertEqual(self.lab.run("systemctl is-enabled nvccd", check=False).stdout.strip(), "disabled")
        # a coming device goes through the installed udev rule
        self.lab.hotplug("late", "gh100")
        self.lab.run("udevadm settle")
        for name in self.lab.devices():
            device = f"/sys/bus/pci/devices/{self.lab.address(name)}"
            self.assertEqual(self.lab.run(f"cat {device}/driver_override").stdout.strip(), "(null)", name)
            self.assertEqual(self.lab.run(f"test -e {device}/driver", check=False).status, 1, name)

    def test_asking_a_service_that_is_off_says_so_and_does_not_start_it(self):
        self.assertEqual(self.lab.run("nvccctl status", check=False).status, 5)
        self.assertNotEqual(self.lab.run(f"busctl get-property {MANAGER} Ready", check=False).status, 0)
        self.assertEqual(self.lab.run("systemctl is-active nvccd", check=False).stdout.strip(), "inactive")
        self.assertIsNone(Nvccd(self.lab).state())


if __name__ == "__main__":
    main()
