"""What the lab's tests share: a lab per class, and what is known when a test fails."""
import os
import pathlib
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from nvccd_lab import Lab, LabError  # noqa: E402
from nvccd_lab.paths import default_install  # noqa: E402
from nvccd_lab.wait import until  # noqa: E402

__all__ = ["BUILD", "LabError", "LabTest", "main", "until"]

# Whether a guest with the project may go on from one that has booted and installed it; those without boot, and so do all that start again.
WARM = not os.environ.get("NVCCD_LAB_COLD")
BUILD = default_install()  # what is tested: packages, or a build directory


class LabTest(unittest.TestCase):
    """Boots one lab for the tests of a class, as its attribute options says (arguments of Lab)."""
    options = {}
    lab = None

    @classmethod
    def setUpClass(cls):
        # Not what no other class could go on from.
        may_be_warm = WARM and "install" in cls.options and not {"append", "kvm"} & cls.options.keys()
        cls.lab = Lab(**{"warm": may_be_warm, **cls.options})
        cls.addClassCleanup(cls.lab.down)
        cls.lab.up()

    def run(self, result=None):
        before = len(result.failures) + len(result.errors)
        super().run(result)
        if len(result.failures) + len(result.errors) > before:
            print(f"---- what is known about {self.id()} ----\n{self.known()}", file=sys.stderr, flush=True)
        return result

    def known(self):
        """The guest's side of a failure."""
        try:
            return self.lab.run("lspci -nnk -d 10de:; dmesg | tail -n 15; "
                                "if [ -e /usr/bin/nvccctl ]; then journalctl -u nvccd --no-pager | tail -n 60; nvccctl status; fi",
                                check=False).stdout
        except (LabError, OSError) as error:
            return f"{error}\n{self.lab.log_tail('qemu.log')}\n{self.lab.log_tail('console.log')}"

    def wait_until(self, condition, what, timeout=60):
        """Waits for a condition; a test's own way to wait, with a deadline and without sleeping blindly."""
        return until(condition, what, timeout, interval=0.2)


def main():
    unittest.main(verbosity=2)
