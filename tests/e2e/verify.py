# SPDX-License-Identifier: MIT
"""Who a message is from: SPF, DKIM and DMARC of what comes in, what is done about it in each filter
mode, which header tells, and what is signed. All mail comes from public addresses: of the outside
host's two, SPF names the IPv4 one only."""
import re
import smtplib
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

from lib import SANITIZED, imap, message, recap, submit, tls, wait_for
from world import WorldTest, put

MANIFEST = """
- hosts: mail
  become: true
  mail:
    hostname: mx1.example.com
%s
    rspamd: {greylist: {enabled: false}}
    domains:
      example.com:
        mailboxes:
          alice: {password: alices}
          bob: {password: bobs}
          dave: {password: daves, vacation: {subject: Away, text: I am away.}}
        aliases:
          friend: far@outside.test
          away: refused@outside.test
          group: [club, alice]
        lists:
          club: {owner: alice, members: [alice, bob, carol@shop.test, x@outside.test], post: members}
      shop.test:
        dmarc: v=DMARC1; p=reject
        mailboxes:
          carol: {password: carols}
      bücher.test:
        dmarc: v=DMARC1; p=reject
        mailboxes:
          karl: {password: karls}
      calm.test:
        dmarc: v=DMARC1; p=none
        mailboxes:
          eve: {password: eves}
  roles: [mail]
"""
MODES = {
    "rspamd": "    spam_filter: rspamd",
    "spamassassin": "    spam_filter: spamassassin",
    "piggyback": "    spam_filter: spamassassin\n    rspamd_piggyback: true",
    "none": "    spam_filter: none",
}
ALICE = ("alice@example.com", "alices")
BOB = ("bob@example.com", "bobs")
CAROL = ("carol@shop.test", "carols")
CEO = "ceo@strict.test"
AUTHORS = ("strict.test", "soft.test", "lax.test", "plain.test", "example.net")
RECORDS = """
{0}. TXT "v=spf1 ip4:{1} -all"
s1._domainkey.{0}. TXT "v=DKIM1; k=rsa; p={2}"
"""
POLICIES = """
_dmarc.strict.test. TXT "v=DMARC1; p=reject"
_dmarc.soft.test. TXT "v=DMARC1; p=quarantine"
_dmarc.lax.test. TXT "v=DMARC1; p=none"
_dmarc.example.net. TXT "v=DMARC1; p=none; sp=reject"
"""
# Envelope sender, From, over which family (SPF names 4), signed by; what each policy asks for.
# (unmarked: by us; rspamd as a filter has its own view of two authors).
REJECT, SPAM, INBOX, UNMARKED = "reject", "Spam", "INBOX", "unmarked"
CASES = (
    ("ceo@strict.test", "ceo@strict.test", 4, None, INBOX),
    ("ceo@strict.test", "ceo@strict.test", 6, None, REJECT),
    ("ed@plain.test", "ceo@strict.test", 4, None, REJECT),
    ("ed@plain.test", "ceo@strict.test", 6, "strict.test", INBOX),
    ("ed@plain.test", "ceo@strict.test", 4, "plain.test", REJECT),
    ("ed@plain.test", "Ceo <CEO@Strict.TEST>", 4, None, REJECT),
    ("ed@plain.test", "ceo@sub.example.net", 4, None, REJECT),
    ("ed@plain.test", "boss@soft.test", 4, None, SPAM),
    ("", "boss@soft.test", 4, None, SPAM),
    ("ed@plain.test", "joe@lax.test", 4, None, INBOX),
    ("ed@plain.test", "ed@plain.test", 6, None, INBOX),
    # hosted domains: in From, in the envelope, in both, among several
    ("ed@plain.test", "alice@example.com", 4, None, SPAM),
    ("alice@example.com", "ed@plain.test", 4, None, SPAM),
    ("alice@example.com", "alice@example.com", 6, None, SPAM),
    ("ed@plain.test", "carol@shop.test", 4, None, REJECT),
    ("carol@shop.test", "ed@plain.test", 4, None, REJECT),
    ("ed@plain.test", "ed@plain.test, carol@shop.test", 4, None, REJECT),
    ("ed@plain.test", "ed@plain.test\r\nFrom: carol@shop.test", 4, None, REJECT),
    ("ed@plain.test", "carol@shop.test\r\nFrom: ed@plain.test", 4, None, REJECT),
    ("ed@plain.test", "=?utf-8?q?Carol?= <CAROL@SHOP.test>", 6, None, REJECT),
    ("ed@plain.test", "carol@shop.test (ed@plain.test)", 4, None, REJECT),
    ("ed@plain.test", '"carol@shop.test" <ed@plain.test>', 4, None, INBOX),
    ("ed@plain.test", "karl@xn--bcher-kva.test", 4, None, REJECT),
    ("ed@plain.test", "karl@bücher.test", 4, None, REJECT),
    ("ed@plain.test", "Karl <karl@BÜCHER.test>", 4, None, REJECT),
    ("ed@plain.test", "carol@shop.test.", 4, None, REJECT),
    # however From is written, a mail program shows carol, or the chief
    *(("ed@plain.test", author, 4, None, REJECT) for author in (
        "us:carol@shop.test;", '<carol@"shop.test">', "carol@shop.test <ed@plain.test>", "carol@shop.test <>",
        "ed@plain.test <carol@shop.test>")),
    *(("ed@plain.test", author, 4, None, SPAM) for author in (
        "Carol <carol@ shop.test>", "Carol <carol@shop .test>", "Carol <carol@shop. test>",
        "ceo@strict.test, ed@plain.test", "ed@plain.test\r\nFrom: ceo@strict.test", "<ceo@ strict.test>",
        "us:ceo@strict.test;", "ceo@strict.test, coo@strict.test", "<ceo@[strict.test]>", "<ceo@strict\\.test>")),
    *(("ed@plain.test", author, 4, None, INBOX) for author in (
        "ed@plain.test <ed@plain.test>", "Plain, Inc. <ed@plain.test>", "MAILER-DAEMON", "root@localhost",
        "Ed (ceo@strict.test) <ed@plain.test>")),
    ("ed@plain.test", "ed@plain.test, joe@plain.test", 4, None, UNMARKED),
    ('"; auth=pass"@plain.test', "ed@plain.test", 4, None, INBOX),
    ("ed@plain.test", "eve@calm.test", 4, None, INBOX),
    ("ed@plain.test", "root@mx1.example.com", 4, None, SPAM),
    ("SRS0=abcd=xy=plain.test=ed@mx1.example.com", "ed@plain.test", 4, None, INBOX),
)


