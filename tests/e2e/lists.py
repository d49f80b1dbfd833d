# SPDX-License-Identifier: MIT
"""Mailing lists live their whole life, between two real mail servers."""
import email
import email.policy
import email.utils
import hashlib
import os
import re
import smtplib
import unittest

from lib import RUN, SANITIZED, HostTest, imap, message, recap, sh, submit, subjects, wait_for

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
        wait_for(f"'{subject}' for {who[0]}", lambda: self.find(who, subject), 60)
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

    def gone(self, *words):
        """Nothing of it in what Postfix reads, no unit, no configuration."""
        out = self.host.out("postconf -M; postconf -n; cd /etc/postfix; cat transport virtual_*s; "
                            "systemctl list-timers --all; ls /etc /etc/postfix /etc/systemd/system")
        for word in words:
            self.assertEqual([line for line in out.splitlines() if word in line], [])

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
        # A member whose mailbox sends its mail on to the list does not make it go round.
        m.replace_header("From", DAN[0])  # there are no names here to verify the author by
        with smtplib.SMTP(self.host.address, 25, timeout=20) as s:
            s.send_message(m, from_addr=DAN[0], to_addrs=["announce@example.com"])
        log = f"grep -c 'was discarded by rule' {self.folder}/announce/mlmmj.operation.log || true"
        wait_for("it is not sent again", lambda: self.host.out(log).strip() == "1", 60)
        self.assertEqual(subjects(self.at(DAN), *DAN).count(f"[ann] {subject}"), 1)

    def test_4_a_post_of_a_stranger_is_refused(self):
        subject = self.write(ERIN, "announce@example.com")
        told = self.has(ERIN, f"denied: {subject}").as_string()
        self.assertIn("announce", told)
        self.never(CAROL, subject)

    def test_5_or_waits_for_a_moderator(self):
        subject = self.write(ERIN, "board@example.com")
        asked = self.has(BOB, "Please moderate board@example.com")
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
        wait_for("gone", lambda: DAN[0] not in self.subscribers("announce"), 60)
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
        self.empty(DAN)  # of the confirmation that he answered before
        self.write(DAN, "announce+subscribe@example.com")
        self.answer(DAN, self.has(DAN, "Confirm subscription"))
        wait_for("subscribed", lambda: DAN[0] in self.subscribers("announce"), 60)
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
        self.gone("mlmmj", "10028", "list_senders")
        self.host.run("! ss -ltn | grep 10028")
        self.host.run("test -e /var/lib/mlmmj/closed/example.com/announce/archive/2")


ENGINE = """
  lists: {engine: majordomo, source: %s, source_sha256: %s}
"""
ROLE = """
- name: Majordomo alone
  hosts: mx1.example.com
  become: true
  roles: [{role: majordomo, majordomo_source: %s, majordomo_source_sha256: "%s"}]
"""
MAJORDOMO = """
      lists:
        announce: {owner: alice, members: [alice, carol@example.org], subject_prefix: "[ann]"}
        board: {owner: alice, members: [carol@example.org], moderators: [bob], post: moderated, reply_to: list}
"""


