"""The agent as a process between an API server of the tests and an nvccd whose manager the test plays."""
import base64
import json
import os
import pathlib
import queue
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import unittest

from api_server import ApiServer

AGENT = os.environ["NVCCD_NODE_AGENT"]
NVCCD = os.environ["NVCCD_SCRIPTED_NVCCD"]

MODE, MODE_STATE, READY = "nvidia.com/cc.mode", "nvidia.com/cc.mode.state", "nvidia.com/cc.ready.state"
DEPLOY = "nvidia.com/gpu.deploy."
PAUSED = "paused-for-cc-mode-change"

BUS_CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path={path}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_destination="*"/>
<allow receive_sender="*"/></policy></busconfig>"""


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


class Authority:
    """A certificate authority."""

    def __init__(self, directory, name):
        self.directory = pathlib.Path(directory)
        self.certificate = self.directory / f"{name}.crt"
        self.key = self.directory / f"{name}.key"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                "-keyout", self.key, "-out", self.certificate, "-subj", f"/CN={name}")

    def issue(self, name, alternatives="IP:127.0.0.1,DNS:localhost", days="2"):
        """A server's certificate: (certificate, key)."""
        key, request, certificate, extensions = (self.directory / f"{name}.{end}" for end in ("key", "csr", "crt", "ext"))
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out",
                request, "-subj", f"/CN={name}")
        extensions.write_text(f"subjectAltName={alternatives}\n")
        openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial", "-days",
                days, "-extfile", extensions, "-out", certificate)
        return certificate, key


