"""An API server, and a network, that do everything they can do wrong. In the end the node is as the label says."""
import json
import os
import threading
import unittest

from agent_fixture import AgentTest
from api_server import Disconnect, Refused


def refuse(code, message="not now", **headers):
    def action(handler, request):
        raise Refused(code, message, {key.replace("_", "-"): value for key, value in headers.items()})
    return action


def disconnect(handler, request):
    raise Disconnect


def answer_nothing(handler, request):
    handler.send_response(200)
    handler.end_headers()
    raise Disconnect


def stream(*pieces):
    """A watch of exactly these bytes, then its end."""
    def action(handler, request):
        handler.begin_stream()
        for piece in pieces:
            handler.send_data(piece)
        handler.end_stream()
        raise Disconnect
    return action


def answer(body, content_type="application/json"):
    def action(handler, request):
        handler.send_response(200)
        handler.send_header("Content-Type", content_type)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)
        handler.wfile.flush()
        raise Disconnect
    return action


class Faults(AgentTest):
    def follow(self, mode="ppcie"):
        """The agent follows a label that changes after all that has gone wrong."""
        self.set_labels(mode=mode)
        self.expect_labels(mode_state=mode, ready="true" if mode in ("on", "ppcie") else "false")

    def start(self, mode="on"):
        self.start_nvccd(**({"node_mode": "on"} if mode == "on" else {}))
        self.add_node(mode=mode)
        self.start_agent()

    def expect_watches(self, number):
        self.api.wait(lambda: sum(str(r) == "watch nodes" for r in self.api.requests) >= number, f"{number} watches")

    # ---- lists ----

    def test_lists_that_fail_are_tried_again(self):
        for action in (disconnect, answer_nothing, refuse(503, Retry_After="1"), refuse(401)):
            self.api.fault("list nodes", action)
        self.start()
        self.expect_labels(mode_state="on", ready="true")

    def test_lists_that_make_no_sense_are_tried_again(self):
        for body in (b"not json", b'{"metadata":{"resourceVersion":"1"},"items":[{}]}',
                     b'{"metadata":{"resourceVersion":"1"},"items":[{"metadata":{"name":"node1","labels":{"a":7}}}]}'):
            self.api.fault("list nodes", answer(body))
        self.start()
        self.expect_labels(mode_state="on", ready="true")

    def test_a_node_that_does_not_exist_yet_is_waited_for(self):
        self.start_nvccd()
        self.start_agent()
        self.expect_watches(1)
        self.add_node(mode="ppcie")
        self.expect_labels(mode_state="ppcie", ready="true")

    def test_a_node_that_is_deleted_and_made_again_is_followed(self):
        self.start()
        self.expect_labels(mode_state="on", ready="true")
        self.api.remove("nodes", "node1")
        self.add_node(mode="ppcie")
        self.expect_labels(mode_state="ppcie", ready="true")

    # ---- watches ----

    def test_a_watch_that_breaks_is_taken_up_where_it_was(self):
        self.start()
        self.expect_labels(ready="true")
        self.api.end_watches()
        self.follow()
        self.assertEqual(self.api.count("list nodes"), 1)

    def test_a_label_that_changes_while_the_watch_is_broken_is_not_lost(self):
        self.start()
        self.expect_labels(ready="true")
        self.expect_watches(1)
        self.api.fault("watch nodes", disconnect, times=2)
        self.api.end_watches()
        self.follow("off")
        self.nvccd.wait_for_calls(("SetMode", "off"))

    def test_a_version_that_is_too_old_means_a_new_list(self):
        self.start()
        self.expect_labels(ready="true")
        self.api.put("nodes", "other")
        self.api.forget_history()
        self.api.end_watches()
        self.follow()
        self.assertEqual(self.api.count("list nodes"), 2)

    def test_410_as_an_answer_means_a_new_list_too(self):
        self.start()
        self.expect_labels(ready="true")
        self.api.fault("watch nodes", refuse(410, "too old resource version"))
        self.api.end_watches()
        self.follow()
        self.assertEqual(self.api.count("list nodes"), 2)

    def test_bookmarks_keep_the_version_fresh(self):
        self.start()
        self.expect_labels(ready="true")
        self.expect_watches(1)
        self.api.put("nodes", "other")
        self.api.bookmark()
        version = self.api.version
        # What comes after the bookmark on the same stream shows that it has been read.
        self.follow("off")
        self.api.forget_history(before=version)
        self.api.end_watches()
        self.expect_watches(2)
        self.assertGreaterEqual(int(self.api.requests[-1].query["resourceVersion"]), version)
        self.follow("ppcie")
        self.assertEqual(self.api.count("list nodes"), 1)

    def test_a_watch_that_ends_at_once_is_not_renewed_in_a_hurry(self):
        self.api.fault("watch nodes", stream(), times=3)
        self.start()
        self.follow()
        self.assertLessEqual(self.api.count("watch nodes"), 5)

    def test_events_in_crumbs_and_two_in_one_piece_are_understood(self):
        self.start()
        self.expect_labels(ready="true")

        def crumbs(handler, request):
            def event(version, mode):
                node = json.loads(json.dumps(handler.api.objects["nodes"]["node1"]))
                node["metadata"]["resourceVersion"] = str(version)
                node["metadata"]["labels"]["nvidia.com/cc.mode"] = mode
                return json.dumps({"type": "MODIFIED", "object": node}).encode() + b"\r\n"
            version = handler.api.version
            handler.api.version = version + 3
            handler.api.objects["nodes"]["node1"] = json.loads(event(version + 3, "off"))["object"]
            handler.begin_stream()
            for byte in event(version + 1, "off"):
                handler.send_data(bytes([byte]))
            handler.send_data(event(version + 2, "devtools") + b"\n" + event(version + 3, "off"))
            handler.end_stream()
            raise Disconnect
        self.api.fault("watch nodes", crumbs)
        self.api.end_watches()
        self.api.wait(lambda: "off" in self.api.labels().get("nvidia.com/cc.mode.state", ""), "mode off")
        self.expect(lambda: self.nvccd.calls[-1:] == [("SetMode", "off")], "nvccd was asked")

    def test_garbage_in_a_watch_ends_it_and_loses_nothing(self):
        self.start()
        self.expect_labels(ready="true")
        for number, garbage in enumerate((b"\0\xff\xfe not json\n", b'{"type":"MODIFIED"}\n', b'{"type":"BOOKMARK"}\n',
                                          b'{"type":"MODIFIED","object":[]}\n', b"[" * 100000 + b"\n",
                                          b'{"type":"SIDEWAYS","object":{}}\n',
                                          b'{"type":"ERROR","object":{"code":"x","message":7}}\n')):
            with self.subTest(garbage=garbage[:40]):
                self.api.fault("watch nodes", stream(garbage))
                self.api.end_watches()
                self.follow("off" if number % 2 else "ppcie")

    def test_a_line_without_end_is_refused_before_it_fills_the_memory(self):
        self.start()
        self.expect_labels(ready="true")
        self.api.fault("watch nodes", stream(*[b"x" * 65536] * 160))
        self.api.end_watches()
        self.follow()
        self.assertIn("line of more than 2097152 bytes", self.agent_log())
        self.expect_little_memory()

    def test_a_list_without_end_is_refused(self):
        self.api.fault("list nodes", answer(b" " * (10 << 20)))
        self.start()
        self.expect_labels(ready="true")
        self.assertIn("answer of more than 4194304 bytes", self.agent_log())
        self.expect_little_memory()

    def expect_little_memory(self):
        if os.environ.get("NVCCD_SANITIZE"):
            return  # a sanitizer has much of its own
        with open(f"/proc/{self.agent.pid}/status", encoding="ascii") as status:
            peak_kib = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
        self.assertLess(peak_kib, 32 * 1024)

    # ---- forms of answers ----

    def test_of_nodes_and_pods_only_metadata_is_asked_and_of_events_nothing_special(self):
        self.start_nvccd()
        self.nvccd.do("auto", value=False)
        self.run_pod("nvidia-dcgm")
        self.add_node(mode="ppcie", cc_manager="false", vfio_manager="true")
        self.api.fault("patch nodes", refuse(409, "the object has been modified"))
        self.start_agent()
        self.nvccd.wait_for_calls(("SetMode", "ppcie"))
        self.nvccd.do("finish", state="done")
        self.expect_labels(mode_state="ppcie", ready="true")
        self.run_pod("nvidia-dcgm", key="name")
        self.api.wait(lambda: ("watch pods", "PartialObjectMetadata") in self.answers(), "news of a pod")
        self.assertEqual(self.answers(), {
            ("list nodes", "PartialObjectMetadataList"), ("list pods", "PartialObjectMetadataList"),
            ("get nodes", "PartialObjectMetadata"), ("watch nodes", "PartialObjectMetadata"),
            ("patch nodes", "PartialObjectMetadata"), ("watch pods", "PartialObjectMetadata"),
            ("create events", "Event")})

    def answers(self):
        """What was asked for, and the kind of the answer."""
        return {(str(request), request.answered) for request in self.api.requests if request.answered}

    # ---- patches ----

    def test_a_conflict_is_solved_with_what_the_node_is_now(self):
        self.api.fault("patch nodes", refuse(409, "the object has been modified"), times=2)
        self.start()
        self.expect_labels(mode_state="on", ready="true")
        self.assertGreaterEqual(self.api.count("get nodes"), 2)

    def test_a_server_that_asks_for_patience_gets_it(self):
        self.api.fault("patch nodes", refuse(429, "too many requests", Retry_After="1"))
        self.start()
        self.expect_labels(mode_state="on", ready="true")

    def test_patches_that_fail_are_written_later(self):
        self.api.fault("patch nodes", disconnect)
        self.api.fault("patch nodes", refuse(500))
        self.start()
        self.expect_labels(mode_state="on", ready="true")

    def test_an_answer_to_a_patch_that_is_lost_does_no_harm(self):
        def apply_and_disconnect(handler, request):
            with handler.api.lock:
                handler.api.patch(request)
            raise Disconnect
        self.api.fault("patch nodes", apply_and_disconnect, times=2)
        self.start("ppcie")
        self.expect_labels(mode_state="ppcie", ready="true")
        self.nvccd.wait_for_calls(("SetMode", "ppcie"))

    def test_only_what_differs_is_written(self):
        self.start()
        self.expect_labels(mode_state="on", ready="true")
        patches = self.api.count("patch nodes")
        for beat in range(5):
            self.api.put("nodes", "node1", {"heartbeat": str(beat)})
        self.follow("off")
        written = [json.loads(r.text)["metadata"]["labels"] for r in self.api.requests if str(r) == "patch nodes"]
        self.assertNotIn("heartbeat", str(written))
        self.assertLessEqual(len(written) - patches, 3)

    def test_another_writer_of_the_same_labels_is_not_fought_without_end(self):
        self.start()
        self.expect_labels(ready="true")

        def undo(when, request):
            if when == "applied" and str(request) == "patch nodes":
                self.api.put("nodes", "node1", {"nvidia.com/cc.ready.state": ""})
        self.api.on_step = undo
        self.set_labels(ready="")
        self.api.wait(lambda: self.api.count("patch nodes") >= 30, "the other writer is met")
        # By now it is one in two seconds; the label itself is followed as ever.
        self.api.on_step = None
        self.follow("off")

    def test_node_feature_discovery_that_writes_the_labels_too_is_reported_once(self):
        self.start_nvccd(node_mode="on")
        features = {"nfd.node.kubernetes.io/feature-labels": "cpu-model.id,nvidia.com/cc.mode.state,nvidia.com/cc.ready.state"}
        self.api.put("nodes", "node1", {"nvidia.com/cc.mode": "on"}, annotations=features)
        self.start_agent()
        self.expect_event("LabelsWrittenTwice", "node_features = false")
        for mode in ("off", "on"):
            self.follow(mode)
        self.assertEqual([count for reason, _, count in self.api.events() if reason == "LabelsWrittenTwice"], [1])
        self.assertEqual(self.agent_log().count("node_features = false"), 1)

    # ---- events ----

    def test_a_server_that_takes_no_events_stops_nothing(self):
        self.api.fault("create events", refuse(403, "events is forbidden"), times=99)
        self.start("ppcie")
        self.expect_labels(mode_state="ppcie", ready="true")

    def test_events_are_sent_when_the_server_takes_them_again(self):
        self.api.fault("create events", refuse(503))
        self.start("onn")
        self.expect_event("CCModeInvalid")

    def test_an_event_that_is_on_its_way_is_not_lost_when_many_others_come(self):
        answer_now = threading.Event()
        self.addCleanup(answer_now.set)

        def refuse_later(handler, request):
            answer_now.wait(60)
            raise Refused(503, "not now")
        self.api.fault("create events", refuse_later)
        self.start("onn0")
        for number in range(18):
            self.set_labels(mode=f"onn{number}")
            self.expect(lambda n=number: f"cc.mode=onn{n} is no mode" in self.agent_log(), "the agent says so")
        answer_now.set()
        self.expect_event("CCModeInvalid", "cc.mode=onn0 ")
        self.expect_event("CCModeInvalid", "cc.mode=onn17 ")
        self.assertEqual(len(self.api.events()), 16)

    def test_the_same_again_is_counted_and_not_sent_anew(self):
        self.start("onn")
        self.expect_event("CCModeInvalid")
        self.set_labels(mode="off")
        self.expect_labels(mode_state="off")
        self.nvccd.do("node", requested_mode="on")
        self.set_labels(mode="onn")
        self.api.wait(lambda: any(e["reason"] == "CCModeInvalid" and e["count"] == 2
                                  for e in self.api.objects["events"].values()), "an event that is counted")

    def test_a_label_that_flaps_does_not_flood_the_cluster(self):
        self.start("onn0")
        for number in range(40):
            self.set_labels(mode=f"onn{number}")
            self.api.wait(lambda n=number: self.api.count("watch nodes") > 0, "a watch")
        self.set_labels(mode="off")
        self.expect_labels(mode_state="off", ready="false")
        self.assertLessEqual(self.api.count("create events"), 20)

    # ---- who we are ----

    def test_a_token_that_is_replaced_is_read_again(self):
        self.start()
        self.expect_labels(ready="true")
        self.api.token = "another-token"
        self.api.end_watches()
        self.api.wait(lambda: any(r.headers["Authorization"] == "Bearer secret-token" and str(r) == "watch nodes"
                                  for r in self.api.requests[-1:]), "a watch with the old token", limit=60)
        self.token_file.write_text("another-token\n")
        self.follow()
        self.assertNotIn("secret-token", self.agent_log())

    def test_a_redirect_is_not_followed(self):
        elsewhere = self.start_api(*self.certificate)
        self.api.fault("list nodes", refuse(307, Location=f"https://127.0.0.1:{elsewhere.port}/api/v1/nodes"), times=2)
        self.start()
        self.expect_labels(ready="true")
        self.assertEqual(elsewhere.requests, [])

    def test_pods_that_may_not_be_listed_hold_up_nobody_for_ever(self):
        self.api.fault(lambda request: request.resource == "pods", refuse(403, "pods is forbidden"), times=999)
        self.start_nvccd()
        self.add_node(mode="on", cc_manager="false", vfio_manager="false")
        self.start_agent()
        self.expect_labels(mode_state="on", ready="true")


if __name__ == "__main__":
    unittest.main(verbosity=2)
