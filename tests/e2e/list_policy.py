# SPDX-License-Identifier: MIT
"""Mailing lists and the DMARC policies of those who write to them: posts, bounces, and posts that
nobody verified."""
import email
import email.policy
import email.utils
import hashlib
import json
import os
import time
import unittest

from lib import RUN, SANITIZED, imap, sh, submit, wait_for
from world import WorldTest, put

PLAY = """
- name: Mail servers
  hosts: mail
  become: true
  roles: [mail]
  mail:
    hostname: mx1.example.com
    ENGINE
    domains:
      two.test:
        mailboxes: {carol: {password: carols}}
LISTS
"""
MEMBERS = "members: [carol, ceo@strict.test, ann@gentle.test, m@outside.test]"
LISTS = f"""
        lists:
          club: {{owner: carol, {MEMBERS}}}
          talk: {{owner: carol, {MEMBERS}, reply_to: list, subject_prefix: "[talk]"}}
          whole: {{owner: carol, {MEMBERS}, dmarc: wrap, subject_prefix: "[whole]"}}
          plain: {{owner: carol, members: [carol, ceo@strict.test, m@outside.test, refused@outside.test], dmarc: none}}
          open: {{owner: carol, {MEMBERS}, post: anyone}}
"""
RECORDS = """
strict.test. TXT "v=spf1 a:outside.test -all"
_dmarc.strict.test. TXT "v=DMARC1; p=reject"
gentle.test. TXT "v=spf1 a:outside.test -all"
_dmarc.gentle.test. TXT "v=DMARC1; p=none"
"""
# What the outside says of authors who are not where their domain says: after the whole message, as
# a receiver who verifies does.
REFUSES = r"regexp:{{/^From:.*@strict\.test/ REJECT 5.7.26 Unauthenticated mail of strict.test, see its DMARC policy}}"
CAROL = ("carol@two.test", "carols")
CEO = "The CEO <ceo@strict.test>"

HOST_SAYS = "Authentication-Results: mx1.example.com; dmarc=pass (policy=%s) header.from=%s; spf=pass"
PASS = HOST_SAYS % ("reject", "strict.test")

