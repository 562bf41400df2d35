#!/usr/bin/python3
"""The guest itself, without any device."""
from support import LabError, LabTest, main


class Guest(LabTest):
    def test_systemd_runs_and_no_unit_failed(self):
        self.assertEqual(self.lab.run("systemctl is-system-running").stdout.strip(), "running")
        self.assertEqual(self.lab.run("systemctl --failed --no-legend").stdout, "")

    def test_what_nvccd_needs_is_there(self):
        for unit in ("systemd-udevd", "dbus"):
            self.assertEqual(self.lab.run(f"systemctl is-active {unit}").stdout.strip(), "active", unit)
        # polkit starts when it is asked for
        self.lab.run("busctl call org.freedesktop.PolicyKit1 /org/freedesktop/PolicyKit1/Authority org.freedesktop.DBus.Peer Ping")
        self.lab.run("modprobe vfio-pci")
        self.assertNotEqual(self.lab.run("ls /sys/kernel/iommu_groups").stdout, "", "an IOMMU is on")

    def test_a_command_returns_status_and_both_outputs(self):
        result = self.lab.run("echo out; echo err >&2; exit 3", check=False)
        self.assertEqual((result.status, result.stdout, result.stderr), (3, "out\n", "err\n"))
        with self.assertRaisesRegex(LabError, "exit status 3"):
            self.lab.run("exit 3")

    def test_an_argument_vector_reaches_the_program_as_it_is(self):
        self.assertEqual(self.lab.run(["printf", "%s|", "two words", "$HOME"]).stdout, "two words|$HOME|")

    def test_a_command_that_takes_long_holds_up_nobody(self):
        waiting = self.lab.start("until [ -e /run/go-on ]; do sleep 0.05; done; echo went on")
        self.lab.run("touch /run/go-on")
        self.assertEqual(waiting().stdout, "went on\n")

    def test_a_command_that_never_ends_is_given_up(self):
        with self.assertRaisesRegex(LabError, "still running after 1 s"):
            self.lab.run("exec sleep 1000", timeout=1)

    def test_files_go_in_and_out_unchanged(self):
        data = bytes(range(256)) * 1000
        self.lab.put("/root/some/where/file", data, mode=0o750)
        self.assertEqual(self.lab.get("/root/some/where/file"), data)
        self.assertEqual(self.lab.run("stat -c %a /root/some/where/file").stdout.strip(), "750")


if __name__ == "__main__":
    main()
