"""The command line of the lab: one lab at a time, in a directory of its own, that stays up between commands."""
import argparse
import json
import pathlib
import shutil
import sys

from . import demo
from .cache import RECIPES, artifact
from .errors import LabError
from .lab import Lab
from .paths import default_install, default_lab_directory


def up(options):
    directory = options.dir
    if (directory / "lab.json").exists():
        Lab.attach(directory).down()
    shutil.rmtree(directory, ignore_errors=True)
    install = None if options.no_install else options.build
    lab = Lab(gpus=options.gpu_model or options.gpus, nvswitches=options.nvswitches, iommufd=options.iommufd,
              install=install, append=options.append, directory=directory)
    lab.up()
    print(f"the guest runs: tests/lab/lab run -- lspci -nnk -d 10de:   (files in {directory})")


def run(options):
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        raise LabError("run: say what, e.g. run -- lspci -nn")
    # One word is a line for the guest's shell, several are a program and its arguments.
    result = attached(options).run(command[0] if len(command) == 1 else command, check=False, timeout=options.timeout)
    sys.stdout.write(result.stdout)
    sys.stderr.write(result.stderr)
    return result.status if result.status >= 0 else 128 - result.status


def shell(options):
    lab = attached(options)
    while True:
        try:
            line = input("guest# ")
        except EOFError:
            print()
            return
        if line.strip():
            result = lab.run(line, check=False, timeout=options.timeout)
            sys.stdout.write(result.stdout + result.stderr)


def attached(options):
    return Lab.attach(options.dir)


def show(value):
    print(json.dumps(value, indent=2))


def parser():
    top = argparse.ArgumentParser(prog="lab", description="A guest with emulated NVIDIA devices, to run and test nvccd in.")
    top.add_argument("--dir", type=pathlib.Path, default=default_lab_directory(), help="where the lab lives (default: %(default)s)")
    commands = top.add_subparsers(metavar="COMMAND", required=True)

    def command(name, help_text, action):
        sub = commands.add_parser(name, help=help_text, description=help_text)
        sub.set_defaults(action=action)
        return sub

    command("prepare", "build what every guest needs, once", lambda o: [artifact(name) for name in RECIPES] and None)

    sub = command("up", "start a guest and leave it running", up)
    sub.add_argument("--gpus", type=int, default=0, metavar="N", help="Hopper GPUs")
    sub.add_argument("--gpu-model", action="append", metavar="MODEL", help="instead, one GPU of this model (repeat)")
    sub.add_argument("--nvswitches", type=int, default=0, metavar="N")
    sub.add_argument("--iommufd", action="store_true", help="VFIO with iommufd instead of groups only")
    sub.add_argument("--append", default="", metavar="WORDS", help="more for the kernel's command line")
    sub.add_argument("--build", type=pathlib.Path, default=default_install(),
                     help="what to install: a build directory, or one with packages (default: %(default)s)")
    sub.add_argument("--no-install", action="store_true", help="leave the project out")

    sub = command("run", "run a command in the guest", run)
    sub.add_argument("--timeout", type=float, default=600, metavar="SECONDS")
    sub.add_argument("command", nargs=argparse.REMAINDER, help="-- COMMAND [ARGUMENT...], or one word for the shell")

    sub = command("shell", "a simple prompt: each line is run by the guest's shell", shell)
    sub.add_argument("--timeout", type=float, default=600, metavar="SECONDS")

    sub = command("install", "install the project again, e.g. after a build", lambda o: attached(o).install(o.build))
    sub.add_argument("--build", type=pathlib.Path, default=default_install(), help="or packages (default: %(default)s)")

    sub = command("put", "copy a file into the guest", lambda o: attached(o).put(o.to, o.file.read_bytes(), o.file.stat().st_mode & 0o777))
    sub.add_argument("file", type=pathlib.Path)
    sub.add_argument("to")

    sub = command("get", "copy a file out of the guest", lambda o: o.file.write_bytes(attached(o).get(o.source)) and None)
    sub.add_argument("source")
    sub.add_argument("file", type=pathlib.Path)

    sub = command("hotplug", "plug in one more device", lambda o: print(attached(o).hotplug(o.name, o.model)))
    sub.add_argument("name")
    sub.add_argument("model", nargs="?", default="gh100", help="gh100 (default), gb100, gb102, gb202 or ls10")

    for name, help_text, action in [
            ("unplug", "remove a device as its attention button does", lambda o: attached(o).unplug(o.name)),
            ("pull-out", "take a device out without warning", lambda o: attached(o).pull_out(o.name))]:
        command(name, help_text, action).add_argument("name")

    sub = command("fault", "switch a fault of a device on, or off with an empty value",
                  lambda o: attached(o).fault(o.name, o.fault, o.value))
    sub.add_argument("name")
    sub.add_argument("fault")
    sub.add_argument("value")

    sub = command("hardware", "what the hardware itself says", lambda o: show(attached(o).hardware(o.name)))
    sub.add_argument("name", nargs="?")

    sub = command("events", "the emulator's log", lambda o: [print(json.dumps(event)) for event in attached(o).events(o.name)])
    sub.add_argument("name", nargs="?")

    command("reboot", "restart the guest", lambda o: attached(o).reboot())
    command("power-cut", "cut the power of guest and devices", lambda o: attached(o).power_cut())
    command("boot", "start the guest again after a power cut", lambda o: attached(o).boot())
    command("down", "end the guest and the emulator", lambda o: attached(o).down())

    sub = command("demo", "build nvccd, start a node of emulated devices, and show them in CC mode", demo.run)
    sub.add_argument("--gpus", type=int, default=4, metavar="N")
    sub.add_argument("--nvswitches", type=int, default=2, metavar="N")
    return top


def main():
    options = parser().parse_args()
    try:
        status = options.action(options)
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return status if isinstance(status, int) else 0