# What comes before From, From, what comes after; From of what members get, and what else it has.
AUTHORS = [
    (PASS, CEO, "", '"The CEO via club" <club@two.test>', [f"Reply-To: {CEO}"]),
    (PASS, "ceo@strict.test", "", '"ceo via club" <club@two.test>', ["Reply-To: ceo@strict.test"]),
    (PASS, "<ceo@strict.test>", "", '"ceo via club" <club@two.test>', []),
    (PASS, "ceo@strict.test (The \\) CEO)", "", '"The ) CEO via club" <club@two.test>', []),
    (PASS, '"O. \\"C\\" E, O." <ceo@strict.test>', "", '"O. \\"C\\" E, O. via club" <club@two.test>', []),
    (PASS, '"ceo@strict.test" <ceo@strict.test>', "", '"ceo via club" <club@two.test>', []),
    (PASS, "=?utf-8?q?J=C3=BC?=\n =?utf-8?b?cmdlbg==?= <ceo@strict.test>", "",
     '=?utf-8?q?J=C3=BC?=\n\t=?utf-8?b?cmdlbg==?=\n\tvia "club" <club@two.test>', []),
    (PASS, "Jürgen <ceo@strict.test>", "", '"Jürgen via club" <club@two.test>', []),
    (PASS, f"{'x' * 400} <ceo@strict.test>", "", f"\"{'x' * 150} via club\" <club@two.test>", []),
    # Answers: what was there stays, and nobody is named twice.
    (PASS, CEO, "Reply-To: desk@strict.test\nReply-To: <hall@strict.test>\n",
     '"The CEO via club" <club@two.test>',
     [f"Reply-To: desk@strict.test,\n\t<hall@strict.test>,\n\t{CEO}"]),
    (PASS, CEO, "Reply-To: CEO@strict.test\n", '"The CEO via club" <club@two.test>',
     ["Reply-To: CEO@strict.test"]),
    (PASS, CEO, "Reply-To: club@two.test\nCc: x@y.test\n", '"The CEO via club" <club@two.test>',
     ["Reply-To: club@two.test", f"Cc: x@y.test,\n\t{CEO}"]),
    # Signatures and agents of the former author go.
    (PASS, CEO, "Sender: a@strict.test\nDKIM-Signature: v=1;\n b=x\n", '"The CEO via club" <club@two.test>',
     ["!Sender", "!DKIM-Signature", "! b=x"]),
    # Who keeps his From.
    (HOST_SAYS % ("none", "strict.test"), CEO, "", CEO, []),
    (HOST_SAYS % ("quarantine", "strict.test"), CEO, "", '"The CEO via club" <club@two.test>', []),
    ("Authentication-Results: mx1.example.com;\n\tdmarc=none header.from=strict.test;\n\tspf=none", CEO, "", CEO, []),
    # Nobody could be asked: the author's domain may still have signed.
    (HOST_SAYS.replace("pass", "temperror") % ("reject", "strict.test"), CEO, "", '"The CEO via club" <club@two.test>',
     ["# unverified"]),
    (HOST_SAYS.replace("pass", "temperror") % ("reject", "strict.test") + "; dkim=pass header.d=strict.test", CEO, "",
     '"The CEO via club" <club@two.test>', ["!#"]),
    ("Authentication-Results: mx1.example.com; auth=pass", "carol@two.test", "", "carol@two.test", []),
    (HOST_SAYS % ("quarantine", "two.test") + "; dkim=pass header.d=two.test", "carol@two.test", "",
     "carol@two.test", []),
    (HOST_SAYS % ("quarantine", "two.test"), "carol@two.test", "", '"carol via club" <club@two.test>', []),
    (HOST_SAYS % ("reject", "strict.test") + "; dkim=pass header.d=strict.test", CEO, "",
     '"The CEO via club" <club@two.test>', []),
    # A login in the name of a domain elsewhere, this host itself, a list that is a member.
    ("Authentication-Results: mx1.example.com; auth=pass", CEO, "", '"The CEO via club" <club@two.test>', []),
    ("Authentication-Results: mx1.example.com; none", "root@mx1.example.com", "", "root@mx1.example.com", []),
    (PASS, '"x via talk" <talk@two.test>', "", '"x via talk" <talk@two.test>', ["# unverified"]),
    # Words of others, and words in quotes, are not this host's.
    ("Authentication-Results: mx2.example.com; dmarc=pass (policy=none)", CEO, "",
     '"The CEO via club" <club@two.test>', ["# unverified"]),
    (PASS + "\nAuthentication-Results: mx1.example.com; auth=pass", CEO, "",
     '"The CEO via club" <club@two.test>', ["# unverified"]),
    (PASS + ' smtp.mailfrom="; dmarc=fail; auth=pass "', CEO, "", '"The CEO via club" <club@two.test>', ["!#"]),
    (HOST_SAYS.replace("pass", "fail", 1) % ("reject", "strict.test"), CEO, "",
     '"The CEO via club" <club@two.test>', ["# fail"]),
    ("X-List-Check: forged", CEO, "", '"The CEO via club" <club@two.test>', ["# unverified", "!forged"]),
    # Not one author, or one that others might read otherwise.
    *[(PASS, bad, "", '"club" <club@two.test>', ["# unverified"]) for bad in (
        "", "Team: ceo@strict.test;", "ceo@strict.test, carol@two.test", "ceo@strict.test\nFrom: carol@two.test",
        "<ceo@strict.test> <carol@two.test>", "carol@two.test ceo@strict.test", "ceo@strict.test>",
        '"x <ceo@strict.test>', "<@a.test:ceo@strict.test>", "ceo at strict.test")],
]

DSN = """From: MAILER-DAEMON@outside.test
To: club+bounces-1-m=outside.test@two.test
Auto-Submitted: auto-replied
Content-Type: multipart/report; report-type=delivery-status;
	boundary="b"

--b

Your message could not be delivered.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.outside.test

Final-Recipient: rfc822; m@outside.test
{}
--b
Content-Type: message/rfc822

From: x@y.test
Status: 5.7.1

550 5.7.26 of the message itself
--b--
"""
TEXT = "From: MAILER-DAEMON@old.test\nSubject: failure notice\n\nHi. This is the qmail-send program.\n{}\n"