@unittest.skipIf(SANITIZED, "what the agent does here, tests/cases/resource has under sanitizers")
class Majordomo(ListTest):
    """With a stand-in for Majordomo itself, see majordomo/README.md."""

    folder = "/var/lib/majordomo/lists/example.com"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.archive = os.path.join(RUN, "majordomo.tar.gz")
        sh(["tar", "-czf", cls.archive, "-C", os.path.dirname(__file__), "majordomo"])
        with open(cls.archive, "rb") as f:
            cls.digest = hashlib.sha256(f.read()).hexdigest()
        cls.engine = ENGINE % (cls.archive, cls.digest)
        cls.folder_of_source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "majordomo")
        cls.digest_of_folder = sh(["sh", "-c", "cd \"$1\" && find . -type f -print0 | LC_ALL=C sort -z | "
                                   "xargs -0 sha256sum | sha256sum", "-", cls.folder_of_source]).stdout[:64]

    def subscribers(self, name):
        return self.host.out(f"cat {self.folder}/{name}").split()

    def command(self, who, line):
        return self.write(who, "majordomo@example.com", body=f"{line}\nend\n")

    def built(self):
        """Which source it was built from, by digest."""
        return self.host.out("cd /usr/lib/majordomo; ls -A | sed -n 's/^[.]built-//p'").split()

    def setting(self, name, key):
        return self.host.out(f"sed -n 's/^{key} = *//p' {self.folder}/{name}.config")

    def test_1_another_source_is_refused(self):
        for source in (self.archive, self.folder_of_source):
            done = self.lists_site(MAJORDOMO, ENGINE % (source, "0" * 64)).apply()
            self.assertExit(done, 1)
            self.assertIn(f"'{source}' has the digest ", done.stdout + done.stderr)
        # And by the host, where the role alone is used.
        done = self.site(ROLE % (self.archive, "0" * 64)).apply()
        self.assertExit(done, 2)
        self.assertIn("the source does not match source_sha256", done.stdout)
        self.host.run("! test -e /usr/lib/majordomo")

    def test_2_it_is_built_and_lists_are_made(self):
        self.apply(MAJORDOMO)
        self.converged(MAJORDOMO)
        self.assertEqual(self.subscribers("announce"), [ALICE[0], CAROL[0]])
        self.assertEqual(self.host.out("stat -c '%A %U %G' /usr/lib/majordomo/wrapper"),
                         "-rwsr-x--- root majordomo")
        self.host.run("! setpriv --reuid=nobody --clear-groups /usr/lib/majordomo/wrapper config-test")
        said = self.host.out("setpriv --reuid=majordomo --regid=majordomo --clear-groups "
                             "/usr/lib/majordomo/wrapper config-test -C /etc/majordomo/example.com.cf")
        self.assertIn("Nothing bad found", said)

    def test_3_passwords_are_none_that_anybody_knows(self):
        passwords = {self.setting(name, key) for name in ("announce", "board")
                     for key in ("admin_passwd", "approve_passwd")}
        self.assertEqual(len(passwords), 4)
        for p in passwords:
            self.assertRegex(p, "^[0-9a-f]{36}$")
        self.assertEqual(self.host.out(f"stat -c '%a %U' {self.folder}/board.config"), "640 majordomo")
        # Somebody who sets a default by hand has it replaced; the plan does not tell by what.
        self.host.run(f"sed -i 's/^admin_passwd.*/admin_passwd = board.admin/' {self.folder}/board.config")
        done = self.lists_site(MAJORDOMO).plan("--exit-code")
        self.assertExit(done, 3)
        self.assertIn("board@example.com board.config: other settings -> admin_passwd\n", done.stdout)
        self.apply(MAJORDOMO)
        self.assertRegex(self.setting("board", "admin_passwd"), "^[0-9a-f]{36}$")

    def test_4_somebody_subscribes_by_mail(self):
        self.command(DAN, "subscribe announce")
        asked = self.has(DAN, "Confirmation for subscribe announce").get_content()
        key = re.search(r"^auth .*", asked, re.M).group()
        self.assertNotIn(DAN[0], self.subscribers("announce"))
        self.command(DAN, key)
        self.has(DAN, "Welcome to announce")
        self.assertIn(DAN[0], self.subscribers("announce"))
        self.has(ALICE, f"SUBSCRIBE announce {DAN[0]}")
        self.converged(MAJORDOMO)

    def test_5_a_post_reaches_members_here_and_elsewhere(self):
        subject = self.write(ALICE, "announce@example.com")
        for who in (ALICE, CAROL, DAN):
            m = self.has(who, subject)
            self.assertEqual(m["Subject"], f"[ann] {subject}")
            self.assertEqual(m["List-Id"], "<announce.example.com>")
            self.assertEqual(m["List-Unsubscribe"],
                             "<mailto:majordomo@example.com?body=unsubscribe%20announce>")
            self.assertEqual(m["Precedence"], "bulk")
            self.assertEqual(m["Return-Path"], "<owner-announce@example.com>")

    def test_6_a_stranger_waits_for_the_owner_and_all_for_a_moderator(self):
        stranger = self.write(ERIN, "announce@example.com")
        asked = self.has(ALICE, "BOUNCE announce@example.com: Non-member submission")
        self.assertIn(stranger, asked.get_content())
        self.never(CAROL, stranger)
        subject = self.write(CAROL, "board@example.com")
        asked = self.has(BOB, "BOUNCE board@example.com: Approval required")
        self.never(CAROL, subject)
        self.write(BOB, "board@example.com", body=f"Approved: board.pass\n{asked.get_content()}")
        self.has(BOB, "Invalid 'Approved:' header")
        password = self.setting("board", "approve_passwd")
        self.write(BOB, "board@example.com", body=f"Approved: {password}\n{asked.get_content()}")
        m = self.has(CAROL, subject)
        self.assertEqual(m["Reply-To"], "board@example.com")
        self.assertNotIn(password, m.as_string())

    def test_7_owner_request_and_bounces(self):
        for to in ("owner-announce@example.com", "announce-owner@example.com",
                   "announce-approval@example.com"):
            self.has(ALICE, self.write(DAN, to))
        self.write(DAN, "announce-request@example.com")
        self.has(DAN, "Your mail to announce-request@example.com")
        self.bare("", "owner-announce@example.com", "Undelivered Mail Returned to Sender")
        self.has(ALICE, "Undelivered Mail Returned to Sender")
        # Nobody comes by what stands between: it would pass the moderator by.
        for to in ("board-outgoing--example.com@majordomo.invalid",
                   "board-outgoing--example.com@mx1.example.com"):
            self.assertGreaterEqual(self.refused(to)[0], 500)
        with self.assertRaises(smtplib.SMTPRecipientsRefused):
            self.write(ALICE, "board-outgoing--example.com@majordomo.invalid")

    def test_8_a_member_leaves(self):
        self.command(DAN, "unsubscribe announce")
        wait_for("gone", lambda: DAN[0] not in self.subscribers("announce"), 60)
        self.has(ALICE, f"UNSUBSCRIBE announce {DAN[0]}")

    def test_9_to_mlmmj_and_back_and_to_none(self):
        self.empty(DAN)
        self.command(DAN, "subscribe announce")
        asked = self.has(DAN, "Confirmation for subscribe announce").get_content()
        self.command(DAN, re.search(r"^auth .*", asked, re.M).group())
        wait_for("subscribed", lambda: DAN[0] in self.subscribers("announce"), 60)
        password = self.setting("board", "approve_passwd")
        self.apply(MAJORDOMO, engine="")
        self.converged(MAJORDOMO, engine="")
        self.gone("majordomo")
        self.has(DAN, self.write(ALICE, "announce@example.com"))  # its members came along
        self.assertEqual(self.refused("majordomo@example.org")[0], 550)
        # Back, and built anew: now from a folder.
        self.assertEqual(self.built(), [self.digest])
        from_folder = ENGINE % (self.folder_of_source, self.digest_of_folder)
        self.apply(MAJORDOMO, engine=from_folder)
        self.converged(MAJORDOMO, engine=from_folder)
        self.assertEqual(self.built(), [self.digest_of_folder])
        self.gone("mlmmj")
        self.assertEqual(self.setting("board", "approve_passwd"), password)
        self.has(DAN, self.write(ALICE, "announce@example.com"))
        self.apply("")
        self.converged("")
        self.gone("majordomo")
        self.host.run("test -s /var/lib/majordomo/lists/closed/example.com/announce")
