# SPDX-License-Identifier: MIT
"""What the tests on real hosts share: hosts, the program, and mail as a client speaks it."""
import imaplib
import json
import os
import poplib
import re
import shutil
import smtplib
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import unittest
from email.message import EmailMessage

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("PROVISION_BUILD", os.path.join(TOP, "build"))
RUN = os.environ["PROVISION_TEST_RUN"]
HOST = os.path.join(TOP, "tests", "hosts", "host")
# A sanitized agent is several times slower.
SANITIZED = BUILD.rstrip("/").endswith("san")


class CommandFailed(AssertionError):
    """A command ended with another exit status than 0."""


def sh(argv, timeout=300, check=True, **kw):
    done = subprocess.run(argv, capture_output=True, text=True, timeout=timeout, **kw)
    if check and done.returncode:
        raise CommandFailed(f"{argv} gave {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done


class Host:
    """A throwaway Debian host; its name is also its inventory name."""

    def __init__(self, name):
        self.name = name
        argv = [HOST, "up", name] + (["--asan"] if SANITIZED else [])
        out = sh(argv, timeout=900).stdout
        self.info = dict(line.split("=", 1) for line in out.splitlines() if "=" in line)
        self.address = self.info["ADDRESS"]

    def run(self, command, check=True, timeout=300):
        return sh([HOST, "exec", self.name, command], check=check, timeout=timeout)

    def out(self, command):
        return self.run(command).stdout.strip()

    def sanitizer_reports(self):
        """What the sanitizers found in agents on the host, once the last of those is gone."""
        wait_for(f"the agents on {self.name} end",
                 lambda: self.run("pgrep -f 'provision.*/[a]gent-'", check=False).returncode == 1)
        return self.out("cat /var/lib/sanitizers/report.* 2>/dev/null || true")

    def down(self):
        sh([HOST, "down", self.name], check=False)

    def restart(self):
        """Pulls the power, and boots again from the same disk."""
        sh([HOST, "restart", self.name])

    def cut(self):
        sh([HOST, "cut", self.name])

    def heal(self):
        sh([HOST, "heal", self.name])


class Site:
    """A folder with a manifest, an inventory and what else a test writes into it."""

    def __init__(self, hosts, manifest, user="root", extra=""):
        self.dir = tempfile.mkdtemp(prefix="site-", dir=RUN)
        self.info = hosts[0].info if hosts else {}
        lines = ["[mail]"]
        for h in hosts:
            lines.append(f"{h.name} ansible_host={h.address} ansible_user={user} {extra}")
        self.write("hosts.ini", "\n".join(lines) + "\n")
        self.write("site.yml", manifest)

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, text):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write(text)

    def argv(self, command, *args):
        known = self.info.get("KNOWN_HOSTS", "/dev/null")
        if "--known-hosts" in args:
            known = None
        argv = [os.path.join(BUILD, "provision"), command, *args, "-i", self.path("hosts.ini")]
        if command in ("plan", "apply", "facts", "dns"):
            argv += ["--private-key", self.info.get("KEY", "/dev/null")]
            if known:
                argv += ["--known-hosts", known]
        if command in ("plan", "apply", "check", "dns"):
            argv += ["--roles-path", os.path.join(TOP, "roles")]
        return argv

    def start(self, command, *args):
        return subprocess.Popen(self.argv(command, *args), stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, cwd=self.dir)

    def provision(self, command, *args, timeout=900):
        done = sh(self.argv(command, *args), timeout=timeout, check=False, cwd=self.dir)
        text = done.stdout + done.stderr
        for word in ("AddressSanitizer", "LeakSanitizer", "runtime error:"):
            if word in text:
                raise AssertionError(f"{command}: {word}\n{text}")
        return done

    def plan(self, *args):
        return self.provision("plan", "site.yml", *args)

    def apply(self, *args):
        return self.provision("apply", "site.yml", *args)

    def records(self, *args):
        """Zone-file text of what is to be published."""
        return self.provision("dns", "records", "site.yml", *args)

    def events(self, command, *args):
        done = self.provision(command, "site.yml", "--json", *args)
        return done, [json.loads(line) for line in done.stdout.splitlines() if line[:1] == "{"]


def recap(text):
    """host -> counts, from the PLAY RECAP."""
    rows = {}
    for line in text.splitlines():
        m = re.match(r"(\S+)\s+: (ok=.*)", line)
        if m:
            rows[m.group(1)] = {k: int(v) for k, v in re.findall(r"(\w+)=(\d+)", m.group(2))}
    return rows


def message(sender, to, subject="a test", body="Hello.\n"):
    m = EmailMessage()
    m["From"], m["To"], m["Subject"] = sender, to, subject
    m["Message-ID"] = f"<{time.time_ns()}@tests.invalid>"
    # As it stands: a list engine decodes no commands.
    m.set_content(body, cte="7bit" if body.isascii() else None)
    return m


def tls():
    """The test hosts' certificates are self-signed."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def submit(address, login, password, sender, to, port=587, **kw):
    """Sends one message through submission with a login; returns its subject."""
    subject = kw.pop("subject", f"subject {time.time_ns()}")
    make = smtplib.SMTP_SSL if port == 465 else smtplib.SMTP
    args = {"context": tls()} if port == 465 else {}
    with make(address, port, timeout=20, **args) as s:
        if port != 465:
            s.starttls(context=tls())
        s.login(login, password)
        s.send_message(message(sender, to, subject, **kw), from_addr=sender, to_addrs=[to])
    return subject


def deliver(source, address, sender, to, subject=None):
    """Sends from another host to port 25 (where no login is); returns the server's last words."""
    subject = subject or f"subject {time.time_ns()}"
    script = (
        "import smtplib,sys\n"
        f"s=smtplib.SMTP({address!r},25,timeout=20)\n"
        "try:\n"
        f" s.sendmail({sender!r},[{to!r}],'From: {sender}\\nTo: {to}\\nSubject: {subject}\\n\\nHello.\\n')\n"
        " print('250 accepted')\n"
        "except smtplib.SMTPRecipientsRefused as e:\n"
        f" print(*e.recipients[{to!r}])\n"
        "except smtplib.SMTPResponseException as e:\n"
        " print(e.smtp_code, e.smtp_error)\n")
    path = f"/tmp/deliver-{time.time_ns()}.py"
    source.run(f"cat > {path} <<'EOF'\n{script}EOF\n")
    return source.out(f"python3 {path}")