# A name server that asks the real one, but takes its time for SPF of slow.test, which never ends.
SLOW_NAMES = r"""
import socket, struct, sys, threading, time
here = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
here.bind(("127.0.0.9", 53))

def answer(question, peer):
    labels, at = [], 12
    while question[at]:
        labels.append(question[at + 1:at + 1 + question[at]].decode("latin-1").lower())
        at += 1 + question[at]
    if labels[-2:] != ["slow", "test"]:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as there:
            there.settimeout(5)
            there.sendto(question, (sys.argv[1], 53))
            here.sendto(there.recv(4096), peer)
        return
    time.sleep(0.9)
    text = b"v=spf1 include:x%s.slow.test -all" % labels[0].encode()
    record = struct.pack(">HHHIHB", 0xc00c, 16, 1, 60, len(text) + 1, len(text)) + text
    here.sendto(question[:2] + struct.pack(">5H", 0x8580, 1, 1, 0, 0) + question[12:at + 5] + record, peer)

while True:
    threading.Thread(target=answer, args=here.recvfrom(4096), daemon=True).start()
"""


def letter(sender, subject, to=ALICE[0], head=""):
    return (f"{head}From: {sender}\r\nTo: {to}\r\nSubject: {subject}\r\n"
            f"Message-ID: <{time.time_ns()}@letters.test>\r\n"
            f"Date: {time.strftime('%a, %d %b %Y %H:%M:%S +0000', time.gmtime())}\r\n\r\n"
            "Hello,\r\n\r\nhere are the minutes of our meeting about the garden.\r\n").encode()


