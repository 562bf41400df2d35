"""What somebody sees who sets the mode label of a node."""
import unittest

from agent_fixture import AgentTest


class ModeLabel(AgentTest):
    def test_the_label_sets_the_mode_and_the_state_labels_follow(self):
        self.start_nvccd()
        self.add_node(mode="ppcie")
        self.start_agent()
        self.expect_labels(mode_state="ppcie", ready="true")
        self.nvccd.wait_for_calls(("SetMode", "ppcie"))
        self.expect_event("CCModeChanging", "changing the mode to ppcie")
        self.expect_event("CCModeChanged", "the mode is ppcie, was on")

    def test_a_node_without_the_label_keeps_its_mode_and_says_which(self):
        self.start_nvccd(node_mode="devtools", requested_mode="devtools", mode_state="devtools", ready=False)
        self.add_node()
        self.start_agent()
        self.expect_labels(mode_state="devtools", ready="false")
        self.assertEqual(self.nvccd.calls, [])

    def test_an_administrators_mode_stays_when_no_label_was_ever_there(self):
        self.start_nvccd(node_mode="off", requested_mode="off", mode_state="off", ready=False)
        self.add_node()
        self.start_agent()
        self.expect_labels(mode_state="off", ready="false")
        self.set_labels(mode="on")
        self.expect_labels(mode_state="on", ready="true")
        self.set_labels(mode=None)
        self.nvccd.wait_for_calls(("SetMode", "on"), ("ClearMode",))

    def test_without_its_label_the_node_goes_back_to_the_default(self):
        self.start_nvccd()
        self.add_node(mode="off")
        self.start_agent()
        self.expect_labels(mode_state="off", ready="false")
        self.set_labels(mode=None)
        self.expect_labels(mode_state="on", ready="true")
        self.nvccd.wait_for_calls(("SetMode", "off"), ("ClearMode",))

    def test_a_label_that_went_while_the_agent_was_down_is_noticed(self):
        self.start_nvccd()
        self.add_node(mode="off")
        self.start_agent()
        self.expect_labels(mode_state="off")
        self.kill_agent()
        self.set_labels(mode=None)
        self.start_agent()
        self.expect_labels(mode_state="on", ready="true")
        self.nvccd.wait_for_calls(("SetMode", "off"), ("ClearMode",))

    def test_a_value_that_is_no_mode_changes_nothing_and_is_reported(self):
        self.start_nvccd()
        self.add_node(mode="onn")
        self.start_agent()
        self.expect_labels(mode_state="failed", ready="true")
        self.expect_event("CCModeInvalid", "nvidia.com/cc.mode=onn")
        self.assertEqual((self.nvccd.calls, self.nvccd.dry_runs), ([], []))
        self.set_labels(mode="off")
        self.expect_labels(mode_state="off", ready="false")

    def test_only_the_last_of_many_flips_counts(self):
        self.start_nvccd()
        self.nvccd.do("auto", value=False)
        self.add_node(mode="off")
        self.start_agent()
        self.nvccd.wait_for_calls(("SetMode", "off"))
        for mode in ("on", "off", "devtools", "on", "ppcie"):
            self.set_labels(mode=mode)
        self.api.wait(lambda: self.api.labels()["nvidia.com/cc.mode"] == "ppcie", "the last flip")
        self.expect_labels(ready="false")
        self.nvccd.do("auto", value=True)
        self.nvccd.do("finish", state="done")
        self.expect_labels(mode_state="ppcie", ready="true")
        self.nvccd.wait_for_calls(("SetMode", "off"), ("SetMode", "ppcie"))

    def test_a_flip_back_while_the_change_runs_ends_where_it_was(self):
        self.start_nvccd()
        self.nvccd.do("auto", value=False)
        self.add_node(mode="off")
        self.start_agent()
        self.nvccd.wait_for_calls(("SetMode", "off"))
        self.set_labels(mode="on")
        self.nvccd.do("auto", value=True)
        self.nvccd.do("finish", state="done")
        self.nvccd.wait_for_calls(("SetMode", "off"), ("SetMode", "on"))
        self.expect_labels(mode_state="on", ready="true")

    def test_a_change_that_has_reset_nothing_is_cancelled_for_a_newer_one(self):
        self.start_nvccd()
        self.nvccd.do("auto", value=False)
        self.add_node(mode="off")
        self.start_agent()
        self.nvccd.wait_for_calls(("SetMode", "off"))
        self.nvccd.do("job", phase="stage")
        self.nvccd.do("auto", value=True)
        self.set_labels(mode="ppcie")
        # Nobody lets the first one finish.
        self.expect_labels(mode_state="ppcie", ready="true")
        self.nvccd.wait_for_calls(("SetMode", "off"), ("SetMode", "ppcie"))

    def test_a_change_that_still_takes_devices_is_cancelled_for_a_newer_one(self):
        self.start_nvccd()
        self.nvccd.do("auto", value=False)
        self.add_node(mode="off")
        self.start_agent()
        self.nvccd.wait_for_calls(("SetMode", "off"))
        self.nvccd.do("job", phase="bind")
        self.nvccd.do("auto", value=True)
        self.set_labels(mode="ppcie")
        self.nvccd.wait_for_cancel()
        self.expect_labels(mode_state="ppcie", ready="true")

    def test_a_flip_to_and_fro_cancels_once_and_refuses_nothing(self):
        self.start_nvccd()
        self.nvccd.do("auto", value=False)
        self.nvccd.do("slow_cancel", value=True)
        self.add_node(mode="off")
        self.start_agent()
        self.nvccd.wait_for_calls(("SetMode", "off"))
        self.nvccd.do("job", phase="stage")
        self.set_labels(mode="ppcie")
        self.nvccd.wait_for_cancel()
        # Staging is being undone; meanwhile there is news of the job, and the label asks for the same again.
        for phase in ("bind", "stage", "bind"):
            self.nvccd.do("job", phase=phase)
        self.set_labels(mode="off")
        self.api.wait(lambda: ("CCModeChanging", "changing the mode to off", 2) in self.api.events(),
                      "the job is what the label asks for again")
        self.nvccd.do("auto", value=True)
        self.nvccd.do("finish", state="cancelled", kind="org.nvccd1.Error.Cancelled", error="cancelled on request", back=True)
        self.expect_labels(mode_state="off", ready="false")
        self.assertEqual(len(self.nvccd.cancels), 1, "cancelled again and again")
        self.assertNotIn("CCModeRefused", self.api.reasons())
        self.nvccd.wait_for_calls(("SetMode", "off"), ("SetMode", "off"))

    def test_ready_is_false_while_a_change_runs_and_the_mode_is_what_it_was(self):
        self.start_nvccd()
        self.add_node()
        self.start_agent()
        self.expect_labels(mode_state="on", ready="true")
        self.nvccd.do("hold", value=True)
        self.nvccd.do("auto", value=False)
        self.set_labels(mode="ppcie")
        self.nvccd.on_held = lambda: self.nvccd.send("")  # dry run and call
        self.nvccd.wait_for_calls(("SetMode", "ppcie"))
        self.assertEqual(self.api.labels()["nvidia.com/cc.ready.state"], "false", "ready when nvccd was asked")
        self.assertEqual(self.api.labels()["nvidia.com/cc.mode.state"], "on")
        self.assertTrue(self.withdrawn.exists())

    def test_a_failed_change_is_not_ready_says_why_and_is_not_repeated(self):
        self.start_nvccd()
        self.nvccd.do("auto", value=False)
        self.add_node(mode="off")
        self.start_agent()
        self.nvccd.wait_for_calls(("SetMode", "off"))
        self.nvccd.do("finish", state="failed", error="0000:65:00.0: boot: no answer after 60 s")
        self.expect_labels(mode_state="failed", ready="false")
        self.expect_event("CCModeFailed", "no answer after 60 s")
        self.expect(lambda: not self.withdrawn.exists(), "devices are offered again")
        self.nvccd.wait_for_calls(("SetMode", "off"))

    def test_a_mode_that_the_devices_cannot_do_touches_nothing(self):
        self.start_nvccd()
        self.nvccd.do("refuse", kind="org.nvccd1.Error.NotSupported", message="mode ppcie is not supported by this GPU")
        self.add_node(mode="ppcie", vfio_manager="true", cc_manager="false")
        self.start_agent()
        self.expect_event("CCModeRefused", "mode ppcie is not supported by this GPU")
        self.expect_labels(mode_state="failed", ready="true", vfio_manager="true")
        self.assertEqual(self.nvccd.calls, [])
        self.assertFalse(self.withdrawn.exists())

    def test_a_change_that_turns_out_to_be_impossible_is_not_tried_for_ever(self):
        self.start_nvccd()
        self.nvccd.do("auto", value=False)
        self.add_node(mode="ppcie")
        self.start_agent()
        self.nvccd.wait_for_calls(("SetMode", "ppcie"))
        self.nvccd.do("finish", state="failed", kind="org.nvccd1.Error.NotSupported", error="a switch is missing", back=True)
        self.expect_event("CCModeRefused", "a switch is missing")
        self.expect_labels(mode_state="failed", ready="true")
        self.nvccd.wait_for_calls(("SetMode", "ppcie"))
        self.nvccd.do("auto", value=True)
        self.set_labels(mode="off")
        self.expect_labels(mode_state="off")

    def test_who_cancels_the_change_on_the_node_is_obeyed_until_the_label_changes(self):
        self.start_nvccd()
        self.nvccd.do("auto", value=False)
        self.add_node(mode="off")
        self.start_agent()
        self.nvccd.wait_for_calls(("SetMode", "off"))
        self.nvccd.do("finish", state="cancelled", kind="org.nvccd1.Error.Cancelled", error="cancelled on request", back=True)
        self.expect_labels(mode_state="failed", ready="true")
        self.expect_event("CCModeRefused", "cancelled on request")
        self.nvccd.wait_for_calls(("SetMode", "off"))

    def test_a_device_that_a_vm_holds_is_waited_for_by_name(self):
        self.start_nvccd()
        self.nvccd.do("auto", value=False)
        self.nvccd.do("use", address="0000:66:00.0", value=True)
        self.add_node(mode="ppcie")
        self.start_agent()
        self.nvccd.wait_for_calls(("SetMode", "ppcie"))
        self.nvccd.do("job", state="waiting")
        self.expect_event("CCModeWaiting", "let go of 0000:66:00.0")
        self.expect_labels(ready="false")
        self.assertTrue(self.withdrawn.exists())
        self.nvccd.do("use", address="0000:66:00.0", value=False)
        self.nvccd.do("finish", state="done")
        self.expect_labels(mode_state="ppcie", ready="true")

    def test_a_newer_value_replaces_a_change_that_waits(self):
        self.start_nvccd()
        self.nvccd.do("auto", value=False)
        self.nvccd.do("use", address="0000:66:00.0", value=True)
        self.add_node(mode="ppcie")
        self.start_agent()
        self.nvccd.wait_for_calls(("SetMode", "ppcie"))
        self.nvccd.do("job", state="waiting")
        self.expect_event("CCModeWaiting")
        self.set_labels(mode="off")
        self.nvccd.wait_for_calls(("SetMode", "ppcie"), ("SetMode", "off"))

    def test_another_agents_start_does_not_ask_again(self):
        self.start_nvccd()
        self.add_node(mode="ppcie")
        self.start_agent()
        self.expect_labels(mode_state="ppcie", ready="true")
        self.stop_agent()
        self.start_agent()
        self.api.wait(lambda: self.api.count("watch nodes") == 2, "the second agent watches")
        self.set_labels(mode="off")
        self.expect_labels(mode_state="off", ready="false")
        self.nvccd.wait_for_calls(("SetMode", "ppcie"), ("SetMode", "off"))


