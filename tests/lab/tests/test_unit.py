#!/usr/bin/python3
"""nvccd as a unit of systemd: its sandbox, its status line, its watchdog, its reload, its log."""
import json

from nvccd import Nvccd
from support import BUILD, LabTest, main

BROKEN = "/etc/nvccd/nvccd.toml.d/90-broken.toml"
CAP_SYS_ADMIN = 1 << 21
USERS_OF_GPUS = ("kubelet", "k3s", "k3s-agent", "rke2-server", "rke2-agent", "k0scontroller", "k0sworker", "containerd", "crio", "docker",
                 "libvirtd", "virtqemud", "nvidia-persistenced", "nvidia-fabricmanager", "nvidia-powerd", "nvidia-dcgm", "dcgm",
                 "dcgm-exporter", "display-manager")


class Unit(LabTest):
    options = {"gpus": 2, "nvswitches": 1, "install": BUILD}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.nvccd = Nvccd(cls.lab)
        cls.nvccd.enable()

    def show(self, name):
        return self.lab.run(["systemctl", "show", "-p", name, "--value", "nvccd"]).stdout.strip()

    def wait_status(self, pattern):
        self.wait_until(lambda: pattern in self.show("StatusText"), f"the status line to say \"{pattern}\"", 120)

    def journal(self, *matches):
        lines = self.lab.run(["journalctl", "-b", "-u", "nvccd", "-o", "json", "--no-pager", *matches]).stdout.splitlines()
        return [json.loads(line) for line in lines]

    # --- the sandbox ---

    def test_its_exposure_is_as_low_as_is_said(self):
        rated = self.lab.run("systemd-analyze security --threshold=15 nvccd", check=False)
        self.assertEqual(rated.status, 0, rated.stdout)

    def test_it_runs_with_one_capability(self):
        status = self.lab.run(f"cat /proc/{self.nvccd.process_id()}/status").stdout
        for name in ("CapEff", "CapPrm", "CapBnd"):
            value = next(line.split()[1] for line in status.splitlines() if line.startswith(name))
            self.assertEqual(int(value, 16), CAP_SYS_ADMIN, name)

    def test_systemd_finds_nothing_wrong_with_its_files(self):
        verified = self.lab.run("systemd-analyze verify --man=no nvccd.service")
        self.assertEqual(verified.stdout + verified.stderr, "")

    def test_who_uses_gpus_starts_later(self):
        self.assertLessEqual({f"{name}.service" for name in USERS_OF_GPUS}, set(self.show("Before").split()))

    # --- the message bus ---

    def test_when_the_message_bus_has_gone_it_is_started_again(self):
        before = self.nvccd.process_id()
        self.lab.run("systemctl kill -s KILL dbus")
        self.wait_until(lambda: self.show("MainPID") not in ("0", str(before)) and self.show("SubState") == "running",
                        "nvccd to run again", 120)
        self.nvccd.wait_node("on")
        self.assertTrue(any("message bus" in entry["MESSAGE"] for entry in self.journal("PRIORITY=3")))

    # --- the status line ---

    def test_the_status_line_follows_the_node(self):
        self.assertEqual(self.show("StatusText"), "Mode on, ready: 2 GPUs, 1 NVSwitch")
        self.lab.set_delays("gpu0", boot_ms=20000)
        job = self.nvccd.set_mode("devtools")
        self.wait_status("Changing to devtools: ")
        self.lab.set_delays("gpu0", boot_ms=0)
        self.nvccd.wait_node("devtools")
        self.wait_status("Mode devtools: 2 GPUs, 1 NVSwitch")
        self.lab.run("nvccctl clear-mode", timeout=180)
        self.wait_status("Mode on, ready: 2 GPUs, 1 NVSwitch")
        self.check_journal_of(job.rsplit("/", 1)[1])

    def check_journal_of(self, job):
        """What happened in the change can be asked for by job, device and phase."""
        entries = self.journal(f"NVCCD_JOB={job}")
        self.assertRegex(entries[0]["MESSAGE"], "set-mode devtools.*started")
        self.assertRegex(entries[-1]["MESSAGE"], "set-mode devtools.*done")
        self.assertEqual(entries[0]["MESSAGE_ID"], "caf9a9b03e064bffba0cb9f25ea53207")
        address = self.lab.address("gpu0")
        messages = [entry["MESSAGE"] for entry in self.journal(f"NVCCD_DEVICE={address}")]
        self.assertIn(f"{address}: ready, mode devtools", messages)
        self.assertFalse([text for text in messages if text.startswith(self.lab.address("gpu1"))])
        resets = self.journal(f"NVCCD_JOB={job}", "NVCCD_PHASE=reset")
        self.assertIn(address, resets[0]["NVCCD_DEVICE"])
        self.lab.run("journalctl --update-catalog")
        explained = self.lab.run(f"journalctl -x -u nvccd NVCCD_JOB={job} --no-pager").stdout
        self.assertIn("Subject: A change of NVIDIA devices has begun", explained)

    # --- reload ---

    def test_a_reload_that_fails_is_seen_and_changes_nothing(self):
        process = self.nvccd.process_id()
        self.lab.put(BROKEN, "[mode]\ndefault = 7\n")
        self.assertNotEqual(self.lab.run("systemctl reload nvccd", check=False).status, 0)
        self.wait_status(f"older settings are in force: {BROKEN}:2:")
        self.assertIn(f"{BROKEN}:2:", self.lab.run("journalctl -u nvccd -n 20 --no-pager").stdout)
        self.assertEqual((self.show("ActiveState"), self.nvccd.process_id()), ("active", process))
        self.lab.run(f"rm {BROKEN}; systemctl reload nvccd")
        self.wait_until(lambda: "older settings" not in self.show("StatusText"), "the status line to be good again")
        self.assertEqual(self.nvccd.process_id(), process)

    def test_a_hangup_signal_reloads_too(self):
        file = "/etc/nvccd/nvccd.toml.d/95-hangup.toml"
        for content, default in (('default = "devtools"', "devtools"), ("", "on")):
            self.lab.put(file, f"[mode]\n{content}\n")
            self.lab.run("systemctl kill -s HUP --kill-whom=main nvccd")
            self.wait_until(lambda mode=default: self.nvccd.property("DefaultMode") == mode, f"the default to be {default}")
        self.lab.run(["rm", file])
        self.nvccd.wait_node("on")
        self.assertEqual(self.show("ActiveState"), "active")

    # --- the watchdog ---

    def test_a_daemon_that_hangs_is_replaced(self):
        self.lab.put("/etc/systemd/system/nvccd.service.d/watchdog.conf", "[Service]\nWatchdogSec=10s\n")
        self.lab.run("systemctl daemon-reload && systemctl restart nvccd", timeout=180)
        hung, restarts = self.nvccd.process_id(), self.nvccd.restarts()
        self.lab.run(f"kill -STOP {hung}")
        self.wait_until(lambda: self.nvccd.restarts() > restarts, "systemd to start the service again", 120)
        self.nvccd.wait_node("on")
        self.assertNotEqual(self.nvccd.process_id(), hung)
        self.assertIn("Watchdog timeout", self.lab.run("journalctl -b -u nvccd --no-pager").stdout)
        self.lab.run("rm -r /etc/systemd/system/nvccd.service.d && systemctl daemon-reload && systemctl restart nvccd", timeout=180)
        self.nvccd.wait_node("on")


if __name__ == "__main__":
    main()