# A bounce; whether it counts.
BOUNCES = [
    (DSN.format("Action: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 No such user\n"), True),
    (DSN.format("Action: failed\nStatus: 5.2.2\n"), True),
    (DSN.format("Action: failed\nStatus: 4.4.1\nDiagnostic-Code: smtp; connection timed out\n"), True),
    (DSN.format("Action: failed\nStatus: 5.7.26\n"), False),
    (DSN.format("action:FAILED\nstatus:5.7.1\n"), False),
    (DSN.format("Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550-5.7.26 no\n"), False),
    (DSN.format("Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 refused by\n    DMARC policy\n"), False),
    (DSN.format("Action: failed\nStatus: 4.7.0\n"), False),
    (DSN.format("Action: failed\nStatus: 5.1.10\nDiagnostic-Code: smtp; 550 65.7.1\n"), True),
    (DSN.format("Action: delayed\nStatus: 4.4.1\n"), False),
    (DSN.format("Action: delivered\nStatus: 2.0.0\n"), False),
    (DSN.format("Action: failed\nStatus: 5.7.1\n\nFinal-Recipient: rfc822; n@x\nAction: failed\nStatus: 5.1.1\n"), True),
    (DSN.format("Action: failed\nStatus: 5.7.1\n\nFinal-Recipient: rfc822; n@x\nAction: delayed\nStatus: 4.0.0\n"), False),
    (DSN.format("Action: failed\nStatus: 5.1.1\n").replace("\n", "\r\n"), True),
    (DSN.format("Action: failed\nStatus: 5.7.1\n").replace("\n", "\r\n"), False),
    (DSN.format("Action: failed\n" + "X: y\n" * 2000 + "Status: 5.7.1\n"), True),
    (DSN.format("").replace("delivery-status", "disposition-notification"), False),
    (TEXT.format("<m@x>:\nRemote host said: 550 5.1.1 unknown"), True),
    (TEXT.format("<m@x>:\nRemote host said: 550 5.7.26 not authenticated"), False),
    (TEXT.format("x\n" * 100 + "550 5.7.26 in the message that comes back"), True),
    ("From: m@outside.test\nAuto-Submitted: auto-replied\n\nI am away.\n", False),
    ("Subject: nothing\n\n", True),
    ("", True),
]

RUN_CASES = r'''
import json, os, shutil, subprocess, sys
ask = json.load(open("/tmp/ask"))
place = "/tmp/lists"
shutil.rmtree(place, ignore_errors=True)
os.mkdir(place)
shutil.copy("/usr/local/lib/lists/list-mail", place)
with open(place + "/mlmmj-receive", "w") as f:
    f.write("#!/bin/sh\necho \"took $EXTENSION $*\"; cat\n")
os.chmod(place + "/mlmmj-receive", 0o755)
out = [subprocess.run([place + "/list-mail", *c["argv"]], input=c["text"].encode(), capture_output=True) for c in ask]
json.dump([[r.returncode, r.stdout.decode(), r.stderr.decode()] for r in out], sys.stdout)
'''


