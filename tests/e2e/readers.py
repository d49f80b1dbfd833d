# SPDX-License-Identifier: MIT
"""Who reads the mail that is for nobody's own mailbox: postmaster and abuse of the server's name,
root, cron and the system's accounts; and that accounts cannot be reached from outside."""
import json
import time
import unittest

from lib import SANITIZED, Host, HostTest, recap, subjects, wait_for

MANIFEST = """
- name: Mail servers
  hosts: mx1.example.com
  become: true
  mail:
    hostname: mx1.example.com
    former_hostnames: [old.example.net]
    spam_filter: none
%s
    domains:
      example.org:
        mailboxes:
          carol: {password: carols}
      example.com:
        mailboxes:
          admin: {password: admins}
          bob: {password: bobs}
  roles: [mail]
"""
ADMIN = ("admin@example.com", "admins")
BOB = ("bob@example.com", "bobs")
CAROL = ("carol@example.org", "carols")
NOBODY = """
- name: Mail servers
  hosts: mx1.example.com
  become: true
  mail: {hostname: mx1.example.com, spam_filter: none, domains: {example.com: {provider: gmail}}}
  roles: [mail]
"""

# Names recipients, a connection for each eight, since Postfix slows down who is refused often.
ASK = r'''
import json, smtplib, sys
at, names, said = sys.argv[1], json.loads(sys.argv[2]), {}
for n in range(0, len(names), 8):
    with smtplib.SMTP(at, 25, timeout=20, local_hostname="outside.test") as s:
        s.ehlo()
        s.mail("ed@outside.test")
        for name in names[n:n + 8]:
            code, text = s.docmd("RCPT TO:<%s>" % name)
            said[name] = "%d %s" % (code, text.decode())
        if sys.argv[3] and any(v[0] == "2" for v in said.values()):
            s.data("From: ed@outside.test\r\nTo: you\r\nSubject: %s\r\n\r\nHello.\r\n" % sys.argv[3])
json.dump(said, sys.stdout)
'''


