# SPDX-License-Identifier: MIT
"""A small world: mail hosts of different domains, and an outside with a real name server.

    class Forwarding(WorldTest):
        names = ("mx1.example.com", "mx2.example.org")   # the mail hosts: self.host, self.hosts[1]

        def test_it(self):
            self.world.publish(self.provision("dns", "records", ...).stdout)
            self.world.send("bob@outside.test", ["alice@example.com"], subject="hello")
            m = self.world.arrived("hello")              # at any address @outside.test
            self.assertEqual(m.sender, "...")            # its envelope sender; m.to the recipient
            self.assertEqual(m.spf, "Pass")              # verdict of policyd-spf at the outside host
            self.world.verify_dkim(m)                    # by opendkim-testmsg and dkimverify
            to = [("alice@example.com", "alice@example.com", "password")]   # address, login
            with Traffic(self.world, self.host, to) as traffic:
                ...                                      # a message every 500 ms meanwhile
            traffic.check(self, refused=1.0)             # each arrived exactly once, by IMAP

What there is besides the mail hosts is one host, outside.test, configured by hand below:
- bind9 serves the root, the parent domain of every host and the reverse zone, and is every host's
  only resolver; a name that is not there does not exist. Hosts have A and PTR, their domains NS
  and MX; publish() replaces record sets (say what `provision dns records` prints), withdraw()
  removes them, and both return when they are served. Resolvers may cache for the record's TTL.
- Postfix takes mail for outside.test and what accept() adds, whoever it is for, and keeps it;
  refused@ is refused at RCPT, defers@ gets 450, bounces@ is taken and then bounced.
- send() speaks SMTP as a script, with any envelope and any bytes, from any host of the world.
- With `public = True` every host also has addresses outside the private ranges, which filters
  exempt: host.public (198.51.100.0/24) and host.public6 (2001:db8::/32, a /64 each), with PTR; its name has
  these in the DNS too. send(..., at=host.public) then comes from the sender's public address.

The outside is set up in the background (15 s, mostly packages): mail hosts are there at once, so
a first apply runs meanwhile, and whatever needs the outside waits for it.
"""
import base64
import contextlib
import email
import email.policy
import ipaddress
import json
import os
import socket
import struct
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from lib import HOST, RUN, Host, HostTest, imap, message, sh, wait_for

PACKAGES = "bind9 opendkim-tools postfix postfix-policyd-spf-python python3-dkim python3-nacl"

# Speaks SMTP with the envelope of the JSON on its standard input; prints what the server said.
SEND = r'''#!/usr/bin/python3
import base64, json, smtplib, sys
ask = json.load(sys.stdin)
said = {"banner": "", "rcpt": {}, "data": ""}
try:
    with smtplib.SMTP(timeout=60, local_hostname=ask["helo"]) as s:
        said["banner"] = "%d %s" % tuple(x if isinstance(x, int) else x.decode()
                                         for x in s.connect(ask["at"], ask["port"]))
        s.ehlo_or_helo_if_needed()
        if ask["tls"]:
            s.starttls()
            s.ehlo()
        s.mail(ask["sender"])
        for to in ask["to"]:
            code, text = s.rcpt(to)
            said["rcpt"][to] = "%d %s" % (code, text.decode())
        if any(v[0] == "2" for v in said["rcpt"].values()):
            try:
                code, text = s.data(base64.b64decode(ask["data"]))
            except smtplib.SMTPDataError as e:
                code, text = e.smtp_code, e.smtp_error
            said["data"] = "%d %s" % (code, text.decode())
except (OSError, smtplib.SMTPException) as e:
    said["error"] = repr(e)
json.dump(said, sys.stdout)
'''

