"""The agent with nvccd's real engine, on emulated devices whose time runs fast."""
import os
import subprocess
import threading
import unittest

from agent_fixture import AgentTest, PAUSED

NODE = os.environ["NVCCD_EMULATED_NODE"]


class EmulatedNode:
    def __init__(self, bus, *options):
        self.process = subprocess.Popen([NODE, "--bus", bus, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)
        self.lock = threading.Lock()
        if self.process.stdout.readline().strip() != "ready":
            raise AssertionError("the emulated node does not come up")

    def do(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        assert answer == "ok", f"{command}: {answer}"

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


class EmulatedDevices(AgentTest):
    def start_node(self, *options):
        self.node = EmulatedNode(self.bus.address, "--gpus", "4", "--switches", "2", "--speed", "50", *options)
        self.addCleanup(self.node.stop)

    def test_the_label_changes_gpus_and_switches_and_back(self):
        self.start_node()
        self.add_node(mode="ppcie", vfio_manager="true", cc_manager="false")
        self.start_agent()
        self.expect_labels(mode_state="ppcie", ready="true", vfio_manager="true")
        self.set_labels(mode="off")
        self.expect_labels(mode_state="off", ready="false", vfio_manager="true")
        self.set_labels(mode=None)
        self.expect_labels(mode_state="on", ready="true", vfio_manager="true")
        self.expect(lambda: not self.withdrawn.exists(), "devices are offered again")

    def test_a_mode_that_is_in_force_already_disturbs_nobody(self):
        self.start_node()
        self.add_node(mode="on", vfio_manager="true", cc_manager="false")
        self.start_agent()
        self.expect_labels(mode_state="on", ready="true")
        self.expect(lambda: (self.directory / "lib" / "label-modes").exists(), "nvccd was asked")
        self.set_labels(mode="ppcie")
        self.expect_labels(mode_state="ppcie", ready="true", vfio_manager="true")
        paused = [r for r in self.api.requests if str(r) == "patch nodes" and "paused" in r.text]
        self.assertEqual(len(paused), 1, "only for the second change")

    def test_a_device_that_a_vm_holds_is_named_and_waited_for(self):
        self.start_node()
        self.node.do("hold gpu1")
        self.add_node(mode="ppcie", vfio_manager="true", cc_manager="false")
        self.start_agent()
        self.expect_event("CCModeWaiting", "let go of 0000:")
        self.expect_labels(ready="false", vfio_manager=PAUSED)
        self.node.do("release gpu1")
        self.expect_labels(mode_state="ppcie", ready="true", vfio_manager="true")

    def test_a_label_that_is_taken_back_while_a_device_is_waited_for_changes_nothing(self):
        self.start_node()
        self.node.do("hold gpu1")
        self.add_node(mode="ppcie", vfio_manager="true", cc_manager="false")
        self.start_agent()
        self.expect_event("CCModeWaiting")
        self.set_labels(mode="on")
        self.expect(lambda: self.node_mode() == "on", "the newer value is set")
        self.node.do("release gpu1")
        self.expect_labels(mode_state="on", ready="true", vfio_manager="true")
        self.assertNotIn("the mode is ppcie", str(self.api.events()))

    def busctl(self, *arguments):
        """As an administrator does with nvccctl. The answer; None when nvccd refuses."""
        done = subprocess.run(["busctl", f"--address={self.bus.address}", *arguments], capture_output=True, text=True)
        return done.stdout if done.returncode == 0 else None

    def property(self, name):
        return self.busctl("get-property", "org.nvccd1", "/org/nvccd1", "org.nvccd1.Manager", name).split('"')[1]

    def node_mode(self):
        return self.property("NodeMode")

    def wait_for_a_held_device(self):
        self.start_node()
        self.node.do("hold gpu1")
        self.add_node(mode="ppcie", vfio_manager="true", cc_manager="false")
        self.start_agent()
        self.expect_event("CCModeWaiting")

    def test_a_mode_that_is_set_on_the_node_while_the_labels_waits_lasts_until_the_agent_sees_it(self):
        self.wait_for_a_held_device()
        for mode in ("off", "on", "off"):
            # Refused until the job of the label waits again.
            self.expect(lambda m=mode: self.busctl("call", "org.nvccd1", "/org/nvccd1", "org.nvccd1.Manager", "SetMode",
                                                   "sa{sv}", m, "0"), f"{mode} is set on the node")
            self.expect(lambda: self.node_mode() == "ppcie", "the label wins")
        self.assertNotIn("CCModeRefused", self.api.reasons())
        self.node.do("release gpu1")
        self.expect_labels(mode_state="ppcie", ready="true", vfio_manager="true")

    def test_who_cancels_the_change_on_the_node_is_obeyed(self):
        self.wait_for_a_held_device()
        self.assertIsNotNone(self.busctl("call", "org.nvccd1", self.property("CurrentJob"), "org.nvccd1.Job", "Cancel"))
        self.expect_event("CCModeRefused", "cancelled on request")
        self.expect_labels(mode_state="failed", ready="true", vfio_manager="true")
        self.set_labels(mode="on")
        self.expect_labels(mode_state="on", ready="true")

    def test_a_device_that_does_not_boot_is_named_and_the_node_not_ready(self):
        self.start_node()
        self.node.do("fault gpu2 boot-never")
        self.add_node(mode="off", vfio_manager="true", cc_manager="false")
        self.start_agent()
        self.expect_labels(mode_state="failed", ready="false", vfio_manager="true")
        self.expect_event("CCModeFailed", "0000:")

    def test_many_flips_end_in_the_last(self):
        self.start_node()
        self.add_node(mode="on")
        self.start_agent()
        for mode in ("off", "ppcie", "devtools", "on", "off", "ppcie") * 3:
            self.set_labels(mode=mode)
        self.expect_labels(mode_state="ppcie", ready="true")


if __name__ == "__main__":
    unittest.main(verbosity=2)
