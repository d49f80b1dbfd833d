# SPDX-License-Identifier: MIT
"""A converged host that loses its power, or is rebooted, is a mail server again by itself."""
import contextlib
import time
import unittest

from lib import SANITIZED, arrives, imap, subjects, submit, wait_for
from spam import GTUBE
from world import Traffic, WorldTest

MANIFEST = """
- name: Mail servers
  hosts: mx1.example.com
  become: true
  mail:
    hostname: mx1.example.com
%s    domains:
      example.com:
        mailboxes:
          alice: {password: alices}
          carol: {password: carols}
        aliases:
          away: [bob@outside.test]
%s  roles: [mail]
"""
LISTS = """        lists:
          friends: {owner: alice, members: [alice, carol, dan@outside.test]}
"""
SPAMASSASSIN = "    spam_filter: spamassassin\n"
PIGGYBACK = SPAMASSASSIN + "    rspamd_piggyback: true\n"
ALICE = ("alice@example.com", "alices")
CAROL = ("carol@example.com", "carols")


class Spam(Traffic):
    """What every filter knows for spam."""

    TEXT = Traffic.TEXT + GTUBE + "\n"

    def check(self, test, **kw):
        """All of it is in Spam: none came in before the filter was there."""
        super().check(test, **kw)
        test.assertEqual({f for found in self.here().values() for _, f in found}, {"Spam"})


@unittest.skipIf(SANITIZED, "what is proved here is the host's, not the agent's")
class Reboot(WorldTest):
    names = ("mx1.example.com",)
    applied = None

    def converged(self, how="", lists=""):
        s = self.site(MANIFEST % (how, lists), hosts=[self.host])
        if self.applied != (how, lists):
            self.assertExit(s.apply(), 0)
            type(self).applied = how, lists
        return s

    def check_up(self, since):
        """Mail flows in and out, and a plan finds nothing."""
        address = self.host.address
        wait_for("a login", lambda: self.logs_in(address), 30)
        took = time.time() - since
        began = self.stamp("postfix@-", "InactiveExit")
        for unit in ("courier-authdaemon", "dovecot", "postsrsd"):
            self.assertLessEqual(self.stamp(unit, "ActiveEnter"), began, unit)
        arrives(address, *ALICE, submit(address, *ALICE, ALICE[0], ALICE[0]))
        said = self.world.send("bob@outside.test", "away@example.com", subject=f"back {since}")
        self.assertEqual(said["data"][:3], "250", said)
        self.assertRegex(self.world.arrived(f"back {since}").sender, "^SRS0=")
        self.assertEqual(self.host.out("systemctl --failed --plain --no-legend"), "")
        done = self.converged(*self.applied).plan("--exit-code")
        self.assertExit(done, 0)
        self.assertIn("No changes.", done.stdout)
        return took

    def stamp(self, unit, what):
        return int(self.host.out(f"systemctl show -P {what}TimestampMonotonic {unit}"))

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
        traffic.check(self, refused=30, cut=since)
        print(traffic.figures(), flush=True)

    def test_2_orderly_reboot(self):
        self.converged()
        with Traffic(self.world, self.host, [ALICE[:1] + ALICE]) as traffic:
            time.sleep(2)
            since = time.time()
            self.reboot()
            self.check_up(since)
            time.sleep(2)
        traffic.check(self, refused=60, cut=since)
        print(traffic.figures(), flush=True)

    def test_3_spamassassin_and_lists(self):
        """The power goes; and as the daemons start, no spam comes before SpamAssassin does."""
        self.converged(SPAMASSASSIN, LISTS)
        self.with_spam(self.host.restart, ["spamd", "spamassassin-maintenance.timer"])

    def test_4_piggyback(self):
        self.converged(PIGGYBACK, LISTS)
        self.with_spam(self.reboot, ["spamd", "rspamd", "redis-server@rspamd"])

    def with_spam(self, down_and_up, units):
        with Traffic(self.world, self.host, [ALICE[:1] + ALICE], interval=1.0) as traffic, \
                Spam(self.world, self.host, [CAROL[:1] + CAROL], interval=1.0) as spam:
            time.sleep(2)
            since = time.time()
            down_and_up()
            self.check_up(since)
            post = submit(self.host.address, *ALICE, ALICE[0], "friends@example.com")
            wait_for("the post", lambda: post in subjects(self.host.address, *CAROL), 60)
            self.assertEqual(self.world.arrived(post).to, "dan@outside.test")
            self.assertEqual(self.host.out("systemctl is-active mlmmj-lists.timer "
                                           + " ".join(units)).split(),
                             ["active"] * (1 + len(units)))
        traffic.check(self, refused=60, cut=since)
        spam.check(self, refused=60, cut=since)
        print(traffic.figures(), flush=True)

    def reboot(self):
        self.host.run("systemctl poweroff", check=False)
        wait_for("the host is off", self.is_off, 60)
        self.host.restart()

    def is_off(self):
        """Nothing of the host runs any more."""
        return self.host.run("true", check=False).returncode != 0
