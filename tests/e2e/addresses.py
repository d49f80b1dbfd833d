# SPDX-License-Identifier: MIT
"""What an address may be made of: each printable character, first and inside, through every
transport and filter; and each name that check accepts, in every way a mailbox is used."""
import base64
import hashlib
import imaplib
import json
import os
import poplib
import re
import smtplib
import socket
import time
import unittest

from lib import RUN, SANITIZED, imap, message, recap, sh, submit, tls, wait_for
from world import WorldTest, put

# Transactions by the JSON on standard input, [sender, options, recipient, text] each; the replies.
# An empty text only asks. Postfix slows down who is refused or asks often: it comes again.
TALK = r'''#!/usr/bin/python3
import json, socket, sys
from concurrent.futures import ThreadPoolExecutor
ask = json.load(sys.stdin)

def talk(mail):
    replies, resets, f = [], 0, None

    def reply():
        while True:
            line = f.readline().decode("utf-8", "replace")
            if line[3:4] != "-":
                return line.strip() or "closed"

    def say(line):
        s.sendall(line.encode() + b"\r\n")
        return reply()

    for sender, options, to, text in mail:
        if not f or resets > 7 or len(replies) % 90 == 0:
            if f:
                say("QUIT")
                s.close()
            s = socket.create_connection((ask["at"], 25), timeout=60)
            f, resets = s.makefile("rb"), 0
            reply()
            say("EHLO " + ask["helo"])
        said = say(f"MAIL FROM:<{sender}>{options}")
        if said[0] == "2":
            said = say(f"RCPT TO:<{to}>")
        if said[0] == "2" and text and say("DATA")[0] == "3":
            said = say(text.replace("\n", "\r\n") + "\r\n.")
        else:
            resets += 1
            say("RSET")
        replies.append(said)
    return replies

n = len(ask["mail"]) // 4 + 1
with ThreadPoolExecutor() as pool:
    found = pool.map(talk, [ask["mail"][i:i + n] for i in range(0, len(ask["mail"]), n)])
    json.dump([said for part in found for said in part], sys.stdout)
'''

# All characters in all modes take a quarter of an hour: make test-all.
ALL = os.environ.get("PROVISION_TEST_ALL", "") not in ("", "0")
PRINTABLE = [chr(c) for c in range(32, 127)]
# What programs, shells, Postfix and file systems take for more than text.
WORDS = ["-v", "-d", "-V9", "-h", "-m", "-A", "-AX-Injected:yes", "--", "--version", "-froot", "../../../canary",
         "/../canary", "$(touch /tmp/canary)", "`touch /tmp/canary`", ";touch /tmp/canary", "|touch /tmp/canary",
         "$HOME", "${recipient}", "unsubscribe-x", ":include:/etc/passwd", "<x>", "a\tb"]
CANARIES = "find / -maxdepth 1 -name 'canary*'; find /etc /home /root /run /tmp /var -xdev -name 'canary*'"
# Only a login may name a route to elsewhere (RFC 5321, 4.1.2): '%', '!' and '@' are refused.
ROUTES = set("%!@")

# Senders that are persons, see maildroprc.
ANSWERED = re.compile(r"[-A-Za-z0-9.#&'*+=?^_{|}~]+@outside[.]test$")

# Each with a quota and an answer. Every character that check allows, first, inside and last.
NAMES = ["a.b", "a_b", "a-b", "a=b", "a~b", "_x", "=x", "~root", "x_", "x-", "x=", "x~", "0", "1.2", "root", "nobody",
         "postmaster", "owner-x", "x-request", "bounces", "srs0=abcd=ef=example.net=user", "srs1-x", "new", "cur",
         "a" * 64]
IDN, ASCII = "bücher.example", "xn--bcher-kva.example"

