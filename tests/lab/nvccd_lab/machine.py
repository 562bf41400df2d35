"""The guest's machine as QEMU's command line. Each setting marked "must" was found by failure."""
import json

# Ports for devices: functions of these slots of the root bus, eight each.
FIRST_PORT_SLOT = 0x10
MEMORY = "768M"


def port_id(index):
    return f"port{index}"


def port_address(index):
    """The PCI address of a port in the guest."""
    return f"0000:00:{FIRST_PORT_SLOT + index // 8:02x}.{index % 8}"


def _port(index):
    slot, function = FIRST_PORT_SLOT + index // 8, index % 8
    return {"driver": "pcie-root-port", "id": port_id(index), "bus": "pcie.0", "addr": f"{slot:#x}.{function}",
            "multifunction": True, "chassis": index + 1, "slot": index + 1,
            # room for whatever is plugged in later
            "bus-reserve": 1, "io-reserve": 0, "mem-reserve": 16 << 20, "pref64-reserve": 1 << 30}


def device(name, port, socket):
    """An emulated device on a port, for -device and for QMP's device_add."""
    return {"driver": "vfio-user-pci", "id": name, "bus": port_id(port), "socket": {"type": "unix", "path": str(socket)}}


def _disk(name, file, file_format, slot, read_only):
    return ["-blockdev", json.dumps({"driver": file_format, "node-name": name, "read-only": read_only,
                                     "file": {"driver": "file", "filename": str(file), "cache": {"no-flush": True}}}),
            "-device", json.dumps({"driver": "virtio-blk-pci", "drive": name, "serial": name, "bus": "pcie.0",
                                   "addr": f"{slot:#x}"})]


def command_line(qemu, kernel, modules, directory, ports, devices, append="", kvm=False,
                 memory=None):
    """QEMU's arguments. devices are (name, port, socket) of those present from the start; kvm: the guest can have guests; memory: the
    file of a guest that was frozen, to go on with."""
    share = qemu / "tree/usr/share"
    arguments = [
        qemu / "qemu-system-x86_64", "-L", share / "qemu", "-L", share / "seabios",
        "-nodefaults", "-no-user-config", "-display", "none",
        # must: a split irqchip for interrupt remapping
        "-M", "q35,kernel-irqchip=split,memory-backend=ram", "-accel", "tcg,thread=multi", "-smp", "2",
        # must: shared memory, which the devices' server maps
        "-m", MEMORY, "-object", f"memory-backend-memfd,id=ram,size={MEMORY},share=on",
        "-cpu", f"max,phys-bits=46,svm={'on' if kvm else 'off'}",
        # must: caching-mode, or QEMU aborts when the guest enables translation
        "-device", "intel-iommu,intremap=on,caching-mode=on,aw-bits=48",
        # must: native hot-plug, or the ports' link and presence bits stay clear and bus resets fail
        "-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off",
        "-kernel", kernel / "vmlinuz", "-initrd", kernel / "initrd",
        # must: no_timer_check, or the kernel panics when a busy machine lets its timer tick late
        "-append", f"console=ttyS0 root=/dev/vda rw intel_iommu=on panic=-1 no_timer_check {append}".strip(),
        *_disk("root", directory / "root.qcow2", "qcow2", 2, False),
        *_disk("modules", modules, "raw", 3, True),
        *_disk("payload", directory / "payload.tar", "raw", 4, True),
        "-device", "virtio-serial-pci,bus=pcie.0,addr=0x5",
        "-chardev", f"socket,id=agent,path={directory}/agent.sock,server=on,wait=off",
        "-device", "virtserialport,chardev=agent,name=nvccd.lab.agent",
        "-chardev", f"file,id=console,path={directory}/console.log,append=on", "-serial", "chardev:console",
        "-qmp", f"unix:{directory}/qmp.sock,server=on,wait=off",
    ]
    if memory:
        arguments += ["-incoming", f"file:{memory}"]
    for index in range(ports):
        arguments += ["-device", json.dumps(_port(index))]
    for name, port, socket in devices:
        arguments += ["-device", json.dumps(device(name, port, socket))]
    return [str(argument) for argument in arguments]
