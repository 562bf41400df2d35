"""The README's first command: the project built, a node of emulated devices, and nvccd doing its work on it."""
import os
import shutil
import subprocess

from .errors import LabError
from .lab import Lab
from .paths import PROJECT, build_directory
from .wait import until

READY_TIMEOUT = 180
TARGETS = ["nvccd", "nvccctl", "nvccd-man", "nvccd-emulator-server"]


def step(text):
    print(f"lab: {text}", flush=True)


def build():
    directory = build_directory()
    step(f"building nvccd in {directory}")
    for command in (["cmake", "--preset", "release", "-B", directory],
                    ["cmake", "--build", directory, "-j", str(os.cpu_count()), "--target", *TARGETS]):
        if subprocess.run(command, cwd=PROJECT, check=False).returncode != 0:
            raise LabError("the build failed; packaging/install-dependencies installs what it needs")
    return directory


def run(options):
    directory = build()
    if (options.dir / "lab.json").exists():
        Lab.attach(options.dir).down()
    shutil.rmtree(options.dir, ignore_errors=True)
    lab = Lab(gpus=options.gpus, nvswitches=options.nvswitches, install=directory, directory=options.dir)
    step(f"starting a guest with {options.gpus} GPUs and {options.nvswitches} NVSwitches, without KVM")
    lab.up()
    # The emulated host has neither TDX nor SEV-SNP, so the default mode would become "off": say on for this node.
    lab.put("/etc/nvccd/nvccd.toml.d/50-demo.toml", '[mode]\ndefault = "on"\nrequire_confidential_host = false\n')
    step("enabling nvccd")
    lab.run("systemctl enable --now nvccd", timeout=READY_TIMEOUT)

    def ready():
        return lab.run("busctl get-property org.nvccd1 /org/nvccd1 org.nvccd1.Manager Ready", check=False).stdout.strip() == "b true"

    try:
        until(ready, "nvccd to be ready", READY_TIMEOUT, interval=0.5)
    except LabError:
        print(lab.run("journalctl -u nvccd --no-pager | tail -n 40; nvccctl status", check=False).stdout)
        raise
    print(lab.run("nvccctl status").stdout, end="", flush=True)
    step("the node runs on: 'tests/lab/lab run -- nvccctl status', and 'tests/lab/lab down' to end it")
