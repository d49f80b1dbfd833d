# SPDX-License-Identifier: MIT
"""SpamAssassin's rules are updated by its timer's service: only as they are signed, and no spam
passes meanwhile."""
import time
import unittest

from lib import SANITIZED, arrives, subjects, wait_for
from spam import ALICE, MINUTES, mail
from world import WorldTest, put

MANIFEST = """
- name: Mail servers
  hosts: mx1.example.com
  become: true
  mail:
    hostname: mx1.example.com
    spam_filter: spamassassin
%s
    domains:
      example.com:
        mailboxes:
          alice: {password: alices}
  roles: [mail]
"""
CHANNELS = """    spamassassin:
      score: OFFER_IS_WELCOME 0
      channels: {rules.test: "{{ lookup('file', 'rules.asc') }}"}
"""
SERVICE = "spamassassin-maintenance.service"
# What a channel's update is made of, and what its server gives: a MIRRORED.BY, and N.tar.gz with
# its signature by a key of the outside host.
PUBLISH = r'''#!/bin/sh -e
# publish CHANNEL KEY NUMBER: rules on standard input
folder=/srv/www/$1; mkdir -p "$folder"; cd "$folder"
echo "http://outside.test/$1" >MIRRORED.BY
work=$(mktemp -d); cat >"$work/50_rules.cf"
tar -C "$work" --owner=0 --group=0 -czf "$3.tar.gz" 50_rules.cf
rm -f "$3.tar.gz.asc"
gpg -q --batch --local-user "$2" --armor --output "$3.tar.gz.asc" --detach-sign "$3.tar.gz"
sha256sum "$3.tar.gz" >"$3.tar.gz.sha256"
'''


def rule(name, word):
    return f"header {name} Subject =~ /{word}/\nscore {name} 9.0\n"


