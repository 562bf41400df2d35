#!/usr/bin/python3
"""What nvccd publishes for Kubernetes and for monitoring, read as those read it who will."""
import json
import pathlib

import jsonschema
from nvccd import Holder, Nvccd
from nvccd_lab.cache import artifact
from prometheus_client.parser import text_string_to_metric_families
from support import BUILD, LabTest, main

FEATURES = "/etc/kubernetes/node-feature-discovery/features.d"
PROMETHEUS = "/run/nvccd/nvccd.prom"


class Published:
    """The files of a guest; None, or nothing, where there is no file."""

    def __init__(self, lab):
        self.lab = lab
        schemas = pathlib.Path(artifact("cdi-schema"))
        schema = json.loads((schemas / "schema.json").read_text())
        resolver = jsonschema.RefResolver(f"file://{schemas}/", schema)
        self.validator = jsonschema.Draft7Validator(schema, resolver=resolver)

    def text(self, path):
        result = self.lab.run(["cat", path], check=False)
        return result.stdout if result.status == 0 else None

    def labels(self):
        """As node-feature-discovery's local source reads a feature file: no dot-files, at most 64 KiB, '#' for comments and
        directives, split at the first '=', blanks trimmed, a key alone is true."""
        labels = {}
        for name in self.lab.run(f"ls {FEATURES}", check=False).stdout.split():
            text = self.text(f"{FEATURES}/{name}") or ""  # it may be gone since
            assert len(text.encode()) <= 65536, name
            for line in text.splitlines():
                if not line.strip() or line.lstrip().startswith("#"):
                    continue
                key, _, value = line.partition("=")
                labels[key.strip()] = value.strip() or "true"
        return labels

    def specifications(self):
        """Every CDI specification by its kind, each valid by the schema."""
        found = {}
        for path in self.lab.run("ls /var/run/cdi/*.json", check=False).stdout.split():
            text = self.text(path)
            if text is None:  # it is gone since
                continue
            specification = json.loads(text)
            self.validator.validate(specification)
            assert specification["kind"] not in found, f"two files for {specification['kind']}"
            found[specification["kind"]] = specification
        return found

    def nodes(self):
        """The device nodes of each device, by its name in CDI."""
        return {f"{kind}={device['name']}": [node["path"] for node in device["containerEdits"]["deviceNodes"]]
                for kind, specification in self.specifications().items() for device in specification["devices"]}

    def samples(self):
        text = self.text(PROMETHEUS)
        return None if text is None else {
            (sample.name, *sample.labels.values()): sample.value
            for family in text_string_to_metric_families(text) for sample in family.samples}


class PublishedFiles(LabTest):
    options = {"gpus": 2, "nvswitches": 1, "install": BUILD}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.nvccd = Nvccd(cls.lab)
        cls.nvccd.enable("on")
        cls.published = Published(cls.lab)

    def check_nothing_is_published(self):
        self.assertEqual((self.published.labels(), self.published.specifications(), self.published.samples()), ({}, {}, None))

    def test_labels_say_what_the_node_is(self):
        labels = self.published.labels()
        self.assertEqual((labels["nvidia.com/cc.mode.state"], labels["nvidia.com/cc.ready.state"]), ("on", "true"))
        self.assertEqual((labels["nvidia.com/nvccd.gpu.count"], labels["nvidia.com/nvccd.nvswitch.count"]), ("2", "1"))
        for key, value in labels.items():
            self.assertRegex(key, r"^[a-z.]+/[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$")
            self.assertRegex(value, r"^[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$")

    def test_cdi_names_every_device_as_the_state_file_does(self):
        expected = {f"{device['resource']}={device['id']}": ["/dev/vfio/vfio", device["vfio_group"]]
                    for device in self.nvccd.state()["devices"]}
        self.assertEqual(self.published.nodes(), expected)
        self.assertEqual(len(expected), 3)
        for node in {node for nodes in expected.values() for node in nodes}:
            self.lab.run(["test", "-c", node])

    def test_metrics_are_what_prometheus_reads(self):
        samples = self.published.samples()
        self.assertEqual(samples["nvccd_node_ready",], 1)
        self.assertEqual(samples["nvccd_node_mode_state", "on"], 1)
        self.assertGreaterEqual(samples["nvccd_transitions_total", "done"], 1)
        self.assertEqual(samples["nvccd_device_healthy", self.lab.address("gpu0")], 1)

    def test_a_change_of_the_node_is_followed(self):
        self.lab.run("nvccctl set-mode ppcie", timeout=180)
        labels = self.published.labels()
        self.assertEqual((labels["nvidia.com/cc.mode.state"], labels["nvidia.com/cc.ready.state"]), ("ppcie", "true"))
        with Holder(self.nvccd, "gpu1"):
            job = self.nvccd.set_mode("on")
            self.wait_until(lambda: self.published.labels()["nvidia.com/cc.ready.state"] == "false", "the labels to say not ready")
            self.wait_until(lambda: self.published.specifications().get("nvidia.com/pgpu") is None, "GPUs that are to change to go")
            self.assertEqual(self.nvccd.property("State", f"org.nvccd1 {job} org.nvccd1.Job"), "waiting")
        self.nvccd.wait_node("on")
        self.wait_until(lambda: len(self.published.nodes()) == 3, "all devices to come back")

    def test_a_device_that_comes_or_goes_does_so_here(self):
        self.lab.hotplug("late", "gh100")
        address = self.lab.address("late")
        self.nvccd.wait_device_ready(address, "on")
        name = "nvidia.com/pgpu=" + address.replace(":", "-")
        self.wait_until(lambda: name in self.published.nodes(), "the new device")
        self.lab.pull_out("late")
        self.wait_until(lambda: name not in self.published.nodes(), "the device to be withdrawn")

    def test_nothing_is_published_by_nobody(self):
        self.lab.run("systemctl stop nvccd")
        self.check_nothing_is_published()
        self.lab.run("mkdir -p /run/systemd/system/nvccd.service.d && "
                     "printf '[Service]\\nRestart=no\\n' > /run/systemd/system/nvccd.service.d/no-restart.conf && systemctl daemon-reload")
        self.lab.run("systemctl start nvccd", timeout=180)
        self.assertTrue(self.published.labels())
        self.lab.run("systemctl kill -s KILL nvccd")
        self.wait_until(lambda: self.nvccd.process_id() == "0" and not self.published.labels(), "the killed daemon's files to go")
        self.check_nothing_is_published()
        self.lab.run("rm -r /run/systemd/system/nvccd.service.d && systemctl daemon-reload && systemctl reset-failed nvccd; "
                     "systemctl start nvccd", timeout=180)
        self.nvccd.wait_node("on")


class PublishedWithIommufd(LabTest):
    options = {"gpus": 1, "install": BUILD, "iommufd": True}

    def test_a_device_has_its_own_node(self):
        nvccd = Nvccd(self.lab)
        nvccd.enable("on")
        device = nvccd.state()["devices"][0]
        self.assertEqual(Published(self.lab).nodes(), {f"nvidia.com/pgpu={device['id']}": [device["vfio_device"]]})
        self.assertRegex(device["vfio_device"], "^/dev/vfio/devices/vfio[0-9]+$")


if __name__ == "__main__":
    main()