@unittest.skipIf(SANITIZED, "the agent only writes files here")
class Verify(WorldTest):
    """One host that goes through all modes; the tests run in the order of their names."""

    names = ("mx1.example.com",)
    zones = (*AUTHORS, "shop.test", "calm.test", "xn--bcher-kva.test")
    public = True
    prepared = False

    def prepare(self):
        """Zones and keys of the authors elsewhere."""
        out = self.world.ready().outside
        out.run("cd /root && openssl genrsa -out dkim.key 2048 2>/dev/null")
        public = out.out("openssl rsa -in /root/dkim.key -pubout -outform DER 2>/dev/null | base64 -w0")
        halves = f'{public[:200]}" "{public[200:]}'
        self.world.publish(POLICIES + "".join(
            RECORDS.format(d, out.public, halves) for d in AUTHORS))
        type(self).prepared = True

    def mode(self, name, more=""):
        if not self.prepared:
            self.prepare()
        s = self.site(MANIFEST % (MODES[name] + more), hosts=[self.host])
        self.assertExit(s.apply(), 0)
        again = s.apply()
        self.assertExit(again, 0)
        self.assertEqual(recap(again.stdout)[self.host.name]["changed"], 0, again.stdout)
        records = s.records()
        self.assertExit(records, 0)
        # of the mail host itself only the public addresses send
        self.world.publish(records.stdout)

    def sign(self, data, domain):
        done = self.world.filter(["dkimsign", "s1", domain, "/root/dkim.key"], data)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def send(self, sender, to, data, family=4, signer=None):
        at = self.host.public if family == 4 else self.host.public6
        said = self.world.send(sender, to, data=self.sign(data, signer) if signer else data, at=at)
        self.assertEqual(said["rcpt"].get(to, "")[:3], "250", said)
        return said["data"]

    def delivered(self, login):
        """subject -> [(folder, header)] of all that was delivered."""
        found = {}
        with imap(self.host.address, *login) as s:
            for folder in ("INBOX", "Spam"):
                s.select(folder, readonly=True)
                numbers = s.search(None, "ALL")[1][0].split()
                _, data = s.fetch(b",".join(numbers), "(BODY.PEEK[HEADER])") if numbers else (0, [])
                for part in data:
                    if isinstance(part, tuple):
                        header = part[1].decode("utf-8", "replace")
                        subject = re.search(r"(?m)^Subject: (.*?)\r?$", header)
                        found.setdefault(subject and subject.group(1), []).append((folder, header))
        return found

    def fetch(self, login, subject, folder="INBOX"):
        """The header of the message, which arrives once."""
        found = wait_for(f"'{subject}' for {login[0]}", lambda: self.delivered(login).get(subject), 60)
        self.assertEqual([f for f, _ in found], [folder], subject)
        return found[0][1]

    @staticmethod
    def results(header):
        """Our Authentication-Results, unfolded; there has to be exactly one."""
        header = re.sub(r"\r?\n[ \t]+", " ", header)
        found = re.findall(r"(?im)^Authentication-Results[ \t]*:[ \t]*(mx1\.example\.com\b.*?)\r?$", header)
        assert len(found) == 1, header
        return found[0]

    def queue_is_empty(self):
        wait_for("the queue is empty", lambda: "is empty" in self.host.out("postqueue -p"), 60)

    # ---- what comes in ----

    def incoming(self, mode, honoured=True):
        refuses, run, wrong = mode in ("rspamd", "none"), f"{mode} {time.time_ns()}", []
        said = [self.send(sender, ALICE[0], letter(author, f"case {n} of {run}"), family, signer)
                for n, (sender, author, family, signer, _) in enumerate(CASES)]
        self.queue_is_empty()
        found = self.delivered(ALICE)
        for n, case in enumerate(CASES):
            wish = case[4] if honoured else INBOX
            got = found.get(f"case {n} of {run}", [])
            if wish == REJECT and refuses:
                if got or not re.match("554 5.7.1 Refused by the DMARC policy of the sender's domain", said[n]):
                    wrong.append((case, said[n], got))
            elif wish == UNMARKED:
                if len(got) != 1 or "X-DMARC-Quarantine" in got[0][1]:
                    wrong.append((case, said[n], got))
            elif said[n][:3] != "250" or [f for f, _ in got] != [SPAM if wish == REJECT else wish]:
                wrong.append((case, said[n], got))
            elif not self.fits(case, self.results(got[0][1])):
                wrong.append((case, got))
        self.assertEqual(wrong, [], "\n".join([mode, *map(str, wrong)]))

    @staticmethod
    def fits(case, results):
        sender, author, family, signer, wish = case
        domain = sender.rpartition("@")[2]
        spf = "none" if domain == "" else "pass" if family == 4 and domain in AUTHORS else "fail"
        return (f"spf={spf}" in results.replace("softfail", "fail")
                and (f"dkim=pass header.d={signer}" if signer else "dkim=none") in results
                and ("dmarc=fail" in results or wish in (INBOX, UNMARKED) or domain not in ("", *AUTHORS)))

    def odd_envelopes(self):
        """What milters would not see is no address."""
        for sender, to in (("< ed@plain.test", ALICE[0]), ("ed@plain.test", "< alice@example.com"),
                           ("ed@plain.test", "<alice(x)@example.com"), ("carol@ shop.test", ALICE[0])):
            script = ("import smtplib,sys\ns = smtplib.SMTP(sys.argv[1], 25, timeout=60)\ns.ehlo()\n"
                      f"a = s.docmd('MAIL FROM:<{sender.lstrip('<')}>')\nb = s.docmd('RCPT TO:<{to.lstrip('<')}>')\n"
                      "print(a[0], b[0])\n")
            said = self.outside.out(f"cat >/root/odd.py <<'EOF'\n{script}EOF\npython3 /root/odd.py {self.host.public}")
            self.assertRegex(said, "50[0-9]", (sender, to))

    def forged_headers(self):
        """What only we may say is removed, what others said stays."""
        run = time.time_ns()
        forged = ("Authentication-Results: mx1.example.com; dmarc=pass header.from=strict.test\r\n",
                  "Authentication-Results: (hi) MX1.example.com 1; auth=pass\r\n",
                  "authentication-results :\r\n \"mx1.example.com\"; spf=pass\r\n",
                  "Authentication-Results: (a;b) mx1.example.com; spf=pass\r\n",
                  "Authentication-Results: \"mx1.\\example.com\"; spf=pass\r\n",
                  "X-DMARC-Quarantine: yes\r\n",
                  "Authentication-Results: mx.elsewhere.test; spf=pass\r\n")
        for n, head in enumerate(forged):
            subject = f"forged {n} {run}"
            self.assertEqual(self.send("ed@plain.test", ALICE[0], letter("ed@plain.test", subject, head=head))[:3], "250")
            header = self.fetch(ALICE, subject)
            self.assertIn("spf=pass smtp.mailfrom=ed@plain.test", self.results(header))
            self.assertEqual("elsewhere" in header, "elsewhere" in head)
        # of a login too
        subject = f"forged by a login {run}"
        m = message(BOB[0], ALICE[0], subject)
        m["Authentication-Results"] = "mx1.example.com; dmarc=pass"
        self.submit_message(m, BOB)
        self.assertEqual(self.results(self.fetch(ALICE, subject)), "mx1.example.com; auth=pass")
        # and of a program of this host, to a mailbox and to a list
        for n, head in enumerate(h for h in forged if h[0] in "Aa"):
            subject = f"forged by a program {n} {run}"
            to = "club@example.com" if n == 0 else ALICE[0]
            put(self.host, "/tmp/forged", (head * (1 + n % 2) + f"From: bob@example.com\r\nTo: {to}\r\n"
                                           f"Subject: {subject}\r\n\r\nx\r\n").replace("\r", ""))
            self.host.run(f"setpriv --reuid nobody --clear-groups sendmail -i -f bob@example.com {to} </tmp/forged")
            header = self.fetch(ALICE, subject)
            self.assertEqual(self.results(header), "mx1.example.com; none", head)
            self.assertEqual("elsewhere" in header, "elsewhere" in head)
            self.assertEqual("=pass" in header, "elsewhere" in head, head)

    def requeued(self):
        """What the operator puts into the queue once more (postsuper -r) comes by pickup, like mail of
        programs, and keeps what was found of it."""
        subject = f"requeued {time.time_ns()}"
        self.host.run("postconf -e defer_transports=vmaildrop && postfix reload")
        try:
            self.assertEqual(self.send("ed@plain.test", ALICE[0], letter("boss@soft.test", subject))[:3], "250")
            wait_for("it waits", lambda: "deferred transport" in self.host.out("postqueue -p"))
            self.host.run("postsuper -r ALL deferred")
        finally:
            self.host.run("postconf -X defer_transports && postfix reload && postqueue -f")
        header = self.fetch(ALICE, subject, "Spam")
        self.assertIn("dmarc=fail (policy=quarantine) header.from=soft.test", self.results(header))

    def submit_message(self, m, login):
        with smtplib.SMTP(self.host.address, 587, timeout=30) as s:
            s.starttls(context=tls())
            s.login(*login)
            s.send_message(m, from_addr=login[0])

    def unverifiable(self):
        """Where the DNS does not answer, what names a hosted domain waits, and reaches no list."""
        named = f"{self.outside.address}"
        self.host.run("echo nameserver 127.0.0.9 >/etc/resolv.conf && systemctl restart rspamd")
        try:
            for sender, author, to in (("bob@example.com", "bob@example.com", ALICE[0]),
                                       ("bob@example.com", "bob@example.com", "club@example.com")):
                said = self.send(sender, to, letter(author, "cannot be verified", to))
                self.assertRegex(said, "^451 4.7.1 The domain of the sender cannot be verified now", to)
        finally:
            self.host.run(f"echo nameserver {named} >/etc/resolv.conf && systemctl restart rspamd")

    def too_slow_to_ask(self):
        """A sender whose own SPF takes too long does not keep rspamd from the policy of who is in From."""
        put(self.host, "/root/slow.py", SLOW_NAMES)
        self.host.run(f"systemd-run -q --unit=slow-names python3 /root/slow.py {self.outside.address} && "
                      "echo nameserver 127.0.0.9 >/etc/resolv.conf && systemctl restart rspamd")
        try:
            with ThreadPoolExecutor(2) as pool:
                said = list(pool.map(lambda to: self.send("ed@slow.test", to, letter(CEO, "slow", to)),
                                     (ALICE[0], "club@example.com")))
            for reply in said:
                self.assertRegex(reply, "^451 4.7.1 The domain of the sender cannot be verified now")
            self.assertRegex(self.send("ed@plain.test", ALICE[0], letter(CEO, "not slow")), "^554 5.7.1 Refused")
        finally:
            self.host.run(f"echo nameserver {self.outside.address} >/etc/resolv.conf; systemctl stop slow-names; "
                          "systemctl restart rspamd")

    def too_large_to_skip(self, size):
        """A message larger than rspamd takes by default is verified all the same."""
        script = ("import smtplib,sys\ns = smtplib.SMTP(sys.argv[1], 25, timeout=120)\ns.ehlo()\n"
                  f"s.mail('ed@plain.test')\ns.rcpt('alice@example.com')\nprint(*s.data(b'From: {CEO}"
                  f"\\r\\nSubject: large\\r\\n\\r\\n' + (b'x' * 70 + b'\\r\\n') * {size // 72}))\n")
        said = self.outside.out(f"cat >/root/large.py <<'EOF'\n{script}EOF\npython3 /root/large.py {self.host.public}")
        self.assertRegex(said, "^554 .*5.7.1 Refused by the DMARC policy")

    # ---- lists ----

    def lists(self, mode):
        run = time.time_ns()
        for to in ("club@example.com", "CLUB@Example.com", "group@example.com"):
            for author, family in (("Bob <bob@example.com>", 4), ("carol@shop.test", 6),
                                   ("joe@lax.test", 6), ("ceo@strict.test", 6),
                                   ("ed@plain.test, bob@example.com", 4)):
                subject = f"forged post {author[:3]} {run}"
                said = self.send("ed@plain.test", to, letter(author, subject, to), family)
                self.assertRegex(said, "^554 5.7.1 Mailing lists take ", (mode, to, author))
        # A member that is really the author: by a login, signed again as the author's domain.
        subject = f"post of a login {run}"
        submit(self.host.address, *BOB, BOB[0], "club@example.com", subject=subject)
        arrived = self.world.arrived(subject, 60)
        self.world.verify_dkim(arrived)
        self.assertIn("d=example.com;", str(arrived.message["DKIM-Signature"]))
        self.assertEqual(self.results(self.fetch(CAROL, subject)), "mx1.example.com; auth=pass")
        # What the list itself writes is signed as the list.
        self.send("ed@plain.test", "club+subscribe@example.com", letter("new@outside.test", f"join {run}"), 4)
        self.world.send("new@outside.test", "club+subscribe@example.com", at=self.host.public,
                        data=letter("new@outside.test", f"join {run}", "club+subscribe@example.com"))
        m = wait_for("a question to confirm", lambda: next(
            (m for m in self.world.mailbox() if m.to == "new@outside.test" and m not in self.asked), None), 60)
        self.asked.append(m)
        self.assertIn("d=example.com;", str(m.message["DKIM-Signature"]))
        for gone in self.world.mailbox():
            self.assertNotIn("forged post", str(gone.message["Subject"]))

    asked = []

    # ---- what is signed ----

    def signatures(self, mode):
        run = time.time_ns()

        def passed_on(subject):
            return self.world.arrived(subject, 60).message.get_all("DKIM-Signature", [])

        # forwards: as they came, honest or forged
        for n, (sender, author, signer, count) in enumerate((
                ("ed@plain.test", "ed@plain.test", None, 0),
                ("ed@plain.test", "ed@plain.test", "plain.test", 1),
                ("ed@plain.test", "bob@example.com", None, 0),
                ("ed@plain.test", "eve@calm.test", None, 0))):
            subject = f"passed on {n} {run}"
            said = self.send(sender, "friend@example.com", letter(author, subject), 4, signer)
            self.assertEqual(said[:3], "250", said)
            self.assertEqual(len(passed_on(subject)), count, (mode, author))
        # from this host by SMTP, without a login
        subject = f"by port 25 {run}"
        self.world.send("root@mx1.example.com", "friend@example.com", at="127.0.0.1", source=self.host,
                        data=letter("eve@calm.test", subject))
        self.assertEqual(passed_on(subject), [], mode)
        # programs
        for author in ("bob@example.com", "root@mx1.example.com", "nobody@elsewhere.test"):
            subject = f"by a program {author[:4]} {run}"
            self.host.run(f"printf 'From: {author}\\nTo: friend@example.com\\nSubject: {subject}\\n\\nx\\n' | sendmail -t")
            found = passed_on(subject)
            self.assertEqual(len(found), "elsewhere" not in author, (mode, author))
        # bounces and answers
        self.send("ed@outside.test", "away@example.com", letter("ed@outside.test", f"comes back {run}"))
        m = self.world.bounce("refused@outside.test", 60)
        self.assertIn("d=mx1.example.com;", str(m.message["DKIM-Signature"]))
        sender = f"v{run}@outside.test"
        self.send(sender, "dave@example.com", letter(sender, f"are you there {run}", "dave@example.com"))
        m = wait_for("an answer", lambda: next((m for m in self.world.mailbox() if m.to == sender), None), 60)
        self.assertIn("d=example.com;", str(m.message["DKIM-Signature"]))

    def everything(self, mode):
        self.mode(mode)
        self.incoming(mode)
        self.forged_headers()
        self.lists(mode)
        self.signatures(mode)

    def test_1_rspamd(self):
        self.everything("rspamd")

    def test_2_spamassassin(self):
        self.everything("spamassassin")

    def test_3_piggyback(self):
        self.everything("piggyback")

    def test_4_none(self):
        self.everything("none")
        self.requeued()
        self.odd_envelopes()
        self.too_large_to_skip(54_000_000)
        self.unverifiable()
        self.too_slow_to_ask()
        # without a limit, and by a limit of Postfix's own
        self.mode("none", "\n    message_size_limit: 0")
        self.too_large_to_skip(2_500_000)
        self.mode("none", "\n    message_size_limit: 1M\n    postfix: {main: {message_size_limit: 8000000}}")
        self.too_large_to_skip(2_500_000)

    def test_5_marked_only(self):
        self.mode("none", "\n    dmarc_policy: mark")
        self.incoming("none", honoured=False)
        run = time.time_ns()
        for mode in ("rspamd", "piggyback"):
            self.mode(mode, f"\n    dmarc_policy: mark\n    trusted_forwarders: [{self.outside.public6}]")
            for n, (author, family, word) in enumerate(((CEO, 4, "dmarc=fail (policy=reject)"), (CEO, 6, "dmarc=none"),
                                                        (CAROL[0], 4, "dmarc=fail (policy=reject)"))):
                subject = f"{mode} marked {n} {run}"
                self.assertEqual(self.send("ed@plain.test", ALICE[0], letter(author, subject), family)[:3], "250")
                self.assertIn(word, self.results(self.fetch(ALICE, subject)))

    def test_6_forwarders_are_not_judged(self):
        """A backup MX, or somebody who forwards: neither SPF nor a policy."""
        self.mode("none", f"\n    trusted_forwarders: [{self.outside.public6}]\n"
                          f"    authorized_relay: [{self.outside.public}/32]")
        run = time.time_ns()
        for n, (author, family) in enumerate((("ceo@strict.test", 6), ("carol@shop.test", 6), ("carol@shop.test", 4))):
            subject = f"by way of a forwarder {n} {run}"
            self.assertEqual(self.send("ed@plain.test", ALICE[0], letter(author, subject), family)[:3], "250")
            said = self.results(self.fetch(ALICE, subject))
            self.assertNotIn("fail", said)
            self.assertIn("spf=none", said)
        # It vouches for nobody: neither for a list nor for a signature.
        said = self.send("ed@plain.test", "club@example.com", letter("bob@example.com", f"post {run}"), 6)
        self.assertRegex(said, "^554 5.7.1 Mailing lists take ")
        # The policy is not known where SPF is not asked: a post waits unless it is signed by its author's domain.
        log = "grep -c 'X-List-Check: unverified' /var/lib/mlmmj/example.com/club/mlmmj.operation.log || true"
        for signer in (None, "lax.test"):
            data = letter("joe@lax.test", f"post {signer} {run}", "club@example.com")
            self.assertEqual(self.send("ed@plain.test", "club@example.com", data, 6, signer)[:3], "250")
            self.queue_is_empty()
            self.assertEqual(self.host.out(log), "1")
        subject = f"relayed {run}"
        self.send("bob@example.com", "friend@example.com", letter("bob@example.com", subject), 4)
        self.assertEqual(self.world.arrived(subject, 60).message.get_all("DKIM-Signature", []), [])
