#!/usr/bin/python3
"""Restarts and power cuts: what a guest and its devices keep."""
from support import LabTest, main


class Power(LabTest):
    options = {"gpus": 1}

    def test_a_restart_keeps_the_disk_and_the_devices_modes(self):
        self.lab.run("echo kept > /var/lib/kept; touch /run/lost")
        self.lab.set_knob("gpu0", 8, 1)
        self.lab.reboot()
        self.assertEqual(self.lab.get("/var/lib/kept"), b"kept\n")
        self.assertEqual(self.lab.run("test -e /run/lost", check=False).status, 1)
        self.assertEqual(len(self.lab.run("lspci -n -d 10de:").stdout.splitlines()), 1)
        self.assertEqual(self.lab.hardware("gpu0")["active_mode"], "on", "the platform resets its devices when it restarts")

    def test_a_power_cut_keeps_what_was_written_and_only_that(self):
        self.lab.run("echo synced > /var/lib/synced; sync; echo not yet > /var/lib/unsynced")
        cycles = self.lab.hardware("gpu0")["counters"]["power_cycles"]
        self.lab.power_cut()
        self.assertEqual(self.lab.hardware("gpu0")["counters"]["power_cycles"], cycles + 1)
        self.lab.boot()
        self.assertEqual(self.lab.get("/var/lib/synced"), b"synced\n")
        # a journalling file system knows the name at most; the data was in memory
        self.assertNotEqual(self.lab.run("cat /var/lib/unsynced", check=False).stdout, "not yet\n")
        self.assertEqual(len(self.lab.run("lspci -n -d 10de:").stdout.splitlines()), 1)


if __name__ == "__main__":
    main()
