#!/usr/bin/python3
"""nvccctl check where a real kernel answers: a node that is well, and the kernel's side of what can be wrong."""
import json

from nvccd import MANAGER, SETTINGS, Nvccd
from support import BUILD, LabTest, main

from nvccd_lab.machine import port_address


class CheckTest(LabTest):
    def findings(self):
        """By id. What nvccctl prints as root, whether or not nvccd runs."""
        printed = self.lab.run("nvccctl check --json", check=False, timeout=120).stdout
        return {finding["id"]: finding for finding in json.loads(printed)}

    def assert_result(self, finding, result, words=""):
        self.assertEqual(finding["result"], result, finding)
        self.assertIn(words, finding["found"])


class AGoodNode(CheckTest):
    options = {"gpus": 2, "nvswitches": 1, "iommufd": True, "install": BUILD}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.nvccd = Nvccd(cls.lab)
        cls.nvccd.enable("on")

    def test_what_the_kernel_and_nvccd_do_right_is_ok(self):
        findings = self.findings()
        for name in ("iommu.enabled", "iommu.groups", "iommu.acs", "iommufd.kernel", "iommufd.devices", "device.responding",
                     "device.memory", "device.reset", "driver.bound", "driver.loaded", "vfio.driver", "vfio.variant",
                     "kernel.log", "nvccd.settings", "nvccd.enabled", "nvccd.state-file", "nvccd.devices"):
            self.assert_result(findings[name], "ok")
        self.assert_result(findings["host.confidential"], "warn", "neither")
        self.assert_result(findings["kubernetes"], "skip", "no Kubernetes")

    def test_the_bus_says_the_same_from_within_the_sandbox(self):
        answer = json.loads(self.lab.run(f"busctl --json=short call {MANAGER} Check", timeout=120).stdout)["data"][0]
        on_bus = {finding[0]: finding for finding in answer}
        for name in ("host.kvm", "host.lockdown", "iommu.enabled", "iommu.passthrough", "iommu.groups", "iommu.acs",
                     "iommufd.kernel", "iommufd.devices", "device.memory", "driver.bound", "nvccd.devices"):
            self.assertEqual(on_bus[name][1], self.findings()[name]["result"], on_bus[name])
        self.assertEqual(on_bus["kernel.log"][1], "skip", "the daemon may not read the kernel's log")

    def test_no_event_of_the_nodes_is_lost(self):
        self.assertNotIn("were lost", self.lab.run("journalctl -b -u nvccd --no-pager").stdout)

    def test_a_device_of_another_driver_fails(self):
        address = self.lab.address("gpu1")
        path = f"/sys/bus/pci/devices/{address}"
        self.lab.run("systemctl stop nvccd")
        self.addCleanup(self.nvccd.wait_node, "on")
        self.addCleanup(self.lab.run, f"echo {address} > {path}/driver/unbind; systemctl start nvccd", timeout=180)
        # Stands in for nouveau, which has nothing to say to an emulated device.
        self.lab.run(f"modprobe pci-pf-stub && echo pci-pf-stub > {path}/driver_override && echo {address} > {path}/driver/unbind && "
                     f"echo {address} > /sys/bus/pci/drivers_probe")
        findings = self.findings()
        self.assert_result(findings["driver.bound"], "fail", f"{address} (pci-pf-stub)")
        self.assert_result(findings["nvccd.devices"], "skip", "does not run")

    def test_fix_denies_a_driver_that_would_come_at_the_next_boot(self):
        self.lab.put("/etc/modprobe.d/test.conf", "alias pci:v000010DEd*sv*sd*bc03sc*i* nouveau\n")
        self.addCleanup(self.lab.run, "rm -f /etc/modprobe.d/test.conf /etc/modprobe.d/nvccd-deny.conf")
        self.assert_result(self.findings()["driver.autoload"], "warn", "nouveau by udev")
        asked = self.lab.run("nvccctl check --fix </dev/null", check=False, timeout=120)
        self.assertEqual(asked.status, 1, asked)
        self.assert_result(self.findings()["driver.autoload"], "warn")
        self.lab.run("nvccctl check --fix --yes", timeout=120)
        self.assert_result(self.findings()["driver.autoload"], "ok")


class WithoutIommu(CheckTest):
    options = {"gpus": 1, "install": BUILD, "append": "intel_iommu=off"}

    def test_the_missing_iommu_and_iommufd_are_said_with_the_reason(self):
        self.lab.put("/etc/nvccd/nvccd.toml.d/50-lab.toml", SETTINGS.format("on"))
        findings = self.findings()
        self.assert_result(findings["iommu.enabled"], "fail", "IOMMU is off")
        self.assertIn("intel_iommu=off", findings["iommu.enabled"]["advice"])
        self.assert_result(findings["iommu.groups"], "fail", self.lab.address("gpu0"))
        self.assert_result(findings["iommufd.kernel"], "fail", "/dev/iommu")


class TwoGpusInOneGroup(CheckTest):
    # The kernel leaves ACS off at the ports of both, which then could send each other's requests past the IOMMU.
    options = {"gpus": 2, "install": BUILD, "append": f"pci=disable_acs_redir={port_address(0)};{port_address(1)}"}

    def test_the_devices_that_share_the_group_are_named(self):
        findings = self.findings()
        for name in ("gpu0", "gpu1"):
            self.assert_result(findings["iommu.groups"], "fail", self.lab.address(name))
        self.assert_result(findings["iommu.acs"], "warn", port_address(0))


if __name__ == "__main__":
    main()
