#!/usr/bin/python3
"""Setting the node's mode over D-Bus, and what outlives what."""
from nvccd import Nvccd, Signals
from support import BUILD, LabTest, main


class NodeMode(LabTest):
    options = {"gpus": 2, "nvswitches": 1, "install": BUILD}

    def hardware_modes(self):
        return {name: hardware["active_mode"] for name, hardware in self.lab.hardware().items()}

    def test_the_node_mode_is_set_over_the_bus_and_survives_restarts_and_power_cuts(self):
        nvccd = Nvccd(self.lab)
        nvccd.enable()
        self.assertEqual(self.hardware_modes(), {"gpu0": "on", "gpu1": "on", "nvswitch0": "off"})

        with Signals(self.lab) as signals:
            job = nvccd.set_mode("off")
            self.assertRegex(job, r"^/org/nvccd1/job/\d+$")
            self.assertEqual(signals.wait_job(job), "done")
            self.assertEqual(self.hardware_modes(), {"gpu0": "off", "gpu1": "off", "nvswitch0": "off"})
        self.assertEqual((nvccd.property("NodeMode"), nvccd.property("RequestedMode"), nvccd.property("ModeState")),
                         ("off", "off", "off"))
        self.assertIs(nvccd.property("Ready"), False, "off is no mode to be ready in")

        self.lab.run("systemctl restart nvccd", timeout=180)
        self.check_still_off(nvccd)
        self.lab.reboot()
        self.check_still_off(nvccd)
        self.lab.power_cut()
        self.lab.boot()
        self.check_still_off(nvccd)

        self.lab.run("nvccctl clear-mode", timeout=180)
        self.assertEqual(self.hardware_modes(), {"gpu0": "on", "gpu1": "on", "nvswitch0": "off"})

        self.lab.run("nvccctl set-mode ppcie", timeout=180)
        self.assertEqual(self.hardware_modes(), {"gpu0": "ppcie", "gpu1": "ppcie", "nvswitch0": "ppcie"})
        self.assertIs(nvccd.property("Ready"), True)

    def check_still_off(self, nvccd):
        nvccd.wait_node("off")
        self.assertEqual(nvccd.state()["node"]["node_mode"], "off")
        self.assertEqual(self.hardware_modes(), {"gpu0": "off", "gpu1": "off", "nvswitch0": "off"})


if __name__ == "__main__":
    main()
