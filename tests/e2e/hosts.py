# SPDX-License-Identifier: MIT
"""The test hosts themselves keep what tests/hosts/README.md promises."""
import os
import subprocess

import lib


class Hosts(lib.HostTest):
    names = ("one.example.com", "two")

    def ssh(self, where, command):
        return lib.sh(["ssh", "-F", self.host.info["SSH_CONFIG"], where, command], check=False)

    def test_users_log_in_and_have_sudo(self):
        for user, command in (("root", "id -un"), ("admin", "sudo -n id -un"),
                              ("opsudo", "echo test | sudo -S -p '' id -un")):
            self.assertEqual(self.ssh(f"{user}@two", command).stdout, "root\n", user)

    def test_hosts_know_one_another_and_nobody_else(self):
        self.host.run("ping -c 1 -W 2 two.test")
        self.hosts[1].run("ping -c 1 -W 2 one.example.com")
        route = self.host.run("ip route get 192.0.2.1", check=False)
        self.assertNotEqual(route.returncode, 0, "a host has a way out")
        self.host.run("! timeout 2 getent hosts unknown.example.com; test $? -ne 124")

    def test_packages_install_without_a_network(self):
        self.host.run("DEBIAN_FRONTEND=noninteractive apt-get install -q -y postfix")
        self.assertEqual(self.host.out("systemctl is-active postfix"), "active")

    def test_a_cut_host_is_silent_until_it_is_healed(self):
        self.hosts[1].cut()
        try:
            self.host.run("! ping -c 1 -W 1 two")
        finally:
            self.hosts[1].heal()
        self.host.run("ping -c 1 -W 2 two")

    def test_a_restart_keeps_the_disk(self):
        self.hosts[1].run("echo kept >/etc/kept; echo lost >/run/lost")
        lib.sh([lib.HOST, "restart", "two"])
        self.hosts[1].run("test -e /etc/kept && ! test -e /run/lost")
        self.assertEqual(self.ssh("two", "true").returncode, 0)


class Removal(lib.HostTest):
    names = ("gone",)

    def test_down_leaves_nothing(self):
        folder = os.path.join(lib.RUN, "hosts", "gone")
        self.host.down()
        self.hosts.remove(self.host)
        self.assertFalse(os.path.exists(folder))
        left = subprocess.run("cat /proc/mounts; ip netns; ip -o link", shell=True,
                              capture_output=True, text=True, check=True).stdout
        self.assertNotIn(folder, left)
        self.assertNotIn("-gone", left)
