"""Writes down what the daemon tells of its node and devices, with the time at which it arrived: run in the guest.

Prints a line of JSON for each change, {"time", "path", "changed"}, and first the line "Listening". The time is that of
/proc/uptime, in seconds."""
import json
import time

import dbus
import dbus.mainloop.glib
from gi.repository import GLib

NAME = "org.nvccd1"


def on_changed(interface, changed, _, path):
    if interface.startswith(NAME):
        print(json.dumps({"time": time.clock_gettime(time.CLOCK_BOOTTIME), "path": path, "changed": changed}), flush=True)


dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
bus = dbus.SystemBus()
bus.add_signal_receiver(on_changed, "PropertiesChanged", "org.freedesktop.DBus.Properties", NAME, path_keyword="path")
print("Listening", flush=True)
GLib.MainLoop().run()
