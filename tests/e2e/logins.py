# SPDX-License-Identifier: MIT
"""What a login may send: as whom, with which headers, marked or refused as spam, how much in an
hour; and what happens while the filter is away."""
import base64
import json
import time
import unittest

from lib import SANITIZED, arrives, subjects, wait_for
from world import WorldTest, put

MANIFEST = """
- hosts: mail
  become: true
  mail:
    hostname: mx1.example.com
    spam_traps: [trap@example.com]
%s
    rspamd:
      greylist: {enabled: false}
      regexp:
        TEST_DOUBTFUL: {re: "Subject=/doubtful/H", score: 9}
        TEST_SPAM: {re: "Subject=/certain/H", score: 30}
    domains:
      example.com:
        catch_all: bob
        mailboxes:
          alice: {password: alices, send_as: [news, "@shop.test", boss@partner.test]}
          bob: {password: bobs}
          carol: {password: carols}
%s        aliases:
          sales: [alice, partner@outside.test]
          away: reader@outside.test
        lists:
          club: {owner: sales, post: anyone, members: [reader@outside.test]}
      shop.test:
        mailboxes: {dave: {password: daves}}
        aliases: {away: reader@outside.test}
      bücher.test:
        mailboxes: {erin: {password: erins}}
  roles: [mail]
"""
MODES = {
    "rspamd": "    spam_filter: rspamd\n",
    "spamassassin": "    spam_filter: spamassassin\n",
    "piggyback": "    spam_filter: spamassassin\n    rspamd_piggyback: true\n",
    "none": "    spam_filter: none\n",
}
ALICE, BOB = ("alice@example.com", "alices"), ("bob@example.com", "bobs")
CAROL, DAVE = ("carol@example.com", "carols"), ("dave@shop.test", "daves")
ERIN = ("erin@xn--bcher-kva.test", "erins")
OUTSIDE = "reader@outside.test"

# Whose is an address? The envelope and From are asked for each.
YES, NO = True, False
OWN = [
    (ALICE, YES, "alice@example.com ALICE@Example.COM alice+x@example.com alice+x+y@example.com "
                 "sales@example.com sales+x@example.com news@example.com news+x@example.com "
                 "dave@shop.test away@shop.test nobody@shop.test boss@partner.test "
                 "club@example.com club+owner@example.com"),
    (ALICE, NO, "bob@example.com carol@example.com away@example.com nobody@example.com "
                "postmaster@example.com trap@example.com x@partner.test ed@outside.test "
                "root@mx1.example.com alice@mx1.example.com alice@sub.example.com "
                "alicex@example.com +x@example.com erin@xn--bcher-kva.test"),
    (BOB, YES, "bob@example.com nobody@example.com nobody+x@example.com abuse@example.com"),
    (BOB, NO, "alice@example.com alice+x@example.com sales@example.com away@example.com "
              "news@example.com club@example.com club+x@example.com club+owner@example.com "
              "trap@example.com dave@shop.test nobody@shop.test"),
    (CAROL, NO, "nobody@example.com news@example.com"),
    (DAVE, YES, "dave@shop.test postmaster@shop.test"),
    (DAVE, NO, "away@shop.test nobody@shop.test alice@example.com"),
    (ERIN, YES, "erin@xn--bcher-kva.test erin+x@XN--BCHER-KVA.test"),
]

