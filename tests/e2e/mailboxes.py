# SPDX-License-Identifier: MIT
"""What belongs to one mailbox: answers while its owner is away, warnings before it is full, the
folders that it has, and its state."""
import base64
import email.header
import imaplib
import json
import poplib
import smtplib
import time
import unittest

from lib import (HOST, SANITIZED, arrives, deliver, imap, message, recap, sh, submit, subjects, tls,
                 wait_for)
from world import WorldTest, put

MANIFEST = """
- name: Mail servers
  hosts: mx1.example.com
  become: true
  mail:
    hostname: mx1.example.com
%s
    domains:
      example.com:
        catch_all: %s
        mailboxes:
          alice:
            password: alices
            vacation: {%s}
          bob: {password: bobs%s}
          carol: {password: carols%s}
          small: {password: smalls, quota: %s}
        aliases:
          sales: [alice, bob]
          hers: her
          her: alice
          crowd: [sales, carol]
          only: bob
          both: [bob, carol]
      caught.test:
        catch_all: hers@example.com
        mailboxes: {}
        aliases: {free: alice@example.com, freed: free}
  roles: [mail]
"""
ALICE = ("alice@example.com", "alices")
BOB = ("bob@example.com", "bobs")
CAROL = ("carol@example.com", "carols")
SMALL = ("small@example.com", "smalls")
TEXT = "text: I am back in March."
NONE = "    spam_filter: none\n"
MODES = {
    "none": NONE,
    "rspamd": "    spam_filter: rspamd\n    rspamd: {greylist: {enabled: false}}\n",
    "spamassassin": "    spam_filter: spamassassin\n",
    "piggyback": "    spam_filter: spamassassin\n    rspamd_piggyback: true\n",
}
GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"

