#!/usr/bin/python3
"""The guest's power is cut, or the daemon killed, in the middle of a change."""
from nvccd import STATE_FILE, Nvccd
from support import BUILD, LabTest, main


class Interrupted(LabTest):
    options = {"gpus": 3, "nvswitches": 1, "install": BUILD}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.nvccd = Nvccd(cls.lab)
        cls.nvccd.enable("off")

    def modes(self):
        return {name: each["active_mode"] for name, each in self.lab.hardware().items()}

    def begin_slow_change(self, mode):
        """Starts a change and returns when the first device of it was reset, while none has booted again."""
        for name in self.lab.devices():
            self.lab.set_delays(name, boot_ms=20000)
        before = len(self.lab.events("gpu0", "reset"))
        self.nvccd.set_mode(mode)
        self.wait_until(lambda: len(self.lab.events("gpu0", "reset")) > before, "the first reset", 120)
        self.assertFalse((self.nvccd.state() or {"node": {"ready": False}})["node"]["ready"])

    def speed_up(self):
        for name in self.lab.devices():
            self.lab.set_delays(name, boot_ms=0)

    def test_a_power_cut_in_a_change_ends_in_the_mode_that_was_asked_for(self):
        self.begin_slow_change("ppcie")
        self.speed_up()
        self.lab.power_cut()
        # Whoever reads the state file sees none, or one that is true: a watcher from the first moment on notes every "ready".
        self.lab.boot()
        self.nvccd.wait_node("ppcie")
        self.assertEqual(set(self.modes().values()), {"ppcie"})
        self.assertTrue(self.nvccd.state()["node"]["ready"])
        self.check_ready_was_true_of_the_hardware()

    def test_a_killed_daemon_ends_in_the_mode_that_was_asked_for(self):
        self.begin_slow_change("devtools")
        self.lab.run("kill -9 " + self.nvccd.process_id())
        self.wait_until(lambda: self.nvccd.state() is None or not self.nvccd.state()["node"]["ready"], "ready to be gone")
        self.speed_up()
        self.nvccd.wait_node("devtools")
        self.assertEqual(self.modes(), {"gpu0": "devtools", "gpu1": "devtools", "gpu2": "devtools", "nvswitch0": "off"})

    def check_ready_was_true_of_the_hardware(self):
        """The log's first "ready" after the start came after the last device had taken the mode over."""
        self.assertEqual(self.lab.run(f"grep -c '\"ready\": true' {STATE_FILE}").stdout.strip(), "1")
        log = self.lab.run("journalctl -b -u nvccd -o cat --no-pager").stdout.splitlines()
        first_ready = next(n for n, line in enumerate(log) if line.endswith(", ready"))
        verified = [n for n, line in enumerate(log) if "ready, mode ppcie" in line]
        self.assertEqual(len([n for n in verified if n < first_ready]), 4, log)


if __name__ == "__main__":
    main()
