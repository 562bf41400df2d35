#!/usr/bin/python3
"""The package's life on a host, from its installation by apt on a clean guest to its purge."""
import pathlib
import subprocess
import tempfile
import unittest

from nvccd import MANAGER, Holder, Nvccd
from support import BUILD, LabTest, main

CONFFILE = "/etc/nvccd/nvccd.toml"
SETTINGS = '# edited by the administrator\n[mode]\ndefault = "on"\nrequire_confidential_host = false\n'
BROKEN = "/etc/nvccd/nvccd.toml.d/90-broken.toml"
# Everything a purge could leave behind; what apt, dpkg, the journal and Python write for themselves is theirs.
FILES = ("find / -xdev -path /var/log -prune -o -path /var/cache -prune -o -path /var/lib/dpkg -prune -o -path /var/lib/apt -prune "
         "-o -path /srv -prune -o -path /tmp -prune -o -path /var/tmp -prune -o -name __pycache__ -prune -o -print")


def repack(deb, version, directory):
    """The same package with another version."""
    tree = pathlib.Path(directory, "tree")
    subprocess.run(["dpkg-deb", "-R", deb, tree], check=True)
    control = tree / "DEBIAN/control"
    lines = [f"Version: {version}" if line.startswith("Version: ") else line for line in control.read_text().splitlines()]
    control.write_text("\n".join(lines) + "\n")
    newer = pathlib.Path(directory, f"nvccd_{version}.deb")
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", tree, newer], check=True, stdout=subprocess.DEVNULL)
    return newer


