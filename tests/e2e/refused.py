# SPDX-License-Identifier: MIT
"""A daemon refuses a value of the user's: the message names the place where it is set, the server goes
on as before, and with the value put right the apply succeeds."""
import unittest

from lib import SANITIZED, HostTest, arrives, submit

MANIFEST = """
- hosts: mx1.example.com
  become: true
  mail:
    hostname: mx1.example.com
    spam_filter: spamassassin
    rspamd_piggyback: true
%s
    domains:
      example.com:
        mailboxes:
          alice: {password: alices}
          bob: {password: bobs}
  roles: [mail]
"""
FIRST = 8  # the line of the manifest where a test's own begin
ALICE = ("alice@example.com", "alices")

OWN = """
- hosts: mx1.example.com
  tasks:
    - name: Write sshd's settings
      template: {src: sshd.j2, dest: /root/sshd_config, mode: "0600", validate: "/usr/sbin/sshd -t -f %s"}
"""


@unittest.skipIf(SANITIZED, "the agent's part is in the unit tests")
class Refused(HostTest):
    """One host for the class; the tests run in the order of their names."""

    names = ("mx1.example.com",)

    def mail(self, *lines, group=None):
        site = self.site(MANIFEST % "\n".join("    " + line for line in lines))
        if group:
            site.write("group_vars/mail.yml", group)
        return site

    def files(self):
        return self.host.out("sha256sum /etc/postfix/main.cf /etc/postfix/master.cf /etc/dovecot/dovecot.conf "
                             "/etc/rspamd/local.d/* /etc/spamassassin/*.cf")

    def works(self):
        subject = submit(self.host.address, *ALICE, ALICE[0], "bob@example.com")
        arrives(self.host.address, "bob@example.com", "bobs", subject)

    def refused(self, site, *shown):
        """Fails, shows these lines, and leaves the server as it was."""
        before = self.files()
        done = site.apply()
        self.assertExit(done, 2)
        lines = [line.strip() for line in done.stdout.splitlines()]
        for line in shown:
            self.assertIn(line, lines, done.stdout)
        self.assertEqual(done.stdout.count("is set here"), sum("is set here" in s for s in shown), done.stdout)
        for folder in ("/run/.prov", "/var/lib/.prov"):
            self.assertNotIn(folder, done.stdout)
        self.assertEqual(self.files(), before)
        self.works()
        return done.stdout

    def test_1_without_settings_of_its_own(self):
        self.assertExit(self.mail().apply(), 0)
        self.works()

    def test_2_postfix(self):
        said = self.refused(
            self.mail("postfix:", "  main:", "    smtpd_timeout: 200s", "    smtpd_tls_security_level: bogus"),
            f"site.yml:{FIRST + 3}:9: mail.postfix.main.smtpd_tls_security_level is set here",
            "smtpd_tls_security_level: bogus")
        # the daemon's words are printed once
        self.assertEqual(said.count('Invalid TLS level "bogus"'), 1, said)
        # only a running Postfix finds this one
        said = self.refused(
            self.mail("postfix: {main: {smtpd_recipient_restrictions: 'permit_mynetworks, no_such_one'}}"),
            f"site.yml:{FIRST}:22: mail.postfix.main.smtpd_recipient_restrictions is set here")
        self.assertEqual(said.count("/etc/postfix/main.cf"), 1, said)
        self.refused(
            self.mail("postfix:", "  master: |", "    2526 inet n - y - - smtpd", "    2527 inet n - y"),
            f"site.yml:{FIRST + 3}:9: mail.postfix.master is set here", "2527 inet n - y")
        self.refused(
            self.mail("header_checks:", "  - '/^Subject: one/ REJECT no'", "  - '/^Subject: (/ REJECT no'"),
            f"site.yml:{FIRST + 2}:10: mail.header_checks[1] is set here")
        self.assertExit(self.mail("postfix: {main: {smtpd_tls_security_level: may}}").apply(), 0)

    def test_3_dovecot(self):
        self.refused(
            self.mail("dovecot: {settings: {mail_plugins_typo: 'yes'}}"),
            f"site.yml:{FIRST}:26: mail.dovecot.settings.mail_plugins_typo is set here")
        # the message of Dovecot has only the line of its own file and the value
        self.refused(
            self.mail("dovecot:", "  settings:", "    auth_cache_ttl: 1 hour", "    mail_max_userip_connections: many"),
            f"site.yml:{FIRST + 3}:9: mail.dovecot.settings.mail_max_userip_connections is set here")
        self.assertExit(self.mail("dovecot: {settings: {mail_max_userip_connections: 20}}").apply(), 0)

    def test_3b_a_saved_plan(self):
        site = self.mail("dovecot: {settings: {mail_plugins_typo: 'yes'}}")
        self.assertExit(site.plan("--out", "saved.plan"), 0)
        done = site.provision("apply", "saved.plan")
        self.assertExit(done, 2)
        self.assertIn(f"site.yml:{FIRST}:26: mail.dovecot.settings.mail_plugins_typo is set here", done.stdout)

    def test_4_dovecot_in_group_vars_and_a_secret(self):
        said = self.refused(
            self.mail(group="mail:\n  dovecot:\n    settings:\n      ssl_key: </etc/hostname\n"
                            "      ssl_key_password: sesame4711\n"),
            "group_vars/mail.yml:4:7: mail.dovecot.settings.ssl_key is set here",
            "group_vars/mail.yml:5:7: mail.dovecot.settings.ssl_key_password is set here",
            "ssl_key_password: **********")
        self.assertNotIn("sesame", said)
        self.assertExit(self.mail().apply(), 0)

    def test_5_rspamd(self):
        before = self.files()
        done, events = self.mail("rspamd:", "  options:", "    dns: {timeout: never}").events("apply")
        self.assertExit(done, 2)
        failed = [e for e in events if e.get("event") == "step" and e.get("status") == "failed"]
        self.assertEqual(len(failed), 1, done.stdout)
        self.assertIn("in option timeout", failed[0]["error"])
        self.assertEqual(failed[0]["places"], [
            {"file": "site.yml", "line": FIRST + 2, "column": 15, "key": "mail.rspamd.options.dns.timeout"}])
        self.assertEqual(self.files(), before)
        self.works()
        self.assertExit(self.mail("rspamd: {options: {dns: {timeout: 2s}}}").apply(), 0)

    def test_6_spamassassin(self):
        self.assertExit(self.mail().apply(), 0)
        self.refused(
            self.mail("spamassassin:", "  score:", "    - MINE 6", "    - YOURS six", "  header: MINE Subject =~ /mine/"),
            f"site.yml:{FIRST + 3}:11: mail.spamassassin.score[1] is set here", "- YOURS six")
        self.assertExit(self.mail("spamassassin: {header: MINE Subject =~ /mine/, score: MINE 6}").apply(), 0)
        self.works()

    def test_7_a_template_of_the_users_own(self):
        site = self.site(OWN)
        site.write("sshd.j2", "PermitRootLogin yes\nPort {{ ssh_port }}\n")
        site.write("group_vars/mail.yml", "# of our own\nssh_port: 99999\n")
        done = site.apply()
        self.assertExit(done, 2)
        self.assertIn("/root/sshd_config", done.stdout)
        self.assertIn("group_vars/mail.yml:2:11: ssh_port is set here", done.stdout)
        site.write("group_vars/mail.yml", "# of our own\nssh_port: 2222\n")
        self.assertExit(site.apply(), 0)
