# SPDX-License-Identifier: MIT
"""A converged host that loses its power, or is rebooted, is a mail server again by itself."""
import contextlib
import time
import unittest

from lib import SANITIZED, arrives, imap, submit, wait_for
from world import Traffic, WorldTest

MANIFEST = """
- name: Mail servers
  hosts: mx1.example.com
  become: true
  mail:
    hostname: mx1.example.com
    domains:
      example.com:
        mailboxes:
          alice: {password: alices}
        aliases:
          away: [bob@outside.test]
  roles: [mail]
"""
ALICE = ("alice@example.com", "alices")


@unittest.skipIf(SANITIZED, "what is proved here is the host's, not the agent's")
class Reboot(WorldTest):
    names = ("mx1.example.com",)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.applied = False

    def converged(self):
        s = self.site(MANIFEST, hosts=[self.host])
        if not self.applied:
            self.assertExit(s.apply(), 0)
            type(self).applied = True
        return s

    def check_up(self, since):
        """Mail flows in and out, and a plan finds nothing."""
        address = self.host.address
        wait_for("a login", lambda: self.logs_in(address), 30)
        took = time.time() - since
        arrives(address, *ALICE, submit(address, *ALICE, ALICE[0], ALICE[0]))
        said = self.world.send("bob@outside.test", "away@example.com", subject=f"back {since}")
        self.assertEqual(said["data"][:3], "250", said)
        self.assertRegex(self.world.arrived(f"back {since}").sender, "^SRS0=")
        self.assertEqual(self.host.out("systemctl --failed --plain --no-legend"), "")
        done = self.converged().plan("--exit-code")
        self.assertExit(done, 0)
        self.assertIn("No changes.", done.stdout)
        return took

    @staticmethod
    def logs_in(address):
        with contextlib.suppress(Exception):
            with imap(address, *ALICE):
                return True
        return False

    def test_1_power_cut_under_traffic(self):
        self.converged()
        with Traffic(self.world, self.host, [ALICE[:1] + ALICE]) as traffic:
            time.sleep(2)
            since = time.time()
            self.host.restart()
            self.check_up(since)
            time.sleep(2)
        traffic.check(self, refused=30)
        print(traffic.figures(), flush=True)

    def test_2_orderly_reboot(self):
        self.converged()
        with Traffic(self.world, self.host, [ALICE[:1] + ALICE]) as traffic:
            time.sleep(2)
            since = time.time()
            self.host.run("systemctl poweroff", check=False)
            wait_for("the host is off", self.is_off, 60)
            self.host.restart()
            self.check_up(since)
            time.sleep(2)
        traffic.check(self, refused=60)
        print(traffic.figures(), flush=True)

    def is_off(self):
        """Nothing of the host runs any more."""
        return self.host.run("true", check=False).returncode != 0
