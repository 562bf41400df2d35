"""A virtual machine with a /dev of its own, as libvirt makes one: run in the guest, in a mount namespace of its own.

private_machine.py NODE: begins a KVM machine, has the VFIO node open in a /dev that nobody else sees, says "open", and when
it is told to end (SIGTERM) it lets go of the node and ends the machine. Last it says "ended" and the time before it did so, that of
/proc/uptime in seconds."""
import fcntl
import os
import signal
import stat
import subprocess
import sys
import time

KVM_CREATE_VM = 0xAE01

node = sys.argv[1]
status = os.stat(node)
kvm = os.open("/dev/kvm", os.O_RDWR | os.O_CLOEXEC)
subprocess.run(["mount", "-t", "tmpfs", "private", "/dev"], check=True)
os.makedirs(os.path.dirname(node))
os.mknod(node, stat.S_IFCHR | 0o600, status.st_rdev)
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
machine = fcntl.ioctl(kvm, KVM_CREATE_VM, 0)
device = os.open(node, os.O_RDWR)
print("open", flush=True)
signal.sigwait({signal.SIGTERM})
ending = time.clock_gettime(time.CLOCK_BOOTTIME)
os.close(device)
os.close(machine)
print("ended", ending, flush=True)