class NvccdComesAndGoes(AgentTest):
    def test_without_nvccd_the_node_is_not_ready_and_with_it_it_is(self):
        self.start_nvccd()
        self.add_node(mode="on")
        self.start_agent()
        self.expect_labels(mode_state="on", ready="true")
        self.nvccd.stop()
        self.expect_labels(ready="false")
        self.assertEqual(self.api.labels()["nvidia.com/cc.mode.state"], "on", "perhaps it only restarts")
        self.start_nvccd(node_mode="on")
        self.expect_labels(mode_state="on", ready="true")
        self.assertNotIn("NvccdNotRunning", self.api.reasons())

    def test_an_agent_that_starts_first_waits_for_nvccd(self):
        self.add_node(mode="ppcie", ready="true")
        self.start_agent()
        self.expect_labels(ready="false")
        self.start_nvccd()
        self.expect_labels(mode_state="ppcie", ready="true")

    def test_nvccd_that_stays_away_is_reported_and_operands_come_back(self):
        self.start_nvccd()
        self.nvccd.do("auto", value=False)
        self.add_node(mode="ppcie", vfio_manager="true", cc_manager="false")
        self.start_agent()
        self.nvccd.wait_for_calls(("SetMode", "ppcie"))
        self.nvccd.stop()
        self.api.wait(lambda: "NvccdNotRunning" in self.api.reasons(), "an event, after half a minute", limit=90)
        self.expect_labels(mode_state="failed", ready="false", vfio_manager="true")
        self.expect(lambda: not self.withdrawn.exists(), "the withdrawal ends")

    def test_nvccd_that_ends_in_the_middle_of_a_change_goes_on_with_it(self):
        self.start_nvccd()
        self.nvccd.do("auto", value=False)
        self.add_node(mode="ppcie", vfio_manager="true", cc_manager="false")
        self.start_agent()
        self.nvccd.wait_for_calls(("SetMode", "ppcie"))
        self.nvccd.stop()
        self.expect_labels(ready="false")
        # It remembers its node mode and goes on by itself.
        self.start_nvccd(node_mode="ppcie", requested_mode="ppcie", mode_state="ppcie", ready=True)
        self.expect_labels(mode_state="ppcie", ready="true", vfio_manager="true")
        self.assertEqual(self.nvccd.calls, [])
        self.expect(lambda: not self.withdrawn.exists(), "devices are offered again")

    def test_the_bus_goes_and_comes_back(self):
        self.start_nvccd()
        self.add_node(mode="on")
        self.start_agent()
        self.expect_labels(ready="true")
        self.bus.stop()
        self.expect_labels(ready="false")
        self.nvccd.stop()
        (self.directory / "bus").unlink(missing_ok=True)
        self.bus.__init__(self.directory)
        self.start_nvccd(node_mode="on")
        self.expect_labels(ready="true")


if __name__ == "__main__":
    unittest.main(verbosity=2)
