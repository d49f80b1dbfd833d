# SPDX-License-Identifier: MIT
"""How mail leaves: forwarded with a rewritten sender, by which address, through whom."""
import re
import smtplib
import time
import unittest

from lib import SANITIZED, arrives, submit, wait_for
from world import WorldTest, put

MANIFEST = """
- name: Mail servers
  hosts: mx1.example.com
  become: true
  mail:
    hostname: mx1.example.com
    spam_filter: none
%(mail)s
    domains:
      example.com:
        mailboxes:
          alice: {password: alices}
        aliases:
          fwd: [x@outside.test]
          both: [alice, x@outside.test]
          gone: [bounces@outside.test]
          slow: [x@slow.test]
          once: [x@once.test]
          never: [x@never.test]
      example.net:
        mailboxes:
          nina: {password: ninas}
  roles: [mail]
"""
RELAY = """
- name: The smart host
  hosts: mx2.example.org
  become: true
  mail:
    hostname: mx2.example.org
    srs: false
    spam_filter: none
    domains:
      example.org:
        mailboxes:
          relay: {password: relays}
    postfix:
      # A login sends only as itself, in From too; who relays for others has a port without that check.
      master: |
        2587 inet n - y - - smtpd
          -o smtpd_tls_security_level=encrypt
          -o smtpd_sasl_auth_enable=yes
          -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
          -o smtpd_milters=
        submissions inet n - y - - smtpd
          -o smtpd_tls_wrappermode=yes
          -o smtpd_sasl_auth_enable=yes
          -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
          -o smtpd_milters=
  roles: [mail]
"""
ALICE = ("alice@example.com", "alices")
NINA = ("nina@example.net", "ninas")
STRANGER = "bob@third.test"


