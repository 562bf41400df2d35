#!/usr/bin/python3
"""A node of a cluster, with nvccd-kubernetes installed: its label decides, and labels and events follow the hardware."""
import json
import pathlib
import subprocess
import tempfile
import unittest

from nvccd import Holder, Nvccd
from nvccd_lab.paths import LAB, PROJECT
from support import BUILD, LabTest, main

MODE, STATE, READY = "nvidia.com/cc.mode", "nvidia.com/cc.mode.state", "nvidia.com/cc.ready.state"
ASK = """import socket
s = socket.socket(socket.AF_UNIX); s.connect("/run/kube/control"); s.sendall({!r}.encode() + b"\\n")
print(s.makefile().read())"""
PACKAGES = list(BUILD.glob("nvccd-kubernetes_*.deb"))


def certificate():
    """(certificate, key) of a server that is its own authority."""
    with tempfile.TemporaryDirectory() as directory:
        files = [pathlib.Path(directory) / name for name in ("crt", "key")]
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-days", "7", "-out", files[0], "-keyout", files[1], "-subj", "/CN=api",
                        "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
        return tuple(file.read_text() for file in files)


@unittest.skipUnless(PACKAGES, "NVCCD_PACKAGES names no directory with the package nvccd-kubernetes; packaging/build-deb makes one")
class KubernetesNode(LabTest):
    options = {"gpus": 2, "nvswitches": 1, "install": BUILD}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.nvccd = Nvccd(cls.lab)
        cls.nvccd.enable("on")
        cls.start_cluster()
        cls.lab.put("/srv/nvccd-kubernetes.deb", PACKAGES[0].read_bytes())
        cls.lab.run("apt-get install -y -q /srv/nvccd-kubernetes.deb", timeout=300)

    @classmethod
    def start_cluster(cls):
        cls.lab.run("mkdir -p /run/kube")
        for name, text in zip(("crt", "key"), certificate()):
            cls.lab.put(f"/run/kube/{name}", text)
        for source in (PROJECT / "tests/kubernetes/agent/api_server.py", LAB / "guest/kubernetes_api.py"):
            cls.lab.put(f"/run/kube/{source.name}", source.read_text())
        cls.lab.run("systemd-run -q --unit=kube -p StandardOutput=file:/run/kube/out python3 /run/kube/kubernetes_api.py "
                    "/run/kube/crt /run/kube/key /etc/nvccd/node-agent.kubeconfig /run/kube/control")
        cls.wait_until(cls, lambda: "listening" in cls.lab.run("cat /run/kube/out", check=False).stdout, "the API server")

    def cluster(self, **labels):
        """Sets labels of the node; returns what the cluster has."""
        return json.loads(self.lab.run(["python3", "-c", ASK.format(json.dumps(labels))]).stdout)

    def wait_labels(self, timeout=180, **expected):
        wanted = {{"state": STATE, "ready": READY}[key]: value for key, value in expected.items()}
        self.wait_until(lambda: wanted.items() <= self.cluster()["labels"].items(), f"labels {wanted}", timeout)

    def modes(self):
        return {name: hardware["active_mode"] for name, hardware in self.lab.hardware().items()}

    def test_the_node_follows_its_label(self):
        # installing has started nothing
        self.assertEqual(self.lab.run("systemctl is-enabled nvccd-node-agent nvccd-device-plugin", check=False).stdout.split(),
                         ["disabled", "disabled"])
        self.lab.run("mkdir -p /var/lib/kubelet/device-plugins && hostnamectl set-hostname node1 || hostname node1")
        self.lab.run("systemctl enable --now nvccd-node-agent nvccd-device-plugin")
        self.wait_labels(state="on", ready="true")

        # a label: all devices change, then the labels say so
        self.cluster(**{MODE: "ppcie"})
        self.wait_labels(state="ppcie", ready="true")
        self.assertEqual(self.modes(), {"gpu0": "ppcie", "gpu1": "ppcie", "nvswitch0": "ppcie"})

        # a held device: the node waits and says for which
        with Holder(self.nvccd, "gpu1") as holder:
            resets = self.nvccd.resets()
            self.cluster(**{MODE: "on"})
            self.wait_labels(ready="false")
            self.wait_until(lambda: any(holder.address in event for event in self.cluster()["events"]),
                            "an event that names the device", 120)
            self.assertEqual(self.nvccd.resets(), resets)
        self.wait_labels(state="on", ready="true")
        self.assertEqual(self.modes(), {"gpu0": "on", "gpu1": "on", "nvswitch0": "off"})

        # what is no mode changes nothing
        self.cluster(**{MODE: "sometimes"})
        self.wait_until(lambda: any("sometimes" in event for event in self.cluster()["events"]), "an event about the label", 60)
        self.assertEqual(self.nvccd.property("NodeMode"), "on")

        # without the label the default is back
        self.cluster(**{MODE: None})
        self.wait_until(lambda: self.nvccd.property("NodeMode") == "", "the node mode to be forgotten")

        self.assertEqual(self.cluster()["violations"], [], "what the manifests do not allow")
        self.assertEqual(self.lab.run("systemctl is-active nvccd-node-agent nvccd-device-plugin").stdout.split(), ["active"] * 2)


if __name__ == "__main__":
    main()
