# SPDX-License-Identifier: MIT
"""A mail server that somebody built by hand, as Debian tutorials tell, and its adoption."""
import smtplib

from lib import HostTest, arrives, deliver, recap, subjects, submit, wait_for

# What a tutorial for Postfix and Dovecot with virtual users leaves behind: LMTP into Dovecot, users
# in a passwd-file, a certificate of one's own, and what an administrator added over the years.
BY_HAND = r"""
export DEBIAN_FRONTEND=noninteractive
apt-get install -q -y --no-install-recommends \
    postfix postfix-pcre dovecot-imapd dovecot-pop3d dovecot-lmtpd openssl >/dev/null
openssl req -x509 -newkey rsa:2048 -nodes -days 300 -subj /CN=mx1.example.com \
    -keyout /etc/ssl/private/carl.key -out /etc/ssl/certs/carl.pem 2>/dev/null
groupadd -g 5000 vmail
useradd -g vmail -u 5000 vmail -d /var/mail/vhosts -m
postconf -e 'myhostname = mx1.example.com' \
    'mydestination = localhost, admins.example.com' 'mynetworks = 127.0.0.0/8 192.0.2.0/24' \
    'virtual_mailbox_domains = example.com' \
    'virtual_mailbox_maps = hash:/etc/postfix/vmailbox' \
    'virtual_alias_maps = hash:/etc/postfix/virtual' \
    'virtual_transport = lmtp:unix:private/dovecot-lmtp' \
    'smtpd_sasl_type = dovecot' 'smtpd_sasl_path = private/auth' 'smtpd_sasl_auth_enable = yes' \
    'smtpd_tls_cert_file = /etc/ssl/certs/carl.pem' 'smtpd_tls_key_file = /etc/ssl/private/carl.key' \
    'smtpd_tls_security_level = may' 'header_checks = regexp:/etc/postfix/header_checks' \
    'transport_maps = hash:/etc/postfix/transport' 'smtpd_banner = $myhostname ESMTP by Carl' \
    'maximal_queue_lifetime = 2d' 'bounce_queue_lifetime = 1d' 'bcc_archive = yes'
echo '/^Subject: .*cheap pills/ REJECT no pills here' >/etc/postfix/header_checks
echo 'partner.test archive:' >/etc/postfix/transport
printf 'alice@example.com example.com/alice/\nbob@example.com example.com/bob/\n' \
    >/etc/postfix/vmailbox
printf 'info@example.com alice@example.com\nold@example.com bob@example.com\n' \
    >/etc/postfix/virtual
for table in transport vmailbox virtual; do postmap /etc/postfix/$table; done
cat >>/etc/postfix/master.cf <<'EOF'
# Carl's archive
archive   unix  -       n       n       -       1       pipe
  flags=q user=vmail argv=/usr/bin/tee -a /var/mail/vhosts/archive
submission inet n       -       y       -       -       smtpd
  -o syslog_name=postfix/submission
  -o smtpd_tls_security_level=encrypt
  -o smtpd_sasl_auth_enable=yes
EOF
echo 'carl: alice@example.com' >>/etc/aliases
newaliases
cd /etc/dovecot/conf.d
sed -i 's|^mail_location = .*|mail_location = maildir:/var/mail/vhosts/%d/%n|' 10-mail.conf
sed -i 's|^!include auth-system|#&|; s|^#!include auth-passwdfile|!include auth-passwdfile|' \
    10-auth.conf
cat >auth-passwdfile.conf.ext <<'EOF'
passdb {
  driver = passwd-file
  args = scheme=SHA512-CRYPT username_format=%u /etc/dovecot/users
}
userdb {
  driver = static
  args = uid=vmail gid=vmail home=/var/mail/vhosts/%d/%n
}
EOF
sed -i 's|^ssl_cert = .*|ssl_cert = </etc/ssl/certs/carl.pem|
        s|^ssl_key = .*|ssl_key = </etc/ssl/private/carl.key|' 10-ssl.conf
cat >99-carl.conf <<'EOF'
service lmtp {
  unix_listener /var/spool/postfix/private/dovecot-lmtp {
    mode = 0600
    user = postfix
    group = postfix
  }
}
service auth {
  unix_listener /var/spool/postfix/private/auth {
    mode = 0660
    user = postfix
    group = postfix
  }
}
EOF
printf 'alice@example.com:%s\nbob@example.com:%s\n' \
    "$(openssl passwd -6 alices)" "$(openssl passwd -6 bobs)" >/etc/dovecot/users
systemctl restart dovecot postfix
"""

MANIFEST = """
- name: Mail servers
  hosts: mx1.example.com
  become: true
  mail:
    hostname: mx1.example.com
    spam_filter: none
%s
    domains:
      example.com:
        mailboxes:
          alice: {password: alices}
          bob: {password: bobs}
        aliases:
          info: [alice]
  roles: [mail]
"""
# What of main.cf was on purpose: the operator's word wins.
OWN_WORDS = """
    authorized_relay: [192.0.2.0/24]
    postfix:
      main:
        transport_maps: hash:/etc/postfix/transport
        header_checks: regexp:/etc/postfix/header_checks
"""
ALICE, BOB = ("alice@example.com", "alices"), ("bob@example.com", "bobs")
# Files that are nobody's but the operator's, before and after.
OWN_FILES = ("/etc/aliases /etc/postfix/header_checks /etc/postfix/transport* /etc/postfix/vmailbox* "
             "/etc/postfix/virtual /etc/postfix/virtual.db /etc/ssl/certs/carl.pem "
             "/etc/ssl/private/carl.key /etc/dovecot/conf.d/* /var/mail/vhosts/*/*/*/*")


