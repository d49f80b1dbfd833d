# SPDX-License-Identifier: MIT
"""Mailing lists live their whole life, between two real mail servers."""
import email
import email.policy
import email.utils
import smtplib
import unittest

from lib import SANITIZED, HostTest, imap, message, recap, submit, subjects, wait_for

PLAY = """
- name: Mail servers
  hosts: mail
  become: true
  roles: [mail]
"""
HERE = """
mail:
  hostname: mx1.example.com
  transports: {{other.test: "smtp:[{other}]"}}
{engine}
  domains:
    example.com:
      catch_all: bob
      mailboxes:
        alice: {{password: alices}}
        bob: {{password: bobs}}
{lists}
    example.org:
      mailboxes:
        carol: {{password: carols}}
"""
THERE = """
mail:
  hostname: mx2.other.test
  transports: {{example.com: "smtp:[{other}]", example.org: "smtp:[{other}]"}}
  domains:
    other.test:
      mailboxes:
        dan: {{password: dans}}
        erin: {{password: erins}}
"""
ALICE = ("alice@example.com", "alices")
BOB = ("bob@example.com", "bobs")
CAROL = ("carol@example.org", "carols")
DAN = ("dan@other.test", "dans")
ERIN = ("erin@other.test", "erins")


class ListTest(HostTest):
    """Two mail servers: mx1 with the lists, and mx2 with people elsewhere."""

    names = ("mx1.example.com", "mx2.other.test")
    engine = ""

    def lists_site(self, lists, engine=None):
        here, there = self.hosts
        s = self.site(PLAY)
        s.write("host_vars/mx1.example.com.yml",
                HERE.format(other=there.address, lists=lists,
                            engine=self.engine if engine is None else engine))
        s.write("host_vars/mx2.other.test.yml", THERE.format(other=here.address))
        return s

    def apply(self, lists, engine=None, changes=True):
        s = self.lists_site(lists, engine)
        done = s.apply()
        self.assertExit(done, 0)
        counts = recap(done.stdout)["mx1.example.com"]
        self.assertEqual(counts["changed"] > 0, changes, done.stdout)
        return s

    def converged(self, lists, engine=None):
        """Nothing to do, and nothing unknown."""
        s = self.lists_site(lists, engine)
        done = s.plan("--exit-code")
        self.assertExit(done, 0)
        self.assertNotIn("unknown", done.stdout)
        return s

    def at(self, who):
        return self.hosts[1 if who[0].endswith("@other.test") else 0].address

    def write(self, who, to, **kw):
        """A message by somebody, handed in with a login where he has his mailbox."""
        return submit(self.at(who), *who, who[0], to, **kw)

    def has(self, who, subject):
        wait_for(f"'{subject}' for {who[0]}", lambda: self.find(who, subject))
        return self.find(who, subject)

    def find(self, who, subject):
        """The newest message whose subject holds the text, or None."""
        s = imap(self.at(who), *who)
        s.select("INBOX", readonly=True)
        _, data = s.search(None, "ALL")
        for number in reversed(data[0].split()):
            _, parts = s.fetch(number, "(BODY.PEEK[])")
            m = email.message_from_bytes(parts[0][1], policy=email.policy.default)
            if subject in m["Subject"]:
                s.logout()
                return m
        s.logout()
        return None

    def empty(self, who):
        s = imap(self.at(who), *who)
        s.select("INBOX")
        s.store("1:*", "+FLAGS", "\\Deleted")
        s.expunge()
        s.logout()

    def answer(self, who, m):
        to = email.utils.parseaddr(m["Reply-To"] or m["From"])[1]
        return self.write(who, to, subject=f"Re: {m['Subject']}"[:60])

    def never(self, who, subject):
        """Called when what else the post led to has come."""
        self.assertNotIn(subject, " ".join(subjects(self.at(who), *who)))

    def refused(self, to):
        with self.assertRaises(smtplib.SMTPRecipientsRefused) as caught:
            self.bare("x@outside.test", to, "refused")
        return caught.exception.recipients[to]

    def bare(self, sender, to, subject, port=25):
        """To mx1 without a login, as other servers do."""
        with smtplib.SMTP(self.host.address, port, timeout=20) as s:
            m = message(sender or "MAILER-DAEMON@other.test", to, subject)
            s.send_message(m, from_addr=sender, to_addrs=[to])


MLMMJ = """
      lists:
        announce: {owner: alice, members: [alice, carol@example.org], subject_prefix: "[ann]"}
        board: {owner: alice, members: [carol@example.org], moderators: [bob], reply_to: list}
"""