# How From is written; alice's. The word that has to be in the refusal, or None: it passes.
OTHERS, UNREADABLE = "may not send as", "cannot be read as addresses"
WRITTEN = [
    ('"boss@outside.test" <alice@example.com>', None),
    ("=?utf-8?q?boss=40outside.test?= <ALICE@example.com>", None),
    ("(boss@outside.test) alice@example.com (a (nested\\)) one)", None),
    ('"alice"@example.com', None),
    ("alice@example.com <alice@example.com>", None),
    ("[Firm] O'Neil & Söhne <alice@example.com>", None),
    ("Alice\r\n <alice@example.com>", None),
    ("sales@example.com, Alice <alice@example.com>", None),
    ("Us: alice@example.com, sales@example.com;", None),
    ("", "cannot be read"),
    ("<>", UNREADABLE),
    ("Alice", UNREADABLE),
    ("Us:;", UNREADABLE),
    ("Us: alice@example.com, boss@outside.test;", OTHERS),
    ("alice@example.com, boss@outside.test", OTHERS),
    ("boss@outside.test <alice@example.com>", OTHERS),
    ("alice@example.com <boss@outside.test>", OTHERS),
    ("<alice@example.com> <boss@outside.test>", UNREADABLE),
    ("<@outside.test:alice@example.com>", UNREADABLE),
    ("alice@example.com, <boss@outside.test", UNREADABLE),
    ('"boss@outside.test, <alice@example.com>', UNREADABLE),
    ("=?utf-8?q?boss=40outside.test?=", UNREADABLE),
    ("=?utf-8?q?boss=40outside.test=00?=@shop.test", UNREADABLE),
    ('"boss@outside.test "@shop.test', UNREADABLE),
    ("boss@outside.test@shop.test", UNREADABLE),
    ("alice@[198.51.100.7]", UNREADABLE),
    ("x%s%n%%@outside.test", "x%s%n%%@outside.test"),
    ("y" * 300 + "@outside.test", "y" * 90),
    (", ".join(["alice@example.com"] * 300), None),
    (", ".join(["alice@example.com"] * 500), UNREADABLE),
    ('"' + '\\"' * 5000 + '" <alice@example.com>', UNREADABLE),
]
# Further fields beside a From of alice's.
BESIDE = [
    ("Sender: sales@example.com", None),
    ("Resent-From: alice@example.com", None),
    ("Reply-To: boss@outside.test", None),
    ("X-From: boss@outside.test", None),
    ("From: alice@example.com", "From twice"),
    ("From: boss@outside.test", OTHERS),
    ("FROM : boss@outside.test", OTHERS),
    ("Sender: boss@outside.test", "Sender must be an address of this login"),
    ("sender:\r\n boss@outside.test", OTHERS),
    ("Sender: alice@example.com\r\nSender: sales@example.com", "Sender twice"),
    ("Resent-From: boss@outside.test", OTHERS),
    ("Resent-Sender: boss@outside.test", OTHERS),
    ("Resent-From: alice@example.com\r\n" * 200 + "X: y", "too large"),
    ("X-Long: " + "z" * 900 + "\r\n", None),
]

# Submits each of a list of messages with its login; prints the last reply to each.
SUBMIT = r'''#!/usr/bin/python3
import base64, json, smtplib, ssl, sys
tls = ssl.create_default_context()
tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE

def submit(c):
    if c["port"] == 465:
        s = smtplib.SMTP_SSL(c["at"], 465, context=tls, timeout=60)
    else:
        s = smtplib.SMTP(c["at"], c["port"], timeout=60)
        s.starttls(context=tls)
    with s:
        s.login(*c["login"])
        code, text = s.mail(c["sender"])
        for to in c["to"]:
            if code == 250:
                code, text = s.rcpt(to)
        if code == 250 and c["data"] is not None:
            try:
                code, text = s.data(base64.b64decode(c["data"]))
            except smtplib.SMTPDataError as e:
                code, text = e.smtp_code, e.smtp_error
        return "%d %s" % (code, text.decode())

def tried(c):
    try:
        return submit(c)
    except (OSError, smtplib.SMTPException) as e:
        return repr(e)

print(json.dumps([tried(c) for c in json.load(sys.stdin)]))
'''


def mail(subject, head="From: alice@example.com", to=OUTSIDE):
    return f"{head}\r\nTo: {to}\r\nSubject: {subject}\r\n\r\nHello.\r\n"


