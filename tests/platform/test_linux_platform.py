#!/usr/bin/python3
"""What the SDK learns over D-Bus: the services are played by python3-dbusmock on a private bus."""
import os
import subprocess
import sys
import unittest

import dbus
import dbusmock

WATCH_PLATFORM = sys.argv.pop(1)
NETWORK = ("org.freedesktop.NetworkManager", "/org/freedesktop/NetworkManager",
           "org.freedesktop.NetworkManager")
POWER = ("org.freedesktop.UPower", "/org/freedesktop/UPower", "org.freedesktop.UPower")
LOGIN = ("org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager")


def watch():
    return subprocess.Popen([WATCH_PLATFORM], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            text=True)


class LinuxPlatform(dbusmock.DBusTestCase):
    @classmethod
    def setUpClass(cls):
        cls.start_system_bus()
        cls.bus = cls.get_dbus(system_bus=True)

    def play(self, service, properties):
        """Starts the service with these properties; returns what sets them anew."""
        process = self.spawn_server(*service, system_bus=True, stdout=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        mock = dbus.Interface(self.bus.get_object(service[0], service[1]), dbusmock.MOCK_IFACE)
        mock.AddProperties(service[2], properties)
        return process, lambda changes: mock.UpdateProperties(service[2], changes)

    def start_watch(self):
        process = watch()
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.stdin.close)
        return lambda: process.stdout.readline().strip()

    def test_reads_each_service_and_follows_its_changes(self):
        _, network = self.play(NETWORK, {"Metered": dbus.UInt32(4),
                                         "PrimaryConnectionType": "802-11-wireless"})
        _, power = self.play(POWER, {"OnBattery": True})
        _, login = self.play(LOGIN, {"IdleHint": False})
        line = self.start_watch()
        self.assertEqual(line(), "wifi=yes metered=no charging=no idle=no")
        power({"OnBattery": False})
        self.assertEqual(line(), "wifi=yes metered=no charging=yes idle=no")
        network({"PrimaryConnectionType": "gsm"})
        self.assertEqual(line(), "wifi=no metered=no charging=yes idle=no")
        network({"Metered": dbus.UInt32(1)})
        self.assertEqual(line(), "wifi=no metered=yes charging=yes idle=no")
        login({"IdleHint": True})
        self.assertEqual(line(), "wifi=no metered=yes charging=yes idle=yes")
        network({"Metered": dbus.UInt32(0)})
        self.assertEqual(line(), "wifi=no metered=unknown charging=yes idle=yes")

    def test_knows_nothing_of_a_service_that_is_not_there_until_it_comes(self):
        line = self.start_watch()
        self.assertEqual(line(), "wifi=unknown metered=unknown charging=unknown idle=unknown")
        process, power = self.play(POWER, {"OnBattery": False})
        power({"OnBattery": False})  # Says so, which adding does not.
        self.assertEqual(line(), "wifi=unknown metered=unknown charging=yes idle=unknown")
        process.terminate()
        process.wait()
        self.assertEqual(line(), "wifi=unknown metered=unknown charging=unknown idle=unknown")

    def test_knows_nothing_without_a_bus(self):
        address = os.environ["DBUS_SYSTEM_BUS_ADDRESS"]
        os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = "unix:path=/nonexistent/bus"
        self.addCleanup(os.environ.__setitem__, "DBUS_SYSTEM_BUS_ADDRESS", address)
        self.assertEqual(self.start_watch()(),
                         "wifi=unknown metered=unknown charging=unknown idle=unknown")


if __name__ == "__main__":
    unittest.main()
