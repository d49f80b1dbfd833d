# SPDX-License-Identifier: MIT
"""Signatures: what is signed and what is not, verified elsewhere by programs that are not ours;
rolling to another key and expiry while mail flows."""
import email.utils
import smtplib
import threading
import time
import unittest

from lib import SANITIZED, message, recap, tls, wait_for
from world import WorldTest

MANIFEST = """
- hosts: mail
  become: true
  mail:
    hostname: mx1.example.com
    spam_filter: %s
    dkim: %s
    domains:
      example.com:
        mailboxes:
          alice: {password: alices}
        aliases:
          away: refused@outside.test
          friend: bob@outside.test
      shop.test:
        mailboxes:
          carol: {password: carols}
        dkim: %s
  roles: [mail]
"""
ALICE = ("alice@example.com", "alices")
BOB = "bob@outside.test"
# The agent has nothing to show there that the first and fourth test do not.
AGENT_AS_BEFORE = unittest.skipIf(SANITIZED, "nothing new for the agent")
KEYS = "/var/lib/rspamd/dkim"


def dated(sender, subject):
    """libopendkim takes no message without a date."""
    m = message(sender, BOB, subject)
    m["Date"] = email.utils.formatdate()
    return m


def tags(arrived, index=0):
    """The tags of one of a message's signatures."""
    text = "".join(str(arrived.message.get_all("DKIM-Signature")[index]).split())
    return dict(part.split("=", 1) for part in text.split(";") if part)


def signatures(arrived):
    return len(arrived.message.get_all("DKIM-Signature", []))


