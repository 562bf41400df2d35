#!/usr/bin/python3
"""A device that a VM holds: nothing is done to it, whatever is asked for."""
from nvccd import Holder, Nvccd
from support import BUILD, LabTest, main


class InUse(LabTest):
    options = {"gpus": 2, "install": BUILD}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.nvccd = Nvccd(cls.lab)
        cls.nvccd.enable("on")

    def test_a_held_device_is_neither_reset_nor_changed_until_it_is_released(self):
        with Holder(self.nvccd, "gpu1") as holder:
            address = holder.address
            device = self.nvccd.device(address)
            self.assertEqual((device["state"], device["healthy"]), ("ready", True), "it was verified before it was taken")
            resets = self.nvccd.resets()

            # refuse: busy, at once, naming the device; nothing happens to the other either
            result = self.lab.run("nvccctl set-mode off --no-wait", check=False)
            self.assertEqual(result.status, 3, result)
            self.assertIn(address, result.stderr)
            self.assertEqual(self.lab.hardware("gpu0")["active_mode"], "on")
            self.assertEqual(self.nvccd.resets(), resets)

            # wait: says so on the bus, leaves the device alone, and goes on by itself
            job = self.nvccd.set_mode("off")
            self.wait_until(lambda: self.nvccd.property("State", f"org.nvccd1 {job} org.nvccd1.Job") == "waiting", "the job to wait")
            self.assertEqual(self.nvccd.device(address)["state"], "busy")
            self.assertIs(self.nvccd.property("Ready"), False)
            self.assertIn("fuser -v /dev/vfio/", self.nvccd.device(address)["error"], "the error says how to find who holds the device")
            self.assertEqual((self.nvccd.resets()["gpu1"], self.lab.hardware("gpu1")["active_mode"]), (resets["gpu1"], "on"))
            holder.release()
            self.nvccd.wait_device_ready(address, "off")
        self.assertEqual({name: each["active_mode"] for name, each in self.lab.hardware().items()},
                         {"gpu0": "off", "gpu1": "off"})
        self.assertEqual(self.nvccd.resets()["gpu1"], resets["gpu1"] + 1)
        self.lab.run("nvccctl set-mode on", timeout=180)

    def test_a_released_device_is_verified_before_it_is_healthy_again(self):
        with Holder(self.nvccd, "gpu0") as holder:
            self.lab.set_knob("gpu0", 8, 0)  # what a guest may have done
        self.nvccd.wait_device_ready(holder.address, "on")
        self.assertEqual(self.lab.hardware("gpu0")["knobs"]["8"], 1)
        self.wait_until(lambda: self.nvccd.property("Ready"), "the node to be ready")


if __name__ == "__main__":
    main()