def wait_for(what, probe, seconds=20):
    """Asks until the answer is true and gives that; a command of the probe that fails says "not yet"."""
    end = time.time() + seconds
    failed = None
    while time.time() < end:
        try:
            found = probe()
        except CommandFailed as error:
            failed = error
        else:
            failed = None
            if found:
                return found
        time.sleep(0.2)
    raise AssertionError(f"{what}: not within {seconds} s") from failed


def imap(address, login, password):
    s = imaplib.IMAP4_SSL(address, 993, ssl_context=tls(), timeout=20)
    s.login(login, password)
    return s


def subjects(address, login, password, folder="INBOX"):
    s = imap(address, login, password)
    s.select(folder, readonly=True)
    _, data = s.search(None, "ALL")
    found = []
    for number in data[0].split():
        _, parts = s.fetch(number, "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
        found.append(parts[0][1].decode().split(":", 1)[1].strip())
    s.logout()
    return found


def pop_subjects(address, login, password):
    s = poplib.POP3_SSL(address, 995, context=tls(), timeout=20)
    s.user(login)
    s.pass_(password)
    found = []
    for n in range(1, s.stat()[0] + 1):
        for line in s.top(n, 0)[1]:
            if line.lower().startswith(b"subject:"):
                found.append(line.decode().split(":", 1)[1].strip())
    s.quit()
    return found


def arrives(address, login, password, subject, folder="INBOX"):
    wait_for(f"'{subject}' for {login}",
             lambda: subject in subjects(address, login, password, folder))


class Pebble:
    """An ACME authority on a host, which finds `name` at the address of the host that asks for it."""
    CONFIG = ('{"pebble":{"listenAddress":"0.0.0.0:14000","managementListenAddress":"127.0.0.1:15000",'
              '"certificate":"/etc/pebble/cert.pem","privateKey":"/etc/pebble/key.pem",'
              '"httpPort":80,"tlsPort":443}}')

    def __init__(self, host, own_name, asks, name):
        self.host, self.directory = host, f"https://{own_name}:14000/dir"
        host.run(
            "apt-get install -y -q pebble && mkdir -p /etc/pebble && cd /etc/pebble && "
            f"echo '{self.CONFIG}' >config.json && echo '{asks.address} {name}' >>/etc/hosts && "
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key.pem "
            f"-out cert.pem -days 30 -subj /CN={own_name} -addext subjectAltName=DNS:{own_name}")
        self.ca = host.out("cat /etc/pebble/cert.pem") + "\n"

    def start(self):
        self.host.run("systemd-run --unit=pebble -E PEBBLE_VA_NOSLEEP=1 -E PEBBLE_WFE_NONCEREJECT=0 "
                      "pebble -config /etc/pebble/config.json")
        wait_for("Pebble", lambda: self.host.run(
            "bash -c 'exec 3<>/dev/tcp/127.0.0.1/14000'", check=False).returncode == 0)


class NoNames(threading.Thread):
    """A name server that fails at once, on this machine's address towards the hosts: where nobody
    answers, spam filters wait for seconds."""

    def __init__(self, host):
        super().__init__(daemon=True)
        self.address = host.address.rpartition(".")[0] + ".1"
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((self.address, 53))
        self.socket.settimeout(0.5)
        self.done = threading.Event()
        self.start()

    def stop(self):
        self.done.set()
        self.join()
        self.socket.close()

    def run(self):
        while not self.done.is_set():
            try:
                question, peer = self.socket.recvfrom(512)
            except OSError:
                continue
            if len(question) > 12:  # an answer, SERVFAIL (RFC 1035, 4.1.1)
                self.socket.sendto(question[:2] + b"\x81\x82" + question[4:], peer)


class HostTest(unittest.TestCase):
    """A test class with hosts of its own: `names`, thrown away afterwards."""

    names = ()
    no_names = None  # where the test has a name server of its own

    @classmethod
    def setUpClass(cls):
        cls.hosts = [Host(n) for n in cls.names]
        cls.host = cls.hosts[0] if cls.hosts else None
        if cls.host:
            cls.no_names = NoNames(cls.host)
            # In any case: the next class in this process may have the same address.
            cls.addClassCleanup(cls.no_names.stop)
        for h in cls.hosts:
            h.run(f"echo nameserver {cls.no_names.address} >/etc/resolv.conf")

    @classmethod
    def tearDownClass(cls):
        found = [h.sanitizer_reports() for h in cls.hosts] if SANITIZED else []
        if not os.environ.get("PROVISION_KEEP"):
            for h in cls.hosts:
                h.down()
        if any(found):
            raise AssertionError("the sanitizers found in the agent:\n" + "\n".join(found))

    def site(self, manifest, **kw):
        s = Site(kw.pop("hosts", self.hosts), manifest, **kw)
        self.addCleanup(shutil.rmtree, s.dir, ignore_errors=True)
        return s

    def assertExit(self, done, code):
        self.assertEqual(done.returncode, code, f"\n{done.stdout}\n{done.stderr}")