class Dkim(WorldTest):
    """One mail host; the tests run in the order of their names."""

    names = ("mx1.example.com",)
    public = True
    zones = ("shop.test",)

    def converge(self, dkim="{selector: s1}", shop="{}", spam_filter="rspamd", twice=True):
        s = self.site(MANIFEST % (spam_filter, dkim, shop), hosts=[self.host])
        self.assertExit(s.apply(), 0)
        if twice:
            again = s.apply()
            self.assertExit(again, 0)
            self.assertEqual(recap(again.stdout)["mx1.example.com"]["changed"], 0, again.stdout)
        return s

    def publish(self, s, gone=()):
        text = s.records()
        self.assertExit(text, 0)
        self.world.publish(text.stdout)
        for name in gone:
            self.assertNotIn(name + ".", text.stdout)
            self.world.withdraw(name)
        return text.stdout

    def submit(self, m, login=ALICE):
        with smtplib.SMTP(self.host.address, 587, timeout=30) as s:
            s.starttls(context=tls())
            s.login(*login)
            s.send_message(m, from_addr=login[0])
        return m["Subject"]

    def submitted(self, subject, sender=ALICE[0], login=ALICE):
        return self.world.arrived(self.submit(dated(sender, subject), login))

    def signed_by(self, selector, subject):
        """After a reload rspamd's old workers finish what they are at."""
        for i in range(40):
            m = self.submitted(f"{subject} {i}")
            if selector in [tags(m, n)["s"] for n in range(signatures(m))]:
                return m
            time.sleep(0.5)
        raise AssertionError(f"nothing is signed by {selector}")

    def test_1_what_comes_from_here_is_signed(self):
        text = self.publish(self.converge())
        self.assertIn("s1._domainkey.example.com.", text)
        self.assertIn("s1._domainkey.mx1.example.com.", text)
        m = self.signed_by("s1", "by a person")
        self.world.verify_dkim(m)
        signed = tags(m)
        self.assertEqual((signed["d"], signed["s"], signed["a"]),
                         ("example.com", "s1", "rsa-sha256"))
        names = signed["h"].lower().split(":")
        self.assertNotIn("received", names)
        for name in ("from", "to", "subject", "date", "message-id"):
            self.assertIn(name, names)
        m = self.submitted("of the other domain", "carol@shop.test", ("carol@shop.test", "carols"))
        self.world.verify_dkim(m)
        self.assertEqual(tags(m)["d"], "shop.test")
        # what programs of the host send, as the host and as a domain of it
        self.host.run(f"printf 'To: {BOB}\\nSubject: by cron\\n\\nx\\n' | sendmail -t")
        m = self.world.arrived("by cron")
        self.world.verify_dkim(m)
        self.assertEqual(tags(m)["d"], "mx1.example.com")
        self.host.run("printf 'From: shop@shop.test\\nTo: bob@outside.test\\nSubject: by a shop"
                      "\\n\\nx\\n' | sendmail -t")
        m = self.world.arrived("by a shop")
        self.world.verify_dkim(m)
        self.assertEqual(tags(m)["d"], "shop.test")

    @AGENT_AS_BEFORE
    def test_2_a_bounce_is_signed(self):
        self.world.send(BOB, "away@example.com", subject="comes back")
        m = self.world.bounce("refused@outside.test")
        self.world.verify_dkim(m)
        self.assertEqual(tags(m)["d"], "mx1.example.com")

    @AGENT_AS_BEFORE
    def test_3_what_is_not_ours_is_not_signed(self):
        # somebody else's message, passed on; one from outside in our name
        self.world.send(BOB, "friend@example.com", subject="passed on")
        self.assertEqual(signatures(self.world.arrived("passed on")), 0)
        forged = bytes(message(ALICE[0], "friend@example.com", "in our name"))
        self.world.send("x@outside.test", "friend@example.com", data=forged)
        self.assertEqual(signatures(self.world.arrived("in our name")), 0)

    def test_4_private_keys_are_private_and_hand_edits_show(self):
        owners = self.host.out(f"stat -c '%U:%G %a %n' {KEYS} {KEYS}/*.key").splitlines()
        self.assertEqual(owners[0], f"root:_rspamd 750 {KEYS}")
        self.assertEqual(len(owners), 4)
        for line in owners[1:]:
            self.assertTrue(line.startswith("root:_rspamd 640 "), line)
        private = self.host.out(f"sed -n 3p {KEYS}/example.com.s1.key")
        self.host.run(f"chmod 644 {KEYS}/example.com.s1.key; echo x >{KEYS}/shop.test.s1.txt; "
                      f"cp {KEYS}/example.com.s1.key {KEYS}/example.com.mine.key")
        s = self.site(MANIFEST % ("rspamd", "{selector: s1}", "{}"), hosts=[self.host])
        done = s.plan()
        self.assertIn("example.com.s1.key: root:_rspamd 0644 -> root:_rspamd 0640", done.stdout)
        self.assertIn("shop.test.s1.txt: of another key -> the key's public half", done.stdout)
        self.assertNotIn("mine", done.stdout)
        self.assertNotIn(private, done.stdout)
        self.assertNotIn(private, s.plan("-vv", "--json").stdout)
        self.converge()
        self.host.run(f"test -e {KEYS}/example.com.mine.key && rm {KEYS}/example.com.mine.key")

    @AGENT_AS_BEFORE
    def test_5_a_key_is_rolled_and_expires_while_mail_flows(self):
        s = self.converge(twice=False)
        self.publish(s)
        flow = Flow(self)
        flow.start()
        try:
            # first the coming key is made and published, then it signs, then the old one goes
            s = self.converge("{selector: s1, keep: [s2]}", twice=False)
            self.assertIn("s2._domainkey.example.com.", self.publish(s))
            flow.wait_for_more("s1")
            s = self.converge("{selector: s2, keep: [s1]}", twice=False)
            self.assertIn("s1._domainkey.example.com.", self.publish(s))
            flow.wait_for_more("s2")
            wait_for("the queue is empty",
                     lambda: "empty" in self.host.out("postqueue -p"))
            plan = self.site(MANIFEST % ("rspamd", "{selector: s2}", "{}"),
                             hosts=[self.host]).plan()
            self.assertIn("example.com.s1: present -> absent", plan.stdout)
            s = self.converge("{selector: s2}")
            self.publish(s, gone=[f"s1._domainkey.{d}"
                                  for d in ("example.com", "shop.test", "mx1.example.com")])
            flow.wait_for_more("s2")
        finally:
            flow.stop()
        self.assertEqual(flow.failed, [])
        self.assertEqual(flow.verified["s1"] + flow.verified["s2"], flow.sent)
        self.assertGreater(flow.verified["s1"], 3)
        self.assertGreater(flow.verified["s2"], 3)
        self.assertEqual(self.host.out(f"ls {KEYS} | grep s1 || true"), "")
        print(f"        {flow.sent} messages, {dict(flow.verified)} verified", flush=True)

    @AGENT_AS_BEFORE
    def test_6_two_algorithms_sign_at_once(self):
        s = self.converge("{selector: s3, algorithm: both, keep: [{selector: s2, algorithm: rsa}]}",
                          shop="{algorithm: ed25519, selector: e1}")
        self.publish(s)
        m = self.signed_by("s3", "signed twice")
        self.assertEqual(signatures(m), 2)
        kinds = {}
        for i in range(2):
            done = self.world.filter(["dkimverify", "--index", str(i)], m.as_received)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            kinds[tags(m, i)["s"]] = tags(m, i)["a"]
        self.assertEqual(kinds, {"s3": "rsa-sha256", "s3-ed25519": "ed25519-sha256"})
        m = self.submitted("by Ed25519", "carol@shop.test", ("carol@shop.test", "carols"))
        self.assertEqual((tags(m)["s"], tags(m)["a"]), ("e1", "ed25519-sha256"))
        # opendkim knows RSA only
        done = self.world.filter(["dkimverify"], m.as_received)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    @AGENT_AS_BEFORE
    def test_7_one_key_for_all_and_none_for_one(self):
        s = self.converge("{selector: all, scope: global}", shop="{enabled: false}")
        text = self.publish(s)
        self.assertIn("all._domainkey.example.com.", text)
        self.assertNotIn("_domainkey.shop.test.", text)
        self.assertEqual(self.host.out(f"ls {KEYS}/*.all.key"), f"{KEYS}/global.all.key")
        m = self.signed_by("all", "by the key of all")
        self.world.verify_dkim(m)
        m = self.submitted("by none", "carol@shop.test", ("carol@shop.test", "carols"))
        self.assertEqual(signatures(m), 0)

    @AGENT_AS_BEFORE
    def test_8_turned_off_nothing_is_left_but_the_keys(self):
        keys = self.host.out(f"sha256sum {KEYS}/*.key")
        s = self.converge("{enabled: false}")
        self.assertNotIn("_domainkey", s.records().stdout)
        # after a reload rspamd's old workers finish what they are at
        tries = iter(range(100))
        wait_for("nothing is signed any more", lambda: signatures(
            self.submitted(f"without a signature {next(tries)}")) == 0)
        self.converge("{enabled: false}", spam_filter="none")
        self.assertEqual(self.host.out("ls /etc/rspamd/local.d | grep dkim_ || true"), "")
        self.assertEqual(signatures(self.submitted("without a filter")), 0)
        self.assertEqual(self.host.out(f"sha256sum {KEYS}/*.key"), keys)


