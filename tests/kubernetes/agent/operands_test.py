"""Beside NVIDIA's GPU operator: its operands make way for a change and come back, and its CC manager is left alone."""
import unittest

from agent_fixture import AgentTest, PAUSED


class Operands(AgentTest):
    def test_operands_are_paused_before_the_change_and_restored_exactly_after_it(self):
        self.start_nvccd()
        self.nvccd.do("auto", value=False)
        before = {"vfio_manager": "true", "sandbox_validator": "true", "sandbox_device_plugin": "false",
                  "vgpu_manager": "mine", "kata_sandbox_device_plugin": "true", "cc_manager": "false"}
        self.add_node(mode="ppcie", **before)
        self.start_agent()
        self.nvccd.wait_for_calls(("SetMode", "ppcie"))
        self.expect_labels(vfio_manager=PAUSED, sandbox_validator=PAUSED, sandbox_device_plugin="false",
                           vgpu_manager="mine_" + PAUSED, kata_sandbox_device_plugin="true", cc_manager="false")
        self.nvccd.do("finish", state="done")
        self.expect_labels(mode_state="ppcie", ready="true", **before)
        self.assertNotIn("nvidia.com/gpu.deploy.vgpu-device-manager", self.api.labels())

    def test_the_change_waits_until_the_operands_pods_are_gone(self):
        self.start_nvccd()
        self.run_pod("nvidia-vfio-manager", key="name")
        self.run_pod("nvidia-sandbox-validator")
        self.run_pod("nvidia-dcgm")
        self.add_node(mode="ppcie", vfio_manager="true", sandbox_validator="true", cc_manager="false")
        self.start_agent()
        self.expect_labels(vfio_manager=PAUSED, sandbox_validator=PAUSED, ready="false")
        self.end_pod("nvidia-vfio-manager")
        self.expect_event("CCModeChanging")
        self.assertEqual(self.nvccd.calls, [])
        self.end_pod("nvidia-sandbox-validator")
        self.expect_labels(mode_state="ppcie", ready="true", vfio_manager="true", sandbox_validator="true")
        self.nvccd.wait_for_calls(("SetMode", "ppcie"))

    def test_operands_come_back_when_the_label_is_taken_back_before_the_change(self):
        self.start_nvccd()
        self.run_pod("nvidia-vfio-manager", key="name")
        self.add_node(mode="ppcie", vfio_manager="true", cc_manager="false")
        self.start_agent()
        self.expect_labels(vfio_manager=PAUSED, ready="false")
        self.assertTrue(self.withdrawn.exists())
        self.set_labels(mode=None)
        self.expect_labels(vfio_manager="true", mode_state="on", ready="true")
        self.expect(lambda: not self.withdrawn.exists(), "devices are offered again")
        self.assertEqual(self.nvccd.calls, [])

    def test_operands_come_back_after_a_failed_change(self):
        self.start_nvccd()
        self.nvccd.do("auto", value=False)
        self.add_node(mode="off", vfio_manager="true", cc_manager="false")
        self.start_agent()
        self.nvccd.wait_for_calls(("SetMode", "off"))
        self.nvccd.do("finish", state="failed")
        self.expect_labels(vfio_manager="true", mode_state="failed", ready="false")

    def test_who_switches_an_operand_off_meanwhile_keeps_it_off(self):
        self.start_nvccd()
        self.nvccd.do("auto", value=False)
        self.add_node(mode="off", vfio_manager="true", sandbox_validator="true", cc_manager="false")
        self.start_agent()
        self.nvccd.wait_for_calls(("SetMode", "off"))
        self.set_labels(vfio_manager="false")
        self.nvccd.do("finish", state="done")
        self.expect_labels(vfio_manager="false", sandbox_validator="true", mode_state="off")

    def test_an_operand_that_is_changed_at_the_moment_of_pausing_is_not_overwritten(self):
        self.start_nvccd()
        self.nvccd.do("auto", value=False)
        self.add_node(mode="off", vfio_manager="true", sandbox_validator="true", cc_manager="false")
        # Between what the agent has read and what it writes.
        self.api.fault(lambda request: str(request) == "patch nodes" and "paused" in request.text,
                       lambda handler, request: handler.api.put("nodes", "node1",
                                                                {"nvidia.com/gpu.deploy.vfio-manager": "false"}))
        self.start_agent()
        self.nvccd.wait_for_calls(("SetMode", "off"))
        self.expect_labels(vfio_manager="false", sandbox_validator=PAUSED)
        self.nvccd.do("finish", state="done")
        self.expect_labels(vfio_manager="false", sandbox_validator="true", mode_state="off")

    def test_what_another_program_left_paused_is_restored(self):
        """NVIDIA's CC manager leaves operands paused for ever when it dies after the resets."""
        self.start_nvccd()
        self.add_node(mode="on", vfio_manager=PAUSED, sandbox_validator="x_" + PAUSED, cc_manager="false")
        self.start_agent()
        self.expect_labels(vfio_manager="true", sandbox_validator="x", mode_state="on", ready="true")

    def test_a_change_does_not_begin_in_the_middle_of_a_driver_upgrade(self):
        self.start_nvccd()
        self.add_node(mode="ppcie", vfio_manager="paused-for-driver-upgrade", cc_manager="false")
        self.start_agent()
        self.expect_event("CCModePostponed", "nvidia.com/gpu.deploy.vfio-manager")
        self.assertEqual(self.nvccd.calls, [])
        self.set_labels(vfio_manager="true")
        self.expect_labels(mode_state="ppcie", ready="true", vfio_manager="true")

    def test_a_node_without_the_operator_asks_for_no_pods(self):
        self.start_nvccd()
        self.add_node(mode="ppcie")
        self.start_agent()
        self.expect_labels(mode_state="ppcie", ready="true")
        self.assertEqual(self.api.count("list pods"), 0)