# A sending mail server that never gives up: a new message every interval, each tried again as long
# as it is deferred or refused a connection; and a probe of the banner ten times a second. Every
# attempt is a line of JSON in the log. It ends when its standard input does and all is delivered.
TRAFFIC = r'''#!/usr/bin/python3
import json, smtplib, socket, sys, threading, time
ask = json.load(open(sys.argv[1]))
log = open(sys.argv[2], "a", buffering=1)
lock, done = threading.Lock(), threading.Event()

def note(**line):
    with lock:
        log.write(json.dumps(line) + "\n")

def attempt(n, to, body):
    start, stage = time.time(), "connect"
    try:
        with smtplib.SMTP(timeout=30, local_hostname=ask["helo"]) as s:
            s.connect(ask["at"], 25)
            stage = "mail"
            s.ehlo_or_helo_if_needed()
            code, text = s.mail(ask["sender"])
            if code == 250:
                stage = "rcpt"
                code, text = s.rcpt(to)
            if code == 250:
                stage = "data"
                code, text = s.data(body)
            text = text.decode("utf-8", "replace")
    except smtplib.SMTPResponseException as e:
        code, text = e.smtp_code, str(e.smtp_error)
    except (OSError, smtplib.SMTPException) as e:
        code, text = 0, repr(e)
    note(n=n, to=to, at=start, took=time.time() - start, stage=stage, code=code, text=text)
    return code

def deliver(n):
    to = ask["to"][n % len(ask["to"])]
    body = ask["text"].replace("@N@", str(n)).replace("@TO@", to)
    body = body.replace("@DATE@", time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime()))
    while attempt(n, to, body.encode()) // 100 not in (2, 5):
        time.sleep(ask["retry"])

def probe():
    while not done.is_set():
        start, said = time.time(), ""
        try:
            with socket.create_connection((ask["at"], 25), timeout=10) as s:
                said = s.recv(200).decode("utf-8", "replace").strip()
                s.sendall(b"QUIT\r\n")
                s.recv(200)
        except OSError as e:
            said = said or repr(e)
        note(probe=said[:3] == "220", at=start, took=time.time() - start, text=said)
        done.wait(ask["probe"])

def until_end_of_input():
    sys.stdin.read()
    done.set()

threading.Thread(target=until_end_of_input, daemon=True).start()
threading.Thread(target=probe).start()
workers, n, next_time = [], 0, time.time()
while not done.is_set():
    workers.append(threading.Thread(target=deliver, args=(n,), daemon=True))
    workers[-1].start()
    n, next_time = n + 1, next_time + ask["interval"]
    done.wait(max(0, next_time - time.time()))
end = time.time() + ask["patience"]
for w in workers:
    w.join(max(0, end - time.time()))
note(sent=n, pending=sum(w.is_alive() for w in workers))
'''

NAMED = """options {
	directory "/var/cache/bind";
	recursion yes;
	allow-query { any; };
	allow-recursion { any; };
	dnssec-validation no;
	empty-zones-enable no;
	minimal-responses yes;
	notify no;
	listen-on { any; };
	listen-on-v6 { none; };
};
"""

# Catch-all: local(8) gives what is for nobody to "world", with the envelope in the header.
MAIN_CF = """compatibility_level = 3.6
myhostname = outside.test
mydestination = outside.test, localhost
mynetworks = 127.0.0.0/8
inet_protocols = ipv4
local_recipient_maps =
luser_relay = world
home_mailbox = Maildir/
alias_maps = inline:{{bounces = "|exit 67"}}
recipient_delimiter = +
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_recipient_restrictions =
    check_recipient_access inline:{
        {refused@outside.test = 550 5.1.1 No such user},
        {defers@outside.test = 450 4.2.1 Not now}},
    check_policy_service unix:private/policy-spf
smtpd_milters =
minimal_backoff_time = 5s
maximal_backoff_time = 10s
queue_run_delay = 5s
smtp_tls_security_level = may
smtpd_tls_security_level = may
smtpd_tls_cert_file = /etc/ssl/outside.pem
smtpd_tls_key_file = /etc/ssl/outside.key
"""
MASTER_CF = """
policy-spf unix - n n - 0 spawn user=policyd-spf argv=/usr/bin/policyd-spf
"""


