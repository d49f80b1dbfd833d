# SPDX-License-Identifier: MIT
"""What the ports let in and show: SMTP smuggling and its relatives, DSN, ETRN, HELO, TLS, services."""
import base64
import os
import re
import smtplib
import socket
import ssl
import subprocess
import time
import unittest
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor

import lib
from lib import HostTest, arrives, imap, recap, submit, wait_for

MX, ORG = "mx1.example.com", "mail.example.org"
ALICE, BOB = ("alice@example.com", "alices"), ("bob@example.com", "bobs")
MANIFEST = """
- name: Mail servers
  hosts: mx1.example.com
  become: true
  mail:
    hostname: mx1.example.com
    former_hostnames: [old.example.net]
    spam_filter: %(filter)s
    srs: true
%(mail)s
    domains:
      example.com:
        mailboxes:
          alice: {password: alices}
          bob: {password: bobs}
      example.org:
%(org)s
        mailboxes:
          carol: {password: carols}
  roles: [mail]
"""


def manifest(*mail, org="", spam_filter="none"):
    return MANIFEST % {"mail": "".join(f"    {line}\n" for line in mail),
                       "org": org and f"        {org}", "filter": spam_filter}


class Raw:
    """A connection that sends just the bytes that it is given. Port 465 is TLS from the start; with
    a login 587 and 465 are ready for MAIL afterwards."""

    def __init__(self, address, port, helo="client.test", login=None, family=socket.AF_INET):
        self.s = socket.socket(family)
        self.s.settimeout(20)
        self.s.connect((address, port))
        self.buffer = b""
        self.banner = None
        if port in (465, 993, 995):
            self.tls()
        if port in (25, 465, 587):
            self.banner = self.reply()
            if helo:
                self.ehlo = self.ask(f"EHLO {helo}")
        if login:
            if port == 587:
                self.starttls()
                self.ehlo = self.ask(f"EHLO {helo}")
            word = base64.b64encode(f"\0{login[0]}\0{login[1]}".encode()).decode()
            said = self.ask(f"AUTH PLAIN {word}")
            if not said.startswith("235"):
                raise AssertionError(said)

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.s.close()

    def tls(self):
        self.s = lib.tls().wrap_socket(self.s, server_hostname=MX)

    def starttls(self):
        said = self.ask("STARTTLS")
        if not said.startswith("220"):
            raise AssertionError(said)
        self.tls()

    def send(self, data):
        self.s.sendall(data)

    def line(self):
        while b"\n" not in self.buffer:
            try:
                more = self.s.recv(4096)
            except (ConnectionError, ssl.SSLError):
                more = b""
            if not more:
                return "" if not self.buffer else self.buffer.decode("latin-1")
            self.buffer += more
        line, _, self.buffer = self.buffer.partition(b"\n")
        return line.decode("latin-1").rstrip("\r")

    def reply(self):
        """A whole reply of SMTP, "" when the connection is closed."""
        lines = [self.line()]
        while lines[-1][3:4] == "-":
            lines.append(self.line())
        return "\n".join(lines)

    def quiet(self, seconds):
        """Nothing comes for that long."""
        self.s.settimeout(seconds)
        try:
            more = self.s.recv(4096)
            self.buffer += more
            return False
        except TimeoutError:
            return True
        finally:
            self.s.settimeout(20)

    def rest(self):
        """Every line until the connection ends."""
        lines = []
        try:
            while line := self.line():
                lines.append(line)
        except TimeoutError:
            lines.append("(no end)")
        return lines

    def ask(self, line):
        self.send(line.encode("latin-1") + b"\r\n")
        return self.reply()

    def begin(self, sender, to):
        """Up to the go-ahead for the text of a message; the replies that were no success."""
        said = [self.ask(f"MAIL FROM:<{sender}>"), self.ask(f"RCPT TO:<{to}>"), self.ask("DATA")]
        if said[2].startswith("354"):
            return []
        return [s for s in said if s[:1] != "2"]


# What a server could take for the end of a message; only <CR><LF>.<CR><LF> is.
ENDS = {
    "LF.LF": b"\n.\n", "LF.CRLF": b"\n.\r\n", "CRLF.LF": b"\r\n.\n", "CR.CR": b"\r.\r",
    "CR.CRLF": b"\r.\r\n", "CRLF.CR": b"\r\n.\r", "CR.LF": b"\r.\n", "LF.CR": b"\n.\r",
    "CRCRLF.CRCRLF": b"\r\r\n.\r\r\n", "LFLF.LFLF": b"\n\n.\n\n", "LFCR.LFCR": b"\n\r.\n\r",
    "CRLF.NUL": b"\r\n.\0\r\n", "NUL.": b"\0\r\n\0.\r\n", "CRLF. ": b"\r\n. \r\n",
    # Postfix reads a line in pieces of 2048 bytes, and one of them could look like a line.
    "piece": b"\r\n" + b"x" * 2048 + b".\r\n", "pieces": b"\r\n" + b"x" * 2047 + b"\r.\r\n",
    "long": b"\r\n" + b"x" * 2046 + b"\n.\r\n", "longer": b"\r\n" + b"x" * 100000 + b"\n.\n",
}
SPLITS = ("one packet", "end apart", "every byte")