class CcManager(AgentTest):
    def test_while_nvidias_cc_manager_is_deployed_nothing_is_written_nor_done(self):
        self.start_nvccd()
        self.add_node(mode="ppcie", cc_manager="true", vfio_manager="true", mode_state="off")
        before = self.api.labels()
        self.start_agent()
        self.expect_event("CCManagerActive", "nvidia.com/gpu.deploy.cc-manager=true")
        self.assertEqual(self.api.labels(), before)
        self.assertEqual((self.nvccd.calls, self.nvccd.dry_runs), ([], []))
        self.assertEqual(self.api.count("patch nodes"), 0)

    def test_a_node_that_is_handed_over_is_taken_when_the_cc_manager_has_ended(self):
        self.start_nvccd()
        self.run_pod("nvidia-cc-manager")
        self.add_node(mode="ppcie", cc_manager="true", vfio_manager=PAUSED)
        self.start_agent()
        self.expect_event("CCManagerActive")
        self.set_labels(cc_manager="false")
        self.expect_event("CCManagerActive", "still runs")
        self.assertEqual(self.nvccd.calls, [])
        self.end_pod("nvidia-cc-manager")
        self.expect_labels(mode_state="ppcie", ready="true", vfio_manager="true")
        self.nvccd.wait_for_calls(("SetMode", "ppcie"))

    def test_a_node_that_is_handed_back_while_a_change_waits_gets_its_operands_back(self):
        self.start_nvccd()
        self.run_pod("nvidia-vfio-manager", key="name")
        self.add_node(mode="ppcie", vfio_manager="true", sandbox_validator="x", cc_manager="false")
        self.start_agent()
        self.expect_labels(vfio_manager=PAUSED, sandbox_validator="x_" + PAUSED, ready="false")
        self.set_labels(cc_manager="true")
        self.expect_labels(vfio_manager="true", sandbox_validator="x")
        self.expect(lambda: not self.withdrawn.exists(), "devices are offered again")
        self.assertEqual(self.nvccd.calls, [])
        # From here on what is paused is the CC manager's doing.
        patches = self.api.count("patch nodes")
        self.set_labels(vfio_manager=PAUSED)
        self.set_labels(cc_manager="yes")
        self.expect_event("CCManagerActive", "cc-manager=yes")
        self.assertEqual(self.api.count("patch nodes"), patches)

    def test_a_node_that_is_handed_back_is_left_alone(self):
        self.start_nvccd()
        self.add_node(mode="on", cc_manager="false")
        self.start_agent()
        self.nvccd.wait_for_calls(("SetMode", "on"))
        self.expect_labels(mode_state="on", ready="true")
        self.set_labels(cc_manager="true")
        self.expect_event("CCManagerActive")
        self.set_labels(mode="off")
        self.nvccd.do("node", ready=False)
        self.set_labels(cc_manager="false")
        self.expect_labels(mode_state="off", ready="false")
        self.nvccd.wait_for_calls(("SetMode", "on"), ("SetMode", "off"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