class Bus:
    def __init__(self, directory):
        path = pathlib.Path(directory) / "bus"
        config = pathlib.Path(directory) / "bus.conf"
        config.write_text(BUS_CONFIG.format(path=path))
        self.process = subprocess.Popen(["dbus-daemon", f"--config-file={config}", "--nofork", "--print-address"],
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.address = self.process.stdout.readline().strip().partition(",guid=")[0]  # those of another bus are refused

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class Nvccd:
    """nvccd on the bus. `calls` has what it was asked, dry runs apart; `cancels` the jobs that were to be cancelled."""

    def __init__(self, address):
        self.process = subprocess.Popen([NVCCD, address], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.calls, self.dry_runs, self.cancels, self.held = [], [], [], 0
        self.changed = threading.Condition()
        self.on_held = None
        self.answers = queue.Queue()
        self.ready = threading.Event()
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()
        if not self.ready.wait(20):
            raise AssertionError("nvccd does not come up")

    def read(self):
        for line in self.process.stdout:
            self.note(json.loads(line))

    def note(self, news):
        if "ready" in news:
            self.ready.set()
        if "did" in news:
            self.answers.put(news["did"])
        with self.changed:
            if "call" in news:
                entry = (news["call"], news["mode"]) if news["mode"] else (news["call"],)
                (self.dry_runs if news["dry_run"] else self.calls).append(entry)
            if "cancel" in news:
                self.cancels.append(news["cancel"])
            if "held" in news:
                self.held += 1
            self.changed.notify_all()
        if "held" in news and self.on_held:
            self.on_held()

    def do(self, what, **arguments):
        self.send(json.dumps({"do": what, **arguments}))
        assert self.answers.get(timeout=20) == what

    def send(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def wait_for_calls(self, *calls, limit=60):
        with self.changed:
            if not self.changed.wait_for(lambda: self.calls == list(calls), limit):
                raise AssertionError(f"nvccd was asked {self.calls}, not {list(calls)}")

    def wait_for_cancel(self, limit=60):
        with self.changed:
            if not self.changed.wait_for(lambda: self.cancels, limit):
                raise AssertionError("nvccd was not asked to cancel anything")

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.thread.join()
        self.process.stdin.close()
        self.process.stdout.close()


class AgentTest(unittest.TestCase):
    """One API server, bus and nvccd a test; the agent starts when the test says so."""

    @classmethod
    def setUpClass(cls):
        cls.tls = tempfile.mkdtemp(prefix="nvccd-tls-")
        cls.addClassCleanup(shutil.rmtree, cls.tls)
        cls.authority = Authority(cls.tls, "cluster")
        cls.certificate = cls.authority.issue("server")

    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="nvccd-agent-"))
        self.addCleanup(shutil.rmtree, self.directory)
        self.agent = None
        self.log = open(self.directory / "agent.log", "w+", encoding="utf-8", errors="replace")
        self.addCleanup(self.log.close)
        self.api = self.start_api(*self.certificate)
        self.bus = Bus(self.directory)
        self.addCleanup(self.bus.stop)
        self.nvccd = None
        self.addCleanup(lambda: self.nvccd and self.nvccd.stop())
        self.addCleanup(self.stop_agent)
        self.token_file = self.directory / "token"
        self.token_file.write_text(self.api.token + "\n")
        self.write_kubeconfig()
        self.withdrawn = self.directory / "run" / "withdrawn"

    def tearDown(self):
        outcome = self._outcome.result if hasattr(self._outcome, "result") else None
        failed = outcome and any(test is self for test, _ in outcome.failures + outcome.errors)
        if failed:
            print(f"\n---- the agent's log of {self.id()}\n{self.agent_log()}----")
        self.assertEqual(self.api.violations, [], "asked for what the manifests do not allow")
        self.assertNotIn(self.api.token, self.agent_log(), "the token is in the log")

    def start_api(self, certificate, key):
        api = ApiServer(certificate, key)
        self.addCleanup(api.stop)
        return api

    def write_kubeconfig(self, server=None, authority=None, user=None, cluster=None):
        config = {
            "apiVersion": "v1", "kind": "Config", "current-context": "here",
            "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": {
                "server": server or f"https://127.0.0.1:{self.api.port}",
                "certificate-authority": str((authority or self.authority).certificate), **(cluster or {})}}],
            "users": [{"name": "u", "user": user or {"tokenFile": "token"}}],
        }
        self.kubeconfig = self.directory / "kubeconfig"
        self.kubeconfig.write_text(json.dumps(config))

    # ---- processes ----

    def start_nvccd(self, **node):
        self.nvccd = Nvccd(self.bus.address)
        if node:
            self.nvccd.do("node", **node)
        return self.nvccd

    def agent_command(self):
        return [AGENT, "--node-name", "node1", "--kubeconfig", str(self.kubeconfig), "--bus", self.bus.address,
                "--runtime-dir", str(self.directory / "run"), "--state-dir", str(self.directory / "lib"),
                "--log-level", "debug"]

    def start_agent(self):
        self.agent = subprocess.Popen(self.agent_command(), stdout=self.log, stderr=self.log,
                                      stdin=subprocess.DEVNULL)

    def kill_agent(self):
        self.agent.send_signal(signal.SIGKILL)
        self.agent.wait()

    def stop_agent(self):
        """It must end well, whatever it was doing."""
        if self.agent and self.agent.poll() is None:
            self.agent.terminate()
            self.assertEqual(self.agent.wait(20), 0)
        elif self.agent:
            self.assertIn(self.agent.returncode, (0, -signal.SIGKILL), "the agent has failed")

    def agent_log(self):
        self.log.flush()
        return (self.directory / "agent.log").read_text(errors="replace")

    # ---- the node ----

    def add_node(self, **labels):
        self.api.put("nodes", "node1", {label(key): value for key, value in labels.items()})

    def set_labels(self, **labels):
        self.add_node(**labels)

    def expect_labels(self, **labels):
        wanted = {label(key): value for key, value in labels.items()}

        def as_wanted():
            found = self.api.objects["nodes"]["node1"]["metadata"]["labels"]
            return all(found.get(key) == value for key, value in wanted.items())
        self.api.wait(as_wanted, f"labels {wanted}")

    def expect_event(self, reason, text=""):
        self.api.wait(lambda: any(event["reason"] == reason and text in event["message"]
                                  for event in self.api.objects["events"].values()), f"event {reason} \"{text}\"")

    def expect(self, condition, what, limit=60):
        """For what tells nobody when it happens, such as a file."""
        end = time.monotonic() + limit
        while not condition():
            if time.monotonic() > end:
                raise AssertionError(f"did not happen: {what}")
            time.sleep(0.01)

    def run_pod(self, app, key="app"):
        self.api.put("pods", f"{app}-x7k2p", {key: app}, "gpu-operator")

    def end_pod(self, app):
        self.api.remove("pods", f"{app}-x7k2p")


def label(key):
    """mode, mode_state, ready, or an operand such as vfio_manager."""
    short = {"mode": MODE, "mode_state": MODE_STATE, "ready": READY}
    return short.get(key) or DEPLOY + key.replace("_", "-")


def encoded(path):
    return base64.b64encode(pathlib.Path(path).read_bytes()).decode()