@unittest.skipIf(SANITIZED, "what the agent does here, tests/cases/resource has under sanitizers")
class Mlmmj(ListTest):
    folder = "/var/lib/mlmmj/example.com"

    def subscribers(self, name):
        return self.host.out(f"cat {self.folder}/{name}/subscribers.d/* 2>/dev/null || true").split()

    def test_1_lists_are_made(self):
        self.apply(MLMMJ)
        self.converged(MLMMJ)
        self.assertEqual(self.subscribers("announce"), [ALICE[0], CAROL[0]])

    def test_2_somebody_subscribes_by_mail(self):
        self.write(DAN, "announce+subscribe@example.com")
        self.answer(DAN, self.has(DAN, "Confirm subscription"))
        self.has(DAN, "Welcome to announce")
        self.assertIn(DAN[0], self.subscribers("announce"))
        self.converged(MLMMJ)  # he is not in the manifest, and stays

    def test_3_a_post_reaches_members_here_and_elsewhere(self):
        subject = self.write(ALICE, "announce@example.com")
        for who in (ALICE, CAROL, DAN):
            m = self.has(who, subject)
            self.assertEqual(m["Subject"], f"[ann] {subject}")
            self.assertEqual(m["List-Id"], "<announce.example.com>")
            self.assertEqual(m["List-Post"], "<mailto:announce@example.com>")
            self.assertEqual(m["List-Unsubscribe"], "<mailto:announce+unsubscribe@example.com>")
            self.assertEqual(m["Precedence"], "bulk")
            self.assertIsNone(m["Reply-To"])
            # A bounce will tell whose it is; and this sender is never rewritten.
            self.assertEqual(m["Return-Path"],
                             f"<announce+bounces-1-{who[0].replace('@', '=')}@example.com>")

    def test_4_a_post_of_a_stranger_is_refused(self):
        subject = self.write(ERIN, "announce@example.com")
        told = self.has(ERIN, f"denied: {subject}").as_string()
        self.assertIn("announce", told)
        self.never(CAROL, subject)

    def test_5_or_waits_for_a_moderator(self):
        subject = self.write(ERIN, "board@example.com")
        asked = self.has(BOB, "Moderation needed for board@example.com")
        self.never(CAROL, subject)
        self.answer(BOB, asked)
        m = self.has(CAROL, subject)
        self.assertEqual(m["Reply-To"], "board@example.com")

    def test_6_owner_and_bounces(self):
        subject = self.write(DAN, "announce+owner@example.com")
        self.has(ALICE, subject)
        to = "announce+bounces-1-dan=other.test@example.com"
        self.bare("", to, "Undelivered Mail Returned to Sender")
        wait_for("the bounce is noted",
                 lambda: self.host.out(f"cat {self.folder}/announce/bounce/dan=other.test || true"))

    def test_7_the_port_of_lists_is_for_lists(self):
        ask = ("python3 - <<'END'\nimport smtplib\ns = smtplib.SMTP('127.0.0.1', 10028)\ns.helo('x')\n"
               "for sender in ('x@outside.test', 'alice@example.com', ''):\n"
               "    s.mail(sender)\n    print(*s.rcpt('y@elsewhere.test'))\n    s.rset()\nEND\n")
        for line in self.host.out(ask).splitlines():
            self.assertRegex(line, "^554 .*Access denied")
        with self.assertRaises(ConnectionRefusedError):
            smtplib.SMTP(self.host.address, 10028, timeout=5)

    def test_8_a_member_leaves_and_is_taken_out(self):
        self.write(DAN, "announce+unsubscribe@example.com")
        self.answer(DAN, self.has(DAN, "Confirm unsubscribe"))
        wait_for("gone", lambda: DAN[0] not in self.subscribers("announce"))
        # Who is declared and leaves by mail is drift, and comes back.
        self.host.run(f"/usr/bin/mlmmj-unsub -q -s -L {self.folder}/announce -a {CAROL[0]}")
        done = self.lists_site(MLMMJ).plan()
        self.assertIn(f"announce@example.com members: absent -> {CAROL[0]}", done.stdout)
        self.apply(MLMMJ)
        self.assertIn(CAROL[0], self.subscribers("announce"))
        without = MLMMJ.replace("members: [alice, carol@example.org]", "members: [alice]")
        done = self.lists_site(without).plan()
        self.assertIn(f"announce@example.com members: {CAROL[0]} -> absent", done.stdout)
        self.apply(without)
        self.assertEqual(self.subscribers("announce"), [ALICE[0]])
        self.assertEqual(self.subscribers("board"), [CAROL[0]])

    def test_9_a_list_taken_out_is_closed_and_kept(self):
        closed = "\n".join(line for line in MLMMJ.splitlines() if "announce" not in line) + "\n"
        closed = closed.replace("catch_all: bob", "")
        self.write(DAN, "announce+subscribe@example.com")
        self.answer(DAN, self.has(DAN, "Confirm subscription"))
        wait_for("subscribed", lambda: DAN[0] in self.subscribers("announce"))
        done = self.lists_site(closed).plan()
        self.assertIn("announce@example.com: open -> closed", done.stdout)
        self.apply(closed)
        # There is a catch-all, so its address is one like any other now.
        subject = self.write(ALICE, "announce@example.com")
        self.has(BOB, subject)
        self.never(CAROL, subject)
        kept = self.host.out("ls /var/lib/mlmmj/closed/example.com/announce/archive").split()
        self.assertEqual(kept, ["1"])
        self.apply(MLMMJ)
        self.assertIn(DAN[0], self.subscribers("announce"))
        subject = self.write(ALICE, "announce@example.com")
        self.assertIn("bounces-2-dan", self.has(DAN, subject)["Return-Path"])

    def test_a_no_lists_leave_nothing_but_what_people_wrote(self):
        self.apply("")
        self.converged("")
        out = self.host.out("postconf -M; postconf -n; cat /etc/postfix/*; systemctl list-timers --all; "
                            "ls /etc/postfix /etc/systemd/system")
        for word in ("mlmmj", "10028", "list_senders"):
            self.assertNotIn(word, out)
        self.host.run("! ss -ltn | grep 10028")
        self.host.run("test -e /var/lib/mlmmj/closed/example.com/announce/archive/2")