def packets(before, end, after, split):
    if split == "one packet":
        return [before + end + after]
    if split == "end apart":
        return [before, end, after]
    few = end if len(end) < 10 else end[-4:]
    return [before + end[:-len(few)]] + [few[i:i + 1] for i in range(len(few))] + [after]


def smuggle(address, port, login, tag, end, split, sender, to):
    """A message with something in it that is to pass for its end and for the start of another one.
    Returns (tag, what was said of the message, all that was said behind that)."""
    inner = (f"MAIL FROM:<{sender}>\r\nRCPT TO:<{to}>\r\nDATA\r\n"
             f"From: {sender}\r\nTo: {to}\r\nSubject: smuggled {tag}\r\n\r\nin.").encode()
    outer = f"From: {sender}\r\nTo: {to}\r\nSubject: {tag}\r\n\r\nout.".encode()
    with Raw(address, port, login=login) as s:
        refused = s.begin(sender, to)
        if refused:
            raise AssertionError(f"{port}: {refused}")
        try:
            for packet in packets(outer, end, inner, split):
                s.send(packet)
                if split != "one packet":
                    time.sleep(0.1)
            s.send(b"\r\n.\r\n")
            said = s.reply()
            s.send(b"QUIT\r\n")
            return tag, said, s.rest()
        except (ConnectionError, ssl.SSLError):
            return tag, "", []


# Mozilla's "intermediate", for TLS 1.2; of TLS 1.3 every suite is.
INTERMEDIATE = {f"{kind}-{suite}" for kind in ("ECDHE-RSA", "ECDHE-ECDSA", "DHE-RSA") for suite in
                ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305")}
STARTTLS = {25: "smtp", 587: "smtp", 143: "imap", 110: "pop3"}
LOGIN_PORTS = (465, 587, 993, 995, 143, 110)


def scan(address, port):
    """What sslscan is given: (protocols, [suite of TLS 1.2 or 1.3, the server's first first])."""
    argv = ["sslscan", "--xml=-", f"--sni-name={MX}"]
    if port in STARTTLS:
        argv.append(f"--starttls-{STARTTLS[port]}")
    done = subprocess.run([*argv, f"{address}:{port}"], capture_output=True, timeout=300, check=True)
    found = ElementTree.fromstring(done.stdout)
    protocols = {f"{p.get('type')}{p.get('version')}" for p in found.iter("protocol")
                 if p.get("enabled") == "1"}
    return protocols, [(c.get("sslversion"), c.get("cipher")) for c in found.iter("cipher")]


def context(ciphers, most=ssl.TLSVersion.TLSv1_2):
    c = lib.tls()
    c.set_ciphers(ciphers)
    c.maximum_version = most
    return c


def handshake(address, port, ctx, name=MX):
    """(suite, kind of the key in the certificate, its names); None: there is no TLS for the client."""
    s = socket.create_connection((address, port), timeout=20)
    words = {25: b"EHLO x.test\r\nSTARTTLS\r\n", 587: b"EHLO x.test\r\nSTARTTLS\r\n",
             143: b"a STARTTLS\r\n", 110: b"STLS\r\n"}
    if port in words:
        s.recv(4096)
        for line in words[port].splitlines(keepends=True):
            s.sendall(line)
            s.recv(4096)
    try:
        with ctx.wrap_socket(s, server_hostname=name) as t:
            pem = ssl.DER_cert_to_PEM_cert(t.getpeercert(True))
            suite = t.cipher()[0]
    except (ssl.SSLError, ConnectionError):
        return None
    text = subprocess.run(["openssl", "x509", "-noout", "-text"], input=pem, text=True,
                          capture_output=True, timeout=60, check=True).stdout
    kind = "RSA" if "rsaEncryption" in text else "ECDSA" if "id-ecPublicKey" in text else "?"
    return suite, kind, re.findall(r"DNS:([^\s,]+)", text)


def make_pair(folder, stem, kind, *names):
    """Writes STEM.pem and STEM.key, self-signed."""
    key = {"rsa": ["rsa:2048"], "ecdsa": ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]}[kind]
    subprocess.run(["openssl", "req", "-x509", "-nodes", "-newkey", *key, "-days", "30", "-subj",
                    f"/CN={names[0]}", "-addext",
                    "subjectAltName=" + ",".join(f"DNS:{n}" for n in names),
                    "-keyout", os.path.join(folder, f"{stem}.key"),
                    "-out", os.path.join(folder, f"{stem}.pem")],
                   check=True, capture_output=True, timeout=60)