class Sending(WorldTest):
    """mx1 has two more addresses on its interface; outside.test is where mail goes."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        net, last = cls.host.address.rsplit(".", 1)
        cls.first, cls.second = f"{net}.{int(last) + 100}", f"{net}.{int(last) + 110}"
        device = cls.host.out("ip -o -4 route show default | sed 's/.* dev //; s/ .*//'") or "eth0"
        for address in (cls.first, cls.second):
            cls.host.run(f"ip addr add {address}/24 dev {device}")

    def state(self, mail="", hosts=None):
        text = "".join(f"    {line}\n" for line in mail.splitlines())
        return self.site(MANIFEST % {"mail": text}, hosts=hosts or [self.host])

    def addresses(self, first="active", second="standby", more=""):
        return ("outbound:\n  addresses:\n"
                f"    - {{address: {self.first}, helo: out1.example.com, state: {first}}}\n"
                f"    - {{address: {self.second}, helo: out2.example.com, state: {second}}}\n"
                + more)

    def converge(self, mail="", hosts=None):
        """Applies, and a second plan finds nothing."""
        s = self.state(mail, hosts)
        self.assertExit(s.apply(), 0)
        done = s.plan("--exit-code")
        self.assertExit(done, 0)
        self.assertIn("No changes.", done.stdout)
        return s

    def forward(self, to="fwd@example.com", sender=STRANGER, **kw):
        subject = f"forward {time.time_ns()}"
        said = self.world.send(sender, [to], subject=subject, **kw)
        self.assertEqual(said["data"][:3], "250", said)
        return subject

    def forwarded(self, **kw):
        return self.world.arrived(self.forward(**kw))

    def own(self, login=ALICE, to="x@outside.test"):
        return self.world.arrived(submit(self.host.address, *login, login[0], to))

    @staticmethod
    def helo(m):
        return re.match(r"from (\S+)", str(m.message.get_all("Received")[0])).group(1)

    def main_cf(self):
        return self.host.out("postconf -n")

    def services(self):
        return self.host.out("postconf -M")

    def log(self, since, form="cat"):
        return self.host.out(f"journalctl -q -o {form} --since=@{int(since)} -u 'postfix*'")


@unittest.skipIf(SANITIZED, "what the agent does here the unit tests prove, sanitized")
class Outbound(Sending):
    """The tests run in the order of their names."""

    def test_01_an_address_that_the_host_lacks_is_an_error_in_the_plan(self):
        s = self.state("outbound: {addresses: [{address: 192.0.2.9}]}")
        done = s.plan()
        self.assertExit(done, 2)
        self.assertRegex(done.stdout + done.stderr, r"site\.yml:\d+:\d+: outbound address 192\.0"
                         r"\.2\.9 is on no interface of host 'mx1\.example\.com'")
        self.assertIn("warning", done.stdout + done.stderr)  # nothing on standby
        self.assertExit(s.apply(), 2)
        self.assertEqual(self.host.run("dpkg -s postfix", check=False).returncode, 1)

    def test_02_apply(self):
        self.world.ready().accept("third.test", "slow.test", "never.test", "direct.test")
        self.world.publish(
            f'mx1.example.com. TXT "v=spf1 ip4:{self.first} ip4:{self.second} -all"\n'
            f'example.com. TXT "v=spf1 ip4:{self.first} ip4:{self.second} -all"\n'
            'third.test. TXT "v=spf1 -all"\n'
            'once.test. MX 10 mx2.example.org.\n')  # where nobody listens
        self.converge(self.addresses())

    def test_03_own_mail_leaves_by_the_first_address_and_hides_the_user(self):
        m = self.own()
        self.assertEqual((m.sender, m.client, self.helo(m), m.spf),
                         (ALICE[0], self.first, "out1.example.com", "Pass"))
        ours = str(m.message.get_all("Received")[1])
        self.assertRegex(ours, r"(?s)^by mx1\.example\.com \(Postfix\) \(using TLSv1\.3 .*\) with ESMTPSA id \w+")
        self.assertRegex(ours, r"; \w+, +\d+ \w+ 20\d\d")
        me = self.host.address.rsplit(".", 1)[0] + ".1"  # this machine, on the hosts' network
        self.assertNotIn(me.encode() + b"]", m.raw)

    def test_04_a_forwarded_message_has_a_sender_of_ours_and_passes_spf(self):
        m = self.forwarded()
        self.assertRegex(m.sender, r"^SRS0=\S+=third\.test=bob@mx1\.example\.com$")
        self.assertEqual((m.client, self.helo(m), m.spf), (self.first, "out1.example.com", "Pass"))
        self.assertEqual(m.message["From"], STRANGER)

    def test_05_its_bounce_returns_to_the_first_sender(self):
        self.forward(to="gone@example.com")
        m = self.world.bounce("bounces@outside.test")
        self.assertEqual(m.to, STRANGER)
        type(self).srs = re.search(rb"SRS0=\S+@mx1\.example\.com", m.raw).group().decode()

    def test_06_a_forged_bounce_address_is_refused(self):
        said = self.world.send("", ["SRS0=AAAA=JK=third.test=bob@mx1.example.com"])
        self.assertEqual(list(said["rcpt"].values())[0][:3], "550", said)

    def test_07_local_deliveries_and_own_mail_keep_their_sender(self):
        subject = self.forward(to="both@example.com")
        arrives(self.host.address, *ALICE, subject)
        path = f"/var/vmail/example.com/alice/Maildir/new/*"
        found = self.host.out(f"grep -l '{subject}' {path} | xargs grep -h '^Return-Path'")
        self.assertEqual(found, f"Return-Path: <{STRANGER}>")
        self.assertIn("SRS0=", self.world.arrived(subject).sender)
        m = self.own(to="fwd@example.com")  # an alias of ours that leads away
        self.assertEqual((m.sender, m.client), (ALICE[0], self.first))

    def test_07b_another_domain_is_nothing_to_postsrsd(self):
        pid = "systemctl show -p MainPID,ExecMainStartTimestampMonotonic postsrsd"
        before, s = self.host.out(pid), self.state(self.addresses())
        s.write("site.yml", (MANIFEST % {"mail": "".join(
            f"    {line}\n" for line in self.addresses().splitlines())}).replace(
                "      example.net:", "      third.test: {mailboxes: {bob: {password: bobs}}}\n"
                "      example.net:"))
        self.assertExit(s.apply(), 0)
        self.assertEqual(self.host.out(pid), before)
        m = self.own(("bob@third.test", "bobs"), to="fwd@example.com")
        self.assertEqual((m.sender, m.client), ("bob@third.test", self.first))
        self.converge(self.addresses())
        self.assertEqual(self.host.out(pid), before)
        self.assertIn("SRS0=", self.forwarded().sender)

    def test_08_a_cooling_address_sends_no_more(self):
        self.converge(self.addresses(first="cooling"))
        for m in (self.own(), self.forwarded()):
            self.assertEqual((m.client, self.helo(m), m.spf),
                             (self.second, "out2.example.com", "Pass"))
        self.assertNotIn(self.first, self.services())
        self.converge(self.addresses())
        self.assertEqual(self.own().client, self.first)

    def test_09_a_domain_is_assigned_to_an_address(self):
        more = f"  assign: {{example.net: {self.second}}}\n"
        self.converge(self.addresses(more=more))
        self.assertEqual(self.own(NINA).client, self.second)
        self.assertEqual(self.own(ALICE).client, self.first)
        self.converge(self.addresses(second="cooling", more=more))
        self.assertEqual(self.own(NINA).client, self.first)

    def test_10_transports(self):
        transports = ("transports:\n  slow.test: relaylim\n  direct.test: 'smtp:[outside.test]'\n"
                      "  once.test: oneshot\n  never.test: 'error:5.1.2 That domain is gone'\n")
        assign = f"  assign: {{example.net: {self.second}}}\n"
        self.converge(self.addresses(more=assign) + transports)
        since = time.time()
        m = self.forwarded(to="slow@example.com")
        self.assertEqual((m.to, m.client, m.spf), ("x@slow.test", self.first, "Pass"))
        self.assertRegex(m.sender, r"^SRS0=")
        m = self.own(to="x@slow.test")
        self.assertEqual((m.sender, m.client), (ALICE[0], self.first))
        for hop, times in (("127", 3), ("outside", 2)):  # what is forwarded goes round twice
            wait_for(hop, lambda hop=hop, times=times: len(re.findall(
                rf"to=<x@slow\.test>.*relay={hop}", self.log(since))) == times)
        self.check_assigned()
        self.assertEqual(self.forwarded(to="slow@example.com").client, self.first)
        self.forward(to="once@example.com")  # refused connections are final here
        m = self.world.bounce("not delivered at the first try")
        self.assertEqual(m.to, STRANGER)
        self.forward(to="never@example.com")
        self.assertEqual(self.world.bounce("That domain is gone").to, STRANGER)
        self.converge(self.addresses(more=assign) + transports + "srs: false\n")
        self.check_assigned()
        self.assertEqual(self.forwarded(to="slow@example.com").sender, STRANGER)
        self.converge(self.addresses())
        for word in ("relaylim", "oneshot", "10029", "10030", "hop_"):
            self.assertNotIn(word, self.services() + self.main_cf())

    def check_assigned(self):
        """The address of a sender holds, whichever way its mail is sent."""
        for to in ("x@slow.test", "x@outside.test"):
            for login, address, helo in ((NINA, self.second, "out2"), (ALICE, self.first, "out1")):
                m = self.own(login, to=to)
                self.assertEqual((m.sender, m.client, self.helo(m)),
                                 (login[0], address, helo + ".example.com"))
        since = time.time()
        submit(self.host.address, *NINA, NINA[0], "x@once.test")
        wait_for("the first try fails and is final", lambda: re.search(
            r"postfix/oneshot-out-\S+: \w+: to=<x@once\.test>.*relay=127.*5\.4\.7.*bounced",
            self.log(since, "short")))

    def test_11_srs_off_leaves_nothing_and_on_again_loses_nothing(self):
        secret = self.host.out("cat /etc/postsrsd.secret")
        self.converge(self.addresses() + "srs: false\n")
        self.assertEqual(self.forwarded().sender, STRANGER)
        self.assertNotRegex(self.main_cf() + self.services(), "srs|1000[12]|10027|canonical")
        self.assertEqual(self.host.out("systemctl is-active postsrsd; systemctl is-enabled "
                                       "postsrsd; pgrep -c postsrsd; true").split(),
                         ["inactive", "disabled", "0"])
        self.converge(self.addresses())
        self.assertEqual(self.host.out("cat /etc/postsrsd.secret"), secret)
        said = self.world.send("", [self.srs], subject="late bounce")
        self.assertEqual(said["data"][:3], "250", said)
        self.assertEqual(self.world.arrived("late bounce").to, STRANGER)

    def test_12_without_addresses_nothing_of_them_is_left(self):
        self.converge()
        self.assertNotRegex(self.services() + self.main_cf(), "out-|bind_address_enforce")
        self.assertEqual(self.own().client, self.host.address)
        self.assertEqual(self.forwarded().client, self.host.address)

    def smart(self, port=2587, tls="encrypt", password="relays"):
        return (f"smart_host: {{host: '[mx2.example.org]', port: {port}, "
                f"user: relay@example.org, password: {password}, tls: {tls}}}\n")

    def stuck(self, words):
        """Own mail stays in the queue for that reason; and is thrown away."""
        since = time.time()
        submit(self.host.address, *ALICE, ALICE[0], "x@outside.test")
        wait_for(words, lambda: re.search(f"status=deferred.*{words}", self.log(since)))
        self.host.run("postsuper -d ALL")

    def test_13_a_smart_host_with_a_login(self):
        s = self.site(RELAY, hosts=[self.hosts[1]])
        self.assertExit(s.apply(), 0)
        self.assertIn("No changes.", s.plan().stdout)
        done = self.state(self.smart()).apply()
        self.assertExit(done, 0)
        self.assertNotIn("relays", done.stdout)
        self.assertIn("No changes.", self.converge(self.smart()).plan().stdout)
        self.assertEqual(self.host.out("stat -c %a:%U /etc/postfix/smart_host*").split(),
                         ["600:root", "600:root"])
        self.check_relayed()

    def check_relayed(self):
        for m, sender in ((self.own(), f"^{ALICE[0]}$"), (self.forwarded(), "^SRS0=.*@mx1.ex")):
            self.assertEqual(m.client, self.hosts[1].address)
            self.assertRegex(m.sender, sender)
            self.assertIn("ESMTPSA", str(m.message.get_all("Received")[1]))

    def test_14_a_wrong_password_at_it_defers(self):
        self.converge(self.smart(password="wrong"))
        self.stuck("uthentication failed")

    def test_15_verify_wants_a_certificate_that_is_trusted(self):
        self.converge(self.smart(tls="verify"))
        self.stuck("[Cc]ertificate")
        pem = self.hosts[1].out("cat /etc/ssl/certs/mail.pem")
        put(self.host, "/usr/local/share/ca-certificates/mx2.crt", pem + "\n")
        self.host.run("update-ca-certificates && postfix reload")
        self.check_relayed()

    def test_16_port_465_and_transports(self):
        self.converge(self.smart(port=465) + self.addresses() + "transports:\n"
                      "  outside.test: relaylim\n  direct.test: 'smtp:[outside.test]'\n")
        self.check_relayed()
        self.assertEqual(self.own(to="x@direct.test").client, self.host.address)

    def test_17_without_a_smart_host_nothing_of_it_is_left(self):
        self.converge()
        self.assertEqual(self.own().client, self.host.address)
        self.assertEqual(self.host.out("ls /etc/postfix | grep smart_host || true"), "")
        self.assertNotRegex(self.services() + self.main_cf(), "smarthost|mx2|wrappermode=.*smtp_")
        s = self.site(RELAY.replace("2587", "# 2587").replace("submissions inet", "# s"),
                      hosts=[self.hosts[1]])
        self.assertExit(s.apply(), 0)  # of the operator's services only comments are left
        self.assertNotIn("2587", self.hosts[1].out("postconf -M"))


@unittest.skipIf(SANITIZED, "the agent has nothing new to do here")
class PortTwentyFive(Sending):
    """What is let in."""

    names = ("mx1.example.com",)
    zones = ("bl.test",)

    def listed(self, answer):
        name = ".".join(reversed(self.outside.address.split(".")))
        self.world.publish(f"{name}.bl.test. A {answer}\n")

    def reaches(self, port):
        """The outside can connect."""
        return self.outside.run(f"timeout 5 bash -c '</dev/tcp/{self.host.address}/{port}'",
                                check=False).returncode == 0

    def reply(self, to=ALICE[0], sender="x@outside.test", **kw):
        said = self.world.send(sender, [to], **kw)
        return said["data"] or list(said["rcpt"].values() or [str(said)])[0]

    def test_01_postscreen_and_blocklists(self):
        self.world.ready()
        self.converge("postscreen: {enabled: true, dnsbl: [bl.test*2]}\n")
        self.listed("127.0.0.2")
        self.assertRegex(self.reply(), "^550 5.7.1 .*blocked using bl.test")
        for error in ("127.255.255.254", "127.255.255.255"):
            self.listed(error)
            self.assertEqual(self.reply()[:3], "250")

    def test_02_postscreen_off_leaves_nothing_and_limits(self):
        self.listed("127.0.0.2")
        self.converge("limits: {recipients: 3}\n")
        said = [self.reply() for _ in range(5)]
        self.assertEqual(said[0][:3], "250")
        self.assertRegex(said[-1], "^450 4.7.1 .*too many")
        self.assertNotRegex(self.services() + self.main_cf(), r"postscreen|dnsblog|tlsproxy|\bpass\b")

    def test_03_header_checks_unknown_senders_and_recipients(self):
        self.converge("header_checks: ['/^Subject:.*forbidden/ REJECT not that']\n"
                      "check_senders: true\nverify_recipients: true\n"
                      f"authorized_relay: [{self.outside.address}]\n")
        self.assertRegex(self.reply(subject="forbidden words"), "^550 5.7.1 .*not that")
        self.assertRegex(self.reply(sender="x@nowhere.outside.test"), "^[45]50 4.1.8 .*not found")
        self.assertEqual(self.reply()[:3], "250")
        for to, code in (("x@outside.test", "250"), ("refused@outside.test", "550")):
            self.assertEqual(self.reply(to=to)[:3], code)
            try:
                submit(self.host.address, *ALICE, ALICE[0], to)
                self.assertEqual(code, "250")
            except smtplib.SMTPRecipientsRefused as e:
                self.assertEqual(str(e.recipients[to][0]), code)
        self.converge()
        self.assertNotRegex(self.main_cf(), "header_checks|unverified|unknown_sender|rate_limit")
        self.assertEqual(self.host.out("ls /etc/postfix/*header_checks").split(),
                         ["/etc/postfix/inbound_header_checks", "/etc/postfix/submission_header_checks"])
        self.assertEqual(self.reply(subject="forbidden words")[:3], "250")
        # Postfix would skip this line, and let in what it is to refuse
        done = self.state("header_checks: ['/x(/ REJECT']\n").apply()
        self.assertExit(done, 2)
        self.assertIn("missing closing parenthesis", done.stdout)

    def test_04_disabled_nobody_comes_in_and_local_mail_goes_out(self):
        self.converge("enabled: false\n")
        for port in (25, 587, 465, 143, 993, 110, 995):
            self.assertFalse(self.reaches(port), port)
        self.host.run("printf 'Subject: from a program\\n\\nHello.\\n' | sendmail x@outside.test")
        m = self.world.arrived("from a program")
        self.assertEqual(m.sender, "root@mx1.example.com")
        self.converge()
        for port in (25, 587, 465, 143, 993, 110, 995):
            self.assertTrue(self.reaches(port), port)
        self.assertEqual(self.reply()[:3], "250")