# (sender's local part, header lines, is it answered?): who is away is alice.
PERSON = "To: alice@example.com\r\n"
AWAY = [
    ("to", PERSON, True),
    ("cc", "To: x@outside.test\r\nCc: \"x, y\" <x@y.test>,\r\n Al (x) <ALICE@Example.com>\r\n", True),
    ("resent", "To: x@outside.test\r\nResent-To: alice@example.com\r\n", True),
    ("resentcc", "To: x@outside.test\r\nResent-Cc: alice@example.com\r\n", True),
    ("group", "To: us: bob@example.com, alice@example.com;\r\n", True),
    ("extension", "To: alice+shop@example.com\r\n", True),
    ("direct", "To: sales@example.com\r\n", True),
    ("alone", "To: hers@example.com\r\n", True),
    ("no", PERSON + "Auto-Submitted: no (person)\r\n", True),
    ("SRS0=AbCd=XY=other.test=ed", PERSON, True),
    ("prvs=1234567890=ed", PERSON, True),
    ("o'hara", PERSON, True),
    ("ed+tag", PERSON, True),
    ("-f", PERSON, False),  # no sendmail has such a recipient
    ("bcc", "To: x@outside.test\r\n", False),
    ("undisclosed", "To: undisclosed-recipients:;\r\n", False),
    ("nobody", "", False),
    ("crowd", "To: crowd@example.com\r\n", False),
    ("comment", "To: \"alice@example.com\" <x@outside.test>, (alice@example.com) y@y.test\r\n", False),
    ("similar", "To: xalice@example.com, alice@example.com.test, alice@exampleXcom\r\n", False),
    ("subject", "Subject: To: alice@example.com\r\nX-To: alice@example.com\r\n", False),
    ("duty", "To: postmaster@example.com\r\n", False),
    ("suppressed", PERSON + "X-Auto-Response-Suppress: All\r\n", False),
    ("oof", PERSON + "X-Auto-Response-Suppress: DR, OOF, AutoReply\r\n", False),
    ("autoreply", PERSON + "X-Auto-Response-Suppress: autoreply\r\n", False),
    ("generated", PERSON + "Auto-Submitted: auto-generated\r\n", False),
    ("replied", PERSON + "AUTO-SUBMITTED: auto-replied; x=y\r\n", False),
    ("notno", PERSON + "Auto-Submitted: nonsense\r\n", False),
    ("listid", PERSON + "List-Id: <l.outside.test>\r\n", False),
    ("listhelp", PERSON + "List-Help: <mailto:l@outside.test>\r\n", False),
    ("unsubscribe", PERSON + "List-Unsubscribe-Post: x\r\n", False),
    ("mailinglist", PERSON + "X-Mailing-List: l\r\n", False),
    ("bulk", PERSON + "Precedence: bulk\r\n", False),
    ("list", PERSON + "Precedence:  LIST\r\n", False),
    ("junk", PERSON + "Precedence: junk\r\n", False),
    ("report", PERSON + "Content-Type: multipart/report; boundary=x\r\n", False),
    ("x+bounce=alice", PERSON, False),
    ("bounces+alice=example.com", PERSON, False),
    ("list+alice=example.com", PERSON, False),
    ("l-bounces", PERSON, False),
    ("bounce-1234", PERSON, False),
    ("l-request", PERSON, False),
    ("owner-l", PERSON, False),
    ("l-owner", PERSON, False),
    ("MAILER-DAEMON", PERSON, False),
    ("postmaster", PERSON, False),
    ("noreply", PERSON, False),
    ("shop-no-reply", PERSON, False),
    ("do-not-reply.shop", PERSON, False),
    ("majordomo", PERSON, False),
]
# (recipient, header lines, is it answered?): a catch-all's address is not her own, but what is read
# there may name her, too. Each also in upper case.
WAYS = [
    ("alice@example.com", PERSON, True),
    ("alice+shop@example.com", "To: alice+shop@example.com\r\n", True),
    ("sales@example.com", "To: sales@example.com\r\n", True),
    ("sales+spring@example.com", "To: sales+spring@example.com\r\n", True),
    ("hers@example.com", "To: hers@example.com\r\n", True),
    ("hers+x@example.com", "Cc: hers+x@example.com\r\n", True),
    ("hers@example.com", PERSON, True),
    ("free@caught.test", "To: free@caught.test\r\n", True),
    ("freed+x@caught.test", "To: freed+x@caught.test\r\n", True),
    ("crowd@example.com", "To: crowd@example.com\r\n", False),
    ("crowd@example.com", "To: crowd@example.com\r\nCc: hers@example.com\r\n", True),
    ("hers@example.com", "To: x@outside.test\r\n", False),
    ("anybody@caught.test", "To: anybody@caught.test\r\n", False),
    ("alice+x@caught.test", "To: alice+x@caught.test\r\n", False),
    ("anybody@caught.test", "To: anybody@caught.test, freed@caught.test\r\n", True),
    ("postmaster@caught.test", "To: postmaster@caught.test\r\n", False),
    ("bob@example.com", PERSON, False),
]
# One run of the program that answers, as maildrop calls it.
ANSWER_ONE = """#!/bin/sh
printf 'From: x@y.test\\nTo: alice@example.com\\nSubject: s\\n\\nx\\n' |
	exec setpriv --reuid vmail --regid vmail --clear-groups env -i PATH="$PATH" LOGNAME=alice@example.com \\
	SENDER="$1" ADDRESSES=alice@example.com /usr/local/lib/mail/answer
"""
# Of one domain twelve mailboxes pass the mark 80, each found out by three runs at once. Prints of each
# the number of its warnings and its record; then what stands beside the records.
WARN_ALL = """#!/bin/sh
records=/var/lib/mail-warned/at-once.test boxes=/var/lib/mail-warned/boxes
mkdir -p $records && echo '95 1' >$records/.new
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
	mkdir -p $boxes/u$i/Maildir/tmp $boxes/u$i/Maildir/new
	printf '100S\n81 1\n' >$boxes/u$i/Maildir/maildirsize
	for run in 1 2 3; do /usr/local/lib/mail/quota-warning u$i@at-once.test $boxes/u$i & done
done
wait
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
	echo $(ls $boxes/u$i/Maildir/new | wc -l) $(cat $records/u$i)
done
ls -A $records | grep -v '^u'
rm -rf $records $boxes
"""
# Subjects as bytes, and what the answer's is when it is decoded.
SUBJECTS = [
    (b"plain words", "Auto: plain words"),
    (b"=?UTF-8?B?TcOkcno=?= soon", "Auto: März soon"),
    ("Grüße aus München".encode(), "Auto: Grüße aus München"),
    ("Grüße".encode("latin-1"), "Auto: Grüße"),
    (b"folded\r\n line\tand\r\n  another", "Auto: folded line and another"),
    (b"-f root@x $(touch /tmp/hit) `touch /tmp/hit`; touch /tmp/hit", None),
    (b"\"quoted\" 'and' \\back % %s %n", "Auto: \"quoted\" 'and' \\back % %s %n"),
    (b"a bell \x07 and \x1b[31m red \x7f end", "Auto: a bell and [31m red end"),
    (b"", "Auto:"),
    ("ü日本語".encode() * 120, None),
]