def login_at(address, port, login, password):
    """Does a login succeed that begins TLS when it can be begun?"""
    with Raw(address, port) as s:
        s.line()
        s.send({143: b"a STARTTLS\r\n", 110: b"STLS\r\n"}.get(port, b""))
        if port in (143, 110):
            s.line()
            s.tls()
        if port in (143, 993):
            s.send(f"b LOGIN {login} {password}\r\n".encode())
            return s.line().startswith("b OK")
        s.send(f"USER {login}\r\nPASS {password}\r\n".encode())
        return [s.line()[:3], s.line()[:3]] == ["+OK", "+OK"]


def open_ports(address, ports=(110, 143, 993, 995)):
    found = []
    for port in ports:
        with socket.socket() as s:
            s.settimeout(5)
            if s.connect_ex((address, port)) == 0:
                found.append(port)
    return found


@unittest.skipIf(lib.SANITIZED, "nothing new for the agent")
class Ports(HostTest):
    """One host for the class; the tests run in the order of their names. The client is this machine,
    at the other end of the hosts' network: a stranger."""

    names = (MX,)

    def applied(self, *args, **kw):
        s = self.site(manifest(*args, **kw))
        self.assertExit(s.apply(), 0)
        self.converged(s)
        return s

    def converged(self, s):
        done = s.apply()
        self.assertExit(done, 0)
        self.assertEqual(recap(done.stdout)[MX]["changed"], 0, done.stdout)
        self.assertExit(s.plan("--exit-code"), 0)

    def journal(self, since, unit="postfix*"):
        return self.host.out(f"journalctl -q -o cat --since=@{since:.0f} -u '{unit}' || true")

    def found(self, login, word):
        """How often each subject with the word is in the mailbox."""
        with imap(self.host.address, *login) as s:
            if s.select("INBOX", readonly=True)[1] == [b"0"]:
                return {}
            _, data = s.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
        subjects = [p[1].decode().split(":", 1)[1].strip() for p in data if isinstance(p, tuple)]
        return {s: subjects.count(s) for s in subjects if word in s}

    # ---- smuggling ----
    def smuggling(self, name, port, login=None, splits=SPLITS):
        """Each end in each split: one message of each arrives, or the dialog refuses; never two."""
        to, sender = BOB[0], login[0] if login else "eve@client.test"
        word = f"{name}-{time.time_ns()}"
        with ThreadPoolExecutor(8) as pool:
            said = list(pool.map(lambda job: smuggle(self.host.address, port, login, *job, sender, to), [
                (f"{word} {end} {split}", octets, split) for end, octets in ENDS.items()
                for split in splits]))
        taken = [tag for tag, reply, _ in said if reply.startswith("250 ")]
        self.assertEqual([s for s in said if s[1] and s[1][:1] not in "25"], [])
        # Behind the reply to the message only QUIT is answered: nothing was taken for commands.
        self.assertEqual([s for s in said if len(s[2]) > 1], [])
        wait_for("the messages arrive", lambda: set(self.found(BOB, word)) >= set(taken), 60)
        self.assertEqual(self.found(BOB, "smuggled"), {})
        self.assertEqual({s: n for s, n in self.found(BOB, word).items() if n > 1}, {})
        # That the test sends at all: what is a message by every rule arrived.
        self.assertGreaterEqual(len(taken), len(ENDS))
        self.assertIn("end apart", "".join(taken))

    def test_01_no_message_is_smuggled(self):
        self.applied()
        self.smuggling("port 25", 25)
        self.smuggling("port 587", 587, ALICE)
        self.smuggling("port 465", 465, ALICE, ("end apart",))

    def test_02_chunks(self):
        """BDAT has no end to forge; what looks like one inside is text."""
        word = f"chunk {time.time_ns()}"
        text = (f"From: eve@client.test\r\nSubject: {word}\r\n\r\nout.\n.\nMAIL FROM:<eve@client.test>\n"
                f"RCPT TO:<{BOB[0]}>\nDATA\nSubject: smuggled {word}\n\nin.\r\n.\r\n").encode()
        with Raw(self.host.address, 25) as s:
            if "CHUNKING" not in s.ehlo:
                self.skipTest("no CHUNKING")
            self.assertEqual([s.ask("MAIL FROM:<eve@client.test>")[:3], s.ask(f"RCPT TO:<{BOB[0]}>")[:3]],
                             ["250", "250"])
            s.send(f"BDAT {len(text)} LAST\r\n".encode() + text)
            said = s.reply()
            self.assertRegex(said, "^(250|5)")
            self.assertEqual(s.ask("DATA")[:3], "503")
            s.ask("QUIT")
        if said.startswith("250"):
            wait_for("the message arrives", lambda: self.found(BOB, word))
            self.assertEqual(self.found(BOB, word), {word: 1})

    # ---- pipelining, and plain text before TLS ----
    def test_03_unauthorised_pipelining(self):
        groups = {
            "behind EHLO": b"EHLO client.test\r\nMAIL FROM:<eve@client.test>\r\nRCPT TO:<%b>\r\n",
            "behind HELO": b"HELO client.test\r\nMAIL FROM:<eve@client.test>\r\nRCPT TO:<%b>\r\n",
            "before the greeting": b"EHLO client.test\r\nMAIL FROM:<eve@client.test>\r\n"
                                   b"RCPT TO:<%b>\r\nDATA\r\n",
        }
        for port, (name, group) in ((port, g) for port in (25, 587, 465) for g in groups.items()):
            with self.subTest(name, port=port), Raw(self.host.address, port, helo=None) as s:
                s.send(group % BOB[0].encode())
                said = s.rest()
                self.assertRegex(said[-1], "^(503|554|521|421) .*(pipelining|synchroni|Protocol)")
                self.assertNotIn("250 2.1.5", "".join(said))
        # The text of a message behind DATA, not waited for.
        with Raw(self.host.address, 25) as s:
            s.ask("MAIL FROM:<eve@client.test>")
            s.ask(f"RCPT TO:<{BOB[0]}>")
            s.send(b"DATA\r\nSubject: smuggled by DATA\r\n\r\nx\r\n.\r\n")
            self.assertRegex(s.reply(), "^(503|554|521)")
        # What RFC 2920 allows goes on.
        with Raw(self.host.address, 25) as s:
            s.send(f"MAIL FROM:<eve@client.test>\r\nRCPT TO:<{BOB[0]}>\r\nDATA\r\n".encode())
            self.assertEqual([s.reply()[:3] for _ in range(3)], ["250", "250", "354"])
            s.send(f"From: eve@client.test\r\nSubject: allowed {time.time_ns()}\r\n\r\nx\r\n.\r\n".encode()
                   + b"MAIL FROM:<eve@client.test>\r\nQUIT\r\n")
            self.assertEqual([line[:3] for line in s.rest()], ["250", "250", "221"])
        # However long a line is, it is one command; and a NUL or a bare CR ends none.
        inject = f"MAIL FROM:<eve@client.test>\r\nRCPT TO:<{BOB[0]}>\r\nDATA\r\n".encode()
        for begin in (*(b"NOOP " + b"x" * n for n in (2040, 2042, 2043, 2044, 4091, 100000)), b"NOOP x\0",
                      b"NOOP x\r", b"NOOP x\0\r"):
            with self.subTest(begin[:9]), Raw(self.host.address, 25) as s:
                s.send(begin + inject)
                said = [s.reply() for _ in range(3)]
                self.assertNotIn("250 2.1.5", "".join(said))
                self.assertRegex(said[2], "^503 |^$")
        self.assertEqual(self.found(BOB, "smuggled"), {})

    def test_04_nothing_before_tls_counts_behind_it(self):
        a = self.host.address
        for port in (25, 587):
            with self.subTest(port), Raw(a, port) as s:
                s.send(b"STARTTLS\r\nNOOP\r\nRSET\r\nNOOP\r\n")
                self.assertEqual(s.reply()[:3], "220")
                try:
                    s.buffer = b""
                    s.tls()
                    s.send(b"EHLO client.test\r\n")
                    said = s.reply()
                    # not a reply to what was injected, and nothing behind
                    self.assertRegex(said, rf"^(250-{MX}|$|5|421)")
                    self.assertTrue(s.quiet(1) or not s.buffer, s.buffer)
                except (ssl.SSLError, ConnectionError):
                    pass  # it does not even speak TLS with such a client
        for port, begin, inject, ask, answer in (
                (143, b"a STARTTLS\r\n", b"b NOOP\r\n", b"c NOOP\r\n", "c OK"),
                (110, b"STLS\r\n", b"NOOP\r\nUSER x\r\n", b"CAPA\r\n", "+OK")):
            with self.subTest(port), Raw(a, port) as s:
                s.line()
                s.send(begin + inject)
                self.assertIn("OK", s.line())
                try:
                    s.buffer = b""
                    s.tls()
                    s.send(ask)
                    self.assertTrue(s.line().startswith(answer))
                    if port == 110:
                        while s.line() not in (".", ""):
                            pass
                    self.assertTrue(s.quiet(1) or not s.buffer, s.buffer)
                except (ssl.SSLError, ConnectionError):
                    pass

    def test_05_no_password_without_tls(self):
        a, word = self.host.address, base64.b64encode(b"\0alice@example.com\0alices").decode()
        for port in (25, 587):
            with self.subTest(port), Raw(a, port) as s:
                self.assertNotIn("AUTH", s.ehlo)
                self.assertRegex(s.ask(f"AUTH PLAIN {word}"), "^5(30|03|02) ")
        with Raw(a, 143) as s:
            self.assertIn("LOGINDISABLED", s.line())
            s.send(b"a LOGIN alice@example.com alices\r\n")
            self.assertRegex("\n".join([s.line(), s.line()]), r"a NO \[PRIVACYREQUIRED\]")
        with Raw(a, 110) as s:
            s.line()
            s.send(b"USER alice@example.com\r\n")
            self.assertRegex(s.line(), r"^-ERR")

    # ---- what is offered to whom ----
    def offered(self, port, login=None):
        with Raw(self.host.address, port, login=login) as s:
            return {line[4:].split()[0] for line in s.ehlo.splitlines()}

    def test_06_dsn_is_for_logins_and_etrn_for_nobody(self):
        a = self.host.address
        self.assertEqual(self.offered(25) & {"DSN", "ETRN", "VRFY"}, set())
        with Raw(a, 25) as s:
            self.assertRegex(s.ask("MAIL FROM:<eve@client.test> RET=HDRS ENVID=x"), "^5")
            s.ask("MAIL FROM:<eve@client.test>")
            self.assertRegex(s.ask(f"RCPT TO:<{BOB[0]}> NOTIFY=SUCCESS"), "^5")
            self.assertRegex(s.ask("RSET"), "^250")
            for ask in ("ETRN example.com", "VRFY bob", f"VRFY {BOB[0]}", "EXPN postmaster"):
                self.assertRegex(s.ask(ask), "^5", ask)
        for port in (587, 465):
            self.assertEqual(self.offered(port, ALICE) & {"DSN", "ETRN", "VRFY"}, {"DSN"})
            with self.subTest(port), Raw(a, port, login=ALICE) as s:
                for ask in ("ETRN example.com", f"VRFY {BOB[0]}", "EXPN postmaster"):
                    self.assertRegex(s.ask(ask), "^5", ask)
                self.assertRegex(s.ask(f"MAIL FROM:<{ALICE[0]}> RET=HDRS ENVID=x"), "^250")
                self.assertRegex(s.ask(f"RCPT TO:<{BOB[0]}> NOTIFY=SUCCESS"), "^250")
                self.assertRegex(s.ask("DATA"), "^354")
                subject = f"with receipt {time.time_ns()}"
                self.assertRegex(s.ask(f"From: {ALICE[0]}\r\nSubject: {subject}\r\n\r\nx\r\n."), "^250")
            wait_for("the receipt", lambda: [w for w in lib.subjects(a, *ALICE)
                                             if w.startswith("Successful Mail Delivery")])
        # Between its own hops Postfix still passes them on.
        self.assertIn("dsn", self.host.out("python3 -c 'import smtplib; s = smtplib.SMTP(\"127.0.0.1\", "
                                           "10027); s.ehlo(\"x\"); print(s.esmtp_features)'"))

    # ---- HELO ----
    OURS = (MX, "MX1.example.COM", f"{MX}.", "old.example.net", "example.com", "example.org")
    OTHERS = ("client.test", "web.example.com", "mx2.example.com", "oldmx1.example.com", "[192.0.2.9]",
              "[IPv6:2001:db8::9]")

    def hello(self, name, word="EHLO"):
        with Raw(self.host.address, 25, helo=None) as s:
            s.ask(f"{word} {name}")
            s.ask("MAIL FROM:<eve@client.test>")
            return s.ask(f"RCPT TO:<{BOB[0]}>")

    def test_07_nobody_elsewhere_has_our_name(self):
        for name in (*self.OURS, f"[{self.host.address}]"):
            for word in ("EHLO", "HELO"):
                self.assertRegex(self.hello(name, word), r"^550 5\.7\.1 .*name of this server", name)
        for name in self.OTHERS:
            self.assertRegex(self.hello(name), "^250", name)
        # Programs of the host have it, by whatever address they come; so has a login.
        script = ("import smtplib,sys\nfor at in sys.argv[1:]:\n s=smtplib.SMTP(at,25,timeout=20)\n"
                  f" s.ehlo('{MX}'); s.mail('root@{MX}'); print(s.rcpt('{BOB[0]}')[0])\n")
        self.host.run(f"cat >/root/local.py <<'EOF'\n{script}EOF\n")
        self.assertEqual(self.host.out(f"python3 /root/local.py 127.0.0.1 ::1 {self.host.address}"),
                         "250\n250\n250")
        for port in (587, 465):
            with Raw(self.host.address, port, helo=MX, login=ALICE) as s:
                s.ask(f"MAIL FROM:<{ALICE[0]}>")
                self.assertRegex(s.ask(f"RCPT TO:<{BOB[0]}>"), "^250")

    # ---- TLS ----
    def test_08_suites(self):
        a = self.host.address
        with ThreadPoolExecutor(3) as pool:
            found = dict(zip((*LOGIN_PORTS, 25), pool.map(lambda p: scan(a, p), (*LOGIN_PORTS, 25))))
        for port in LOGIN_PORTS:
            protocols, suites = found[port]
            with self.subTest(port):
                self.assertEqual(protocols, {"tls1.2", "tls1.3"})
                old = [suite for version, suite in suites if version == "TLSv1.2"]
                self.assertEqual(set(old) - INTERMEDIATE, set())
                self.assertEqual({s for s in INTERMEDIATE if "ECDSA" not in s}, set(old))
        protocols, suites = found[25]
        old = [suite for version, suite in suites if version == "TLSv1.2"]
        self.assertEqual(protocols, {"tls1.2", "tls1.3"})
        self.assertEqual([s for s in old if s.startswith(("ADH", "AECDH"))], [])
        self.assertIn("AES128-SHA", old)
        self.assertEqual(set(old[:6]), {s for s in INTERMEDIATE if "ECDSA" not in s and "DHE" in s}
                         & set(old[:6]))
        self.assertRegex(old[0], "^ECDHE-RSA-.*(GCM|CHACHA20)")

    def test_09_the_order_is_the_servers(self):
        for port in (*LOGIN_PORTS, 25):
            for first in ("DHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-CHACHA20-POLY1305"):
                got = handshake(self.host.address, port,
                                context(f"{first}:ECDHE-RSA-AES128-GCM-SHA256"))
                self.assertEqual(got and got[0], "ECDHE-RSA-AES128-GCM-SHA256", port)
            got = handshake(self.host.address, port, context("DHE-RSA-AES256-GCM-SHA384"))
            self.assertEqual(got and got[0], "DHE-RSA-AES256-GCM-SHA384", port)
        self.assertNotIn("Diffie-Hellman", self.host.out("journalctl -q -o cat -u dovecot || true"))

    def test_10_tls_stands_in_received_and_in_the_log(self):
        a, since = self.host.address, time.time() - 1
        subject = f"in {time.time_ns()}"
        with smtplib.SMTP(a, 25, local_hostname="client.test", timeout=20) as s:
            s.starttls(context=lib.tls())
            s.send_message(lib.message("eve@client.test", BOB[0], subject))
        sent = [submit(a, *ALICE, ALICE[0], BOB[0], port=port) for port in (587, 465)]
        mine = socket.create_connection((a, 25)).getsockname()[0]
        tls = r"\(using TLSv1\.3 with cipher TLS_AES_256_GCM_SHA384 \(256/256 bits\)"
        for subject, how in ((subject, "ESMTPS"), (sent[0], "ESMTPSA"), (sent[1], "ESMTPSA")):
            arrives(a, *BOB, subject)
            head = self.header(BOB, subject)
            self.assertRegex(head, rf"(?s){tls}.*with {how} id \w", head)
            if how == "ESMTPSA":
                self.assertNotIn(mine, head)
                self.assertNotIn("Received: from", head)
        log = self.journal(since)
        for name in ("postfix/smtpd", "postfix/submission/smtpd", "postfix/submissions/smtpd"):
            self.assertRegex(self.host.out("journalctl -q -o short -u 'postfix*' || true"),
                             rf"{name}\[\d+\]: Anonymous TLS connection established from \S+: TLSv1\.3 with")
        self.assertRegex(self.journal(since, "dovecot"),
                         rf"imap-login: Login: user=<{BOB[0]}>.* rip={mine},.* TLSv1\.3 with cipher TLS_AES")
        # Long ids: letters of both cases, at least 10.
        self.assertRegex(log, r"(?m)^[0-9B-Zb-z]{10,}: message-id=")

    def header(self, login, subject):
        s = imap(self.host.address, *login)
        s.select("INBOX", readonly=True)
        _, hits = s.search(None, "SUBJECT", f'"{subject}"')
        _, data = s.fetch(hits[0].split()[0], "(BODY.PEEK[HEADER.FIELDS (RECEIVED)])")
        s.logout()
        return data[0][1].decode().replace("\r\n", "\n")

    # ---- limits, master.cf, logs ----
    def test_11_a_household_may_connect(self):
        boxes = [imap(self.host.address, *ALICE) for _ in range(45)]
        for s in boxes:
            s.logout()
        lines = [Raw(self.host.address, 25, helo=None) for _ in range(26)]
        self.assertEqual([s.banner[:3] for s in lines], ["220"] * 25 + ["421"])
        for s in lines:
            s.s.close()
        self.assertEqual(self.host.out("postconf -h delay_warning_time"), "4h")

    def test_12_masters_unused_services(self):
        services = "postconf -M | awk '{print $1}'"
        unused = {"maildrop", "uucp", "ifmail", "bsmtp", "scalemail-backend", "mailman"}
        self.assertEqual(unused & set(self.host.out(services).split()), set())
        # Of somebody's own, or in use by a table that only main.cf knows: it stays.
        self.host.run(r"""cd /etc/postfix; mkdir -p /etc/mail; echo 'far.test uucp:far' >/etc/mail/transport
            postmap /etc/mail/transport; cat >>master.cf <<'EOF'
uucp      unix  -       n       n       -       -       pipe
  flags=Fqhu user=uucp argv=uux -r -n -z -a$sender - $nexthop!rmail ($recipient)
mailman   unix  -       n       n       -       -       pipe
  flags=FRX user=list argv=/opt/mailman/postfix-to-mailman.py ${nexthop} ${user}
ifmail    unix  -       n       n       -       -       pipe
  flags=F user=ftn argv=/usr/lib/ifmail/ifmail -r $nexthop ($recipient)
EOF
            postconf -e my_transport=hash:/etc/mail/transport; postfix reload""")
        s = self.site(manifest())
        self.assertIn("Remove Debian's unused services", s.plan().stdout)
        self.assertExit(s.apply(), 0)
        self.assertEqual(unused & set(self.host.out(services).split()), {"uucp", "mailman"})
        self.converged(s)
        self.host.run("postconf -X my_transport; rm -r /etc/mail; postconf -MX mailman/unix")
        self.applied()
        self.assertEqual(unused & set(self.host.out(services).split()), set())

    # ---- other states: postscreen, a relay, two certificates, ports closed ----
    def test_13_postscreen(self):
        self.applied("postscreen: {enabled: true}")
        self.smuggling("postscreen", 25, splits=("end apart",))
        self.assertEqual(self.offered(25) & {"DSN", "ETRN", "VRFY"}, set())
        self.assertRegex(self.hello(MX), r"^550 5\.7\.1 .*name of this server")
        self.assertRegex(self.hello("client.test"), "^250")
        with Raw(self.host.address, 25) as s:
            for ask in ("ETRN example.com", f"VRFY {BOB[0]}"):
                self.assertRegex(s.ask(ask), "^5", ask)
        # postscreen's own dialog, with a client that does not wait for the greeting
        self.host.run("rm -f /var/lib/postfix/postscreen_cache.db; postfix reload")
        time.sleep(1)
        with Raw(self.host.address, 25, helo=None) as s:
            s.send(b"EHLO client.test\r\n")
            said = "\n".join([s.reply(), s.ask("VRFY x"), s.ask("ETRN example.com")])
            self.assertNotRegex(said, "(?m)^250[- ](DSN|ETRN|VRFY)")
            self.assertNotRegex(s.ask(f"MAIL FROM:<eve@client.test>\r\nRCPT TO:<{BOB[0]}>"), "^250 2.1.5")

    def test_14_an_authorised_relay(self):
        network = re.sub(r"\d+$", "0/24", self.host.address)
        self.applied(f"authorized_relay: [{network}]")
        for name in (*self.OURS, f"[{self.host.address}]"):
            self.assertRegex(self.hello(name), "^250", name)
        self.smuggling("relay", 25, splits=("end apart",))

    def test_15_two_certificates(self):
        a = self.host.address
        s = self.site(manifest("tls: {certificates: [{certificate: ec.pem, key: ec.key}, "
                               "{certificate: rsa.pem, key: rsa.key}]}",
                               org="tls: {certificate: org.pem, key: org.key}"))
        for stem, kind, name in (("ec", "ecdsa", MX), ("rsa", "rsa", MX), ("org", "rsa", ORG)):
            make_pair(s.dir, stem, kind, name)
        self.assertExit(s.apply(), 0)
        self.converged(s)
        clients = {"RSA": context("ECDHE+aRSA"), "ECDSA": context("ECDHE+aECDSA")}
        for port in (*LOGIN_PORTS, 25):
            for kind, ctx in clients.items():
                got = handshake(a, port, ctx)
                self.assertEqual(got and got[1:], (kind, [MX]), port)
            # The server's own ECDSA certificate does not stand in for a domain's, which has only RSA.
            got = handshake(a, port, clients["RSA"], ORG)
            self.assertEqual(got and got[1:], ("RSA", [ORG]), port)
            got = handshake(a, port, clients["ECDSA"], ORG)
            self.assertTrue(got is None or got[2] == [ORG], (port, got))
        # One of the two changed by hand, and one given anew.
        self.host.run(f"cp /etc/ssl/mail/{MX}.pem /etc/ssl/mail/{MX}.ecdsa.pem")
        self.assertIn(f"{MX}.ecdsa: self-signed", s.plan().stdout)
        make_pair(s.dir, "ec", "ecdsa", MX, "also.example.com")
        self.assertExit(s.apply(), 0)
        self.converged(s)
        self.assertEqual(handshake(a, 993, clients["ECDSA"])[2], [MX, "also.example.com"])
        self.assertEqual(handshake(a, 25, clients["ECDSA"])[2], [MX, "also.example.com"])
        # A pair that breaks a daemon goes back with the other: Dovecot refuses its configuration.
        make_pair(s.dir, "ec", "ecdsa", MX, "broken.example.com")
        s.write("site.yml", manifest("dovecot: {settings: {ssl_min_protocol: TLSv9}}",
                                     "tls: {certificates: [{certificate: ec.pem, key: ec.key}, "
                                     "{certificate: rsa.pem, key: rsa.key}]}",
                                     org="tls: {certificate: org.pem, key: org.key}"))
        done = s.apply()
        self.assertExit(done, 2)
        for port in (993, 25):
            got = handshake(a, port, clients["ECDSA"])
            self.assertEqual(got and got[2][-1], "also.example.com", done.stdout)
        arrives(a, *BOB, submit(a, *ALICE, ALICE[0], BOB[0]))
        # Back to one: nothing stays of the second.
        self.applied()
        self.host.run("test ! -e /etc/ssl/mail")
        self.assertEqual(self.host.out("doveconf -h ssl_alt_cert; grep -rl ecdsa /etc/postfix "
                                       "/etc/dovecot/dovecot.conf || true"), "")

    def bans(self):
        """Of anybody but this machine, which the tests before made a nuisance."""
        return f"fail2ban: {{enabled: true, ignore: [{re.sub(r'[0-9]+$', '1', self.host.address)}]}}"

    def test_16_services(self):
        a, everything = self.host.address, [110, 143, 993, 995]
        bans = self.bans()
        for words, ports in (("{pop3: false}", [143, 993]),
                             ("{cleartext_ports: false}", [993, 995]),
                             ("{pop3: false, cleartext_ports: false}", [993]),
                             ("{}", everything)):
            with self.subTest(words):
                self.applied(f"services: {words}", bans)
                self.assertEqual(open_ports(a), ports)
                self.assertEqual(open_ports(a, (25, 465, 587)), [25, 465, 587])
                for port in ports:
                    self.assertTrue(login_at(a, port, *ALICE), port)
                self.assertIn("port = " + ",".join(map(str, ports)),
                              self.host.out("cat /etc/fail2ban/jail.d/mail.conf"))
                arrives(a, *BOB, submit(a, *ALICE, ALICE[0], BOB[0]))
        self.assertNotIn("127.0.0.1:143", self.host.out("ss -ltnH | awk '{print $4}'"))

    def test_17_old_clients(self):
        self.applied("tls: {insecure: true}")
        for port in (*LOGIN_PORTS, 25):
            ctx = context("ECDHE-RSA-AES128-SHA:@SECLEVEL=0", ssl.TLSVersion.TLSv1_1)
            ctx.minimum_version = ssl.TLSVersion.TLSv1
            got = handshake(self.host.address, port, ctx)
            self.assertEqual(got and got[0], "ECDHE-RSA-AES128-SHA", port)
            # The strong ones still come first.
            got = handshake(self.host.address, port,
                            context("ECDHE-RSA-AES128-SHA:ECDHE-RSA-AES256-GCM-SHA384"))
            self.assertEqual(got and got[0], "ECDHE-RSA-AES256-GCM-SHA384", port)

    def test_18_a_list_hears_of_failures_only(self):
        self.applied(org="lists: {club: {owner: carol, members: [x@far.test], post: anyone}}")
        submit(self.host.address, *ALICE, ALICE[0], "club@example.org", subject="to the club")
        queued = wait_for("the post waits", lambda: [
            line for line in self.host.out("postqueue -j").splitlines()
            if "x@far.test" in line and '"sender": "club+bounces-' in line], 60)
        letter = re.search('"queue_id": "([^"]+)"', queued[0]).group(1)
        # FAILURE alone (RFC 3461, 4.1)
        self.assertRegex(self.host.out(f"postcat -eq {letter}"), r"notify_flags=4\b")
        self.host.run("postsuper -d ALL")

    def test_19_logs_are_rotated(self):
        self.applied(self.bans(), spam_filter="rspamd")
        self.assertEqual(self.host.out("systemctl is-active logrotate.timer; "
                                       "systemctl is-enabled logrotate.timer"), "active\nenabled")
        # The unit that the timer starts, for logs that are a week old.
        logs = ("/var/log/rspamd/rspamd.log", "/var/log/fail2ban.log")
        for log in logs:
            self.host.run(f"test -s {log}")
        self.host.run("logrotate /etc/logrotate.conf && sed -i 's/ 20[0-9-]*-[0-9:]*$/ 2026-1-1-0:0:0/' "
                      "/var/lib/logrotate/status && systemctl start logrotate.service")
        for log in logs:
            self.host.run(f"ls {log}.1 || ls {log}-*")
        # What comes now is in the new file, and a change of rspamd still proves itself by it.
        a = self.host.address
        arrives(a, *BOB, submit(a, *ALICE, ALICE[0], BOB[0]))
        wait_for("rspamd writes the new file", lambda: self.host.run(
            f"grep -q {ALICE[0]} /var/log/rspamd/rspamd.log", check=False).returncode == 0)
        self.applied(self.bans(), "rspamd: {actions: {reject: 19}}", spam_filter="rspamd")
        # Whatever this host writes is somebody's to rotate.
        named = self.host.out("cat /etc/logrotate.d/*")
        grown = self.host.out("find /var/log -type f -size +0 -not -path '*/journal/*' -printf '%h/%f\\n'")
        for log in grown.split():
            plain = re.sub(r"(\.\d+(\.gz)?|-\d+)$", "", log)
            folder = os.path.dirname(plain)
            if plain.endswith(("lastlog", "faillog")) or folder == "/var/log/apt":
                continue  # of the system: they do not grow
            self.assertTrue(plain in named or f"{folder}/*" in named, log)