class Arrived:
    """A message as it arrived at the outside host."""

    def __init__(self, raw):
        self.raw = raw
        self.message = email.message_from_bytes(raw, policy=email.policy.default)

    @property
    def sender(self):
        """The envelope sender; empty for the null sender."""
        return str(self.message["Return-Path"]).strip("<> ")

    @property
    def to(self):
        """The envelope recipient."""
        return str(self.message["X-Original-To"])

    @property
    def spf(self):
        """policyd-spf's verdict on the envelope sender, as it was when the message came."""
        found = [str(v) for v in self.message.get_all("Received-SPF", [])]
        return found[0].split()[0] if found else None

    @property
    def client(self):
        """The address that it came from."""
        first = str(self.message.get_all("Received", [""])[0])
        return first.split("[", 1)[1].split("]", 1)[0] if "[" in first else None

    @property
    def as_received(self):
        """The bytes without what our own delivery put on top, for a verifier of signatures."""
        return self.raw[self.raw.index(b"\nReceived:") + 1:]


class World:
    """See the top of the file."""

    def __init__(self, names, outside="outside.test", zones=(), public=False):
        with ThreadPoolExecutor(len(names) + 1) as pool:
            made = list(pool.map(Host, [outside, *names]))
        self.outside, self.mail, self.public = made[0], made[1:], public
        self.hosts = [*self.mail, self.outside]
        self.records, self.domains, self.serial = {}, [], 0
        self.zones = sorted({self.parent(h.name) for h in self.mail} | {"outside.test", *zones})
        self.zones.append(".".join(reversed(self.outside.address.split(".")[:3])) +
                          ".in-addr.arpa")
        if public:
            self.zones += ["100.51.198.in-addr.arpa", "8.b.d.0.1.0.0.2.ip6.arpa"]
        self.lock = threading.RLock()
        self.failure = None
        for h in self.hosts:
            last = h.address.rpartition(".")[2]
            h.public, h.public6 = f"198.51.100.{last}", f"2001:db8:{last}::1"
            if public:
                self.add_public(h)
                # A name in /etc/hosts has no address but the one there.
                h.run("sed -i '/^10[.]/d' /etc/hosts")
            h.run(f"echo nameserver {self.outside.address} >/etc/resolv.conf")
            put(h, "/usr/local/bin/world-send", SEND, "0755")
        self.background = threading.Thread(target=self.set_up)
        self.background.start()

    @staticmethod
    def add_public(h):
        """Also to be called after a restart of the host."""
        h.run(f"ip addr add {h.public}/24 dev eth0 && ip addr add {h.public6}/32 dev eth0 nodad")

    @staticmethod
    def parent(name):
        return name if name.count(".") == 1 else name.split(".", 1)[1]

    def ready(self):
        """Returns once the outside host serves names and takes mail."""
        if threading.current_thread() is not self.background:
            self.background.join()
        if self.failure:
            raise AssertionError("the outside host could not be set up") from self.failure
        return self

    def set_up(self):
        try:
            self.set_up_outside()
        except Exception as e:  # it belongs to whoever waits for it
            self.failure = e

    def set_up_outside(self):
        host = self.outside
        host.run("DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "
                 + PACKAGES)
        put(host, "/usr/local/bin/world-traffic", TRAFFIC, "0755")
        self.serve_names()
        host.run("useradd --create-home world && cd /etc/ssl && openssl req -x509 -newkey "
                 "ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=outside.test -days 30 "
                 "-keyout outside.key -out outside.pem && cp /etc/resolv.conf "
                 "/etc/hosts /var/spool/postfix/etc/ && sed -i 's/_reject = .*/_reject = False/' "
                 "/etc/postfix-policyd-spf-python/policyd-spf.conf")
        put(host, "/etc/postfix/main.cf", MAIN_CF)
        host.run(f"cat >>/etc/postfix/master.cf <<'EOF'{MASTER_CF}EOF\n"
                 "systemctl restart postfix")
        wait_for("the outside takes mail", lambda: self.banner(host.address))

    # Names.

    def serve_names(self):
        put(self.outside, "/etc/bind/named.conf", NAMED + "".join(
            f'zone "{z}." {{ type primary; file "/etc/bind/zone.{z}"; }};\n'
            for z in ["", *self.zones]))
        self.records.clear()
        for h in self.hosts:
            for address in [h.address] + ([h.public, h.public6] if self.public else []):
                ip = ipaddress.ip_address(address)
                self.set_record(f"{h.name}. 60 IN {'A' if ip.version == 4 else 'AAAA'} {address}")
                self.set_record(f"{ip.reverse_pointer}. 60 IN PTR {h.name}.")
            if h is not self.outside:
                self.set_record(f"{self.parent(h.name)}. 60 IN MX 10 {h.name}.")
        self.set_record("outside.test. 60 IN MX 10 outside.test.")
        self.write_zones()
        self.outside.run("systemctl restart named")
        self.wait_until_served()

    def set_record(self, line):
        """line is in full form: NAME. TTL IN TYPE DATA."""
        name, _, _, kind, _ = line.split(None, 4)
        self.records.setdefault((name.lower(), kind), []).append(line)

    def zone_of(self, name):
        fits = [z for z in self.zones if ("." + name).endswith(f".{z}.")]
        return max(fits, key=len) if fits else ""

    def write_zones(self):
        self.serial += 1
        lines = {z: [f"{z}. 1 IN SOA outside.test. hostmaster.outside.test. {self.serial} "
                     "3600 600 86400 1", f"{z}. 60 IN NS outside.test."]
                 for z in ["", *self.zones]}
        lines[""] += [f"{z}. 60 IN NS outside.test." for z in self.zones]
        lines[""].append(f"outside.test. 60 IN A {self.outside.address}")
        for (name, _), found in sorted(self.records.items()):
            lines[self.zone_of(name)] += found
        # One command for all of them: it starts once.
        self.outside.run("\n".join(
            f"cat >/etc/bind/zone.{z} <<'EOF'\n" + "\n".join(text) + "\nEOF"
            for z, text in lines.items()))

    def wait_until_served(self):
        for z in ["", *self.zones]:
            wait_for(f"zone {z}. has serial {self.serial}",
                     lambda z=z: soa_serial(self.outside.address, z) == self.serial)

    def parse(self, text):
        """Zone-file text in full form, by bind9's own parser."""
        soa = ". 1 IN SOA . . 1 1 1 1 1\n. 1 IN NS ns.invalid.\nns.invalid. 1 IN A 192.0.2.1\n"
        done = self.outside.run(
            "f=$(mktemp); cat >$f <<'EOF'\n$TTL 60\n" + soa + text + "\nEOF\n"
            "named-compilezone -i none -k ignore -m ignore -M ignore -n ignore -r ignore "
            "-S ignore -T ignore -s full -o - . $f; rc=$?; rm $f; exit $rc", check=False)
        if done.returncode:
            raise AssertionError(f"bind9 refuses these records:\n{text}\n{done.stdout}"
                                 f"{done.stderr}")
        lines = [line.split(None, 4) for line in done.stdout.splitlines()]
        return [" ".join(line) for line in lines if line[0] not in (".", "ns.invalid.", ";")]

    def publish(self, text, instead=()):
        """Serves the records of zone-file text, with full names, in the place of record sets of
        the same name and type. instead: domains of which nothing else stays, hosts aside."""
        self.ready()
        with self.lock:
            lines = self.parse(text)
            keep = {f"{h.name}." for h in self.hosts}
            for key in list(self.records):
                below = any(("." + key[0]).endswith(f".{d}.") for d in instead)
                if below and key[0] not in keep:
                    del self.records[key]
            for line in lines:
                name, _, _, kind, _ = line.split(None, 4)
                self.records.pop((name.lower(), kind), None)
            for line in lines:
                self.set_record(line)
            self.reload_names()

    def withdraw(self, name, kind=None):
        """Takes a name's records away, or those of one type."""
        self.ready()
        with self.lock:
            name = name.lower().rstrip(".") + "."
            for key in [k for k in self.records if k[0] == name and kind in (None, k[1])]:
                del self.records[key]
            self.reload_names()

    def reload_names(self):
        self.write_zones()
        self.outside.run("rndc reload >/dev/null")
        self.wait_until_served()

    # Mail.

    @staticmethod
    def banner(address):
        with contextlib.suppress(OSError):
            with socket.create_connection((address, 25), timeout=10) as s:
                return s.recv(200).startswith(b"220")
        return False

    def accept(self, *domains):
        """The outside takes mail for these domains too, and is their MX."""
        self.publish("".join(f"{d}. MX 10 outside.test.\n" for d in domains))
        self.domains += domains
        self.outside.run("postconf -e 'mydestination=outside.test, localhost, "
                         + ", ".join(self.domains) + "' && postfix reload")

    def send(self, sender, to, subject=None, data=None, at=None, source=None, helo=None,
             port=25, tls=False):
        """One message by SMTP from the outside (or host `source`) to host or address `at` (the
        first mail host). data: the message as bytes, or a plain one is made. Returns what the
        server said: {"banner", "rcpt": {address: reply}, "data": reply, "error"}."""
        self.ready()
        source = source or self.outside
        at = at or self.mail[0]
        to = [to] if isinstance(to, str) else list(to)
        data = data or bytes(message(sender or "MAILER-DAEMON@outside.test", to[0],
                                     subject or f"subject {time.time_ns()}"))
        ask = {"at": at if isinstance(at, str) else at.public if self.public else at.address, "port": port, "helo": helo or source.name,
               "tls": tls, "sender": sender, "to": to, "data": base64.b64encode(data).decode()}
        done = source.run(f"world-send <<'EOF'\n{json.dumps(ask)}\nEOF")
        return json.loads(done.stdout)

    def mailbox(self):
        """All that arrived at the outside host, oldest first."""
        self.ready()
        folder = os.path.join(RUN, "hosts", self.outside.name, "root/home/world/Maildir/new")
        if not os.path.isdir(folder):
            return []
        found = []
        for name in sorted(os.listdir(folder)):
            with open(os.path.join(folder, name), "rb") as f:
                found.append(Arrived(f.read()))
        return found

    def arrived(self, subject, seconds=30):
        """Waits for the message with this subject, and returns it."""
        return wait_for(f"'{subject}' at the outside", lambda: next(
            (m for m in self.mailbox() if m.message["Subject"] == subject), None), seconds)

    def bounce(self, about, seconds=30):
        """Waits for a delivery status notification that names `about`, and returns it."""
        return wait_for(f"a bounce about {about} at the outside", lambda: next(
            (m for m in self.mailbox() if m.sender == "" and about.encode() in m.raw), None),
            seconds)

    def verify_dkim(self, arrived, index=0):
        """Fails unless the signature verifies, for opendkim (the first one) and for dkimpy."""
        raw = arrived.as_received if isinstance(arrived, Arrived) else arrived
        for argv in (["opendkim-testmsg"], ["dkimverify", "--index", str(index)]):
            if index and argv[0] == "opendkim-testmsg":
                continue
            done = self.filter(argv, raw)
            if done.returncode or b"failed" in done.stdout:
                raise AssertionError(f"{argv[0]}: {(done.stdout + done.stderr).decode()}")

    def filter(self, argv, raw):
        """Runs a program on the outside host with bytes as its input."""
        self.ready()
        return subprocess.run([HOST, "exec", self.outside.name, *argv], input=raw,
                              capture_output=True, timeout=60, check=False)

    def spf(self, address, sender, helo="example.invalid"):
        """What pyspf says of a sender at an address: pass, fail, softfail, none, ..."""
        self.ready()
        code = f"import spf; print(spf.check2({address!r}, {sender!r}, {helo!r})[0])"
        return self.outside.out(f'python3 -c "{code}"')

    def down(self):
        self.background.join()
        for h in self.hosts:
            h.down()


