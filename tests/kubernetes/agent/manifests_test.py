"""The manifests and the unit: nothing in them that the agent does not need, and nothing missing."""
import os
import pathlib
import shutil
import subprocess
import unittest

import yaml

from api_server import ALLOWED

SOURCE = pathlib.Path(os.environ["NVCCD_SOURCE_DIR"])
MANIFESTS = SOURCE / "kubernetes" / "manifests"


def objects(*files):
    return [thing for file in files for thing in yaml.safe_load_all((MANIFESTS / file).read_text())]


class Manifests(unittest.TestCase):
    def setUp(self):
        self.objects = objects("node-agent.yaml", "node-agent-gpu-operator.yaml")

    def of_kind(self, *kinds):
        return [thing for thing in self.objects if thing["kind"] in kinds]

    def test_the_rights_are_those_that_the_tests_api_server_gives(self):
        granted = {(verb, resource, role["metadata"].get("namespace"))
                   for role in self.of_kind("Role", "ClusterRole") for rule in role["rules"]
                   for resource in rule["resources"] for verb in rule["verbs"]}
        self.assertEqual(granted, ALLOWED)

    def test_every_role_is_bound_to_the_agents_account_alone(self):
        roles = {(r["kind"], r["metadata"].get("namespace")) for r in self.of_kind("Role", "ClusterRole")}
        bound = {(b["roleRef"]["kind"], b["metadata"].get("namespace"))
                 for b in self.of_kind("RoleBinding", "ClusterRoleBinding")}
        self.assertEqual(roles, bound)
        for binding in self.of_kind("RoleBinding", "ClusterRoleBinding"):
            self.assertEqual(binding["subjects"], [{"kind": "ServiceAccount", "name": "nvccd-node-agent",
                                                    "namespace": "nvccd"}])

    def test_the_container_has_no_privileges(self):
        [daemon_set] = self.of_kind("DaemonSet")
        pod = daemon_set["spec"]["template"]["spec"]
        self.assertNotIn("hostNetwork", pod)
        self.assertNotIn("hostPID", pod)
        [container] = pod["containers"]
        context = container["securityContext"]
        self.assertNotIn("privileged", context)
        self.assertEqual(context["capabilities"], {"drop": ["ALL"]})
        self.assertTrue(context["readOnlyRootFilesystem"])
        self.assertEqual(context["appArmorProfile"], {"type": "Unconfined"}, "the usual profile forbids the host's bus")
        mounts = {mount["name"] for mount in container["volumeMounts"]}
        self.assertEqual(mounts, {volume["name"] for volume in pod["volumes"]})
        self.assertEqual({volume["hostPath"]["path"] for volume in pod["volumes"]},
                         {"/run/dbus", "/run/nvccd-kubernetes", "/var/lib/nvccd-kubernetes"})


class Unit(unittest.TestCase):
    @unittest.skipUnless(shutil.which("systemd-analyze"), "systemd-analyze is not installed")
    def test_the_unit_is_well_formed_and_confined(self):
        unit = os.environ["NVCCD_NODE_AGENT_UNIT"]
        done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--threshold=20", unit],
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout[-500:] + done.stderr)
        self.assertNotIn("Unknown", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