class Adopt(HostTest):
    """One host for the class; the tests run in the order of their names."""

    names = ("mx1.example.com",)

    def mail_site(self, words=""):
        return self.site(MANIFEST % words, hosts=[self.host])

    def own_files(self):
        return self.host.out(f"stat -c '%n %a %U %Y' {OWN_FILES}; sha256sum {OWN_FILES}")

    def test_1_by_hand(self):
        """The tutorial's server is a real one: mail flows before the adoption."""
        self.host.run(f"cat >/root/by-hand <<'END OF SCRIPT'\n{BY_HAND}\nEND OF SCRIPT\n"
                      "bash -eu /root/by-hand")
        address = self.host.address
        self.assertIn("250", deliver(self.host, address, "x@outside.test", "info@example.com",
                                     "before"))
        arrives(address, *ALICE, "before")
        arrives(address, *BOB, submit(address, *ALICE, ALICE[0], BOB[0]))
        type(self).before = self.own_files()
        self.assertIn("/var/mail/vhosts/example.com/bob/", self.before)

    def test_2_the_plan_shows_every_difference(self):
        done = self.mail_site().plan("--exit-code")
        self.assertExit(done, 3)
        for text in ("-virtual_mailbox_maps = hash:/etc/postfix/vmailbox",
                     "-virtual_mailbox_domains = example.com",
                     "-virtual_alias_maps = hash:/etc/postfix/virtual",
                     "-virtual_transport = lmtp:unix:private/dovecot-lmtp",
                     "-transport_maps = hash:/etc/postfix/transport",
                     "-header_checks = regexp:/etc/postfix/header_checks",
                     "-mydestination = localhost, admins.example.com",
                     "-mynetworks = 127.0.0.0/8 192.0.2.0/24",
                     "-smtpd_tls_cert_file = /etc/ssl/certs/carl.pem",
                     "-!include conf.d/*.conf",
                     "/etc/dovecot/users", "home: /var/mail/vhosts -> /var/vmail"):
            self.assertIn(text, done.stdout)
        for text in ("-maximal_queue_lifetime", "-bounce_queue_lifetime", "-smtpd_banner",
                     "-bcc_archive", "-archive", "lookup_table /etc/aliases", "-> absent"):
            self.assertNotIn(text, done.stdout)
        self.assertEqual(self.own_files(), self.before)

    def test_3_apply_keeps_what_is_not_ours(self):
        done = self.mail_site().apply()
        self.assertExit(done, 0)
        self.assertEqual(self.own_files(), self.before)
        kept = self.host.out("cat /etc/postfix/main.cf /etc/postfix/master.cf")
        for line in ("maximal_queue_lifetime = 2d", "bounce_queue_lifetime = 1d",
                     "smtpd_banner = $myhostname ESMTP by Carl", "bcc_archive = yes",
                     "# Carl's archive",
                     "  flags=q user=vmail argv=/usr/bin/tee -a /var/mail/vhosts/archive"):
            self.assertIn(line + "\n", kept)

    def test_4_mail_flows(self):
        address = self.host.address
        self.assertIn("250", deliver(self.host, address, "x@outside.test", "info@example.com",
                                     "after"))
        arrives(address, *ALICE, "after")
        arrives(address, *BOB, submit(address, *ALICE, ALICE[0], BOB[0]))

    def test_5_a_second_apply_changes_nothing(self):
        done = self.mail_site().apply()
        self.assertExit(done, 0)
        self.assertEqual(recap(done.stdout)["mx1.example.com"]["changed"], 0, done.stdout)

    def test_6_what_was_on_purpose_goes_into_the_manifest(self):
        address, site = self.host.address, self.mail_site(OWN_WORDS)
        done = site.apply()
        self.assertExit(done, 0)
        self.assertEqual(self.own_files(), self.before)
        submit(address, *ALICE, ALICE[0], "x@partner.test", subject="for the archive")
        wait_for("Carl's archive has it", lambda: "for the archive" in self.host.out(
            "cat /var/mail/vhosts/archive 2>/dev/null || true"))
        pills = "Very cheap pills"
        self.assertIn("no pills here",
                      deliver(self.host, address, "x@outside.test", ALICE[0], pills))
        with self.assertRaisesRegex(smtplib.SMTPDataError, "no pills here"):
            submit(address, *ALICE, ALICE[0], BOB[0], subject=pills)
        done = site.apply()
        self.assertEqual(recap(done.stdout)["mx1.example.com"]["changed"], 0, done.stdout)

    def test_7_old_mail_is_moved_by_hand(self):
        """As docs/operating.md tells."""
        self.assertNotIn("before", subjects(self.host.address, *ALICE))
        self.host.run(r"""
            cd /var/mail/vhosts
            for box in */*/; do
                for folder in cur new; do
                    find $box$folder -type f -exec mv -t /var/vmail/${box}Maildir/$folder {} +
                done
            done""")
        self.assertIn("before", subjects(self.host.address, *ALICE))
        self.assertIn("after", subjects(self.host.address, *ALICE))
