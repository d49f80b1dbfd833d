# SPDX-License-Identifier: MIT
"""A configuration that fails is refused or put back, and mail flows all the while."""
import json
import os
import smtplib
import threading
import time
import unittest

from lib import SANITIZED, HostTest, message, recap, subjects, tls, wait_for

MANIFEST = """
- hosts: mx1.example.com
  become: true
  mail:
    hostname: mx1.example.com
    spam_filter: rspamd
%s
    domains:
      example.com:
        mailboxes:
          alice: {password: alices}
          bob: {password: bobs}
  roles: [mail]
"""
ALICE = ("alice@example.com", "alices")
BOB = ("bob@example.com", "bobs")


class Traffic(threading.Thread):
    """Submits a message twice a second, again after a refusal that may pass, as clients do."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.address, self.sent, self.gap = address, [], 0.0
        self.done = threading.Event()

    def submit(self, subject):
        with smtplib.SMTP(self.address, 587, timeout=5) as s:
            s.starttls(context=tls())
            s.login(*ALICE)
            s.send_message(message(ALICE[0], BOB[0], subject), ALICE[0], [BOB[0]])

    def run(self):
        while not self.done.is_set():
            subject, begun = f"flow {len(self.sent)}", time.time()
            while not self.done.is_set():
                try:
                    self.submit(subject)
                    self.sent.append(subject)
                    break
                except (OSError, smtplib.SMTPException):
                    time.sleep(0.2)
            self.gap = max(self.gap, time.time() - begun)
            time.sleep(0.5)

    def stop(self):
        self.done.set()
        self.join()


@unittest.skipIf(SANITIZED, "the agent's part is in the unit tests")
class Activation(HostTest):
    """One host for the class; the tests run in the order of their names."""

    names = ("mx1.example.com",)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.flow = None

    @classmethod
    def tearDownClass(cls):
        if cls.flow:
            cls.flow.stop()
        super().tearDownClass()

    def mail(self, *lines):
        return self.site(MANIFEST % "\n".join("    " + line for line in lines))

    def refused(self, site, *words):
        """Fails at the file, before it is in place; nothing is left to do or to undo."""
        before = self.files()
        done = site.apply()
        self.assertExit(done, 2)
        for w in words:
            self.assertIn(w, done.stdout)
        self.assertNotIn("rolled back", done.stdout)
        self.assertEqual(self.files(), before)

    def put_back(self, site, path, *words):
        """Fails when the daemon has to prove it; the file is as it was, and so is the plan."""
        before, planned = self.files(), site.plan()
        self.assertIn(os.path.basename(path), planned.stdout)
        done, events = site.events("apply")
        self.assertExit(done, 2)
        failed = [e for e in events if e.get("event") == "step" and e.get("status") == "failed"]
        self.assertEqual(len(failed), 1, done.stdout)
        self.assertEqual(failed[0]["rolled_back"], [path], failed)
        for w in words + ("rolled back: " + path,):
            self.assertIn(w, failed[0]["error"])
        self.assertEqual(self.files(), before)
        again = site.plan()
        self.assertEqual(self.changes(again.stdout), self.changes(planned.stdout))
        self.assertNotIn("left over", again.stdout)

    def files(self):
        return self.host.out("sha256sum /etc/postfix/main.cf /etc/postfix/master.cf "
                             "/etc/dovecot/dovecot.conf /etc/rspamd/local.d/*.conf; "
                             "stat -c '%n %a %U %G' /etc/postfix/main.cf /etc/dovecot/dovecot.conf; "
                             "ls /var/lib/provision/undo /var/lib/provision/pending 2>&1 || true")

    @staticmethod
    def changes(text):
        return [line for line in text.splitlines() if not line.startswith("Plan:")]

    def test_01_a_first_install_is_proven_too(self):
        done = self.mail().apply()
        self.assertExit(done, 0)
        self.assertIn("Reload Postfix", done.stdout)
        done = self.mail().apply()
        self.assertExit(done, 0)
        self.assertEqual(recap(done.stdout)["mx1.example.com"]["changed"], 0, done.stdout)
        type(self).flow = Traffic(self.host.address)
        self.flow.start()

    def test_02_the_plan_says_what_is_asked(self):
        done = self.mail("postfix: {main: {smtpd_timeout: 200s}}").plan()
        self.assertIn("reload postfix, then probe SMTP, submission", done.stdout)

    def test_03_the_password_of_the_probe_is_known_to_the_host_only(self):
        secret = self.host.out("sed 's/.*PLAIN}//; s/:.*//' /etc/dovecot/probe")
        self.assertGreaterEqual(len(secret), 32)
        self.host.run(f"! grep -rqF {secret} /var/log /var/lib/provision/journal")
        self.assertEqual(self.host.out("stat -c '%a %U %G' /etc/dovecot/probe"),
                         "640 root dovecot")
        with smtplib.SMTP(self.host.address, 587, timeout=20) as s:
            s.starttls(context=tls())
            with self.assertRaises(smtplib.SMTPAuthenticationError):
                s.login("provision-probe", secret)

    def test_04_an_unknown_parameter_of_postfix(self):
        self.refused(self.mail("postfix: {main: {smtpd_tls_securty_level: may}}"),
                     "unused parameter", "smtpd_tls_securty_level")

    def test_05_a_bad_value_of_postfix(self):
        self.refused(self.mail("postfix: {main: {smtpd_tls_security_level: bogus}}"),
                     'fatal: Invalid TLS level "bogus"')

    def test_06_a_syntax_error_of_dovecot(self):
        self.refused(self.mail("dovecot: {settings: {no_such_setting: 1}}"),
                     "Unknown setting: no_such_setting")

    def test_07_a_key_that_dovecot_cannot_read(self):
        self.put_back(self.mail("dovecot: {settings: {ssl_key: </etc/hostname}}"),
                      "/etc/dovecot/dovecot.conf", "Couldn't parse private", "ServerHello")

    def test_08_a_restriction_that_no_check_knows(self):
        site = self.mail("postfix: {main: {smtpd_recipient_restrictions: no_such_restriction}}")
        self.put_back(site, "/etc/postfix/main.cf",
                      'unknown smtpd restriction: "no_such_restriction"',
                      "451 4.3.5 Server configuration error")

    def test_08b_values_that_only_a_delivery_would_meet(self):
        for value, words in (
                ("smtp_tls_security_level: bogus", 'fatal: Invalid TLS level "bogus"'),
                ("smtp_tls_mandatory_protocols: TLSv7", "'TLSv7' is not a TLS protocol"),
                ("smtp_address_preference: ipv7", "fatal: bad smtp_address_preference value"),
                ("virtual_transport: 'nosuch:'", "master.cf has no service 'nosuch'"),
                ("default_transport: 'smpt:[192.0.2.1]'", "master.cf has no service 'smpt'"),
                ("relayhost: '[192.0.2.1'", "'[192.0.2.1' is not a next hop"),
                ("relayhost: 'smtp:[192.0.2.1]'", "'smtp:[192.0.2.1]' is not a next hop"),
                ("transport_maps: 'hash:/etc/postfix/nowhere'", "/etc/postfix/nowhere.db does not exist"),
                ("relay_domains: 'hash:/nowhere'", "error: open database /nowhere.db"),
                ("canonical_maps: 'nosuch:/x'", "does not support tables of the type 'nosuch'"),
                ("maximal_queue_lifetime: ever", "'ever' is not a duration"),
                ("qmgr_message_active_limit: many", "'many' is not a number"),
                ("masquerade_classes: nobody", "fatal: unknown masquerade_classes value")):
            with self.subTest(value):
                self.refused(self.mail(f"postfix: {{main: {{{value}}}}}"), words,
                             "Postfix refuses the new /etc/postfix/main.cf", "nothing was changed")
        # What only the queue manager knows shows when it has to start; with the old value it
        # works at once.
        self.put_back(self.mail("postfix: {main: {qmgr_message_recipient_limit: 0}}"),
                      "/etc/postfix/main.cf", "qmgr_message_recipient_limit")
        sent = len(self.flow.sent)
        wait_for("the queue is worked on", lambda: set(self.flow.sent[:sent]) <=
                 set(subjects(self.host.address, *BOB)), 10)

    def test_08c_odd_values_that_are_right(self):
        site = self.mail(
            "postfix:", "  main:", "    smtp_tls_security_level: dane",
            "    relayhost: '[192.0.2.1]:submission, relay.example.net [2001:db8::1]:25'",
            "    local_transport: 'error:5.1.1 nobody lives here'",
            "    relay_transport: $default_transport",
            "    smtp_tls_mandatory_protocols: '!SSLv2 !SSLv3, >=TLSv1.2'",
            "    smtp_header_checks: 'regexp:{ {/^X-Odd: a, b/ IGNORE} }'",
            "    transport_maps: 'inline:{ {a.test = smtp:[b.test]}, c.test=error: }, "
            "proxy:hash:/etc/postfix/next_hops'",
            "    smtpd_milters: '{ inet:127.0.0.1:11332, default_action=accept }'")
        self.assertExit(site.apply(), 0)
        self.assertExit(self.mail().apply(), 0)

    def test_08d_a_table_that_the_running_proxymap_does_not_allow(self):
        # The role's own value names one: after an override without it, the role's value comes back.
        site = self.mail("postfix: {main: {smtpd_recipient_restrictions: reject_unauth_destination}}")
        self.assertExit(site.apply(), 0)
        self.assertExit(self.mail().apply(), 0)

    def test_08e_a_service_on_which_postfix_dies(self):
        self.put_back(self.mail("postfix: {master: 'nosuch inet n - n - - smtpd'}"),
                      "/etc/postfix/master.cf", "Servname not supported")

    def test_09_a_syntax_error_beside_rspamds_files(self):
        # A hand of the administrator's, which only rspamd's own check of the whole finds.
        path = "/etc/rspamd/local.d/metadata_exporter.conf"
        self.host.run(f"echo 'a {{ b = ' >{path}")
        self.put_back(self.mail("rspamd: {actions: {reject: 21}}"),
                      "/etc/rspamd/local.d/actions.conf", "rspamadm configtest failed")
        self.host.run(f"rm {path}")

    def test_09_b_a_certificate_of_another_key(self):
        for name in ("one", "two"):
            self.host.run(f"cd /etc/ssl && openssl req -x509 -newkey rsa:2048 -nodes -days 9 -subj /CN={name} "
                          f"-keyout private/{name}.key -out {name}.pem 2>&1")
        self.host.run("cat /etc/ssl/private/one.key /etc/ssl/two.pem >/etc/ssl/private/odd.pem")
        self.put_back(self.mail("postfix: {main: {smtpd_tls_chain_files: /etc/ssl/private/odd.pem}}"),
                      "/etc/postfix/main.cf", "does not match next certificate", "STARTTLS")
        self.put_back(self.mail("dovecot: {settings: {ssl_key: </etc/ssl/private/one.key}}"),
                      "/etc/dovecot/dovecot.conf", "ServerHello")

    def test_09_c_a_leftover_does_not_start_what_is_off(self):
        # A run that fails behind PostSRSd owes its restart; then it is turned off.
        off = self.mail("srs: false")
        self.assertExit(off.apply(), 0)
        done = self.mail("srs: true", "postfix: {main: {smtpd_tls_security_level: bogus}}").apply()
        self.assertExit(done, 2)
        self.assertIn("Restart PostSRSd", self.host.out("cat /var/lib/provision/pending"))
        self.assertEqual(self.host.out("systemctl is-active postsrsd"), "active")
        self.assertIn("Restart PostSRSd  (handler, left over from an unfinished run: no longer needed)",
                      off.plan().stdout)
        self.assertExit(off.apply(), 0)
        self.assertEqual(self.host.out("systemctl is-active postsrsd; systemctl is-enabled postsrsd; true"),
                         "inactive\ndisabled")
        self.host.run("test ! -e /var/lib/provision/pending && test ! -e /var/lib/provision/undo")
        self.assertEqual(recap(off.apply().stdout)["mx1.example.com"]["changed"], 0)
        self.assertExit(self.mail().apply(), 0)

    def test_10_killed_between_the_file_and_its_proof(self):
        good = self.files()
        lines = ["postfix: {main: {smtpd_recipient_restrictions: no_such_restriction}}"]
        job = self.mail(*lines).start("apply", "site.yml")
        wait_for("the file is swapped",
                 lambda: self.host.run("grep -q no_such_restriction /etc/postfix/main.cf",
                                       check=False).returncode == 0, 60)
        self.host.run("kill -9 $(pgrep -f 'provision.*/[a]gent-')")
        self.assertEqual(job.wait(timeout=60) in (2, 4), True)
        job.stdout.close()
        self.assertIn("main.cf", self.host.out("cat /var/lib/provision/undo"))
        # The next one finds nothing to change, proves what is there, and knows what was before.
        done = self.mail(*lines).apply()
        self.assertExit(done, 2)
        self.assertIn("rolled back: /etc/postfix/main.cf", done.stdout)
        self.assertEqual(self.files(), good)

    def test_11_the_manifest_made_right_converges(self):
        done = self.mail("postfix: {main: {smtpd_timeout: 200s}}").apply()
        self.assertExit(done, 0)
        self.assertEqual(self.host.out("postconf -h smtpd_timeout"), "200s")
        # Declared no more, it is removed again, and the plan says so.
        site = self.mail()
        self.assertRegex(site.plan().stdout, r"(?m)^ *-\s*smtpd_timeout = 200s")
        self.assertExit(site.apply(), 0)
        self.assertEqual(self.host.out("postconf -n | grep smtpd_timeout; grep -c 'declared no "
                                       "more' /etc/postfix/main.cf; true"), "0")
        self.assertIn("No changes.", site.plan().stdout)

    def test_12_mail_flowed_all_the_while(self):
        self.flow.stop()
        sent = self.flow.sent
        self.assertGreater(len(sent), 10)
        wait_for("all that was taken arrives",
                 lambda: set(sent) <= set(subjects(self.host.address, *BOB)), 60)
        got = subjects(self.host.address, *BOB)
        self.assertEqual(sorted(got), sorted(sent), "doubled or not ours")
        print(json.dumps({"messages": len(sent), "longest wait (s)": round(self.flow.gap, 1)}))
        self.assertLess(self.flow.gap, 30)
