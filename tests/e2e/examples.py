# SPDX-License-Identifier: MIT
"""The worked sites in examples/: each passes `provision check`, and each makes real hosts what it says."""
import os
import shutil
import unittest

import lib
from lib import SANITIZED, TOP, Host, HostTest, Pebble, Site, arrives, recap, submit

FOLDER = os.path.join(TOP, "examples")
NAMES = sorted(n for n in os.listdir(FOLDER) if os.path.isdir(os.path.join(FOLDER, n)))
MX1, MX2, MX3 = "mx1.example.com", "mx2.example.com", "mx3.example.com"
ALICE = ("alice@example.com", "example-only-alice")
BOB = ("bob@example.com", "example-only-bob")
CAROL = ("carol@example.org", "example-only-carol")
DAVE = ("dave@example.net", "example-only-dave")
# A private authority instead of Let's Encrypt, laid over the example as host_vars.
AUTHORITY = "mail: {tls: {acme: {directory: '%s', ca: directory.pem}}}\n"


class Example(Site):
    """A copy of an example; its inventory, and over that one with the addresses of the test's hosts."""

    def __init__(self, name, hosts):
        super().__init__(hosts, "")
        shutil.copytree(os.path.join(FOLDER, name), self.dir, dirs_exist_ok=True)

    def provision(self, command, *args, **kw):
        return super().provision(command, *args, "-i", self.path("hosts.yml"),
                                 "-e", "@" + self.path("secrets.example.yml"), **kw)


class Shape(HostTest):
    """What needs no host."""

    def test_each_passes_check(self):
        self.assertGreaterEqual(len(NAMES), 4)
        for name in NAMES:
            with self.subTest(name):
                s = Example(name, [])
                s.write("hosts.ini", "")
                self.addCleanup(shutil.rmtree, s.dir, ignore_errors=True)
                done = s.provision("check", "site.yml")
                self.assertExit(done, 0)
                self.assertIn("no problem found", done.stdout)
                self.assertNotIn("warning", done.stdout + done.stderr)

    def test_each_is_explained_and_linked(self):
        with open(os.path.join(FOLDER, "README.md"), encoding="utf-8") as f:
            index = f.read()
        for name in NAMES:
            self.assertIn(f"]({name})", index)
            for part in ("README.md", "hosts.yml", "site.yml", "secrets.example.yml"):
                self.assertTrue(os.path.exists(os.path.join(FOLDER, name, part)), f"{name}/{part}")

    def test_no_password_could_be_a_real_one(self):
        for name in NAMES:
            with open(os.path.join(FOLDER, name, "secrets.example.yml"), encoding="utf-8") as f:
                first, *rest = f.read().splitlines()
            self.assertIn("EXAMPLE PASSWORDS", first)
            for line in rest:
                self.assertRegex(line, r"^vault_\w+: example-only-\w+$")


@unittest.skipIf(SANITIZED, "the agent has nothing new to do here")
class Applied(HostTest):
    """One after the other on the same hosts, in the order of their names: going from one declared state
    to the next is part of what they show."""

    names = (MX1,)

    @classmethod
    def more(cls, name):
        """Boots a further host when it is first asked for."""
        for h in cls.hosts:
            if h.name == name:
                return h
        h = Host(name)
        h.run(f"echo nameserver {cls.no_names.address} >/etc/resolv.conf")
        cls.hosts.append(h)
        return h

    def example(self, name, hosts):
        s = Example(name, hosts)
        self.addCleanup(shutil.rmtree, s.dir, ignore_errors=True)
        return s

    def converge(self, s, hosts):
        """Plans, applies, and finds nothing to do after that."""
        done = s.plan("--exit-code")
        self.assertExit(done, 3)
        self.assertNotIn("example-only", done.stdout + done.stderr)
        done = s.apply()
        self.assertExit(done, 0)
        self.assertNotIn("example-only", done.stdout + done.stderr)
        self.assertEqual(set(recap(done.stdout)), {h.name for h in hosts})
        self.assertExit(s.plan("--exit-code"), 0)
        return done

    def flows(self, host, sender, reader, at=None, to=None):
        subject = submit(host.address, *sender, sender[0], to or reader[0])
        arrives((at or host).address, *reader, subject)

    def test_1_small_server(self):
        s = self.example("small-server", [self.host])
        self.converge(s, [self.host])
        self.flows(self.host, ALICE, BOB)
        self.flows(self.host, BOB, ALICE, to="team@example.com")
        submit(self.host.address, *BOB, "sales@example.com", ALICE[0])  # send_as
        records = s.records()
        self.assertExit(records, 0)
        self.assertIn("example.com.\t3600\tIN\tMX\t10 mx1.example.com.", records.stdout)

    def shown(self, name):
        """Issuer and names of the certificate that IMAP shows to a client which asks for `name`."""
        return self.host.out(
            f"openssl s_client -connect 127.0.0.1:993 -servername {name} </dev/null 2>/dev/null | "
            "openssl x509 -noout -ext subjectAltName -issuer")

    def test_2_two_domains_acme(self):
        s = self.example("two-domains-acme", [self.host])
        pebble = Pebble(self.more(MX3), MX3, self.host, "mail.example.org")
        pebble.start()
        s.write("directory.pem", pebble.ca)
        s.write(f"host_vars/{MX1}.yml", AUTHORITY % pebble.directory)
        self.converge(s, [self.host])
        for name in (MX1, "mail.example.org"):
            found = self.shown(name)
            self.assertIn(f"DNS:{name}", found)
            self.assertIn("Pebble", found)
        self.host.run("fail2ban-client status postfix-sasl")
        self.flows(self.host, ALICE, CAROL, to="anybody@example.org")  # the catch-all

    def test_3_three_servers(self):
        hosts = [self.host, self.more(MX2), self.more(MX3)]
        done = self.converge(self.example("three-servers", hosts), hosts)
        self.assertIn("wave 1 of 2", done.stdout)
        for host, box in zip(hosts, (ALICE, CAROL, DAVE)):
            self.flows(host, box, box)
        # What is declared for one host only is on that host only.
        with self.assertRaises(lib.imaplib.IMAP4.error):
            lib.imap(hosts[1].address, *ALICE)

    def test_4_smart_host(self):
        hosts = [self.host, self.more(MX2)]
        s = self.example("smart-host", hosts)
        with open(s.path("site.yml"), encoding="utf-8") as f:
            text = f.read()
        # Postfix asks the DNS for a next hop, and these hosts are in none.
        s.write("site.yml", text.replace(f"[{MX1}]", f"[{self.host.address}]"))
        self.converge(s, hosts)
        self.flows(hosts[1], CAROL, ALICE, at=self.host)
        log = hosts[1].out("journalctl -t postfix/smarthost/smtp -o cat --no-pager")
        self.assertRegex(log, r"to=<alice@example.com>, relay=\S+:2587, .*status=sent")