@unittest.skipIf(SANITIZED, "many applies, in which the agent has nothing new to prove")
class Logins(WorldTest):
    """One mail host; the tests run in the order of their names."""

    names = ("mx1.example.com",)
    zones = ("shop.test",)
    public = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        put(cls.outside, "/usr/local/bin/world-submit", SUBMIT, "0755")

    def converge(self, mode="rspamd", more="", boxes=""):
        s = self.site(MANIFEST % (MODES[mode] + more, boxes), hosts=[self.host])
        done = s.apply()
        self.assertExit(done, 0)
        again = s.plan("--exit-code")
        self.assertExit(again, 0)
        return s, done.stdout

    def submit(self, *cases):
        """Each case: (login, data or None), and of sender, to and port what is not the default.
        Returns the server's last reply to each."""
        self.world.ready()
        asks = []
        for login, data, *more in cases:
            ask = {"at": self.host.public, "port": 587, "login": login, "sender": login[0],
                   "to": [OUTSIDE], "data": None, **(more[0] if more else {})}
            if data is not None:
                raw = data if isinstance(data, bytes) else data.encode()
                ask["data"] = base64.b64encode(raw).decode()
            asks.append(ask)
        done = self.outside.run(f"world-submit <<'EOF'\n{json.dumps(asks)}\nEOF")
        return json.loads(done.stdout)

    def settled(self, login, want):
        """After a reload rspamd's old workers finish what they are at."""
        wait_for(f"an answer {want}", lambda: want in self.submit(
            (login, mail("settled?", f"From: {login[0]}")))[0], 30)

    def raw(self, subject):
        """The message with this subject in a mailbox of the host."""
        find = f"grep -rlx --include='*:2,*' --include='*,S=*' 'Subject: {subject}' /var/vmail"
        name = wait_for(f"'{subject}' in a mailbox",
                        lambda: self.host.run(find, check=False).stdout.split())
        return self.host.out(f"cat {name[0]}")

    def judge(self, said, wanted):
        """wanted: (what, None: it passes, or a word of the refusal) for each reply."""
        wrong = []
        for reply, (what, word) in zip(said, wanted):
            good = reply.startswith("250 ") if word is None else (
                reply.startswith("554 5.7.1 ") and word in reply)
            if not good:
                wrong.append(f"{what!r} should {'pass' if word is None else 'fail: ' + word}: "
                             f"{reply}")
        self.assertEqual(wrong, [])

    # ---- as whom ----

    def test_1_envelope_and_header_agree_on_whose_an_address_is(self):
        s, _ = self.converge()
        self.world.publish(s.records().stdout)
        cases = [(login, may, a) for login, may, text in OWN for a in text.split()]
        said = self.submit(*[(login, None, {"sender": a}) for login, _, a in cases])
        wrong = [f"{c}: {reply}" for c, reply in zip(cases, said)
                 if reply[:3] != ("250" if c[1] else "553")]
        self.assertEqual(wrong, [])
        said = self.submit(*[(login, mail("own", f"From: {a}"), {"port": (587, 465)[n % 2]})
                             for n, (login, _, a) in enumerate(cases)])
        self.judge(said, [(c, None if c[1] else OTHERS) for c in cases])

    def test_2_however_from_is_written(self):
        cases = [(f"From: {text}", word) for text, word in WRITTEN]
        cases += [(f"From: alice@example.com\r\n{text}", word) for text, word in BESIDE]
        said = self.submit(*[(ALICE, mail("written", head), {"port": (587, 465)[n % 2]})
                             for n, (head, _) in enumerate(cases)])
        self.judge(said, cases)
        # what is refused names itself in words, and is nobody's code
        self.assertEqual(self.submit((ALICE, mail("b", "From: Boss <boss@outside.test>")))[0],
                         "554 5.7.1 alice@example.com may not send as boss@outside.test: From "
                         "must be an address of this login")
        cases = [("Erin <erin@bücher.test>", None), ("ERIN@BÜCHER.test", None),
                 ("erin@büchern.test", OTHERS), ("erin@b\udcffcher.test", UNREADABLE)]
        said = self.submit(*[(ERIN, mail("idn", f"From: {text}").encode("utf-8", "surrogateescape"))
                             for text, _ in cases])
        self.judge(said, cases)
        # an answer that a message was read (MDN) has no envelope sender
        null = {"sender": ""}
        said = self.submit((ALICE, mail("mdn"), null),
                           (ALICE, mail("mdn", "From: boss@outside.test"), null),
                           (ALICE, "Subject: mdn without\r\n\r\nx\r\n", null))
        self.judge(said, [("own", None), ("another's", OTHERS), ("none", "From")])

    # ---- which headers ----

    def test_3_what_is_missing_is_added_before_it_is_signed(self):
        for port in (587, 465):
            said = self.submit((ALICE, f"Subject: bare {port}\r\n\r\nHello.\r\n",
                                {"sender": "alice+x@example.com", "port": port}))
            self.assertEqual(said[0][:3], "250", said)
            m = self.world.arrived(f"bare {port}")
            self.world.verify_dkim(m)
            self.assertEqual(m.message.get_all("From"), ["alice+x@example.com"])
            self.assertEqual(len(m.message.get_all("Date")), 1)
            self.assertRegex(m.message["Message-ID"], r"^<.+@mx1\.example\.com>$")
            signed = "".join(str(m.message["DKIM-Signature"]).split()).lower()
            for name in ("from", "date", "message-id"):
                self.assertIn(name, signed.split(";h=")[1].split(";")[0].split(":"))
            self.assertNotIn("198.51.100.", str(m.message.get_all("Received")[-1]))
        # an address of another domain is vouched for by that domain
        self.submit((ALICE, mail("of the shop", "From: dave@shop.test")))
        m = self.world.arrived("of the shop")
        self.world.verify_dkim(m)
        self.assertIn("d=shop.test;", m.message["DKIM-Signature"])
        # what is there stays
        self.submit((ALICE, "From: Alice <alice@example.com>\r\nSubject: whole\r\n"
                     "Date: Thu, 1 Jan 2026 00:00:00 +0000\r\nMessage-ID: <1@mine.test>\r\n\r\nx"))
        m = self.world.arrived("whole")
        self.assertEqual([m.message.get_all(n) for n in ("From", "Message-ID")],
                         [["Alice <alice@example.com>"], ["<1@mine.test>"]])
        self.assertIn("2026", m.message["Date"])
        self.assertEqual(len(m.message.get_all("Date")), 1)
        self.not_repaired("rspamd first")

    def not_repaired(self, run):
        """Mail of strangers, delivered here and passed on."""
        for to, subject in ((CAROL[0], f"bare on port 25 {run}"), ("away@example.com", f"bare and passed on {run}")):
            said = self.world.send("ed@outside.test", to, at=self.host.public,
                                   data=f"Subject: {subject}\r\n\r\nHello.\r\n".encode())
            self.assertEqual(said["data"][:3], "250", said)
        self.assertNotRegex(self.raw(f"bare on port 25 {run}"), r"(?mi)^(From|Date|Message-ID):")
        found = self.world.arrived(f"bare and passed on {run}").message
        self.assertEqual([found[name] for name in ("From", "Date", "Message-ID")], [None, None, None])

    # ---- spam ----

    def test_4_a_login_is_told_or_its_mail_is_not_marked(self):
        said = self.submit((ALICE, mail("certain")))
        self.assertEqual(said[0], "554 5.7.1 this message looks like spam and was not sent; "
                         "reword it, or ask postmaster@mx1.example.com")
        self.unmarked("rspamd")
        # a stranger's is
        said = self.world.send("ed@outside.test", CAROL[0], "doubtful stranger",
                               at=self.host.public)
        self.assertEqual(said["data"][:3], "250", said)
        arrives(self.host.address, *CAROL, "doubtful stranger", "Spam")
        # nor what this host sends by itself
        self.host.run(f"printf 'To: {OUTSIDE}\\nSubject: doubtful cron\\n\\nx\\n' | sendmail -t")
        self.assertIsNone(self.world.arrived("doubtful cron").message["X-Spam"])

    def unmarked(self, run):
        """What is doubtful passes: directly, by an alias and by a list; and to a mailbox here."""
        ways = {"direct": OUTSIDE, "alias": "away@example.com", "list": "club@example.com"}
        said = self.submit(*[(ALICE, mail(f"doubtful {run} {way}", to=to), {"to": [to]})
                             for way, to in ways.items()])
        self.judge(said, [(way, None) for way in ways])
        for way in ways:
            m = self.world.arrived(f"doubtful {run} {way}")
            marks = [n for n in m.message.keys() if n.lower().startswith("x-spam")]
            self.assertEqual(marks, [], way)
            self.assertEqual(m.message["Subject"], f"doubtful {run} {way}")
        self.submit((ALICE, mail(f"doubtful {run} here"), {"to": [CAROL[0]]}))
        arrives(self.host.address, *CAROL, f"doubtful {run} here")

    # ---- how much ----

    def counts(self, statement):
        """Changes what is counted, on the host."""
        script = ("import sqlite3\nwith sqlite3.connect('/run/rspamd/logins/sent.sqlite') as db:\n"
                  f"    db.execute('{statement}')\n")
        self.host.run(f"python3 - <<'EOF'\n{script}EOF")

    def count(self, login, n, **more):
        more.setdefault("to", [OUTSIDE])
        return [reply[:9] for reply in self.submit(
            *[(login, mail("counted", f"From: {login[0]}"), more)] * n)]

    def test_5_a_limit_in_an_hour(self):
        self.converge(more="    limits: {per_login: 4}\n    low_memory: true\n")
        said = self.submit((BOB, mail("x", "From: bob@example.com"), {"to": [OUTSIDE] * 5}))
        self.judge(said, [("more than the limit at once",
                           "5 recipients, but bob@example.com may send only 4 messages an hour")])
        self.assertEqual(self.count(BOB, 2), ["250 2.0.0"] * 2)
        self.submit((BOB, mail("x", "From: ed@outside.test")))  # what is refused does not count
        # two recipients are two; 465 counts with 587
        self.assertEqual(self.count(BOB, 1, to=[OUTSIDE, CAROL[0]], port=465), ["250 2.0.0"])
        self.assertEqual(self.count(BOB, 2) + self.count(BOB, 1, port=465), ["451 4.7.1"] * 3)
        self.assertEqual(self.submit((BOB, mail("x", "From: bob@example.com")))[0],
                         "451 4.7.1 bob@example.com has sent 4 messages within an hour, which is "
                         "its limit: try again later")
        self.assertEqual(self.count(CAROL, 1), ["250 2.0.0"])
        told = "Subject: bob@example.com has reached its limit of 4 messages an hour"
        find = f"grep -rhc '^{told}$' /var/vmail/*/*/Maildir/new /var/vmail/*/*/Maildir/cur"  # not Spam
        wait_for("the postmaster is told", lambda: "1" in self.host.run(
            find, check=False).stdout.split(), 40)
        # the hour passes, and fills up again: that is told tomorrow
        self.counts("UPDATE sent SET at = at - 3600")
        self.assertEqual(self.count(BOB, 5), ["250 2.0.0"] * 4 + ["451 4.7.1"])
        time.sleep(2)
        self.assertEqual([n for n in self.host.run(find, check=False).stdout.split() if n != "0"],
                         ["1"])
        # turned off, nothing is left
        self.converge()
        self.settled(BOB, "250 2.0.0")
        self.assertEqual(self.host.out("ls /run/rspamd; grep -c sqlite "
                                       "/etc/rspamd/local.d/rspamd.lua || true"), "0")

    # ---- change, and trouble ----

    def test_6_a_new_mailbox_sends_at_once_and_nothing_is_reloaded(self):
        new = ("frank@example.com", "franks")
        _, said = self.converge(boxes="          frank: {password: franks, send_as: [desk]}\n")
        self.assertNotRegex(said, "Reload (Rspamd|Postfix)")
        for sender in (new[0], "desk@example.com"):
            replies = []
            wait_for("rspamd reads the table", lambda: replies.append(self.submit(
                (new, mail("new", f"From: {sender}")))[0]) or replies[-1][:3] == "250", 10)
            # meanwhile a mailbox that is not known is told to wait
            self.assertEqual([r for r in replies if not r.startswith(("250 ", "451 4.7.1"))], [])
        self.converge()
        self.assertIn("SMTPAuthenticationError", self.submit((new, mail("gone")))[0])

    def test_7_while_the_filter_is_away_logins_wait(self):
        self.host.run("systemctl stop rspamd")
        said = self.submit((ALICE, mail("away")), (ALICE, mail("away"), {"port": 465}))
        for reply in said:
            self.assertIn("(454, b'4.3.0 Try again later')", reply)
        self.host.run("systemctl start rspamd")
        self.settled(ALICE, "250 2.0.0")

    def test_8_in_every_mode(self):
        for mode in list(MODES)[1:] + ["rspamd"]:
            self.converge(mode, "    limits: {per_login: 12}\n")
            self.settled(BOB, "250 2.0.0")
            self.counts("DELETE FROM sent")
            self.walk(mode)
        self.converge()

    def walk(self, mode):
        cases = [("own", "From: Alice <alice@example.com>", None),
                 ("another's", "From: boss@outside.test", OTHERS),
                 ("Sender", "From: alice@example.com\r\nSender: bob@example.com", OTHERS),
                 ("two", "From: alice@example.com, bob@example.com", OTHERS)]
        for port in (587, 465):
            said = self.submit(*[(ALICE, mail(f"{mode} {name} {port}", head), {"port": port})
                                 for name, head, _ in cases])
            self.judge(said, [(f"{mode} {name}", word) for name, _, word in cases])
            m = self.world.arrived(f"{mode} own {port}")
            self.world.verify_dkim(m)
        self.submit((ALICE, f"Subject: {mode} bare\r\n\r\nx\r\n"))
        m = self.world.arrived(f"{mode} bare")
        self.world.verify_dkim(m)
        self.assertEqual(m.message["From"], ALICE[0])
        self.not_repaired(mode)
        self.unmarked(mode)
        if mode != "rspamd":  # who refuses nothing as spam lets it pass as it is
            self.submit((ALICE, mail(f"certain {mode}")))
            self.assertIsNone(self.world.arrived(f"certain {mode}").message["X-Spam"])
        self.assertIn("451 4.7.1", self.count(ALICE, 8))
        self.assertNotIn(f"certain {mode}", subjects(self.host.address, *CAROL, "Spam"))