@unittest.skipIf(SANITIZED, "nothing new for the agent but a few files")
class Mailboxes(WorldTest):
    """One host for the class; the tests run in the order of their names."""

    names = ("mx1.example.com",)
    public = True

    def converge(self, mode="none", more="", away=TEXT, bob="", carol="", quota="300k", catch_all="bob",
                 plan=False):
        s = self.site(MANIFEST % (MODES[mode] + more, catch_all, away, bob, carol, quota),
                      hosts=[self.host])
        done = s.apply()
        self.assertExit(done, 0)
        if plan:
            self.assertExit(s.plan("--exit-code"), 0)
        return done.stdout

    def send(self, sender, to, data):
        """From the outside's public address; the server's last words."""
        ask = {"at": self.host.public, "port": 25, "helo": "outside.test", "tls": False,
               "sender": sender, "to": [to], "data": base64.b64encode(data).decode()}
        outside = self.world.ready().outside
        said = json.loads(sh([HOST, "exec", outside.name, "world-send"], input=json.dumps(ask)).stdout)
        return said["data"] or said["rcpt"].get(to, "") or str(said)

    def letter(self, head, subject=b"a question", body=b"Where are you?\r\n"):
        """A whole message, with the headers that an ordinary one has."""
        own = f"Message-ID: <{time.time_ns()}@outside.test>\r\nDate: {self.date()}\r\n"
        if "From:" not in head:
            own += "From: Ed <ed@outside.test>\r\n"
        if "Subject:" not in head:
            own += "Subject: "
            return own.encode() + subject + b"\r\n" + head.encode() + b"\r\n" + body
        return (own + head).encode() + b"\r\n" + body

    @staticmethod
    def date():
        return time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime())

    def settle(self):
        wait_for("all delivered", lambda: "is empty" in self.host.out("postqueue -p"), 60)
        wait_for("no delivery runs", lambda: not self.host.out(
            "pgrep -x 'maildrop|answer' || true") and "is empty" in self.host.out("postqueue -p"))

    def answers(self):
        return [m for m in self.world.mailbox() if m.message["Auto-Submitted"] == "auto-replied"]

    def answer_to(self, sender):
        return wait_for(f"an answer to {sender}", lambda: next(
            (m for m in self.answers() if m.to.lower() == sender.lower()), None))

    # ---- folders ----

    def test_01_the_folders_of_a_mailbox(self):
        self.converge(plan=True)
        with imap(self.host.address, *BOB) as s:
            folders = b"\n".join(s.list()[1]).decode()
            subscribed = b"\n".join(s.lsub()[1]).decode()
        for name, use in (("Archive", "\\Archive"), ("Drafts", "\\Drafts"), ("Sent", "\\Sent"),
                          ("Spam", "\\Junk"), ("Trash", "\\Trash")):
            self.assertRegex(folders, rf"(?m)^\([^)]*\{use}[^)]*\) \"\.\" {name}$")
        for name in ("INBOX", "Archive", "Drafts", "Sent", "Spam", "Trash"):
            self.assertRegex(subscribed, rf"(?m) {name}$")

    # ---- away ----

    def test_02_who_is_answered(self):
        wanted = set()
        for name, head, answered in AWAY:
            sender = f"{name}@outside.test"
            data = self.letter(head)
            with self.subTest(name):
                if name == "direct":
                    self.send(sender, "sales@example.com", data)
                elif name == "alone":
                    self.send(sender, "hers@example.com", data)
                else:
                    self.send(sender, ALICE[0], data)
                if not answered:
                    self.send(sender, "hers@example.com", data)
                    self.send(sender, "anybody@caught.test", data)
            if answered:
                wanted.add(sender.lower())
        for to in (ALICE[0], "hers@example.com", "anybody@caught.test"):
            self.send("", to, self.letter(PERSON))
        for n, (to, head, answered) in enumerate(WAYS):
            for sender, to_, head_ in ((f"way{n}@outside.test", to, head),
                                       (f"upper{n}@outside.test", to.upper(), head.upper())):
                self.assertRegex(self.send(sender, to_, self.letter(head_)), "^250 ", to_)
                if answered:
                    wanted.add(sender)
        for sender in wanted:
            self.answer_to(sender)
        self.settle()
        time.sleep(1)
        self.assertEqual(sorted(m.to.lower() for m in self.answers()), sorted(wanted))
        # Nor does she answer herself, or mail that the list of her own names leads round.
        submit(self.host.address, *ALICE, ALICE[0], ALICE[0], subject="to myself")
        arrives(self.host.address, *ALICE, "to myself")
        self.settle()
        self.assertNotIn("Auto: to myself", subjects(self.host.address, *ALICE))

    def test_03_what_is_answered(self):
        self.send("ask@outside.test", ALICE[0], (
            b"From: Ed <ed@outside.test>\r\nTo: alice@example.com\r\nSubject: hello\r\n"
            b"References: <0@outside.test>\r\n <1@outside.test>\r\n"
            b"Message-ID: <2@outside.test>\r\n\r\nHello.\r\n"))
        m = self.answer_to("ask@outside.test")
        self.assertEqual((m.sender, m.message["To"]), ("", "ask@outside.test"))
        self.assertIn(ALICE[0], m.message["From"])
        self.assertEqual(m.message["In-Reply-To"], "<2@outside.test>")
        self.assertEqual(m.message["References"].split(),
                         ["<0@outside.test>", "<1@outside.test>", "<2@outside.test>"])
        self.assertEqual(m.message["Subject"], "Auto: hello")
        self.assertEqual(m.message.get_content().strip(), "I am back in March.")
        self.assertTrue(m.message["Date"] and m.message["Message-ID"])
        self.send("many@outside.test", ALICE[0], (
            "From: e@outside.test\r\nTo: alice@example.com\r\nSubject: x\r\nReferences: "
            + " ".join(f"<{n}@outside.test>\r\n" for n in range(1500))
            + "Message-ID: <last@outside.test>\r\n\r\nHello.\r\n").encode())
        found = self.answer_to("many@outside.test").message["References"].split()
        self.assertEqual((len(found), found[-1]), (21, "<last@outside.test>"))

    def test_04_subjects_of_any_bytes(self):
        for n, (subject, wanted) in enumerate(SUBJECTS):
            with self.subTest(subject[:40]):
                sender = f"subject{n}@outside.test"
                self.send(sender, ALICE[0], self.letter(PERSON, subject))
                m = self.answer_to(sender)
                raw = m.raw[m.raw.index(b"\nSubject:") + 1:].split(b"\n\n")[0]
                self.assertTrue(all(b < 127 for b in raw), raw)
                self.assertTrue(all(len(line) < 998 for line in raw.splitlines()), raw)
                decoded = str(email.header.make_header(email.header.decode_header(
                    m.message["Subject"])))
                self.assertTrue(decoded.startswith("Auto:"))
                if wanted:
                    self.assertEqual(decoded, wanted)
        self.assertIn("ü日本語ü日本語", decoded)
        self.empty(ALICE)  # others read subjects as text
        self.assertEqual(self.host.out("ls /tmp/hit 2>/dev/null || true"), "")

    def test_05_large_messages_are_read_to_their_end(self):
        since = self.host.out("date '+%Y-%m-%d %H:%M:%S'")
        body = (b"x" * 70 + b"\r\n") * 70000
        for to, who in ((ALICE[0], ALICE), ("hers@example.com", ALICE), ("anybody@caught.test", ALICE),
                        (CAROL[0], CAROL)):
            subject = f"large {to}"
            said = self.send(f"{to[:4]}@outside.test", to, self.letter(f"To: {to}\r\n", subject.encode(), body))
            self.assertRegex(said, "^250 ")
            arrives(self.host.address, *who, subject)
        self.settle()
        log = self.host.out(f"journalctl -q -o cat --since '{since}' -t postfix/pipe")
        self.assertGreaterEqual(log.count("status=sent (delivered via vmaildrop service)"), 4, log)
        self.assertNotIn("maildrop:", log)

    def test_06_once_a_day_for_each_text(self):
        before = len(self.answers())
        for n, to in enumerate((ALICE[0], "alice+x@example.com", "sales@example.com", "HERS@example.com",
                                "anybody@caught.test")):
            self.send("ASK@outside.test", to, self.letter(PERSON, b"again %d" % n))
        self.settle()
        time.sleep(1)
        self.assertEqual(len(self.answers()), before)
        # A changed text is news.
        self.converge(away="subject: Fort bis März, text: \"Ich bin im März zurück.\"", plan=True)
        self.send("ask@outside.test", ALICE[0], self.letter(PERSON))
        m = wait_for("the new text", lambda: self.answers()[before:])[0].message
        self.assertEqual(m["Subject"], "Fort bis März")
        self.assertEqual(m.get_content().strip(), "Ich bin im März zurück.")
        # Yesterday's are forgotten, and no file grows without end.
        file = self.host.out("ls /var/lib/mail-answered/* | grep -v lock")
        self.host.run(f"""awk 'NR == 1 {{print; for (i = 0; i < 5000; i++) print "1000000000 x" i; next}}
                      {{print $1 - 90000, $2}}' {file} >/tmp/f && cat /tmp/f >{file}""")
        self.send("ask@outside.test", ALICE[0], self.letter(PERSON))
        wait_for("an answer a day later", lambda: len(self.answers()) == before + 2)
        wait_for("a short file", lambda: self.host.out(f"wc -l <{file}") == "2")
        self.host.run(f"""for i in $(seq 1000); do echo "$(date +%s) x$i"; done >>{file}""")
        self.send("another@outside.test", ALICE[0], self.letter(PERSON, b"too many"))
        arrives(self.host.address, *ALICE, "too many")
        self.settle()
        self.assertEqual(self.host.out(f"wc -l <{file}"), "1002")

    def test_06a_two_messages_at_once_and_a_kill(self):
        """The record of who was answered is whole at every moment, whatever happens to the program."""
        file = self.host.out("ls /var/lib/mail-answered/* | grep -v lock")
        self.host.run(f"head -n 2 {file} >/tmp/f && cat /tmp/f >{file}")
        put(self.host, "/tmp/one", ANSWER_ONE, "0755")
        before = len(self.answers())
        self.host.run("for i in 1 2 3 4 5 6 7 8; do /tmp/one same@outside.test & /tmp/one s$i@outside.test & done; wait")
        wanted = sorted(["same@outside.test", *(f"s{i}@outside.test" for i in range(1, 9))])
        wait_for("an answer each", lambda: len(self.answers()) >= before + 9)
        self.settle()
        self.assertEqual(sorted(m.to for m in self.answers()[before:]), wanted)
        self.assertEqual(self.host.out(f"wc -l <{file}"), "11")
        # Killed anywhere: nobody who is in the record is lost.
        self.host.run("for i in $(seq 30); do setsid /tmp/one k$i@outside.test & sleep 0.0$((i * 3 + 10));"
                      f" kill -9 -- -$!; grep -c . {file}; done 2>/dev/null >/tmp/lines; wait")
        lines = [int(n) for n in self.host.out("cat /tmp/lines").split()]
        self.assertEqual((len(lines), lines[0] >= 11, lines), (30, True, sorted(lines)))
        self.assertNotRegex(self.host.out(f"sed 1d {file}"), "(?m)^(?![0-9]{10} [0-9a-f]{32}$)")
        # No room for the record: nobody is answered whom it does not name.
        before = len(self.answers())
        self.host.run(f"""cp {file} /tmp/f; mount -t tmpfs -o size=4k,mode=700,uid=vmail,gid=vmail none /var/lib/mail-answered
                      (head -n 1 /tmp/f; for i in $(seq 92); do echo "$(date +%s) $(echo $i | md5sum | cut -c1-32)"; done) >{file}
                      chown vmail {file}; cp {file} /tmp/full; /tmp/one full@outside.test; cmp {file} /tmp/full; rc=$?
                      umount /var/lib/mail-answered; exit $rc""")
        self.settle()
        self.assertEqual([m.to for m in self.answers()[before:] if m.to[0] != "k"], [])

    # ---- full ----

    def fill(self, size, subject=None):
        """By delivery, from outside."""
        subject = subject or f"fills {time.time_ns()}"
        body = (b"x" * 70 + b"\r\n") * (size // 71)  # a line end counts one in the mailbox
        said = self.send("ed@outside.test", SMALL[0],
                         self.letter(f"To: {SMALL[0]}\r\n", subject.encode(), body))
        self.assertRegex(said, "^250 ")
        arrives(self.host.address, *SMALL, subject)
        self.settle()

    def append(self, size, folder="INBOX"):
        """By IMAP."""
        with imap(self.host.address, *SMALL) as s:
            said = s.append(folder, None, None, message("x@y.test", "x@y.test", "kept",
                                                        ("x" * 70 + "\n") * (size // 71)).as_bytes())
            self.assertEqual(said[0], "OK", said)

    def empty(self, who=SMALL):
        with imap(self.host.address, *who) as s:
            for folder in ("INBOX", "Archive"):
                s.select(folder)
                if s.search(None, "ALL")[1][0]:
                    s.store("1:*", "+FLAGS", "\\Deleted")
                    s.expunge()

    def warnings(self):
        return sorted(s for s in subjects(self.host.address, *SMALL) if "% full" in s)

    def warned(self, marks):
        wanted = [f"Your mailbox is more than {m}% full" for m in marks]
        wait_for(f"{wanted}", lambda: self.warnings() == wanted)
        time.sleep(0.5)
        self.assertEqual(self.warnings(), wanted)

    def test_07_quota_warnings(self):
        self.fill(200_000)
        self.warned([])
        self.fill(50_000)                      # 250 of 307 KB: 81 %
        self.warned([80])
        self.fill(10_000)
        self.warned([80])                      # once
        self.append(35_000, "Archive")         # by IMAP: 96 %
        self.warned([80, 95])
        self.append(3_000)
        self.fill(1_000)
        self.warned([80, 95])
        used = self.host.out("awk 'NR > 1 {n += $1} END {print n}' "
                             "/var/vmail/example.com/small/Maildir/maildirsize")
        self.assertLess(int(used), 307_200)
        self.empty()                           # below both marks, the warnings deleted
        self.append(250_000)
        self.warned([80])                      # anew
        self.empty()
        self.fill(295_000)                     # past both at once
        self.warned([95])
        with imap(self.host.address, *SMALL) as s:
            s.select("INBOX", readonly=True)
            number = s.search(None, "SUBJECT", "full")[1][0].split()[0]
            text = s.fetch(number, "(BODY.PEEK[])")[1][0][1].decode()
        self.assertIn("From: Postmaster <postmaster@example.com>", text)
        self.assertIn("To: <small@example.com>", text)
        self.assertIn("Auto-Submitted: auto-generated", text)
        self.assertRegex(text, r"\d+ KB of 307 KB are in use")
        # More room is below the marks again.
        self.converge(quota="600k")
        self.fill(200_000)
        self.warned([80, 95])

    def test_07a_many_warnings_at_once(self):
        """Each mailbox is warned once, and its record is its own; what a killed run left harms none."""
        put(self.host, "/tmp/warn", WARN_ALL, "0755")
        said = self.host.out("setpriv --reuid vmail --regid vmail --clear-groups /tmp/warn")
        self.assertEqual(said.splitlines(), ["1 80 100"] * 12 + [".lock"])

    def test_08_other_marks_and_none(self):
        self.converge(quota="300k", more="    quota_warnings: [50]\n")
        self.empty()
        self.fill(100_000)
        self.warned([])
        self.append(60_000)
        self.warned([50])
        self.empty()
        self.converge(more="    quota_warnings: []\n", away="text: none", plan=True)
        self.fill(280_000)
        self.append(15_000)
        self.warned([])
        self.assertEqual(self.host.out("ls -d /usr/local/lib/mail/quota-warning /var/lib/mail-warned "
                                       "2>/dev/null || true"), "")
        self.assertNotIn("quota-warning", self.host.out("doveconf -n; cat /etc/maildroprc"))
        self.empty()

    # ---- states ----

    def logs_in(self, who):
        """By which ways does the login work?"""
        a, ways = self.host.address, set()
        for way in ("imap", "pop3", "smtp"):
            try:
                if way == "imap":
                    imap(a, *who).logout()
                elif way == "pop3":
                    s = poplib.POP3_SSL(a, 995, context=tls(), timeout=20)
                    s.user(who[0])
                    s.pass_(who[1])
                    s.quit()
                else:
                    with smtplib.SMTP_SSL(a, 465, context=tls(), timeout=20) as s:
                        s.login(*who)
                ways.add(way)
            except (imaplib.IMAP4.error, poplib.error_proto) as e:
                self.assertIn("mailbox_is_suspended", str(e))
            except smtplib.SMTPAuthenticationError as e:
                self.words = str(e.smtp_error)
        return ways

    def rcpt(self, to):
        return deliver(self.world.outside, self.host.address, "x@outside.test", to)

    def test_09_suspended(self):
        a = self.host.address
        self.assertEqual(self.logs_in(BOB), {"imap", "pop3", "smtp"})
        arrives(a, *BOB, submit(a, *CAROL, CAROL[0], BOB[0], subject="kept"))
        session = imap(a, *BOB)
        session.select("INBOX")
        mail = smtplib.SMTP_SSL(a, 465, context=tls(), timeout=20)
        mail.login(*BOB)
        other = imap(a, *CAROL)
        out = self.converge(bob=", state: suspended", plan=True)
        self.assertIn("End the sessions of closed mailboxes", out)
        with self.assertRaises((imaplib.IMAP4.error, OSError)):
            session.noop()
        with self.assertRaises((smtplib.SMTPException, OSError)):
            mail.send_message(message(BOB[0], CAROL[0]))
        self.assertEqual(other.noop()[0], "OK")  # nobody else's
        other.logout()
        self.assertEqual(self.logs_in(BOB), set())
        self.assertIn("This mailbox is suspended", self.words)
        for to in ("bob@example.com", "BOB@Example.com", "bob+x@example.com", "only@example.com",
                   "Only+x@example.com", "whoever@example.com", "whoever+x@EXAMPLE.com"):
            self.assertRegex(self.rcpt(to), "^550 .*5.2.1 .*suspended", to)
        # Its own users hear the same, and what has somebody else to read it is taken.
        with self.assertRaisesRegex(smtplib.SMTPException, "5.2.1"):
            submit(a, *CAROL, CAROL[0], BOB[0])
        for to in ("carol@example.com", "both@example.com", "postmaster@example.com"):
            self.assertRegex(self.rcpt(to), "^250 ", to)
        # A local program's mail comes back.
        self.host.run("printf 'Subject: by cron\\n\\nx\\n' | sendmail -f carol@example.com bob@example.com")
        arrives(a, *CAROL, "Undelivered Mail Returned to Sender")
        self.settle()
        self.assertNotIn("by cron", self.host.out("grep -rh ^Subject: /var/vmail/example.com/bob"))

    def test_10_active_again(self):
        self.converge(plan=True)
        self.assertEqual(self.logs_in(BOB), {"imap", "pop3", "smtp"})
        self.assertIn("kept", subjects(self.host.address, *BOB))
        self.assertRegex(self.rcpt("whoever@example.com"), "^250 ")
        self.assertEqual(self.host.out("ls /etc/dovecot/closed /etc/postfix/refused_recipients* "
                                       "2>/dev/null || true"), "")
        self.assertNotIn("closed", self.host.out("doveconf -n"))

    def test_11_receive_only(self):
        a = self.host.address
        mail = smtplib.SMTP_SSL(a, 465, context=tls(), timeout=20)
        mail.login(*CAROL)
        session = imap(a, *CAROL)
        self.converge(carol=", state: receive_only", plan=True)
        with self.assertRaises((smtplib.SMTPException, OSError)):
            mail.send_message(message(CAROL[0], BOB[0]))
        self.assertEqual(session.noop()[0], "OK")
        session.logout()
        self.assertEqual(self.logs_in(CAROL), {"imap", "pop3"})
        self.assertIn("This mailbox receives mail, but must not send any", self.words)
        arrives(a, *CAROL, submit(a, *BOB, BOB[0], CAROL[0]))

    def test_12_a_mailbox_taken_out_is_logged_out(self):
        a = self.host.address
        session = imap(a, *CAROL)
        text = (MANIFEST % (NONE, "bob", TEXT, "", "", "300k"))
        text = "".join(line for line in text.splitlines(True) if "carol" not in line)
        s = self.site(text, hosts=[self.host])
        self.assertExit(s.apply(), 0)
        with self.assertRaises((imaplib.IMAP4.error, OSError)):
            session.noop()

    # ---- away, in every mode ----

    def test_13_one_answer_in_each_mode_and_none_to_spam(self):
        for mode in ("rspamd", "piggyback", "spamassassin"):
            with self.subTest(mode):
                self.converge(mode, away=f"text: away in {mode}")
                self.send("ed@outside.test", ALICE[0], self.letter(PERSON, b"in %s" % mode.encode()))
                m = wait_for("the answer", lambda: [
                    m for m in self.answers() if f"away in {mode}" in m.message.get_content()], 60)[0]
                self.assertEqual((m.sender, m.message["Subject"]), ("", f"Auto: in {mode}"))
                if mode == "rspamd":
                    continue  # it refuses this
                self.send("spammer@outside.test", ALICE[0],
                          self.letter(PERSON, b"spam", (GTUBE + "\r\n").encode()))
                arrives(self.host.address, *ALICE, "spam", "Spam")
                self.settle()
        self.assertNotIn("spammer@outside.test", [m.to for m in self.answers()])

    def test_14_nothing_stays_behind(self):
        s = self.site((MANIFEST % (NONE, "bob", TEXT, "", "", "0")).replace(
            "            vacation: {%s}\n" % TEXT, ""), hosts=[self.host])
        self.assertExit(s.apply(), 0)
        self.assertEqual(self.host.out("ls -d /etc/maildrop* /usr/local/lib/mail /var/lib/mail-* "
                                       "2>/dev/null || true"), "/etc/maildroprc")
        self.assertEqual(recap(s.apply().stdout)["mx1.example.com"]["changed"], 0)