class Flow:
    """A signed message every half a second; each is verified at the other side as it arrives."""

    def __init__(self, test):
        self.test, self.sent = test, 0
        self.verified, self.failed, self.seen = {"s1": 0, "s2": 0}, [], 0
        self.ended = threading.Event()
        self.threads = [threading.Thread(target=t) for t in (self.send, self.verify)]

    def start(self):
        for t in self.threads:
            t.start()

    def send(self):
        while not self.ended.is_set():
            try:
                self.test.submit(dated(ALICE[0], f"flow {self.sent}"))
            except (OSError, smtplib.SMTPException) as e:
                self.failed.append(repr(e))
            self.sent += 1
            self.ended.wait(0.5)

    def verify(self):
        done = set()
        end = None
        while end is None or (self.seen < self.sent and time.time() < end):
            if self.ended.is_set() and end is None:
                end = time.time() + 30
            for m in self.test.world.mailbox():
                subject = str(m.message["Subject"])
                if subject.startswith("flow ") and subject not in done:
                    done.add(subject)
                    self.check(m)
            time.sleep(0.2)

    def check(self, m):
        self.seen += 1
        try:
            self.test.world.verify_dkim(m)
            self.verified[tags(m)["s"]] += 1
        except (AssertionError, KeyError, TypeError) as e:
            self.failed.append(f"{m.message['Subject']}: {e!r}")

    def wait_for_more(self, selector, more=4):
        goal = self.verified[selector] + more
        wait_for(f"{more} more by {selector}",
                 lambda: self.verified[selector] >= goal or self.failed, 60)

    def stop(self):
        self.ended.set()
        for t in self.threads:
            t.join()