@unittest.skipIf(SANITIZED, "what the agent does here, tests/cases/resource has under sanitizers")
class ListPolicy(WorldTest):
    names = ("mx1.example.com",)
    zones = ("strict.test", "gentle.test", "two.test")
    public = True
    folder = "/var/lib/mlmmj/two.test"
    engine = "rspamd: {greylist: {enabled: false}}"

    def apply(self, lists=LISTS):
        s = self.site(PLAY.replace("LISTS", lists).replace("ENGINE", self.engine))
        self.assertExit(s.apply(), 0)
        done = s.plan("--exit-code")
        self.assertExit(done, 0)
        return s

    def post(self, to, author=CEO, extra="", sender=None):
        """From outside, with a forged word of the verifier."""
        subject = f"subject {time.time_ns()}"
        address = author.split("<")[-1].strip(">")
        text = (f"{HOST_SAYS % ('none', address.split('@')[1])}\nX-List-Check: pass\nFrom: {author}\nTo: {to}\nSubject: {subject}\n{extra}"
                f"Message-ID: <{time.time_ns()}@strict.test>\nDate: {email.utils.formatdate()}\n\nHello.\n")
        said = self.world.send(sender or address, to, data=text.encode(), at=self.host.public)
        self.assertNotIn("error", said)
        return subject, said

    def arrived(self, subject, to="m@outside.test"):
        return wait_for(f"'{subject}' for {to}", lambda: next(
            (m for m in self.world.mailbox() if m.message["Subject"] == subject and m.to == to), None), 60)

    def inbox(self, subject):
        """What Carol has of that subject."""
        def look():
            s = imap(self.host.address, *CAROL)
            s.select("INBOX", readonly=True)
            found = s.search(None, "SUBJECT", f'"{subject}"')[1][0].split()
            raw = s.fetch(found[-1], "(BODY.PEEK[])")[1][0][1] if found else None
            s.logout()
            return raw
        raw = wait_for(f"'{subject}' for Carol", look, 60)
        return email.message_from_bytes(raw, policy=email.policy.default)

    def empty(self):
        """What a mode before this one left for Carol, or noted of a member."""
        with imap(self.host.address, *CAROL) as s:
            s.select("INBOX")
            s.store("1:*", "+FLAGS", "\\Deleted")
            s.expunge()
        self.host.run(f"rm -f {self.folder}/*/bounce/*")

    def bounces(self, name):
        return self.host.out(f"ls {self.folder}/{name}/bounce").split()

    def run_program(self, cases):
        put(self.host, "/tmp/ask", json.dumps(cases))
        return json.loads(self.host.out(f"python3 - <<'END'\n{RUN_CASES}\nEND"))

    def test_1_lists_are_made(self):
        s = self.apply()
        self.world.publish(s.records().stdout + RECORDS)
        self.world.accept("strict.test", "gentle.test")
        self.outside.run(f"postconf -e 'header_checks = {REFUSES}' 'nested_header_checks =' && postfix reload")

    def test_2_authors(self):
        cases = [{"argv": ["show", "club@two.test"], "text": f"Received: x\n{before}\nFrom: {author}\n{after}Subject: s\n\nbody\nFrom: y\n"}
                 for before, author, after, _, _ in AUTHORS]
        for (before, author, _, wanted, more), (rc, out, err) in zip(AUTHORS, self.run_program(cases)):
            with self.subTest(before=before, author=author):
                self.assertEqual((rc, err), (0, ""))
                header, _, body = out.partition("\n\n")
                self.assertEqual(body, "body\nFrom: y\n")
                self.assertEqual(header.count("\nFrom:"), 1)
                self.assertIn(f"\nFrom: {wanted}\n", header)
                for text in more:
                    if text[0] == "!":
                        self.assertNotIn(text[1:], header)
                    else:
                        self.assertIn(text, header)

    def test_3_bounces(self):
        argv = ["mlmmj", "/x", "two.test/club", "bounces-1-m=outside.test", "", "192.0.2.1"]
        done = self.run_program([{"argv": argv, "text": text} for text, _ in BOUNCES])
        for (text, counts), (rc, out, err) in zip(BOUNCES, done):
            with self.subTest(text=text):
                self.assertEqual((rc, err), (0, ""))
                self.assertEqual(out.startswith("took bounces-1-m=outside.test -F -L /x/two.test/club\n"), counts, out)
                self.assertEqual(out.startswith("not counted as a bounce, "), not counts, out)
        # Nothing is lost by a failure, and nothing but the envelope says what a message is for.
        bad = [{"argv": ["mlmmj"], "text": "x"}, {"argv": argv, "text": "X: y\n" * 300000}]
        self.assertEqual([r[0] for r in self.run_program(bad)], [75, 65])
        # What is no command of Mlmmj comes back: it would drop it.
        for extension in ("-v", "$(id)", "a b", "owner+x", "unsubscirbe", "subscribe\nx", "get-../1", "bounces-",
                          "confsub-.", "release-..", "get-", "moderate-$(id)", "bounces-.", "bounces-1-a/b", "help\n"):
            argv[3] = extension
            rc, out, _ = self.run_program([{"argv": argv, "text": "A: b\n\nc\n"}])[0]
            self.assertEqual((rc, out), (67, "this mailing list has no such address; write to club+help@two.test for those that exist\n"))
        # A command is none for Mlmmj where To or Cc names the list.
        for extension in ("", "unsubscribe", "SUBSCRIBE-Digest", "confsub-digest-0a-x=y.test", "confsub-0a", "release-0f",
                          "get-1", "list"):
            argv[3] = extension
            out = self.run_program([{"argv": argv, "text": "To: x,\n club@two.test\ncc : y\nA: b\n\nTo: c\n"}])[0][1]
            self.assertIn(f"took {extension} -F", out)
            self.assertEqual("club@two.test" in out.split("\n\n")[0], extension == "", out)

    def test_4_a_strict_author_is_rewritten(self):
        subject, _ = self.post("club@two.test")
        m = self.arrived(subject)
        self.assertEqual(m.message["From"], 'The CEO via club <club@two.test>')
        self.assertEqual(m.message["Reply-To"], CEO)
        self.assertRegex(m.sender, r"^club\+bounces-\d+-m=outside\.test@two\.test$")
        self.assertEqual(m.message["List-Id"], "<club.two.test>")
        self.assertEqual(m.message["X-BeenThere"], "club@two.test")
        self.assertEqual(m.spf, "Pass")
        self.assertIn("d=two.test;", m.message["DKIM-Signature"])
        self.world.verify_dkim(m)
        self.assertIsNone(m.message["X-List-Check"])
        self.assertEqual(self.inbox(subject)["From"], 'The CEO via club <club@two.test>')
        subject, _ = self.post("talk@two.test", extra="Reply-To: x@strict.test\nCc: ann@gentle.test\n")
        m = self.arrived(f"[talk] {subject}")
        self.assertEqual(m.message["From"], 'The CEO via talk <talk@two.test>')
        self.assertEqual(m.message.get_all("Reply-To"), ["talk@two.test"])
        self.assertEqual(m.message["Cc"], f"ann@gentle.test, {CEO}")
        self.world.verify_dkim(m)

    def test_5_or_wrapped(self):
        subject, _ = self.post("whole@two.test")
        m = self.arrived(f"[whole] {subject}")
        self.assertEqual(m.message["From"], 'The CEO via whole <whole@two.test>')
        self.assertEqual(m.message["List-Id"], "<whole.two.test>")
        self.assertEqual(m.message.get_content_type(), "message/rfc822")
        self.world.verify_dkim(m)
        inner = m.message.get_content()
        self.assertEqual(inner["From"], CEO)
        self.assertEqual(inner["Subject"], subject)
        self.assertIsNone(inner["List-Id"])
        self.assertEqual(inner.get_content().strip(), "Hello.")
        self.assertNotEqual(inner["Message-ID"], m.message["Message-ID"])

    def test_6_others_keep_their_names(self):
        subject = submit(self.host.address, *CAROL, CAROL[0], "talk@two.test")
        m = self.arrived(f"[talk] {subject}")
        self.assertEqual(m.message["From"], CAROL[0])
        self.assertIn("d=two.test;", m.message["DKIM-Signature"])
        self.world.verify_dkim(m)
        subject, _ = self.post("club@two.test", "Ann <ann@gentle.test>")
        m = self.arrived(subject)
        self.assertEqual(m.message["From"], "Ann <ann@gentle.test>")
        self.assertIsNone(m.message["Reply-To"])

    def test_7_a_refusal_for_policy_removes_nobody(self):
        said = "journalctl -q -o cat -u postfix@- | grep -c 'not counted as a bounce, refused by policy: 5.7.26'"
        before = int(self.host.run(said, check=False).stdout)
        for _ in range(3):
            self.post("plain@two.test")
        wait_for("the bounces came", lambda: int(self.host.run(said, check=False).stdout) >= before + 3, 60)
        wait_for("a real one is noted", lambda: "refused=outside.test" in self.bounces("plain"), 60)
        self.assertNotIn("m=outside.test", self.bounces("plain"))
        self.assertNotIn("ceo=strict.test", self.bounces("plain"))

    def test_7a_a_forged_post_reaches_no_list(self):
        state = f"cd {self.folder} && cat */index && ls */moderation */archive */queue"
        before = self.host.out(state)
        for to in ("club@two.test", "Whole@Two.TEST", "plain+x@two.test", "open@two.test"):
            for author in (CEO, "carol@two.test", "Ann <ann@gentle.test>", f"m@outside.test, {CEO}"):
                subject, said = self.post(to, author, sender="forger@outside.test")
                self.assertRegex(said["data"], "^554 5.7.1 Mailing lists take ", (to, author))
        self.queue_is_empty()
        self.assertEqual(self.host.out(state), before)

    def queue_is_empty(self):
        wait_for("the queue is empty", lambda: "is empty" in self.host.out("postqueue -p"), 60)

    def test_8_who_is_not_verified_waits(self):
        self.host.run("systemctl stop rspamd")
        try:
            subject, said = self.post("club@two.test")
            self.assertEqual(said["data"][:3], "250")
            open_subject, _ = self.post("open@two.test")
        finally:
            self.host.run("systemctl start rspamd")
        asked = self.inbox("Please moderate club@two.test")
        self.inbox("Please moderate open@two.test")
        self.assertEqual([m for m in self.world.mailbox() if m.message["Subject"] in (subject, open_subject)], [])
        submit(self.host.address, *CAROL, CAROL[0], asked["Reply-To"], subject="yes")
        # His domain's policy is not known, so it is taken for strict.
        m = self.arrived(subject)
        self.assertEqual(m.message["From"], 'The CEO via club <club@two.test>')

    def test_8a_a_failing_post_that_came_in_is_discarded(self):
        """The verifier refuses it in the dialog; the list does not rely on that."""
        put(self.host, "/tmp/post", f"{HOST_SAYS.replace('pass', 'fail', 1) % ('reject', 'strict.test')}\n"
            f"Return-Path: <ceo@strict.test>\nFrom: {CEO}\nTo: club@two.test\nSubject: failing\n\nx\n")
        before = self.host.out(f"cat {self.folder}/club/index")
        self.host.run("setpriv --reuid=mlmmj --regid=mlmmj --clear-groups /usr/local/lib/lists/list-mail mlmmj "
                      "/var/lib/mlmmj two.test/club '' '' 192.0.2.1 </tmp/post")
        log = self.host.out(f"tail -n 1 {self.folder}/club/mlmmj.operation.log")
        self.assertRegex(log, 'header "X-List-Check: fail" was discarded by rule')
        self.assertEqual(self.host.out(f"cat {self.folder}/club/index"), before)

    def test_8b_a_failure_defers(self):
        self.host.run("mv /etc/mailing-lists.conf /root/")
        subject, _ = self.post("club@two.test")
        wait_for("it waits", lambda: "mailing-lists.conf" in self.host.out("postqueue -p"))
        self.host.run("mv /root/mailing-lists.conf /etc/ && postqueue -f")
        self.arrived(subject)

    def in_mode(self, engine):
        """The sentences above where something else stands beside the verifier."""
        self.engine = engine
        self.apply()
        self.empty()
        self.test_4_a_strict_author_is_rewritten()
        self.test_5_or_wrapped()
        self.test_6_others_keep_their_names()
        self.test_7_a_refusal_for_policy_removes_nobody()
        self.test_7a_a_forged_post_reaches_no_list()
        self.test_8_who_is_not_verified_waits()

    def test_8c_the_same_with_spamassassin(self):
        self.in_mode("spam_filter: spamassassin")

    def test_8d_the_same_with_both(self):
        self.in_mode("spam_filter: spamassassin\n    rspamd_piggyback: true")

    def test_9_the_same_with_majordomo(self):
        """And where rspamd is no spam filter."""
        archive = os.path.join(RUN, "majordomo.tar.gz")
        sh(["tar", "-czf", archive, "-C", os.path.dirname(__file__), "majordomo"])
        with open(archive, "rb") as f:
            digest = hashlib.sha256(f.read()).hexdigest()
        self.engine = f"lists: {{engine: majordomo, source: {archive}, source_sha256: {digest}}}\n    spam_filter: none"
        self.apply()
        self.assertEqual(self.host.out("ls /usr/local/lib/lists").split(), ["list-mail", "majordomo-mailer"])
        subject, _ = self.post("club@two.test")
        m = self.arrived(subject)
        self.assertEqual(m.message["From"], "The CEO via club <club@two.test>")
        self.assertEqual(m.message["Reply-To"], CEO)
        self.assertEqual(m.sender, "owner-club@two.test")
        self.world.verify_dkim(m)
        # What was found of a post when it came goes with it: a login's From stays, and is signed.
        subject = submit(self.host.address, *CAROL, CAROL[0], "club@two.test")
        m = self.arrived(subject)
        self.assertEqual(m.message["From"], CAROL[0])
        self.world.verify_dkim(m)
        results = self.inbox(subject).get_all("Authentication-Results")
        self.assertEqual([r.split() for r in results], [["mx1.example.com;", "auth=pass"]])
        _, said = self.post("club@two.test", sender="forger@outside.test")
        self.assertRegex(said["data"], "^554 5.7.1 Mailing lists take ")
        self.host.run("systemctl stop rspamd")
        try:
            subject, _ = self.post("club@two.test")
        finally:
            self.host.run("systemctl start rspamd")
        self.assertIn(subject, self.inbox("BOUNCE club@two.test: Approval required").get_content())
        self.assertEqual([m for m in self.world.mailbox() if m.message["Subject"] == subject], [])

    def test_a_no_lists_leave_nothing(self):
        self.apply("")
        self.host.run("! ls /usr/local/lib/lists; ! ls /etc/mailing-lists.conf")
