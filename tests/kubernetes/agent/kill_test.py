"""The agent is killed with SIGKILL at every request that the API server sees, before and after it takes effect, and at
every call of nvccd. Whatever the moment, the next agent brings the node to where it should be, and asks nvccd for
nothing twice."""
import threading
import unittest

from agent_fixture import AgentTest, DEPLOY, PAUSED

OPERANDS = {"cc_manager": "false", "vfio_manager": "true", "sandbox_validator": "x", "vgpu_manager": "false"}


class Killed(AgentTest):
    def begin(self, kill_at, labels, **node):
        """A node with the operator's DaemonSet controller beside it, and an agent that is killed at that step."""
        self.doCleanups()
        self.setUp()
        self.steps, self.kill_at, self.killing = 0, kill_at, threading.Lock()
        self.start_nvccd(**node)
        self.nvccd.do("hold", value=True)
        self.nvccd.on_held = self.on_call
        self.add_node(**labels, **OPERANDS)
        self.run_pod("nvidia-vfio-manager", key="name")
        self.api.on_step = self.on_request
        self.start_agent()

    def on_request(self, when, request):
        if when == "applied" and str(request) == "patch nodes":
            self.control_daemon_set()
        self.step()

    def on_call(self):
        self.step()
        self.nvccd.send("")

    def step(self):
        with self.killing:
            self.steps += 1
            if self.steps == self.kill_at:
                self.kill_agent()
                self.start_agent()

    def stop_agent(self):
        with getattr(self, "killing", threading.Lock()):
            self.kill_at = None
            if self.agent:
                self.kill_agent()

    def control_daemon_set(self):
        wanted = self.api.labels()[DEPLOY + "vfio-manager"] == "true"
        there = "nvidia-vfio-manager-x7k2p" in self.api.objects["pods"]
        if wanted and not there:
            self.run_pod("nvidia-vfio-manager", key="name")
        elif there and not wanted:
            self.end_pod("nvidia-vfio-manager")

    def at_every_step(self, story):
        """Runs the story undisturbed, then once for each of its steps with a kill there."""
        story(0)
        last = self.steps
        for step in range(1, last + 1):
            with self.subTest(killed_at=step, of=last):
                story(step)
        print(f"killed at {last} points of {story.__name__}")

    def expect_end(self, **labels):
        self.expect_labels(**labels, **OPERANDS)
        self.expect(lambda: not self.withdrawn.exists(), "devices are offered again")
        self.assertNotIn("paused", str(self.api.labels()))

    def test_a_change_of_mode_is_made_once_and_operands_come_back(self):
        def change(step):
            self.begin(step, {"mode": "ppcie"})
            self.expect_end(mode_state="ppcie", ready="true")
            self.nvccd.wait_for_calls(("SetMode", "ppcie"))
        self.at_every_step(change)

    def test_the_mode_of_a_label_that_went_is_taken_back(self):
        def take_back(step):
            self.begin(0, {"mode": "off"})
            self.expect_end(mode_state="off", ready="false")
            self.steps, self.kill_at = 0, step
            self.set_labels(mode=None)
            self.expect_end(mode_state="on", ready="true")
            # Clearing what is cleared does nothing, so that may be asked again.
            self.expect(lambda: [call[0] for call in self.nvccd.calls[:2]] == ["SetMode", "ClearMode"], "both calls")
            self.assertEqual(self.nvccd.calls.count(("SetMode", "off")), 1)
        self.at_every_step(take_back)

    def test_a_mode_is_the_labels_though_the_agent_died_before_it_heard_that_it_was_set(self):
        self.begin(0, {"mode": "off"})

        def kill_at_the_call():
            if self.nvccd.calls:
                self.nvccd.on_held = lambda: self.nvccd.send("")
                self.kill_agent()
                self.start_agent()
            self.nvccd.send("")
        self.nvccd.on_held = kill_at_the_call
        self.expect_end(mode_state="off", ready="false")
        self.set_labels(mode=None)
        self.expect_end(mode_state="on", ready="true")

    def test_a_wish_that_is_withdrawn_in_the_middle_leaves_everything_as_it_was(self):
        def withdraw(step):
            self.begin(step, {"mode": "ppcie", "vgpu_device_manager": "true"})
            # A pod that does not go, so that the change has to wait.
            self.run_pod("nvidia-vgpu-device-manager")
            self.expect_labels(vfio_manager=PAUSED, vgpu_device_manager=PAUSED)
            self.set_labels(mode=None)
            self.expect_end(mode_state="on", ready="true", vgpu_device_manager="true")
            self.assertEqual(self.nvccd.calls, [])
        self.at_every_step(withdraw)

    def test_a_change_that_runs_is_followed_to_its_end_by_the_next_agent(self):
        self.begin(0, {"mode": "ppcie"})
        self.nvccd.do("auto", value=False)
        self.nvccd.wait_for_calls(("SetMode", "ppcie"))
        for _ in range(3):
            self.kill_agent()
            told = self.api.count("create events")
            self.start_agent()
            self.api.wait(lambda: self.api.count("create events") > told, "the next agent says that a change runs")
        self.expect_labels(vfio_manager=PAUSED, ready="false")
        self.assertTrue(self.withdrawn.exists())
        self.nvccd.do("finish", state="done")
        self.expect_end(mode_state="ppcie", ready="true")
        self.nvccd.wait_for_calls(("SetMode", "ppcie"))

    def test_a_host_that_was_installed_anew_restores_the_operands(self):
        self.begin(0, {"mode": "ppcie"})
        self.nvccd.do("auto", value=False)
        self.nvccd.wait_for_calls(("SetMode", "ppcie"))
        self.kill_agent()
        self.nvccd.stop()
        labels = self.api.labels()
        self.assertEqual(labels[DEPLOY + "vfio-manager"], PAUSED)
        self.doCleanups()
        self.setUp()
        self.api.put("nodes", "node1", labels)
        self.start_nvccd()
        self.start_agent()
        self.expect_end(mode_state="ppcie", ready="true")


if __name__ == "__main__":
    unittest.main(verbosity=2)
