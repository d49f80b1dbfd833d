# SPDX-License-Identifier: MIT
"""From an empty host to delivered mail, and what a mail server must refuse."""
import imaplib
import poplib
import smtplib
import tempfile
import time

from lib import (HOST, Host, HostTest, arrives, deliver, imap, message, pop_subjects, recap, sh,
                 submit, subjects, tls, wait_for)

MANIFEST = """
- name: Mail servers
  hosts: mx1.example.com
  become: true
  mail:
    hostname: mx1.example.com
    domains:
      example.com:
        catch_all: bob
        mailboxes:
          alice: {password: "alice's pass word"}
          bob: {password: bobs}
%s
        aliases:
          sales: [alice, bob]
      example.org:
        mailboxes:
          carol: {password: carols}
          small: {password: smalls, quota: 100k}
  roles: [mail]
"""
DAVE = "          dave: {password: daves}\n"
ALICE = ("alice@example.com", "alice's pass word")
BOB = ("bob@example.com", "bobs")
CAROL = ("carol@example.org", "carols")
SMALL = ("small@example.org", "smalls")
DAVES = ("dave@example.com", "daves")


class Mail(HostTest):
    """One host for the class; the tests run in the order of their names."""

    names = ("mx1.example.com",)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.outside = Host("outside.test")
        cls.hosts.append(cls.outside)

    def mail_site(self):
        return self.site(MANIFEST % DAVE, hosts=[self.host])

    def test_01_plan_of_an_empty_host_writes_nothing(self):
        # What plan may bring is the agent itself; logging in leaves log lines.
        watch = ("find / /tmp /dev/shm -xdev -cnewer /run/before -not -path /run "
                 "-not -path '/var/log/*' -not -path /var/lib -not -path /var/lib/provision "
                 "-not -path '/var/lib/provision/bin*'")
        self.host.run("touch /run/before; sleep 0.1")
        done = self.mail_site().plan("--exit-code")
        self.assertExit(done, 3)
        for text in ("Install the packages of the mail stack", "/etc/postfix/main.cf",
                     "set: virtual_transport = vmaildrop"):
            self.assertIn(text, done.stdout)
        # No task waits for the packages: such a plan can be saved.
        with tempfile.TemporaryDirectory() as folder:
            self.assertExit(self.mail_site().plan("--out", folder + "/first.plan"), 0)
        for secret in ("alice's pass word", "$6$"):
            self.assertNotIn(secret, done.stdout)
        self.assertEqual(self.host.out(watch), "")

    def test_02_apply_converges(self):
        done = self.mail_site().apply()
        self.assertExit(done, 0)
        self.assertGreater(recap(done.stdout)["mx1.example.com"]["changed"], 10)
        self.assertNotIn("$6$", done.stdout)
        # Handlers restart nothing that was started with what they are to bring in.
        for unit in ("postsrsd", "redis-server@rspamd", "rspamd", "dovecot", "postfix@-"):
            starts = self.host.out(f"journalctl -q -o cat -u {unit} | grep -c '^Started '")
            self.assertEqual(starts.strip(), "1", unit)

    def test_03_second_apply_changes_nothing(self):
        s = self.mail_site()
        done = s.apply()
        self.assertExit(done, 0)
        self.assertEqual(recap(done.stdout)["mx1.example.com"]["changed"], 0, done.stdout)
        done = s.plan("--exit-code")
        self.assertExit(done, 0)
        self.assertIn("No changes.", done.stdout)

    def test_04_submission_587_to_imap(self):
        a = self.host.address
        arrives(a, *BOB, submit(a, *ALICE, ALICE[0], BOB[0]))

    def test_05_submission_465_to_pop3(self):
        a = self.host.address
        subject = submit(a, *BOB, BOB[0], CAROL[0], port=465)
        wait_for("pop", lambda: subject in pop_subjects(a, *CAROL))

    def test_06_plain_ports_offer_starttls(self):
        a = self.host.address
        with imaplib.IMAP4(a, 143, timeout=20) as s:
            with self.assertRaises(imaplib.IMAP4.error):
                s.login(*ALICE)
            s.starttls(ssl_context=tls())
            s.login(*ALICE)
        s = poplib.POP3(a, 110, timeout=20)
        s.stls(context=tls())
        s.user(ALICE[0])
        s.pass_(ALICE[1])
        s.quit()

    def test_07_mail_from_outside(self):
        subject = f"outside {time.time_ns()}"
        said = deliver(self.outside, self.host.address, "x@outside.test", ALICE[0], subject)
        self.assertIn("250", said)
        arrives(self.host.address, *ALICE, subject)

    def test_08_relay_without_login_is_refused(self):
        said = deliver(self.outside, self.host.address, "x@outside.test", "y@elsewhere.test")
        self.assertRegex(said, "554 .*Relay access denied")
        # Not even from the host itself.
        said = deliver(self.host, "127.0.0.1", "x@outside.test", "y@elsewhere.test")
        self.assertRegex(said, "554 .*Relay access denied")

    def test_09_unknown_recipient_is_refused_at_rcpt(self):
        said = deliver(self.outside, self.host.address, "x@outside.test", "nobody@example.org")
        self.assertRegex(said, "^550 .*5.1.1")

    def test_10_wrong_password_is_refused(self):
        a = self.host.address
        with self.assertRaises(smtplib.SMTPAuthenticationError):
            submit(a, ALICE[0], "wrong", ALICE[0], BOB[0])
        with self.assertRaises(imaplib.IMAP4.error):
            subjects(a, ALICE[0], "wrong")

    def test_11_a_login_sends_only_as_itself(self):
        a = self.host.address
        with self.assertRaises(smtplib.SMTPException) as caught:
            submit(a, *ALICE, BOB[0], CAROL[0])
        self.assertIn("553", str(caught.exception))
        submit(a, *ALICE, "sales@example.com", CAROL[0])  # an alias of hers

    def test_12_submission_wants_tls_and_login(self):
        with smtplib.SMTP(self.host.address, 587, timeout=20) as s:
            s.ehlo()
            self.assertNotIn("auth", s.esmtp_features)
            s.starttls(context=tls())
            s.ehlo()
            self.assertIn("auth", s.esmtp_features)
            code, _ = s.mail(ALICE[0])
            code, _ = s.rcpt(BOB[0]) if code == 250 else (code, b"")
            self.assertGreaterEqual(code, 500)
            self.assertGreaterEqual(s.verify("alice")[0], 500)

    def test_13_alias_and_catch_all(self):
        a = self.host.address
        subject = f"alias {time.time_ns()}"
        self.assertIn("250", deliver(self.outside, a, "x@outside.test", "sales@example.com", subject))
        arrives(a, *ALICE, subject)
        arrives(a, *BOB, subject)
        subject = f"catch {time.time_ns()}"
        said = deliver(self.outside, a, "x@outside.test", "whoever@example.com", subject)
        self.assertIn("250", said)
        arrives(a, *BOB, subject)
        # With a catch-all, a mailbox still gets its own mail, and only that.
        self.assertNotIn(subject, subjects(a, *ALICE))

    def test_14_address_extension(self):
        subject = f"ext {time.time_ns()}"
        deliver(self.outside, self.host.address, "x@outside.test", "carol+shop@example.org", subject)
        arrives(self.host.address, *CAROL, subject)

    def test_15_postmaster_and_abuse(self):
        for to in ("postmaster@example.org", "abuse@example.com"):
            said = deliver(self.outside, self.host.address, "x@outside.test", to)
            self.assertIn("250", said, to)

    def test_16_over_quota_is_refused_and_nothing_lost(self):
        a = self.host.address
        body = ("x" * 70 + "\n") * 600  # 42 KB of the 100 allowed
        accepted, refused = [], ""
        while not refused and len(accepted) < 5:
            try:
                accepted.append(submit(a, *CAROL, CAROL[0], SMALL[0], body=body))
                arrives(a, *SMALL, accepted[-1])
            except smtplib.SMTPException as e:
                refused = str(e)
        # With its size declared (as every client does) it is refused in the dialog.
        self.assertIn("Mailbox is full", refused)
        self.assertEqual(len(accepted), 2)
        # Without, it is taken, waits in the queue, and comes when there is room.
        with smtplib.SMTP(a, 25, timeout=20) as s:
            s.helo("outside.test")
            s.mail("x@outside.test")
            s.rcpt(SMALL[0])
            s.data(message("x@outside.test", SMALL[0], "late", body).as_bytes())
        wait_for("deferred", lambda: "over quota" in self.host.out("postqueue -p"))
        with imap(a, *SMALL) as i:
            i.select("INBOX")
            i.store("1:*", "+FLAGS", "\\Deleted")
            i.expunge()
        self.host.run("postqueue -f")
        arrives(a, *SMALL, "late")

    def test_17_tls_1_1_is_refused(self):
        for where in ("993", "995", "465", "587 -starttls smtp", "25 -starttls smtp"):
            client = f"echo | openssl s_client -connect 127.0.0.1:{where} -cipher ALL:@SECLEVEL=0"
            done = self.host.run(f"{client} -tls1_1 2>&1", check=False)
            self.assertNotEqual(done.returncode, 0, where)
            self.assertRegex(done.stdout, r"and written [1-9]\d* bytes", where)  # it was offered
            self.assertIn("New, (NONE), Cipher is (NONE)", done.stdout, where)
            self.assertIn("Protocol  : TLSv1.2", self.host.out(f"{client} -tls1_2 2>&1"), where)

    def test_18_a_mailbox_taken_out_is_closed_and_its_mail_kept(self):
        a = self.host.address
        arrives(a, *DAVES, submit(a, *BOB, BOB[0], DAVES[0]))
        s = self.site((MANIFEST % "").replace("        catch_all: bob\n", ""), hosts=[self.host])
        self.assertExit(s.apply(), 0)
        with self.assertRaises(imaplib.IMAP4.error):
            subjects(a, *DAVES)
        said = deliver(self.outside, a, "x@outside.test", DAVES[0])
        self.assertRegex(said, "^550 .*5.1.1")
        kept = self.host.out("find /var/vmail/example.com/dave/Maildir/new "
                             "/var/vmail/example.com/dave/Maildir/cur -type f | wc -l")
        self.assertGreaterEqual(int(kept), 1)
        self.assertExit(self.mail_site().apply(), 0)
        self.assertGreaterEqual(len(subjects(a, *DAVES)), 1)

    def test_19_authlib_down_defers(self):
        a = self.host.address
        self.host.run("systemctl stop courier-authdaemon")
        subject = submit(a, *ALICE, ALICE[0], CAROL[0])
        wait_for("deferred", lambda: "carol@example.org" in self.host.out("postqueue -p"))
        done = self.mail_site().plan()
        self.assertIn("state: stopped -> started", done.stdout)
        self.assertExit(self.mail_site().apply(), 0)
        self.host.run("postqueue -f")
        arrives(a, *CAROL, subject)

    def test_20_reboot(self):
        sh([HOST, "restart", self.host.name])
        a = self.host.address
        wait_for("imap", lambda: self.up(a), 30)
        arrives(a, *BOB, submit(a, *ALICE, ALICE[0], BOB[0]))
        done = self.mail_site().apply()
        self.assertEqual(recap(done.stdout)["mx1.example.com"]["changed"], 0, done.stdout)

    @staticmethod
    def up(a):
        try:
            submit(a, *ALICE, ALICE[0], ALICE[0])
            subjects(a, *ALICE)
            return True
        except (OSError, smtplib.SMTPException, imaplib.IMAP4.error):
            return False