@unittest.skipIf(SANITIZED, "nothing new for the agent")
class Readers(HostTest):
    """One host for the class; the tests run in the order of their names."""

    names = ("mx1.example.com",)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.outside = Host("outside.test")
        cls.hosts.append(cls.outside)
        cls.outside.run("cat >/root/ask <<'EOF'\n" + ASK + "EOF")

    def converge(self, mail="", manifest=MANIFEST):
        s = self.site(manifest % mail if manifest is MANIFEST else manifest, hosts=[self.host])
        self.assertExit(s.apply(), 0)
        done = s.plan("--exit-code")
        self.assertExit(done, 0)
        return s

    def ask(self, names, subject=""):
        """What is said to recipients; with a subject, those accepted get a message."""
        return json.loads(self.outside.out(
            f"python3 /root/ask {self.host.address} '{json.dumps(names)}' '{subject}'"))

    def accounts(self):
        """Of the system: not people's."""
        lines = self.host.out("getent passwd").splitlines()
        found = [line.split(":")[0] for line in lines
                 if int(line.split(":")[2]) < 1000 or line.split(":")[2] == "65534"]
        self.assertIn("www-data", found)
        return found

    def local(self, to, user="root"):
        """A local program of the account `user` sends; returns the subject."""
        subject = f"local {to} {time.time_ns()}"
        self.host.run(f"su -s /bin/sh {user} -c \"printf 'Subject: {subject}\\n\\nHello.\\n' | "
                      f"/usr/sbin/sendmail '{to}'\"")
        return subject

    def reads(self, who, wanted):
        wanted = set(wanted)
        found = set()

        def all_there():
            found.update(subjects(self.host.address, *who))
            return wanted <= found
        try:
            wait_for("mail", all_there)
        except AssertionError:
            self.fail(f"{who[0]} lacks {sorted(wanted - found)}\n{self.host.out('postqueue -p')}")

    def unread(self):
        return self.host.out("find /var/mail/ -type f")

    def test_01_the_domain_of_the_server_s_name_has_its_reader(self):
        self.converge()
        self.assertEqual(self.host.out("cat /etc/postfix/local_reader"), ADMIN[0])

    def test_02_from_outside_the_duties_are_read(self):
        a = self.host.address
        for n, name in enumerate([
                "postmaster", "Postmaster", "POSTMASTER@MX1.EXAMPLE.COM", "postmaster@mx1.example.com",
                "postmaster+x@mx1.example.com", f"postmaster@[{a}]", "abuse@mx1.example.com",
                "Abuse@Mx1.Example.Com", f"abuse@[{a}]", "postmaster@old.example.net",
                "abuse@old.example.net", "MAILER-DAEMON@mx1.example.com"]):
            with self.subTest(name):
                subject = f"duty {n}"
                self.assertRegex(self.ask([name], subject)[name], "^250 ")
                self.reads(ADMIN, [subject])
        self.assertEqual(self.unread(), "")

    def test_03_from_outside_no_account_is_reached(self):
        a = self.host.address
        forms = ["%s@mx1.example.com", "%s+x@mx1.example.com", f"%s@[{a}]", "%s@old.example.net"]
        names = [form % account for account in self.accounts() for form in forms]
        names += [f.upper() for f in names if f.startswith(("root", "daemon"))]
        names += ["root", "daemon", "www-data", '"root"@mx1.example.com', "nosuch@mx1.example.com",
                  "opsudo@mx1.example.com"]
        found = self.ask(names)
        self.assertEqual(len(found), len(names))
        for name, said in found.items():
            self.assertRegex(said, "^550 5.1.1 ", name)

    def test_04_local_programs_reach_the_reader(self):
        names = self.accounts() + ["opsudo", "root@mx1", "root+x", "root@localhost", "ROOT",
                                   "daemon@mx1.example.com", "root@old.example.net", "postmaster",
                                   "abuse", "root@localhost.localdomain"]
        self.reads(ADMIN, [self.local(name) for name in names])
        sent = [self.local("root", user) for user in ("www-data", "nobody")]
        self.reads(ADMIN, sent)
        # What a program could not send comes back to it, which is to its reader.
        before = subjects(self.host.address, *ADMIN).count("Undelivered Mail Returned to Sender")
        self.local("nosuch@example.com", "www-data")
        wait_for("the bounce", lambda: subjects(self.host.address, *ADMIN).count(
            "Undelivered Mail Returned to Sender") > before)
        self.assertEqual(self.unread(), "")

    def test_05_the_operator_s_aliases_hold(self):
        self.host.run("cp -a /etc/aliases /root/aliases; cat >>/etc/aliases <<'EOF'\n"
                      "root: carol@example.org\nwebmaster: carol@example.org\n"
                      "www-data: carol@example.org\nEOF\nnewaliases; "
                      "echo bob@example.com >/home/opsudo/.forward; chown opsudo: /home/opsudo/.forward")
        self.reads(CAROL, [self.local(to) for to in ("root", "www-data", "postmaster")])
        self.reads(BOB, [self.local("opsudo")])
        self.reads(ADMIN, [self.local("daemon")])
        said = self.ask(["webmaster@mx1.example.com", "www-data@mx1.example.com",
                         "root@mx1.example.com"], "to the webmaster")
        self.assertEqual([v[:9] for v in said.values()], ["250 2.1.5", "550 5.1.1", "550 5.1.1"])
        self.reads(CAROL, ["to the webmaster"])

    def test_06_a_declared_reader_wins(self):
        self.converge("    root: bob@example.com")
        self.reads(BOB, [self.local(to) for to in ("root", "postmaster", "abuse", "daemon")])
        self.reads(CAROL, [self.local(to) for to in ("webmaster", "www-data")])
        self.ask(["postmaster"], "declared")
        self.reads(BOB, ["declared"])
        self.host.run("mv /root/aliases /etc/aliases; newaliases; rm /home/opsudo/.forward")

    def test_07_nobody_can_connect_and_mail_is_read(self):
        self.converge("    enabled: false\n    postmaster: carol@example.org")
        folder = "/var/vmail/example.org/carol/Maildir/new"
        for subject in [self.local(to) for to in ("root", "daemon", "postmaster")]:
            wait_for(subject, lambda: self.host.out(f"grep -rl 'Subject: {subject}' {folder} || true"))
        self.assertEqual(self.unread(), "")

    def test_08_check_says_that_nobody_reads(self):
        s = self.site(NOBODY, hosts=[self.host])
        done = s.provision("check", "site.yml")
        self.assertExit(done, 0)
        self.assertRegex(done.stdout + done.stderr, "warning: nobody reads the mail of root")
        self.converge(manifest=NOBODY)
        self.local("daemon")
        wait_for("a file", lambda: self.unread() == "/var/mail/daemon")
        self.assertEqual(self.host.out("ls /etc/postfix/local_reader || true"), "")
        done = self.converge("    root: carol@example.org").apply()
        self.assertEqual(recap(done.stdout)["mx1.example.com"]["changed"], 0, done.stdout)