MANIFEST = """
- name: Mail servers
  hosts: mx1.example.com
  become: true
  mail:
    hostname: mx1.example.com
    spam_filter: %s
    rspamd_piggyback: %s
    spam_traps: [trap@example.com]
    domains:
      example.com:
        catch_all: catcher
        mailboxes:
          alice: {password: pw}
          catcher: {password: pw}
        aliases:
          sales: alice
          chained: sales
          out: ext@outside.test
        lists:
          club: {owner: catcher, members: [alice], post: anyone}
      example.org:
        mailboxes:
          carol: {password: pw}
          away: {password: pw, vacation: {text: I am away.}}
      full.test:
        mailboxes:
          full: {password: pw, quota: 20k}
          other: {password: pw}
          second: {password: pw, quota: 20k}
        aliases:
          one: full
          two: one+x
          some: [other, x@outside.test, two]
          none: [other, x@outside.test]
          second: [second, other]
        lists:
          talk: {owner: full, members: [full]}
      caught.test:
        catch_all: one@full.test
        mailboxes:
          own: {password: pw}
        aliases:
          free: own
      bücher.example:
        mailboxes:
          alice: {password: pw, quota: 20k}
        aliases:
          info: alice
      names.test:
        mailboxes:
%s
        aliases:
%s
%s
  roles: [mail]
"""


def manifest(spam_filter="none", piggyback="false"):
    boxes = "".join(f"          '{n}': {{password: pw, quota: 20k, vacation: {{text: 'I am {n}.'}}}}\n"
                    for n in NAMES)
    aliases = "".join(f"          to-{i}: '{n}'\n          by-{i}: to-{i}\n" for i, n in enumerate(NAMES))
    caught = "".join(f"      c{i}.test: {{catch_all: '{n}@names.test'}}\n" for i, n in enumerate(NAMES))
    return MANIFEST % (spam_filter, piggyback, boxes, aliases, caught)


def quoted(local):
    """As RFC 5321, 4.1.2 writes it."""
    if re.fullmatch(r"[\w!#$%&'*+/=?^`{|}~-]+(\.[\w!#$%&'*+/=?^`{|}~-]+)*", local, re.ASCII):
        return local
    return '"' + re.sub(r'(["\\])', r"\\\1", local) + '"'


def mails(address, password="pw"):
    """The subjects in all folders of a mailbox."""
    found = []
    with imap(address[0], address[1], password) as s:
        for folder in ("INBOX", "Spam"):
            if s.select(folder, readonly=True)[1] == [b"0"]:
                continue
            _, data = s.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
            found += [p[1].decode().split(":", 1)[1].strip() for p in data if isinstance(p, tuple)]
    return found


