# SPDX-License-Identifier: MIT
"""How mail leaves and comes by IPv6, where the hosts speak both."""
import ipaddress
import re
import unittest

from lib import SANITIZED, arrives
from outbound import ALICE, NINA, Sending

NET = "fd00:213"


@unittest.skipIf(SANITIZED, "what the agent does here the unit tests prove, sanitized")
class Six(Sending):
    """mx1 has three IPv6 addresses and one more of IPv4; outside.test has one of each, six.test
    and four.test are the outside by one of them alone. The tests run in the order of their names."""

    names = ("mx1.example.com",)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.own6, cls.there6 = f"{NET}::11", f"{NET}::10"
        cls.first6, cls.second6 = f"{NET}::111", f"{NET}::112"
        cls.add(cls.host, cls.own6, cls.first6, cls.second6)
        cls.add(cls.outside, cls.there6)
        cls.world.ready().outside.run(
            "postconf -e inet_protocols=all 'mynetworks=127.0.0.0/8 [::1]/128' && "
            "systemctl restart postfix")
        cls.world.accept("third.test", "six.test", "four.test")
        cls.world.publish(
            f"outside.test. AAAA {cls.there6}\nby6.outside.test. AAAA {cls.there6}\n"
            f"by4.outside.test. A {cls.outside.address}\nmx1.example.com. AAAA {cls.own6}\n"
            "six.test. MX 10 by6.outside.test.\nfour.test. MX 10 by4.outside.test.\n"
            f'mx1.example.com. TXT "v=spf1 ip6:{cls.first6} ip6:{cls.second6} -all"\n'
            f'example.com. TXT "v=spf1 ip6:{cls.first6} ip6:{cls.second6} -all"\n'
            'third.test. TXT "v=spf1 -all"\n' +
            "".join(f"{ipaddress.ip_address(a).reverse_pointer}. PTR {n}.\n"
                    for a, n in ((cls.first6, "out1.example.com"), (cls.there6, "outside.test"))))

    @staticmethod
    def add(host, *addresses):
        """The first of them is the one that the host takes by itself."""
        for i, a in enumerate(addresses):
            host.run(f"ip -6 addr add {a}/64 dev eth0 nodad" + " preferred_lft 0" * (i > 0))

    def addresses(self, first="active", second="standby", more=""):
        return ("outbound:\n  addresses:\n"
                f"    - {{address: '{self.first6}', helo: out1.example.com, state: {first}}}\n"
                f"    - {{address: '{self.second6}', helo: out2.example.com, state: {second}}}\n"
                f"    - {{address: {self.first}, helo: out4.example.com, state: standby}}\n"
                + more)

    def client(self, m):
        """Address and HELO name that the outside saw."""
        return m.client.removeprefix("IPv6:"), self.helo(m)

    def test_01_own_mail_leaves_by_the_declared_address_every_time(self):
        self.converge(self.addresses())
        for _ in range(6):  # though the outside has an IPv4 address as well
            m = self.own()
            self.assertEqual((*self.client(m), m.spf), (self.first6, "out1.example.com", "Pass"))

    def test_02_forwarded_mail_does_and_passes_spf(self):
        m = self.forwarded()
        self.assertRegex(m.sender, r"^SRS0=\S+=third\.test=bob@mx1\.example\.com$")
        self.assertEqual((*self.client(m), m.spf), (self.first6, "out1.example.com", "Pass"))

    def test_03_hosts_of_one_family_are_reached(self):
        self.assertEqual(self.client(self.own(to="x@six.test"))[0], self.first6)
        self.assertEqual(self.client(self.own(to="x@four.test"))[0], self.first)

    def test_04_it_comes_by_ipv6(self):
        subject = f"by six {self.id()}"
        said = self.world.send("x@outside.test", [ALICE[0]], subject=subject, at=self.own6)
        self.assertEqual(said["data"][:3], "250", said)
        arrives(self.host.address, *ALICE, subject)
        found = self.host.out(f"cat /var/vmail/example.com/alice/Maildir/new/*")
        self.assertRegex(found, rf"Received: from outside\.test \(\S+ \[IPv6:{NET}::")
        self.forward(at=self.own6)  # and goes through an alias
        said = self.world.send("x@outside.test", ["y@elsewhere.test"], at=self.own6)
        self.assertRegex(said["rcpt"]["y@elsewhere.test"], "^554 .*Relay access denied")
        for port in (587, 465, 143, 993, 110, 995):
            self.outside.run(f"timeout 5 bash -c '</dev/tcp/{self.own6}/{port}'")

    def test_05_a_domain_is_assigned_to_an_address_of_either_family(self):
        self.converge(self.addresses(more=f"  assign: {{example.net: '{self.second6}'}}\n"))
        self.assertEqual(self.client(self.own(NINA)), (self.second6, "out2.example.com"))
        self.assertEqual(self.client(self.own(ALICE)), (self.first6, "out1.example.com"))
        self.converge(self.addresses(more=f"  assign: {{example.net: {self.first}}}\n"))
        for _ in range(3):
            self.assertEqual(self.client(self.own(NINA)), (self.first, "out4.example.com"))
        # What has no IPv4 address it reaches nevertheless.
        self.assertEqual(self.client(self.own(NINA, to="x@six.test"))[0], self.first6)

    def test_06_moving_to_the_standby_is_one_edit(self):
        self.converge(self.addresses(first="cooling"))
        for m in (self.own(), self.forwarded()):
            self.assertEqual((*self.client(m), m.spf), (self.second6, "out2.example.com", "Pass"))
        # (it is still a name in HELO that nobody else may give)
        self.assertIsNone(re.search(rf"bind_address6 ?= ?{NET}::111\b", self.services() + self.main_cf()))