class Traffic:
    """Numbered messages from the outside to recipients on a mail host, one every interval, in the
    course of whatever the `with` block does; afterwards every one is accounted for.

    recipients: (address, login, password) each; the messages go to them in turn. A recipient may
    be an alias of the login. What arrived is counted by IMAP, in all folders of all logins."""

    TEXT = ("From: @FROM@\nTo: @TO@\nDate: @DATE@\nMessage-ID: <@N@.@RUN@@outside.test>\n"
            "Subject: Minutes of meeting @N@\nX-Traffic: @RUN@ @N@\n\n"
            "Hello,\n\nhere are the minutes of our meeting number @N@; please tell me until\n"
            "Friday when something in them is not as you remember it.\n\nKind regards\nBob\n")

    def __init__(self, world, host, recipients, sender="bob@outside.test", interval=0.5,
                 probe=0.1, retry=1.0, patience=60):
        self.world, self.host, self.recipients = world, host, recipients
        self.run = f"{time.time_ns():x}"
        self.log = f"/run/traffic-{self.run}"
        text = self.TEXT.replace("@FROM@", sender).replace("@RUN@", self.run)
        self.ask = {"at": host.address, "helo": "outside.test", "sender": sender, "text": text,
                    "to": [r[0] for r in recipients], "interval": interval, "probe": probe,
                    "retry": retry, "patience": patience}
        self.attempts, self.probes, self.sent, self.pending = [], [], 0, 0

    def __enter__(self):
        outside = self.world.ready().outside
        put(outside, self.log + ".ask", json.dumps(self.ask))
        self.process = subprocess.Popen(
            [HOST, "exec", outside.name, "world-traffic", self.log + ".ask", self.log],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        wait_for("the first message is under way", lambda: self.lines())
        return self

    def __exit__(self, *failure):
        try:
            out, _ = self.process.communicate(timeout=self.ask["patience"] + 60)
        finally:
            self.process.kill()
        if self.process.returncode:
            raise AssertionError(f"the traffic broke: {out.decode()}")
        for line in self.lines():
            if "probe" in line:
                self.probes.append(line)
            elif "sent" in line:
                self.sent, self.pending = line["sent"], line["pending"]
            else:
                self.attempts.append(line)

    def lines(self):
        text = self.world.outside.out(f"cat {self.log} 2>/dev/null || true")
        return [json.loads(line) for line in text.splitlines()]

    def here(self):
        """Message number -> the folders that it is in."""
        found = {}
        for login, password in sorted({r[1:] for r in self.recipients}):
            for folder, numbers in folders(self.host.address, login, password, self.run):
                for n in numbers:
                    found.setdefault(n, []).append((login, folder))
        return found

    def refusals(self):
        """Spans (start, seconds) without a banner: from a failed probe to the next good one."""
        spans, since = [], None
        for p in sorted(self.probes, key=lambda p: p["at"]):
            if not p["probe"]:
                since = since or p["at"]
            elif since:
                spans.append((since, p["at"] - since))
                since = None
        return spans + ([(since, float("inf"))] if since else [])

    @property
    def refused(self):
        """The longest time in seconds that SMTP refused connections or gave no banner."""
        return max([s for _, s in self.refusals()], default=0.0)

    @property
    def slowest(self):
        """The longest that a probe took from connecting to the banner and the end."""
        return max([p["took"] for p in self.probes], default=0.0)

    def under_way(self, cut):
        """Messages that were being sent or delivered when the host went down, soon after `cut`. What
        nobody could write down as done is done again (RFC 5321, 6.1)."""
        down = min([start for start, _ in self.refusals() if start >= cut], default=cut)
        return {a["n"] for a in self.attempts if cut - 5 <= a["at"] <= down + 1}

    def check(self, test, refused=1.0, slowest=5.0, settle=60, cut=None):
        """Every message arrived exactly once; SMTP never refused for longer than `refused`. `cut`:
        when the host was told to go down."""
        said = [a for a in self.attempts if a["code"] // 100 == 5]
        test.assertEqual(said, [], "refused for good")
        test.assertEqual(self.pending, 0, self.attempts[-3:])
        test.assertGreater(self.sent, 0)
        wanted = set(range(self.sent))
        try:
            wait_for("all arrive", lambda: set(self.here()) >= wanted, settle)
        except AssertionError:
            lost = sorted(wanted - set(self.here()))
            attempts = [a for a in self.attempts if a["n"] in lost]
            queue = self.host.out("postqueue -p | tail -20")
            raise AssertionError(f"lost: {lost}\n{attempts}\n{queue}") from None
        time.sleep(1)  # what comes twice
        once = wanted - (self.under_way(cut) if cut else set())
        test.assertEqual({n: f for n, f in self.here().items() if n in once and len(f) > 1}, {},
                         "doubled")
        test.assertLessEqual(self.refused, refused, self.refusals())
        test.assertLessEqual(self.slowest, slowest)

    def figures(self):
        """One line for a person."""
        retried = len(self.attempts) - self.sent
        return (f"{self.sent} messages, {retried} tried again, {len(self.probes)} probes, "
                f"refused for {self.refused:.2f} s at most, slowest {self.slowest:.2f} s")


class WorldTest(HostTest):
    """A test class with a world of its own: self.world; self.hosts are its mail hosts."""

    names = ("mx1.example.com", "mx2.example.org")
    zones = ()  # further zones of the name server
    public = False  # hosts with addresses outside the private ranges, too

    @classmethod
    def setUpClass(cls):
        cls.world = World(cls.names, zones=cls.zones, public=cls.public)
        cls.hosts = list(cls.world.mail)
        cls.host, cls.outside = cls.hosts[0], cls.world.outside

    @classmethod
    def tearDownClass(cls):
        cls.world.background.join()
        cls.hosts = cls.world.hosts
        super().tearDownClass()


def put(host, path, text, mode="0644"):
    sh([HOST, "exec", host.name, f"cat >{path} && chmod {mode} {path}"], input=text)


def soa_serial(address, zone):
    """The serial that a name server gives for a zone, or None."""
    labels = b"".join(bytes([len(p)]) + p.encode() for p in zone.split(".") if p)
    ask = struct.pack(">6H", 4711, 0, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">2H", 6, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(1)
        try:
            s.sendto(ask, (address, 53))
            said = s.recv(512)
        except OSError:
            return None
    # The answer is one record, whose data end with five numbers.
    if said[3] & 15 or struct.unpack(">H", said[6:8])[0] != 1:
        return None
    return struct.unpack(">I", said[-20:-16])[0]


def folders(address, login, password, run):
    """(folder, numbers of the run's messages in it), for all folders."""
    found = []
    with imap(address, login, password) as s:
        for line in s.list()[1]:
            folder = line.decode().rsplit(' "', 1)[-1].rsplit(" ", 1)[-1].strip('"')
            s.select(f'"{folder}"', readonly=True)
            hits = s.search(None, "HEADER", "X-Traffic", f'"{run} "')[1][0].split()
            if not hits:
                continue
            _, data = s.fetch(b",".join(hits), "(BODY.PEEK[HEADER.FIELDS (X-TRAFFIC)])")
            numbers = [int(p[1].split()[-1]) for p in data if isinstance(p, tuple)]
            found.append((folder, numbers))
    return found