@unittest.skipIf(SANITIZED, "the same files by the same agent")
class Addresses(WorldTest):
    """One host; the tests run in the order of their names."""

    names = ("mx1.example.com",)
    public = True
    zones = ("full.test",)
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        put(cls.outside, "/usr/local/bin/talk", TALK, "0755")

    def talk(self, mail):
        ask = {"at": self.host.public, "helo": "outside.test", "mail": mail}
        path = "/run/talk"
        put(self.outside, path, json.dumps(ask))
        replies = json.loads(self.outside.run(f"talk <{path}", timeout=1800).stdout)
        self.assertEqual(len(replies), len(mail))
        return replies

    def asked(self, addresses, size=30000):
        """The replies to RCPT TO for a message of a size, by address."""
        mail = [["bob@outside.test", f" SIZE={size}", a, ""] for a in addresses]
        return dict(zip(addresses, self.talk(mail)))

    def box(self, address):
        return mails((self.host.address, address))

    def queue_is_empty(self, seconds=240):
        def deferred():
            return self.host.out("postqueue -j | grep '\"queue_name\": \"deferred\"' || true")

        wait_for("all is delivered or deferred", lambda: "queue is empty" in self.host.out("postqueue -p") or deferred(),
                 seconds)
        self.assertEqual(deferred(), "")

    @staticmethod
    def text(subject, to, sender="bob@outside.test"):
        return (f"From: {sender}\nTo: {to}\nSubject: {subject}\nDate: Mon, 30 Nov 2026 00:00:00 +0000\n"
                f"Message-ID: <{subject.replace(' ', '.')}@outside.test>\n\nHello,\n\nhere are the minutes.\n")

    # Characters.

    def sends(self, run, kinds, parts):
        """What the walk sends: [subject, where it is to arrive, is it refused (None: it may be), transaction]."""
        out = []
        for kind, (to, shown, where, *by) in kinds.items():
            for i, part in enumerate(parts):
                changing = to if "%s" in to else by[0]
                first = changing.startswith("%s@")
                if first and (part in ("", ".") or "+" in part[1:]):
                    continue
                no = (where is None or bool(ROUTES & set(part)) or (first and part.startswith("-"))
                      if "%s" in to else None)
                subject = f"{run} {kind} {i}"
                arrives = where
                if isinstance(where, re.Pattern):
                    arrives = "nowhere" if where.fullmatch(part) else "returned"
                # Who is away answers each sender once.
                sender = (by or ["bob@outside.test"])[0].replace("%d", subject.replace(" ", "."))
                out.append([subject, arrives, no, [self.with_part(sender, part), "", self.with_part(to, part),
                                                 self.text(subject, shown)]])
        return out

    @staticmethod
    def with_part(pattern, part):
        local, _, domain = pattern.replace("%s", "\0").partition("@")
        return f"{quoted(local.replace(chr(0), part))}@{domain}"

    def walk_some(self, run, kinds, parts=None):
        """Everything with `make test-all`. Otherwise signs and words, and these as the first only; with
        `parts` these as the first, and signs and words inside."""
        full = PRINTABLE + WORDS
        firsts = {k: v for k, v in kinds.items() if not k[-1].isdigit()}
        if ALL:
            self.walk(run, kinds, full, 3600)
        elif parts:
            self.walk(run, firsts, parts)
            self.walk(run + " inside", {k: v for k, v in kinds.items() if k not in firsts}, self.SIGNS + WORDS)
        else:
            self.walk(run, firsts, self.SIGNS + WORDS)

    def walk(self, run, kinds, parts, seconds=300):
        """Sends to each kind of address with each part; compares where everything arrived."""
        before, wanted, answered = len(self.world.mailbox()), {}, set()
        sends, wrong = self.sends(run, kinds, parts), []
        self.host.run("rm -f /var/lib/mail-answered/*")  # of the mode before
        for (subject, where, no, mail), said in zip(sends, self.talk([s[-1] for s in sends])):
            if not re.match("250 |50[0-9] 5" if no is None else "5.. 5" if no else "250 ", said):
                wrong.append((subject, mail[:3], said))
            if said[:3] == "250":
                wanted[subject] = [where]
                # Who has other letters is the same sender; a route is refused outside, too.
                if ANSWERED.match(mail[0]) and mail[2].strip('"').startswith("away"):
                    answered.add(mail[0].lower())
        self.assertEqual(wrong, [])
        self.assertGreater(len(wanted), len(sends) // 3)
        self.queue_is_empty(seconds)
        self.settled(run, before, wanted, answered)

    def settled(self, run, before, wanted, answered):
        arrived, answers = {}, []
        for who in ("alice@example.com", "catcher@example.com", "carol@example.org", "away@example.org"):
            for subject in self.box(who):
                arrived.setdefault(subject, []).append(who)
        for m in self.world.mailbox()[before:]:
            if not m.sender and m.message["Auto-Submitted"] == "auto-replied" and not m.message.is_multipart():
                answers.append(m.to.lower())
                continue
            # Of what comes back the last subject is that of the message itself.
            subject = re.findall(r"(?m)^Subject: (.*?)\r?$", m.raw.decode("utf-8", "replace"))[-1]
            arrived.setdefault(subject, []).append("outside" if m.sender else "returned")
        arrived = {s: w for s, w in arrived.items() if s.startswith(run + " ")}
        wanted = {s: [] if w == ["nowhere"] else w for s, w in wanted.items()}
        wrong = {s: (arrived.get(s, []), wanted.get(s)) for s in {*arrived, *wanted}
                 if arrived.get(s, []) != wanted.get(s)}
        self.assertEqual(dict(sorted(wrong.items())), {}, "arrived there, wanted there")
        self.assertEqual(sorted(answers), sorted(answered))
        # A program that took an argument for an option says something; nothing was run or written.
        said = self.host.out("journalctl -q -o cat -t postfix/pipe -t postfix/local | grep ' status=' | grep -Ev "
                             "' status=sent [(](delivered via [a-z]* service|delivered to (command|file): .*"
                             "|forwarded as [A-Za-z0-9]*)[)]$' | grep -v ' status=bounced (.*this mailing list has no such "
                             "address; write to club+help@example.com' || true")
        self.assertEqual(said, "")
        self.assertEqual(self.host.out(CANARIES), "")
        self.assertEqual(self.host.out("grep -rlE '^X-Injected' /var/vmail || true"), "")

    KINDS = {
        "mailbox": ("carol+%s@example.org", "carol@example.org", "carol@example.org"),
        "mailbox2": ("carol+a%sb@example.org", "carol@example.org", "carol@example.org"),
        "away": ("away+%s@example.org", "away@example.org", "away@example.org", "%d@outside.test"),
        "away2": ("away+a%sb@example.org", "away+a@example.org", "away@example.org", "%d@outside.test"),
        "trap": ("trap+%s@example.com", "trap@example.com", "nowhere"),
        "trap2": ("trap+a%sb@example.com", "trap@example.com", "nowhere"),
        "list": ("club+%s@example.com", "club@example.com", "returned"),
        "list2": ("club+a%sb@example.com", "club@example.com", "returned"),
        "alias": ("sales+%s@example.com", "sales@example.com", "alice@example.com"),
        "alias2": ("chained+a%sb@example.com", "chained@example.com", "alice@example.com"),
        "forward": ("out+%s@example.com", "out@example.com", "outside"),
        "forward2": ("out+a%sb@example.com", "out@example.com", "outside"),
        "caught": ("%s@example.com", "x@example.com", "catcher@example.com"),
        "caught2": ("a%sb@example.com", "x@example.com", "catcher@example.com"),
        "caught3": ("x+%s@example.com", "x@example.com", "catcher@example.com"),
        "nobody": ("%s@example.org", "x@example.org", None),
        "nobody2": ("a%sb@example.org", "x@example.org", None),
        # Who sends: is named to the program that answers, to the list and to the next server.
        "by": ("away@example.org", "away@example.org", "away@example.org", "%s@outside.test"),
        "by2": ("away@example.org", "away@example.org", "away@example.org", "a%sb@outside.test"),
        "by list": ("club@example.com", "club@example.com", "alice@example.com", "%s@outside.test"),
        "by trap": ("trap@example.com", "trap@example.com", "nowhere", "%s@outside.test"),
        "by forward": ("out@example.com", "out@example.com", "outside", "a%sb@outside.test"),
    }
    # What the list engines take beside posts: with these parts it is a command, else it comes back.
    MLMMJ = {
        "owner": ("club+owner+%s@example.com", "club@example.com", "returned"),
        "bounces": ("club+bounces-%s@example.com", "club@example.com", re.compile("[0-9a-zA-Z]+(-[^/]+)?")),
        "bounces2": ("club+bounces-1-%s=outside.test@example.com", "club@example.com", re.compile("[^/]+")),
        "join": ("club+subscribe-%s@example.com", "club@example.com", "returned"),
        "confirm": ("club+confsub-%s@example.com", "club@example.com", re.compile("[0-9a-zA-Z]+(-[^/]+)?")),
        "moderate": ("club+moderate-%s@example.com", "club@example.com", re.compile("[0-9a-zA-Z]+(-[^/]+)?")),
        "get": ("club+get-%s@example.com", "club@example.com", re.compile("[0-9]+")),
    }
    MAJORDOMO = {
        "post": ("club+%s@example.com", "club@example.com", "alice@example.com"),
        "post2": ("club+a%sb@example.com", "club@example.com", "alice@example.com"),
        "request": ("club-request+%s@example.com", "club-request@example.com", "nowhere"),
        "request2": ("club-request+a%sb@example.com", "club-request@example.com", "nowhere"),
        "server": ("majordomo+%s@example.com", "majordomo@example.com", "nowhere"),
        "server2": ("majordomo+a%sb@example.com", "majordomo@example.com", "nowhere"),
        "owner": ("owner-club+%s@example.com", "owner-club@example.com", "catcher@example.com"),
        "owner2": ("club-owner+a%sb@example.com", "owner-club@example.com", "catcher@example.com"),
        "approval": ("club-approval+%s@example.com", "club-approval@example.com", "catcher@example.com"),
        "by": ("club@example.com", "club@example.com", "alice@example.com", "%s@outside.test"),
        "by2": ("club@example.com", "club@example.com", "alice@example.com", "a%sb@outside.test"),
        "by server": ("majordomo@example.com", "majordomo@example.com", "nowhere", "%s@outside.test"),
    }

    def test_01_apply(self):
        s = self.site(manifest(), hosts=[self.host])
        self.assertExit(s.apply(), 0)
        done = s.apply()
        self.assertEqual(recap(done.stdout)["mx1.example.com"]["changed"], 0, done.stdout)
        self.world.ready()

    def test_02_each_character_without_a_filter(self):
        self.walk_some("none", {**self.KINDS, **self.MLMMJ}, PRINTABLE + WORDS)

    def test_03_each_character_of_a_login(self):
        """A login may name routes: what stands before the @ still is no route here."""
        a, sent = self.host.address, {}
        with smtplib.SMTP(a, 587, timeout=20) as s:
            s.starttls(context=tls())
            s.login("alice@example.com", "pw")
            for i, part in enumerate(PRINTABLE + WORDS):
                s.mail("alice@example.com")
                to = quoted("carol+" + part) + "@example.org"
                code, said = s.docmd("RCPT", f"TO:<{to}>")
                self.assertEqual(code, 250, (to, said))
                code, said = s.data(self.text(f"login {i}", "carol@example.org", "alice@example.com"))
                self.assertEqual(code, 250, (to, said))
                sent[f"login {i}"] = to
        self.queue_is_empty()
        found = [s for s in self.box("carol@example.org") if s.startswith("login ")]
        self.assertEqual(sorted(found), sorted(sent))

    # Ways.

    def logins(self, login):
        """What a client has to do to log in, by IMAP, POP3 and SMTP; SMTP stays open."""
        a = self.host.address
        with imaplib.IMAP4_SSL(a, 993, ssl_context=tls(), timeout=20) as s:
            s.authenticate("PLAIN", lambda _: f"\0{login}\0pw".encode())
            s.select("INBOX")
        s = poplib.POP3_SSL(a, 995, context=tls(), timeout=20)
        s.encoding = "utf-8"
        s.user(login)
        s.pass_("pw")
        s.quit()
        s = smtplib.SMTP(a, 587, timeout=20)
        s.starttls(context=tls())
        s.ehlo()
        secret = base64.b64encode(f"\0{login}\0pw".encode()).decode()
        code, said = s.docmd("AUTH", f"PLAIN {secret}")
        self.assertEqual(code, 235, (login, said))
        return s

    def ways(self):
        """Address -> the mailbox that it leads to, for each name in each way."""
        found = {}
        for i, n in enumerate(NAMES):
            own = f"{n}@names.test"
            for to in (own, own.upper(), f"{n}+x@names.test", f"{n}+X-y@NAMES.test".upper(), f"to-{i}@names.test",
                       f"BY-{i}@names.test", f"by-{i}+z@names.test", f"anybody@c{i}.test", f"ANY+z@C{i}.TEST"):
                found[to] = own
        # Postfix knows no extension of postmaster (split_addr.c).
        return {a: b for a, b in found.items() if not a.lower().startswith("postmaster+")}

    def test_04_every_name_receives_in_every_way(self):
        ways = self.ways()
        mail = [["", "", to, self.text(f"way {i}", to)] for i, to in enumerate(ways)]
        for (to, _), said in zip(ways.items(), self.talk(mail)):
            self.assertRegex(said, "^250 ", to)
        self.queue_is_empty()
        got = {f"way {i}": [b] for i, b in enumerate(ways.values())}
        arrived = {}
        for n in NAMES:
            for subject in self.box(f"{n}@names.test"):
                arrived.setdefault(subject, []).append(f"{n}@names.test")
        self.assertEqual(arrived, got)

    def test_05_every_name_logs_in_and_sends(self):
        sent = []
        for i, n in enumerate(NAMES):
            for login in (f"{n}@names.test", f"{n}@names.test".upper())[:2 if i % 3 == 0 else 1]:
                with self.logins(login) as s:
                    for sender in (f"{n}@names.test", f"{n}+x@names.test", f"to-{i}@names.test", f"By-{i}@Names.TEST"):
                        if sender.startswith("postmaster+"):
                            continue
                        self.assertEqual(s.mail(sender)[0], 250)
                        code, said = s.rcpt("carol@example.org")
                        self.assertEqual(code, 250, (login, sender, said))
                        subject = f"sent {len(sent)}"
                        code, said = s.data(self.text(subject, "carol@example.org", sender.lower()))
                        self.assertEqual(code, 250, (login, sender, said))
                        sent.append(subject)
        self.queue_is_empty()
        found = [s for s in self.box("carol@example.org") if s.startswith("sent ")]
        self.assertEqual(sorted(found), sorted(sent))

    def test_06_every_name_answers_when_away(self):
        mail = [[f"v{i}@outside.test", "", f"{n}@names.test", self.text(f"away {i}", f"{n}@names.test",
                                                                        f"v{i}@outside.test")]
                for i, n in enumerate(NAMES)]
        for (_, _, to, _), said in zip(mail, self.talk(mail)):
            self.assertRegex(said, "^250 ", to)
        self.queue_is_empty()

        def answers():
            return {m.to: str(m.message["From"]) for m in self.world.mailbox() if m.to.startswith("v")}
        wanted = {f"v{i}@outside.test": f"{n}@names.test" for i, n in enumerate(NAMES)}
        wait_for("all answers", lambda: len(answers()) >= len(wanted))
        self.assertEqual(answers(), wanted)

    def test_07_a_full_mailbox_is_refused_however_it_is_addressed(self):
        ways = [*self.ways(), "full@full.test", "FULL+x@full.test", "one@full.test", "one+y@full.test", "TWO@Full.Test",
                "some@full.test", "second@full.test", "anybody@caught.test", "x+y@caught.test", "postmaster@caught.test",
                "talk+owner@full.test", "abuse@full.test", "postmaster@full.test", f"alice@{ASCII}", f"INFO@{ASCII}",
                f"abuse@{ASCII.upper()}"]
        for to, said in self.asked(ways).items():
            self.assertRegex(said, "^552 5.2.2 .*Mailbox is full", to)
        room = ["none@full.test", "other@full.test", "own@caught.test", "free@caught.test", "FREE+x@caught.test",
                "talk@full.test", "sales@example.com", "anybody@example.com", "postmaster+x@example.com"]
        for to, said in self.asked(room).items():
            self.assertRegex(said, "^250 ", to)
        # Postfix slows down (in_flow_delay) when much is begun and left.
        for to, said in self.asked(ways[::12], size=1000).items():
            self.assertRegex(said, "^250 ", to)
        for to in ("some@full.test", "x@caught.test"):  # of a login, too
            with self.assertRaisesRegex(smtplib.SMTPRecipientsRefused, "Mailbox is full"):
                submit(self.host.address, "alice@example.com", "pw", "alice@example.com", to, body="x" * 70 * 300)
        # One process serves many; four connections ask at once, and those of logins.
        self.assertLess(int(self.host.out("pgrep -c -u vmail -f alias-quota")), 10)

    def test_08_the_policy_service_takes_any_text(self):
        requests = ["recipient=some@full.test\nsize=30000\n", "recipient=some@full.test\nsize=30\n",
                    "recipient=SOME+x@full.test\nsize=30000\nrecipient_count=0\n", "recipient=some@full.test\nsize=x\n",
                    "recipient=\nsize=30000\n", "", "recipient=@\n", "recipient=x@" + "y" * 5000 + "\n",
                    "recipient=$(touch /tmp/canary)`touch /tmp/canary`;*@full.test\nsize=a[$(touch /tmp/canary)]\n",
                    "recipient=-q@full.test\nsize=30000\n", "recipient=a\tb@full.test\n", "recipient=%s@full.test\n"]
        put(self.host, "/run/requests", "".join(r + "\n" for r in requests))
        ask = "setpriv --reuid vmail --regid vmail --clear-groups /usr/local/lib/provision/alias-quota </run/requests"
        full, taken = "action=552 5.2.2 Mailbox is full", "action=DUNNO"
        self.assertEqual(self.host.out(ask + " | sed '/^$/d'").splitlines(), [full, taken, full] + [taken] * 9)
        # Without Dovecot's word mail is taken: nobody answers at that port.
        self.host.run("sed 's,/127.0.0.1/[0-9]*,/127.0.0.1/9,' /usr/local/lib/provision/alias-quota >/run/nobody; "
                      "chmod 755 /run/nobody")
        said = self.host.out(ask.replace("/usr/local/lib/provision/alias-quota", "/run/nobody") + " | sed '/^$/d'")
        self.assertEqual(said.splitlines(), [taken] * len(requests))
        self.assertEqual(self.host.out(CANARIES), "")

    def test_09_a_domain_in_unicode_is_one_domain(self):
        login, subject = f"alice@{ASCII}", f"by unicode {time.time_ns()}"
        for name in (login, login.upper(), f"alice@{IDN}", f"ALICE@{IDN.upper()}", f"Alice@{IDN}"):
            with self.logins(name) as s:
                self.assertFalse(s.has_extn("smtputf8"))
                self.assertEqual(s.mail(login)[0], 250)
                code, said = s.rcpt(f"info@{ASCII}")
                self.assertEqual(code, 250, said)
                self.assertEqual(s.data(self.text(subject, login, login))[0], 250)
                # Not as somebody else.
                s.mail("alice@example.com")
                self.assertEqual(s.rcpt(login)[0], 553)
        wait_for("five", lambda: self.box(login).count(subject) == 5)
        # A client that speaks SMTPUTF8 is not offered it, and says so itself.
        m = message(f"alice@{IDN}", f"info@{IDN}")
        with self.logins(f"alice@{IDN}") as s:
            with self.assertRaises(smtplib.SMTPNotSupportedError):
                s.send_message(m)
        # What comes in Unicode all the same is refused in the dialog.
        with socket.create_connection((self.host.address, 25), timeout=20) as s:
            f = s.makefile("rb")
            f.readline()
            for line, reply in ((f"HELO outside.test", b"250"), ("MAIL FROM:<bob@outside.test>", b"250"),
                                (f"RCPT TO:<info@{IDN}>", b"501 5.1.3"), ("RSET", b"250"),
                                (f"MAIL FROM:<alice@{IDN}>", b"501 5.1.7")):
                s.sendall(line.encode() + b"\r\n")
                self.assertTrue(f.readline().startswith(reply), line)

    # Filters.

    SIGNS = [c for c in PRINTABLE if not c.isalnum()]

    def test_10_each_character_with_rspamd(self):
        self.assertExit(self.site(manifest("rspamd"), hosts=[self.host]).apply(), 0)
        self.walk_some("rspamd", {**self.KINDS, **self.MLMMJ})

    def with_spamassassin(self, run, piggyback):
        """Each message costs it a while: what leads to the programs it adds, and some of the rest."""
        self.assertExit(self.site(manifest("spamassassin", piggyback), hosts=[self.host]).apply(), 0)
        if ALL:
            self.walk_some(run, {**self.KINDS, **self.MLMMJ})
            return
        kinds = {k: self.KINDS[k] for k in ("mailbox", "trap")}
        self.walk(run, kinds, self.SIGNS + WORDS)
        kinds = {k: self.KINDS[k] for k in ("mailbox2", "away", "list", "alias2", "forward", "caught2", "nobody", "by")}
        self.walk(run + " too", kinds, ["-", "/", " ", '"', "\\", "$", "|"])

    def test_11_each_character_with_spamassassin(self):
        self.with_spamassassin("spamassassin", "false")

    def test_12_each_character_with_both(self):
        self.with_spamassassin("piggyback", "true")

    def test_13_each_character_to_majordomo(self):
        archive = os.path.join(RUN, "majordomo.tar.gz")
        sh(["tar", "-czf", archive, "-C", os.path.dirname(os.path.abspath(__file__)), "majordomo"])
        with open(archive, "rb") as f:
            digest = hashlib.sha256(f.read()).hexdigest()
        engine = f"none\n    lists: {{engine: majordomo, source: {archive}, source_sha256: {digest}}}"
        self.assertExit(self.site(manifest(engine), hosts=[self.host]).apply(), 0)
        self.walk_some("majordomo", self.MAJORDOMO)
