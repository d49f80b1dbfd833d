# SPDX-License-Identifier: MIT
"""Certificates (self-signed, given, by ACME, by name), the host's name, and bans."""
import hashlib
import os
import smtplib
import socket
import ssl
import subprocess
import time
import unittest

import lib
from lib import Host, HostTest, Pebble, arrives, deliver, recap, submit, wait_for

MX, ORG, COM = "mx1.example.com", "mail.example.org", "mail.example.com"
MANIFEST = """
- name: Mail servers
  hosts: mx1.example.com
  become: true
  mail:
    hostname: %(hostname)s
    spam_filter: none
    srs: %(srs)s
%(mail)s
    domains:
      example.com:
%(com)s
        mailboxes:
          alice: {password: alices}
          bob: {password: bobs}
      example.org:
%(org)s
        mailboxes:
          carol: {password: carols}
        aliases: {away: x@outside.test}
  roles: [mail]
"""
ALICE, BOB = ("alice@example.com", "alices"), ("bob@example.com", "bobs")
PORTS = (25, 465, 587, 143, 993, 110, 995)


def manifest(mail="", com="", org="", hostname=MX, srs="false"):
    return MANIFEST % {"mail": mail and f"    {mail}", "com": com and f"        {com}",
                       "org": org and f"        {org}", "hostname": hostname, "srs": srs}


def openssl(*args, text=None):
    done = subprocess.run(["openssl", *args], capture_output=True, text=True, input=text, timeout=60)
    if done.returncode:
        raise lib.CommandFailed(f"openssl {args}\n{done.stderr}")
    return done.stdout


class Authority:
    """A certificate authority in a folder."""

    def __init__(self, folder):
        self.folder = folder
        self.made = 0
        self.ca = self.path("ca.pem")
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                "-keyout", self.path("ca.key"), "-out", self.ca, "-days", "30",
                "-subj", "/CN=Test CA", "-addext", "keyUsage=keyCertSign")

    def path(self, name):
        return os.path.join(self.folder, name)

    def pair(self, stem, *names):
        """Writes STEM.pem and STEM.key for the names."""
        self.made += 1
        alt = ",".join(f"DNS:{n}" for n in names)
        with open(self.path("ext"), "w", encoding="ascii") as f:
            f.write(f"subjectAltName={alt}\n")
        request = openssl("req", "-new", "-newkey", "ec", "-pkeyopt",
                          "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
                          self.path(f"{stem}.key"), "-subj", f"/CN={names[0]}")
        openssl("x509", "-req", "-CA", self.ca, "-CAkey", self.path("ca.key"), "-days", "20",
                "-set_serial", str(self.made), "-extfile", self.path("ext"), "-out",
                self.path(f"{stem}.pem"), text=request)
        return fingerprint_of(self.path(f"{stem}.pem"))


def fingerprint_of(path):
    with open(path, encoding="ascii") as f:
        text = f.read()
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(text)).hexdigest()


def upgrade(address, port, context, name):
    """A TLS connection to any of the mail ports, asking for `name`."""
    s = socket.create_connection((address, port), timeout=20)
    smtp = (b"EHLO x.test\r\nSTARTTLS\r\n", b"220 2")
    words = {25: smtp, 587: smtp, 143: (b"a STARTTLS\r\n", b"a OK"),
             110: (b"STLS\r\n", b"+OK B")}
    if port in words:
        said = s.recv(4096)
        for line in words[port][0].splitlines(keepends=True):
            s.sendall(line)
            said = s.recv(4096)
        if words[port][1] not in said:
            raise AssertionError(f"{port}: {said}")
    return context.wrap_socket(s, server_hostname=name)


def served(address, port, name, ca=None):
    """The fingerprint of what is shown to a client that asks for `name`; with `ca` it also checks
    the chain and the name."""
    context = ssl.create_default_context(cafile=ca) if ca else lib.tls()
    with upgrade(address, port, context, name) as s:
        return hashlib.sha256(s.getpeercert(True)).hexdigest()


