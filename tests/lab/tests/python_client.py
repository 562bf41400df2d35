"""A client of nvccd as somebody may write it with python3-dbus: run in the guest, where it sets a mode and follows the job.

python_client.py MODE prints one JSON object with what it saw."""
import json
import sys

import dbus
import dbus.mainloop.glib
from gi.repository import GLib

NAME = "org.nvccd1"
MANAGER, DEVICE, JOB = f"{NAME}.Manager", f"{NAME}.Device", f"{NAME}.Job"
PROPERTIES = "org.freedesktop.DBus.Properties"


class Client:
    def __init__(self):
        dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
        self.bus = dbus.SystemBus()
        self.loop = GLib.MainLoop()
        self.manager = self.bus.get_object(NAME, "/org/nvccd1")
        self.job = None
        self.result = None
        self.changes = []
        self.bus.add_signal_receiver(self.on_changed, "PropertiesChanged", PROPERTIES, NAME, path_keyword="path")
        self.bus.add_signal_receiver(self.on_job_removed, "JobRemoved", MANAGER, NAME)

    def on_changed(self, interface, changed, invalidated, path):
        self.changes.append({"path": path, "interface": interface, "changed": changed, "invalidated": invalidated})

    def on_job_removed(self, _, job, result):
        if job == self.job:
            self.result = result
            # what changed with the end of the job is told in the same turn
            GLib.idle_add(self.loop.quit)

    def objects(self):
        return self.manager.GetManagedObjects(dbus_interface="org.freedesktop.DBus.ObjectManager")

    def run(self, mode):
        before = self.objects()
        self.job = self.manager.SetMode(mode, {"persist": dbus.Boolean(False)}, dbus_interface=MANAGER)
        job = self.bus.get_object(NAME, self.job).GetAll(JOB, dbus_interface=PROPERTIES)
        GLib.timeout_add_seconds(180, self.loop.quit)
        self.loop.run()
        try:
            self.manager.SetMode("sideways", {}, dbus_interface=MANAGER)
            error = None
        except dbus.DBusException as refusal:
            error = refusal.get_dbus_name()
        return {"before": before, "job": self.job, "job_properties": job, "result": self.result, "changes": self.changes,
                "after": self.objects(), "error": error,
                "mode_state": self.manager.Get(MANAGER, "ModeState", dbus_interface=PROPERTIES)}


print(json.dumps(Client().run(sys.argv[1])))