@unittest.skipIf(SANITIZED, "what is proved here is the host's, not the agent's")
class Rules(WorldTest):
    """The tests run in the order of their names."""

    names = ("mx1.example.com",)
    public = True
    zones = ("updates.spamassassin.org", "rules.test")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.world.ready()
        o = cls.outside
        o.run("DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "
              "gpg gpg-agent; mkdir -p /srv/www; systemd-run --unit=www --working-directory="
              "/srv/www python3 -m http.server 80; for k in rules.test stranger.test; do gpg -q "
              "--batch --passphrase '' --quick-generate-key $k ed25519 sign never; done")
        put(o, "/usr/local/bin/publish", PUBLISH, "0755")
        cls.key = o.out("gpg --armor --export rules.test")

    def apply(self, more):
        s = self.site(MANIFEST % more, hosts=[self.host])
        s.write("rules.asc", self.key + "\n")
        self.assertExit(s.apply(), 0)
        done = s.plan("--exit-code")
        self.assertExit(done, 0)
        return s

    def offer(self, channel, key, number, text):
        """An update stands ready at the channel's mirror and in its zone."""
        self.outside.run(f"publish {channel} {key} {number} <<'EOF'\n{text}EOF")
        self.announce(channel, number)

    def announce(self, channel, number):
        self.world.publish(f'1.0.4.{channel}. TXT "{number}"\n'
                           f'mirrors.{channel}. TXT "http://outside.test/{channel}/MIRRORED.BY"\n')

    def update(self, code):
        """Runs what the timer runs; returns what it said."""
        since = self.host.out("date +%s")
        done = self.host.run(f"systemctl start {SERVICE}", check=False)
        said = self.host.out(f"journalctl -o cat -u {SERVICE} --since=@{since}")
        self.assertEqual(done.returncode, code, said)
        if code:
            self.host.run(f"systemctl reset-failed {SERVICE}")
        return said

    def send(self, subject):
        said = self.world.send("ed@outside.test", ALICE[0],
                               data=mail(subject, MINUTES % time.time_ns()))
        self.assertEqual(said["data"][:3], "250", said)

    def filed(self, subject, folder):
        subject = f"{subject} {time.time_ns()}"
        self.send(subject)
        arrives(self.host.address, *ALICE, subject, folder)

    def rules_of_project(self):
        return self.host.out("cat /var/lib/spamassassin/*/updates_spamassassin_org.cf "
                             "2>/dev/null || true")

    def test_1_the_projects_own_channel(self):
        """By Debian's own program. Nobody here has the project's key: what another signed is
        refused, and so is what nobody did; that there is nothing new is fine."""
        self.apply("")
        self.assertEqual(self.host.out("systemctl is-active spamassassin-maintenance.timer"),
                         "active")
        self.assertIn("5E541DC959CB8BAC7C78DFDC4056A61A5244EC45", self.host.out(
            "gpg --homedir /var/lib/spamassassin/sa-update-keys --with-colons -k 2>/dev/null"))
        channel = "updates.spamassassin.org"
        self.offer(channel, "stranger.test", 1001, rule("FORGED", "forged"))
        self.assertIn("GPG validation failed", self.update(1))
        self.announce(channel, 1002)
        self.assertIn("could not find working mirror", self.update(1))
        self.assertEqual(self.rules_of_project(), "")
        # which takes none of the package's rules away
        self.host.run("spamassassin --lint && systemctl restart spamd")
        self.filed("a forged rule", "INBOX")
        self.world.withdraw(f"1.0.4.{channel}")
        self.update(0)

    def test_2_a_signed_update_takes_effect(self):
        self.apply(CHANNELS)
        self.filed("an offer", "INBOX")
        self.offer("rules.test", "rules.test", 101, rule("OFFER", "offer"))
        self.update(0)
        self.filed("an offer", "Spam")
        self.update(0)  # nothing new
        # the project's channel being broken holds up no other
        self.offer("updates.spamassassin.org", "stranger.test", 1003, rule("FORGED", "forged"))
        self.offer("rules.test", "rules.test", 102, rule("OFFER", "offer") +
                   rule("OFFER_IS_WELCOME", "welcome"))
        self.assertIn("GPG validation failed", self.update(1))
        self.assertIn("OFFER_IS_WELCOME", self.in_use())
        self.filed("that is welcome", "INBOX")  # by the operator's word

    def in_use(self):
        return self.host.out("cat /var/lib/spamassassin/channels/rules.test/rules_test/*.cf")

    def test_3_what_is_not_signed_so_is_refused(self):
        self.world.withdraw("1.0.4.updates.spamassassin.org")
        folder = "/srv/www/rules.test"
        before = self.in_use()
        bad = rule("FORGED", "forged")
        # changed after it was signed
        self.offer("rules.test", "rules.test", 103, bad)
        self.outside.run(f"cd {folder} && gunzip 103.tar.gz && gzip -1 -n 103.tar && "
                         "sha256sum 103.tar.gz >103.tar.gz.sha256")
        self.assertIn("GPG validation failed", self.update(1))
        # not signed at all
        self.offer("rules.test", "rules.test", 104, bad)
        self.outside.run(f"rm {folder}/104.tar.gz.asc")
        self.assertIn("could not find working mirror", self.update(1))
        # by a key that is not the channel's, though the host knows it
        self.offer("rules.test", "stranger.test", 105, bad)
        self.assertIn("GPG validation failed", self.update(1))
        # signed, but no rules
        self.offer("rules.test", "rules.test", 106, "header BROKEN Subject =~ /(/\n")
        self.update(1)
        self.assertEqual(self.in_use(), before)
        self.filed("a forged rule", "INBOX")
        self.filed("an offer", "Spam")

    def test_4_no_spam_passes_while_spamd_takes_new_rules(self):
        self.offer("rules.test", "rules.test", 107, rule("OFFER", "offer") + rule("MORE", "more"))
        run = f"offer {time.time_ns()}"
        self.host.run(f"systemctl start --no-block {SERVICE}")
        sent = 0
        while sent < 40 or self.host.out(f"systemctl is-active {SERVICE} || true") == "activating":
            self.send(f"{run} {sent}")
            sent += 1
        self.host.run(f"! systemctl is-failed {SERVICE}")
        mine = {f"{run} {n}" for n in range(sent)}
        wait_for("all arrive", lambda: mine <= set(
            subjects(self.host.address, *ALICE, "Spam") + subjects(self.host.address, *ALICE)), 90)
        self.assertEqual(mine & set(subjects(self.host.address, *ALICE)), set())
        self.filed("one more", "Spam")

    def test_5_a_channel_that_is_taken_out(self):
        self.apply("")
        self.filed("an offer", "INBOX")
        self.update(0)
        self.host.run("! test -e /etc/spamassassin/channels")
        # and what is off leaves nothing
        s = self.site((MANIFEST % "").replace("filter: spamassassin", "filter: none"),
                      hosts=[self.host])
        self.assertExit(s.apply(), 0)
        self.assertEqual(self.host.out("ls -d /usr/local/sbin/*spam* /etc/systemd/system/spam* "
                                       "2>/dev/null || true"), "")