class Tls(HostTest):
    """One host for the class; the tests run in the order of their names."""

    names = (MX,)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.outside = Host("outside.test")
        cls.hosts.append(cls.outside)
        cls.first = None  # the self-signed certificate

    def tls_site(self, **kw):
        return self.site(manifest(**kw), hosts=[self.host])

    def everywhere(self, name, fingerprint=None, ca=None, ports=PORTS):
        a = self.host.address
        found = {p: served(a, p, name, ca) for p in ports}
        self.assertEqual(len(set(found.values())), 1, found)
        if fingerprint:
            self.assertEqual(found[25], fingerprint)
        return found[25]

    def flows(self):
        arrives(self.host.address, *BOB, submit(self.host.address, *ALICE, ALICE[0], BOB[0]))

    def converged(self, site):
        done = site.plan("--exit-code")
        self.assertExit(done, 0)
        self.assertNotIn("unknown", done.stdout)

    def test_01_self_signed(self):
        s = self.tls_site()
        self.assertExit(s.apply(), 0)
        Tls.first = self.everywhere(MX)
        self.converged(s)
        self.flows()

    def test_02_a_pair_that_does_not_fit_changes_nothing(self):
        s = self.tls_site(mail="tls: {certificate: mx1.pem, key: other.key}")
        authority = Authority(s.dir)
        authority.pair("mx1", MX)
        authority.pair("other", MX)
        done = s.apply()
        self.assertExit(done, 1)
        self.assertRegex(done.stderr, "'other.key' is not the key of the certificate 'mx1.pem': "
                                      "key values mismatch")
        self.assertExit(s.provision("check", "site.yml"), 1)
        # The role by itself, with the declared state's check out of the way: openssl on the host.
        s.write("site.yml", "- hosts: mx1.example.com\n  become: true\n  roles:\n    - role: tls\n"
                "      vars:\n        tls_names: [mx1.example.com]\n        tls_given:\n"
                "          mx1.example.com: \"{{ lookup('file', 'other.key') }}\\n"
                "{{ lookup('file', 'mx1.pem') }}\\n\"\n")
        done = s.apply()
        self.assertExit(done, 2)
        self.assertIn("No cert in -in file", done.stdout)
        self.assertIn("matches private key", done.stdout)
        self.host.run("test ! -e /etc/ssl/mail/mx1.example.com.pem")
        self.everywhere(MX, Tls.first)
        self.flows()

    def test_03_given_and_another_by_name(self):
        s = self.tls_site(mail="tls: {certificate: mx1.pem, key: mx1.key}",
                          org="tls: {certificate: org.pem, key: org.key}")
        authority = Authority(s.dir)
        mx1, org = authority.pair("mx1", MX), authority.pair("org", ORG)
        self.assertExit(s.apply(), 0)
        # Verified as a client does, the name and the chain too.
        self.everywhere(MX, mx1, authority.ca)
        self.everywhere(ORG, org, authority.ca)
        self.everywhere(COM, mx1)
        self.converged(s)
        self.assertEqual(self.host.out("postconf -nh smtpd_tls_cert_file smtpd_tls_key_file"), "")
        self.assertEqual(self.host.out("stat -c %a:%U /etc/ssl/mail /etc/ssl/mail/* "
                                       "/etc/postfix/sni.db | sort -u"), "600:root\n700:root")
        # A new pair under the same names is served, too.
        mx1, org = authority.pair("mx1", MX), authority.pair("org", ORG)
        done = s.apply()
        self.assertExit(done, 0)
        self.assertNotIn("PRIVATE", done.stdout)
        self.everywhere(MX, mx1, authority.ca)
        self.everywhere(ORG, org, authority.ca)
        self.converged(s)
        self.flows()
        # One by hand is drift, and put right.
        self.host.run("cp /etc/ssl/mail/mx1.example.com.pem /etc/ssl/mail/mail.example.org.pem")
        self.assertIn("mail.example.org: signed until", s.plan().stdout)
        self.assertExit(s.apply(), 0)
        self.everywhere(ORG, org)

    def test_04_back_to_self_signed(self):
        s = self.tls_site()
        self.assertExit(s.apply(), 0)
        self.everywhere(MX, Tls.first)
        self.everywhere(ORG, Tls.first, ports=(25, 993))
        self.host.run("test ! -e /etc/ssl/mail")
        self.assertEqual(self.host.out("postconf -nh tls_server_sni_maps"), "")
        self.converged(s)

    # ---- ACME, with Pebble on the host outside ----
    def acme_site(self):
        s = self.tls_site(mail="tls: {acme: {email: postmaster@example.com, ca: directory.pem, "
                               f"directory: '{self.pebble.directory}'}}}}",
                          org="tls: {acme: true}")
        s.write("directory.pem", self.pebble.ca)
        return s

    def test_05_acme_that_fails_breaks_nothing(self):
        type(self).pebble = Pebble(self.outside, "outside.test", self.host, ORG)
        s = self.acme_site()
        done = s.apply()
        self.assertExit(done, 2)
        self.assertIn("issued no certificate for mx1.example.com", done.stdout)
        self.assertIn("Connection refused", done.stdout)
        self.everywhere(MX, Tls.first)
        self.everywhere(ORG, Tls.first, ports=(25, 993))
        self.flows()

    def test_06_acme(self):
        self.pebble.start()
        s = self.acme_site()
        self.assertExit(s.apply(), 0)
        for name in (MX, ORG):
            got = self.everywhere(name)
            self.assertNotEqual(got, Tls.first)
            self.assertIn("Pebble", self.host.out(f"openssl x509 -noout -issuer -in /etc/ssl/mail/{name}.pem"))
            self.assertIn(f"DNS:{name}", self.host.out(
                f"openssl x509 -noout -ext subjectAltName -in /etc/ssl/mail/{name}.pem"))
        self.assertEqual(self.host.out("systemctl is-active certbot.timer"), "active")
        self.converged(s)
        self.flows()

    def test_07_a_renewal_is_served(self):
        before = [self.everywhere(n) for n in (MX, ORG)]
        # As certbot's timer starts it, and due for all.
        self.host.run("sed -i 's/^.*renew_before_expiry.*/renew_before_expiry = 20 years/' "
                      "/etc/letsencrypt/renewal/*.conf; systemctl start certbot.service")
        after = [wait_for(f"{n} renewed", lambda n=n, old=old: self.changed(n, old))
                 for n, old in zip((MX, ORG), before)]
        self.assertEqual([self.everywhere(n) for n in (MX, ORG)], after)
        self.converged(self.acme_site())
        self.flows()

    def changed(self, name, old):
        now = served(self.host.address, 993, name)
        return now if now != old and served(self.host.address, 25, name) == now else None

    def test_08_acme_is_taken_away(self):
        timer = "systemctl is-active certbot.timer; systemctl is-enabled certbot.timer; true"
        others = "/etc/letsencrypt/renewal/www.example.net.conf"
        s = self.tls_site()
        self.host.run(f"touch {others}")  # somebody else's, who wants it renewed
        self.assertExit(s.apply(), 0)
        self.assertEqual(self.host.out(timer), "active\nenabled")
        self.host.run(f"rm {others}")
        self.assertExit(self.acme_site().apply(), 0)
        self.assertExit(s.apply(), 0)
        self.assertEqual(self.host.out(timer), "inactive\ndisabled")
        self.everywhere(MX, Tls.first)
        self.host.run("test ! -e /etc/ssl/mail && test ! -e /etc/letsencrypt/renewal-hooks/deploy/mail && "
                      "test -e /etc/letsencrypt/live/mx1.example.com/privkey.pem")
        self.assertEqual(self.host.out("systemctl show certbot.service -p Environment --value"), "")
        self.converged(s)

    def test_09_old_clients_only_when_asked_for(self):
        client = "echo | openssl s_client -cipher ALL:@SECLEVEL=0 -tls1_1 -connect 127.0.0.1:"
        ports = ("993", "995", "465", "587 -starttls smtp", "25 -starttls smtp")
        s = self.tls_site(mail="tls: {insecure: true}")
        self.assertExit(s.apply(), 0)
        for where in ports:
            self.assertIn("Protocol  : TLSv1.1", self.host.out(f"{client}{where} 2>&1"), where)
        self.converged(s)
        self.assertExit(self.tls_site().apply(), 0)
        for where in ports:
            done = self.host.run(f"{client}{where} 2>&1", check=False)
            self.assertIn("Cipher is (NONE)", done.stdout, where)