@unittest.skipUnless(list(BUILD.glob("nvccd_*.deb")), "NVCCD_PACKAGES names no directory with packages; packaging/build-deb makes one")
class Package(LabTest):
    options = {"gpus": 2, "nvswitches": 1}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.nvccd = Nvccd(cls.lab)
        cls.deb = "/srv/nvccd_current.deb"
        cls.newer = "/srv/nvccd_newer.deb"
        built = next(BUILD.glob("nvccd_*.deb"))
        cls.lab.put(cls.deb, built.read_bytes())
        with tempfile.TemporaryDirectory() as directory:
            cls.lab.put(cls.newer, repack(built, "99", directory).read_bytes())

    # --- helpers ---

    def apt(self, arguments):
        return self.lab.run(f"DEBIAN_FRONTEND=noninteractive apt-get -y -q {arguments} 2>&1", timeout=300).stdout

    def drivers(self):
        """The driver of each device, by name."""
        return {name: self.lab.run(f"basename $(readlink /sys/bus/pci/devices/{self.lab.address(name)}/driver)", check=False).stdout.strip()
                for name in self.lab.devices()}

    def override(self, name):
        return self.lab.run(f"cat /sys/bus/pci/devices/{self.lab.address(name)}/driver_override").stdout.strip()

    def is_active(self):
        return self.lab.run("systemctl is-active nvccd", check=False).stdout.strip()

    def version(self):
        return self.lab.run("dpkg-query -W -f '${Version} ${Status}' nvccd", check=False).stdout

    def wait_device(self, name, state):
        self.wait_until(lambda: (self.nvccd.device(self.lab.address(name)) or {}).get("state") == state, f"{name} to be {state}", 180)

    # --- the story ---

    def test_from_installation_to_purge(self):
        before = set(self.lab.run(FILES).stdout.splitlines())
        self.installing_changes_nothing()
        self.an_enabled_service_has_the_devices_after_a_reboot()
        resets = self.nvccd.resets()
        self.another_version_touches_no_device(self.newer, "99 install ok installed")
        self.another_version_touches_no_device(f"--allow-downgrades {self.deb}", self.installed_version)
        self.broken_settings_do_not_stop_an_upgrade()
        self.assertEqual(self.nvccd.resets(), resets, "whatever was installed, no device was reset")
        self.without_polkit_the_package_stays()
        self.removing_leaves_the_devices_bound_and_no_rule()
        self.installing_again_goes_on_where_it_was()
        self.a_purge_leaves_nothing(before)

    def installing_changes_nothing(self):
        self.apt(f"install {self.deb}")
        self.installed_version = self.version()
        self.assertIn("install ok installed", self.installed_version)
        self.assertEqual(self.lab.run("systemctl is-enabled nvccd", check=False).stdout.strip(), "disabled")
        self.assertEqual(self.is_active(), "inactive")
        self.assertEqual(self.drivers(), {name: "" for name in self.lab.devices()})
        self.assertEqual({self.override(name) for name in self.lab.devices()}, {"(null)"})
        # quiet about our units, and about everything they need
        verified = self.lab.run("systemd-analyze verify --man=no nvccd.service 2>&1", check=False)
        self.assertEqual((verified.status, verified.stdout), (0, ""))

    def an_enabled_service_has_the_devices_after_a_reboot(self):
        self.lab.put(CONFFILE, SETTINGS)
        self.lab.run("systemctl enable nvccd")
        self.lab.reboot()  # which fails when a unit fails
        self.nvccd.wait_node("on")
        self.assertEqual(self.drivers(), {name: "vfio-pci" for name in self.lab.devices()})
        self.assertEqual({name: hardware["active_mode"] for name, hardware in self.lab.hardware().items()},
                         {"gpu0": "on", "gpu1": "on", "nvswitch0": "off"})
        self.assertIs(self.nvccd.property("Ready"), True)
        status = self.lab.run("systemctl status nvccd --no-pager")
        self.assertIn("active (running)", status.stdout)
        self.assertIn("ready", next(line for line in status.stdout.splitlines() if "Status:" in line))

    def another_version_touches_no_device(self, package, version):
        resets, process = self.nvccd.resets(), self.nvccd.process_id()
        with Holder(self.nvccd, "gpu1"):
            output = self.apt(f"install {package}")
            self.assertEqual(self.version(), version, output)
            self.assertEqual(self.is_active(), "active")
            self.assertNotIn(self.nvccd.process_id(), ("0", process), "the new daemon runs")
            self.wait_device("gpu0", "ready")
            self.assertTrue(self.nvccd.device(self.lab.address("gpu1"))["in_use"])
            self.assertEqual(self.lab.run("systemctl is-active vm").stdout.strip(), "active")
            self.assertEqual(self.nvccd.resets(), resets)
        self.nvccd.wait_node("on")
        self.assertEqual(self.nvccd.resets(), resets)
        self.assertEqual(self.lab.get(CONFFILE).decode(), SETTINGS, "what the administrator wrote was kept")

    def broken_settings_do_not_stop_an_upgrade(self):
        self.lab.put(BROKEN, "[mode]\ndefault = 7\n")
        output = self.apt(f"install {self.newer}")
        self.assertEqual(self.version(), "99 install ok installed", output)
        self.assertEqual(self.is_active(), "failed")
        self.lab.run(f"rm {BROKEN} && rmdir --ignore-fail-on-non-empty {BROKEN.rpartition('/')[0]} && systemctl restart nvccd", timeout=180)
        self.nvccd.wait_node("on")

    def without_polkit_the_package_stays(self):
        self.assertNotIn("Remv nvccd", self.apt("--simulate remove polkitd"))

    def removing_leaves_the_devices_bound_and_no_rule(self):
        self.lab.run("nvccctl set-mode off", timeout=180)
        output = self.apt("remove nvccd")
        said = [line for line in output.splitlines() if line.startswith("nvccd:")]
        self.assertEqual(len(said), 1, output)
        self.assertRegex(said[0], r"^nvccd: 3 .* stay bound")
        self.assertEqual(self.drivers(), {name: "vfio-pci" for name in self.lab.devices()})
        self.assertNotEqual(self.lab.run("pgrep -x nvccd", check=False).status, 0, "the daemon has ended")
        self.assertIsNone(self.nvccd.state())
        self.assertNotEqual(self.lab.run("systemctl start nvccd", check=False).status, 0)
        self.assertNotEqual(self.lab.run(f"busctl get-property {MANAGER} Ready", check=False).status, 0)
        self.lab.hotplug("late", "gh100")
        self.lab.run("udevadm settle")
        self.assertEqual(self.override("late"), "(null)")
        self.assertEqual(self.drivers()["late"], "")

    def installing_again_goes_on_where_it_was(self):
        self.apt(f"install {self.deb}")
        self.assertEqual(self.lab.get(CONFFILE).decode(), SETTINGS)
        self.lab.run("systemctl enable --now nvccd", timeout=180)
        self.nvccd.wait_node("off")
        self.assertEqual(self.nvccd.property("NodeMode"), "off", "the mode that was set before is still set")
        self.assertEqual(self.drivers()["late"], "vfio-pci")

    def a_purge_leaves_nothing(self, before):
        self.apt("purge nvccd")
        after = set(self.lab.run(FILES).stdout.splitlines())
        self.assertEqual(sorted(after - before), [])
        self.assertEqual(sorted(before - after), [], "nothing of others was removed")
        self.assertEqual(self.lab.run("ls -d /run/nvccd /run/systemd/system/*nvccd*", check=False).stdout, "")
        self.assertEqual(self.lab.run("systemctl list-unit-files --no-legend '*nvccd.service' '*nvccd1.service'", check=False).stdout, "")


if __name__ == "__main__":
    main()