GUESS = """
import imaplib, smtplib, ssl, sys
c = ssl.create_default_context()
c.check_hostname, c.verify_mode = False, ssl.CERT_NONE
address, what = sys.argv[1:]
for i in range(2):
    try:
        if what == "smtp":
            s = smtplib.SMTP(address, 587, timeout=30)
            s.starttls(context=c)
        else:
            s = imaplib.IMAP4_SSL(address, 993, ssl_context=c, timeout=30)
        s.login("alice@example.com", "wrong")
    except Exception as e:
        print(e)
"""


@unittest.skipIf(lib.SANITIZED, "nothing new for the agent")
class Names(HostTest):
    """The host is renamed and back; then bans."""

    names = (MX,)
    new = "mail7.example.net"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.outside = Host("outside.test")
        cls.hosts.append(cls.outside)

    def applied(self, **kw):
        s = self.site(manifest(srs="true", **kw), hosts=[self.host])
        self.assertExit(s.apply(), 0)
        done = s.apply()
        self.assertExit(done, 0)
        self.assertEqual(recap(done.stdout)[MX]["changed"], 0, done.stdout)

    def both_ways(self):
        a = self.host.address
        arrives(a, *BOB, submit(a, *ALICE, ALICE[0], BOB[0]))
        subject = f"in {time.time_ns()}"
        self.assertIn("250", deliver(self.outside, a, "x@outside.test", ALICE[0], subject))
        arrives(a, *ALICE, subject)

    def bounce_to(self, address):
        return deliver(self.outside, self.host.address, "", address)

    def banner(self):
        with smtplib.SMTP(self.host.address, 25, timeout=20) as s:
            return s.ehlo()[1].decode().split()[0]

    def test_01_renamed(self):
        self.applied()
        self.both_ways()
        old = self.host.out("postmap -q x@outside.test tcp:127.0.0.1:10001")
        self.assertIn("@" + MX, old)
        self.applied(hostname=self.new)
        self.assertEqual(self.host.out("hostname; hostname -f; cat /etc/hostname /etc/mailname"),
                         "\n".join([self.new] * 4))
        self.assertEqual(self.banner(), self.new)
        for port in (25, 993):
            with upgrade(self.host.address, port, lib.tls(), self.new) as s:
                pem = ssl.DER_cert_to_PEM_cert(s.getpeercert(True))
            self.assertIn(f"DNS:{self.new}", openssl("x509", "-noout", "-ext", "subjectAltName", text=pem))
        self.assertEqual(self.host.out("postmap -q x@outside.test tcp:127.0.0.1:10001"),
                         old.replace(MX, self.new))
        # What was rewritten under the old name still comes back to the first sender.
        self.assertEqual(self.host.out(f"postmap -q {old} tcp:127.0.0.1:10002"), "x@outside.test")
        # Nothing of ours has the old name but the test network's own line in /etc/hosts.
        left = self.host.out(f"grep -rn {MX} /etc/postfix /etc/dovecot /etc/default /etc/mailname "
                             "/etc/hostname; grep 127.0 /etc/hosts /var/spool/postfix/etc/hosts | "
                             f"grep {MX}; true")
        self.assertEqual(left, "")
        self.both_ways()
        # Its bounce is taken while the old name is declared.
        self.assertRegex(self.bounce_to(old), "^554 .*Relay access denied")
        self.applied(hostname=self.new, mail=f"former_hostnames: [{MX}]")
        self.assertIn("250", self.bounce_to(old))
        self.assertRegex(self.bounce_to(f"SRS0=AAAA=JK=outside.test=x@{MX}"), "^550 ")
        wait_for("it is on its way to the first sender", lambda: "to=<x@outside.test>" in
                 self.host.out(f"journalctl -q -o cat -u 'postfix*' | grep -F 'orig_to=<{old}>' || true"))
        self.host.run("postsuper -d ALL")

    def test_02_mail_out_says_the_new_name(self):
        script = ("import socket\ns=socket.socket(); s.setsockopt(1,2,1); s.bind(('',25)); s.listen(1)\n"
                  "c,_=s.accept(); c.sendall(b'220 outside.test\\r\\n')\n"
                  "print(c.recv(999).decode(), flush=True); c.sendall(b'421 later\\r\\n')\n")
        self.outside.run(f"cat >/root/listen.py <<'EOF'\n{script}EOF\n")
        self.outside.run("systemd-run -q --unit=listen -p StandardOutput=file:/root/said "
                         "python3 /root/listen.py")
        self.host.run("postconf -e smtp_host_lookup=native,dns; postfix reload")
        submit(self.host.address, *ALICE, ALICE[0], f"x@[{self.outside.address}]")
        said = wait_for("EHLO", lambda: self.outside.out("cat /root/said"))
        self.assertEqual(said.split(), ["EHLO", self.new])
        self.applied()
        self.assertEqual(self.banner(), MX)

    # ---- bans ----
    def can_connect(self, port):
        script = f"import socket; socket.create_connection(('{self.host.address}', {port}), 3)"
        return self.outside.run(f'python3 -c "{script}"', check=False).returncode == 0

    def guess(self, what):
        self.outside.run(f"cat >/root/guess.py <<'EOF'\n{GUESS}EOF\n")
        return self.outside.out(f"python3 /root/guess.py {self.host.address} {what}")

    def banned(self, jail, ports, others):
        rules = wait_for(f"{jail} bans", lambda: (lambda r: r if self.outside.address in r else None)(
            self.host.out("nft list ruleset")))
        self.assertIn(f"addr-set-{jail}", rules)
        self.assertEqual([p for p in ports if self.can_connect(p)], [])
        self.assertEqual([p for p in others if not self.can_connect(p)], [])
        self.host.run("fail2ban-client unban --all")
        self.assertNotIn(self.outside.address, self.host.out("nft list ruleset"))
        self.assertEqual([p for p in ports if not self.can_connect(p)], [])

    def test_03_who_guesses_is_banned(self):
        # What earlier tests were refused is not to be counted.
        self.host.run("journalctl --rotate --vacuum-time=1s")
        self.applied(mail="fail2ban: {enabled: true, maxretry: 2}")
        jails = self.host.out("fail2ban-client status")
        for jail in ("postfix", "postfix-sasl", "dovecot", "recidive"):
            self.assertRegex(jails, rf"[\s,]{jail}(,|$)")
        self.guess("smtp")
        self.banned("postfix-sasl", (25, 465, 587), (143, 993))
        self.host.run("systemctl restart dovecot")  # which slows down whom it saw guessing
        self.guess("imap")
        self.banned("dovecot", (110, 143, 993, 995), (25,))
        self.both_ways()

    def test_04_who_is_ignored_is_not(self):
        self.applied(mail=f"fail2ban: {{enabled: true, maxretry: 2, ignore: [{self.outside.address}/32]}}")
        self.guess("smtp")
        wait_for("seen", lambda: "Ignore" in self.host.out("grep Ignore /var/log/fail2ban.log; true"))
        self.assertNotIn(self.outside.address, self.host.out("nft list ruleset"))

    def test_05_jails_of_others(self):
        jails = "/etc/fail2ban/jail.d"
        mail = "fail2ban: {enabled: true, maxretry: %d}"
        # One that fail2ban does not take: ours do not go into use with it, those that are stay.
        self.host.run(f"printf '[odd]\nenabled = true\nfilter = none\n' >{jails}/odd.conf")
        done = self.site(manifest(srs="true", mail=mail % 7), hosts=[self.host]).apply()
        self.assertExit(done, 2)
        self.assertIn("Unable to read the filter 'none'", done.stdout)
        self.assertIn(f"rolled back: {jails}/mail.conf", done.stdout)
        self.assertEqual(self.host.out("fail2ban-client get postfix maxretry"), "2")
        # One that leans on ours: they do not go without it.
        self.host.run(f"rm {jails}/odd.conf; "
                      f"printf '[own]\nenabled = true\nbackend = systemd\nfilter = sshd\n' >{jails}/own.conf")
        self.applied(mail=mail % 7)
        done = self.site(manifest(srs="true"), hosts=[self.host]).apply()
        self.assertExit(done, 2)
        self.assertIn("Have not found any log file for sshd jail", done.stdout)
        self.assertRegex(self.host.out("fail2ban-client status"), r"dovecot, own, postfix, postfix-sasl")
        # One that stands on its own stays when ours go.
        self.host.run(f"printf '[sshd]\nbackend = systemd\n' >>{jails}/own.conf")
        self.applied()
        self.assertRegex(self.host.out("fail2ban-client status"), r"list:\s+own, sshd$")
        self.assertEqual(self.host.out("systemctl is-enabled fail2ban"), "enabled")
        self.host.run(f"rm {jails}/own.conf")
        self.applied(mail=mail % 7)

    def test_06_off(self):
        self.applied()
        self.assertEqual(self.host.out("systemctl is-active fail2ban; systemctl is-enabled fail2ban; true"),
                         "inactive\ndisabled")
        self.host.run("test ! -e /etc/fail2ban/jail.d/mail.conf")
        self.assertNotIn("f2b", self.host.out("nft list ruleset"))
