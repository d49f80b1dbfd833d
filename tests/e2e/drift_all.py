# SPDX-License-Identifier: MIT
"""Every change by hand in what is managed is in the plan, and one apply repairs them all.

What is managed is asked of the program (plan -vv): files, tables, keys, folders, units, accounts.
Each meets each kind of change that it can; many at once, as far as one does not hide another. The
order and what meets what in the end come from a seed, which is printed; PROVISION_SEED repeats one.
`make test-all` (PROVISION_TEST_ALL=1) does the same for the other filters, and with more seeds.
"""
import os
import random
import re
import shlex
import time
import unittest

from lib import SANITIZED, HostTest, arrives, imap, recap, submit

ALL = os.environ.get("PROVISION_TEST_ALL", "") not in ("", "0")
SEED = int(os.environ.get("PROVISION_SEED", time.time_ns() % 1000000))

MANIFEST = """
- hosts: drift.example.com
  become: true
  mail:
    hostname: drift.example.com
    %(filter)s
    %(traps)s
    header_checks: ["/^Subject: refuse me/ REJECT no"]
    message_size_limit: %(n)sM
    fail2ban: {enabled: true, bantime: %(n)sm}
    dovecot: {settings: {login_greeting: Mail %(n)s}}
    postfix: {main: {smtpd_banner: $myhostname ESMTP %(n)s}}
    domains:
      example.com:
        catch_all: alice
        mailboxes:
          alice: {password: alices, vacation: {text: Away}}
          bob: {password: bobs, quota: 1M}
        aliases: {sales: [alice, bob]}
        lists:
          announce: {owner: alice, members: [alice, bob]}
      example.org:
        tls: {certificate: org.pem, key: org.key}
        mailboxes: {carol: {password: carols}}
  roles: [mail]
"""
PIGGYBACK = {"filter": "spam_filter: spamassassin\n    rspamd_piggyback: true",
             "traps": "spam_traps: [trap@example.com]"}

# Types whose resource is one file that we write, and those of which only a part is ours.
WHOLE = ("copy", "lookup_table", "openssl_privatekey", "x509_certificate", "random_secret",
         "sieve_script")
PART = ("lineinfile", "postfix_main", "postfix_master")
# A link in the place of these is refused, in the plan: nobody knows what it is meant for.
NO_LINK = ("openssl_privatekey", "x509_certificate", "postfix_main", "postfix_master",
           "certificates", "dkim_keys", "mailing_lists")

CHANGE = {
    "mode": "chmod 0777 {p}",
    "owner": "chown daemon {p}",
    "group": "chgrp daemon {p}",
    "append": "printf '# by hand\\n' >>{p}",
    "truncate": ": >{p}",
    "remove": "rm -f {p}",
    "link": "mv {p} {s}.away && ln -s {s}.away {p}",
    "folder": "rm -f {p} && mkdir {p}",
    "gone": "mv {p} {s}.away",
    "cut": "sed -i '{cut}' {p}",
    "add": "printf '%s\\nby hand\\n' {mark} >{p}",
}
# A line that has to be there, of each file of which only a part is ours.
CUT = {"/etc/postfix/master.cf": "/^cleanup/d", "/etc/postfix/main.cf": "/^myhostname/d",
       "/etc/hosts": "/^127.0.1.1/d", "/etc/courier/authdaemonrc": "/^daemons=/d"}
# What becomes of all files at once, and what of the units then; the first of them always.
DAMAGE = {"gone": "rm -f {p}", "nonsense": "echo '{{{{ \"' >{p}", "empty": ": >{p}"}
DAMAGED = (("gone", "stop"), ("gone", "restart"), ("nonsense", "stop"), ("nonsense", "restart"),
           ("empty", "restart"))
ATTRIBUTES = ("mode", "owner", "group")
CONTENTS = ("append", "truncate", "remove", "link", "folder")
# One reload for all of a round, and no update-rc.d for each.
SYSTEMCTL = "SYSTEMCTL_SKIP_SYSV=1 systemctl --no-reload "
UNIT = {
    "disable": SYSTEMCTL + "disable {u}",
    "mask": SYSTEMCTL + "mask {u}",
    "mask until boot": SYSTEMCTL + "mask --runtime {u}",
    "enable until boot": SYSTEMCTL + "disable {u}; " + SYSTEMCTL + "enable --runtime {u}",
}
UNIT_BACK = {
    "disable": SYSTEMCTL + "enable {u}",
    "mask": SYSTEMCTL + "unmask {u}",
    "mask until boot": SYSTEMCTL + "unmask --runtime {u}",
    "enable until boot": SYSTEMCTL + "disable --runtime {u}; " + SYSTEMCTL + "enable {u}",
}
ACCOUNT = {
    "shell": "usermod --shell /bin/bash {n}",
    "home": "usermod --prefix /. --home /nonexistent {n}",  # whatever runs as that user
    "comment": "usermod --comment changed {n}",
    "group": "usermod --gid daemon {n}",
    "groups": "usermod --append --groups adm {n}",
    "password": "echo {n}:secret | chpasswd",
}


class Change:
    """One change by hand: how it is made, how it is seen, how it is taken back."""

    def __init__(self, kind, path, resource, type_, sees=None, slot=None):
        self.kind, self.path, self.resource, self.type = kind, path, resource, type_
        self.sees = sees      # a text in one of the step's changes; None: any of it
        self.slot = slot or path
        self.do = self.back = ""

    def __str__(self):
        return f"{self.kind} {self.path} ({self.type} {self.resource})"

    @property
    def refused(self):
        """The plan says that it can do nothing: the step fails, and tells of nothing else."""
        return self.kind == "folder" or (self.kind == "link" and self.type in NO_LINK)

    def hides(self, other):
        """Would one of the two not be seen beside the other, or not be possible?"""
        if self.slot == other.slot:
            return True
        if self.resource == other.resource and (self.refused or other.refused):
            return True
        for c, o in ((self, other), (other, self)):  # systemctl wants the unit's file
            if c.slot.startswith("unit ") and "/systemd/system/" in o.path and c.path in o.path:
                return True
        one, two = sorted((self, other), key=lambda c: len(c.path))
        inside = two.path.startswith(one.path + "/")
        return inside and one.kind not in ATTRIBUTES


def on_file(kind, path, saved, mark=""):
    do = CHANGE[kind].format(p=shlex.quote(path), s=saved, mark=shlex.quote(mark),
                             cut=CUT.get(path))
    if kind in ("gone",):
        return do, f"mv {saved}.away {shlex.quote(path)}"
    if kind == "add":
        return do, f"rm -f {shlex.quote(path)}"
    return f"cp -a {shlex.quote(path)} {saved}; {do}", \
        f"rm -rf {shlex.quote(path)}; cp -a {saved} {shlex.quote(path)}; rm -rf {saved}.away"


def on_folder(kind, path, saved):
    quoted = shlex.quote(path)
    if kind == "gone":
        return on_file(kind, path, saved)
    return CHANGE[kind].format(p=quoted, s=saved), "chown {1} {0}; chmod {2} {0}"


class Managed:
    """What the program says it manages, with the changes that it can meet."""

    def __init__(self, host, text):
        self.host = host
        self.rows = re.findall(r"^    (\w+) (\S.*)$", text, re.M)
        assert len(self.rows) > 50, text
        self.changes = []
        self.there = {}  # path -> (kind of file, owner, mode)
        for line in host.out("find / /run -xdev -printf '%y %u:%g %m %p\\n'").splitlines():
            kind, owner, mode, path = line.split(" ", 3)
            self.there[path] = kind, owner, mode
        units = [k for t, k in self.rows if t in ("service", "systemd")]
        # One that is to be off need not be there: an empty line.
        said = host.out("for u in " + " ".join(units) +
                        "; do echo \"$(systemctl is-enabled $u 2>/dev/null)\"; done; echo end")
        self.enabled = dict(zip(units, said.split("\n")))
        for type_, key in dict.fromkeys(self.rows):
            getattr(self, "of_" + type_, self.of_nothing)(type_, key)

    def of_nothing(self, type_, key):
        asks = ("activation", "package", "command", "shell", "slurp", "stat")
        assert type_ in asks + WHOLE + PART, type_
        if type_ in WHOLE + PART:
            self.files(type_, key, [key], kinds=ATTRIBUTES + CONTENTS +
                       (("cut",) if type_ in PART else ()))

    def kind_of(self, path):
        return self.there.get(path, "-")[0]

    def below(self, folder, kind="f", depth=1, ends=""):
        """The paths that lie so deep in a folder."""
        return sorted(p for p, what in self.there.items()
                      if p.startswith(folder + "/") and what[0] == kind and p.endswith(ends) and
                      p[len(folder):].count("/") == depth)

    def add(self, c, pair):
        c.do, c.back = pair
        self.changes.append(c)

    def saved(self):
        return f"/root/drift/{len(self.changes)}"

    def files(self, type_, resource, paths, sees=None, kinds=ATTRIBUTES + CONTENTS):
        drawn = random.choice(paths) if paths else None
        for path in paths:
            for kind in kinds:
                # One of many is enough for what hides the others.
                if path != drawn and Change(kind, path, resource, type_).refused:
                    continue
                # A comment in a file of which we own a part is not ours; a link is followed.
                if type_ in PART and (kind == "append" or (type_ == "lineinfile" and kind == "link")):
                    continue
                c = Change(kind, path, resource, type_, sees(path) if sees else None)
                self.add(c, on_file(kind, path, self.saved()))

    def folder(self, type_, resource, path, sees=None, kinds=ATTRIBUTES, slot=None):
        owner, mode = self.there[path][1:]
        for kind in kinds:
            do, back = on_folder(kind, path, self.saved())
            self.add(Change(kind, path, resource, type_, sees, slot),
                     (do, back.format(shlex.quote(path), owner, mode)))

    def of_lookup_table(self, type_, key):
        self.files(type_, key, [key])
        made = [key + end for end in (".db", ".cdb", ".dat", "shadow.dat")
                if key + end in self.there]
        self.files(type_, key, made, lambda p: "compiled", ATTRIBUTES + CONTENTS[:-1])

    def of_sieve_script(self, type_, key):
        self.files(type_, key, [key])
        self.files(type_, key, [key.replace(".sieve", ".svbin")], lambda p: "compiled",
                   ATTRIBUTES + CONTENTS[:-1])

    def of_file(self, type_, key):
        kind = self.kind_of(key)
        if kind == "d":
            self.folder(type_, key, key)
        elif kind == "-" and self.kind_of(os.path.dirname(key)) == "d":
            self.add(Change("add", key, key, type_), on_file("add", key, self.saved()))

    def of_file_set(self, type_, key):
        others = [k for t, k in self.rows if t != type_]
        files = [f for f in self.below(key) if f not in others]
        firsts = self.host.out(f"cd {key}; head -qn 1 * .[!.]* 2>/dev/null || true").splitlines()
        mark = max(set(firsts), key=firsts.count) if len(files) > 3 else ""
        self.files(type_, key, files, os.path.basename)
        path = key + "/by-hand.conf"
        self.add(Change("add", path, key, type_, "by-hand"), on_file("add", path, "", mark))

    def of_certificates(self, type_, key):
        self.files(type_, key, self.below(key, ends=".pem"), lambda p: os.path.basename(p)[:-4])

    def of_dkim_keys(self, type_, key):
        self.files(type_, key, self.below(key, ends=".key") + self.below(key, ends=".txt"),
                   lambda p: os.path.basename(p)[:-4])

    def of_maildirs(self, type_, key):
        """Of a mailbox the plan names the first folder that is wrong: one at a time in each. Which
        mailbox a change meets is drawn."""
        boxes = [b[len(key) + 1:] for b in self.below(key, "d", 2)]
        parts = ["", "/Maildir"] + ["/Maildir" + f + p for f in ("", "/.Spam")
                                    for p in ("/cur", "/new", "/tmp")] + ["/Maildir/.Spam"]
        for part in parts:
            for kind in ATTRIBUTES + (("gone",) if part else ()):
                box = random.choice(boxes)
                self.folder(type_, key, f"{key}/{box}{part}", box, (kind,), f"{key}/{box}")
        # A domain's folder is named with its first mailbox.
        box = boxes[0]
        self.folder(type_, key, f"{key}/{os.path.dirname(box)}", os.path.dirname(box),
                    slot=f"{key}/{box}")

    def of_mailing_lists(self, type_, key):
        for path in [p for p in self.below(key, "d", 2) if "/closed/" not in p]:
            address = "@".join(reversed(path.split("/")[-2:]))
            self.folder(type_, key, path, address, slot=path)
            for d in ("control", "subscribers.d", "archive"):
                self.folder(type_, key, f"{path}/{d}", address, slot=path)
            files = self.below(path + "/control")
            self.files(type_, key, [random.choice(files), path + "/.declared"],
                       lambda p: address, ("mode", "owner", "remove"))
            subscribers = self.below(path + "/subscribers.d")
            self.files(type_, key, [random.choice(subscribers)], lambda p: "members", ("remove",))

    def of_hostname(self, type_, key):
        self.files(type_, key, ["/etc/hostname"], None, ATTRIBUTES + ("truncate", "remove", "link"))
        self.add(Change("rename", "kernel", key, type_, "name"),
                 ("hostname by-hand", f"hostname {key}"))

    def unit(self, type_, key):
        state = self.enabled[key]
        if not state:
            return
        local = self.kind_of(f"/etc/systemd/system/{key}") == "f"
        if state == "static" or state == "indirect" or key == "postfix@-":
            kinds = ("mask", "mask until boot")
        elif state == "enabled":
            kinds = tuple(UNIT)
        else:  # is to be off
            self.add(Change("enable", key, key, type_, "enabled", "unit " + key),
                     (f"{SYSTEMCTL} enable {key}", f"{SYSTEMCTL} disable {key}"))
            return
        for kind in kinds:
            if local and "mask" in kind:  # systemd cannot mask what lies in /etc itself
                continue
            self.add(Change(kind, key, key, type_, "masked" if "mask" in kind else "enabled",
                            "unit " + key),
                     (UNIT[kind].format(u=key), UNIT_BACK[kind].format(u=key)))

    of_service = of_systemd = unit

    def of_user(self, type_, key):
        if key == "_rspamd":
            self.add(Change("groups", key, key, type_, "groups", "user " + key),
                     (f"gpasswd --delete {key} redis", f"gpasswd --add {key} redis"))
            return
        entry = self.host.out(f"getent passwd {key}")
        _, _, _, gid, comment, home, shell = entry.split(":")
        back = (f"usermod --prefix /. --gid {gid} --home {home} --shell {shell} --groups '' "
                f"--comment {shlex.quote(comment)} {key}; echo '{key}:!' | chpasswd --encrypted")
        for kind, do in ACCOUNT.items():
            self.add(Change(kind, key, key, type_, kind, "user " + key), (do.format(n=key), back))

    def of_group(self, type_, key):
        gid = self.host.out(f"getent group {key}").split(":")[2]
        if "maildrop" != key and int(gid) >= 5000:  # where the id is declared
            self.add(Change("gid", key, key, type_, "gid", "user " + key),
                     (f"groupmod --gid 7777 {key}", f"groupmod --gid {gid} {key}"))


def rounds(changes):
    """As few plans as it takes for each change to be seen beside the others of its plan."""
    left = list(changes)
    random.shuffle(left)
    while left:
        now = []
        for c in left:
            if not any(c.hides(o) for o in now):
                now.append(c)
        left = [c for c in left if c not in now]
        yield now


def is_seen(change, steps):
    for s in steps:
        if s["kind"] not in ("change", "failed", "unknown", "maybe") or s.get("type") != change.type:
            continue
        if s.get("resource") != change.resource:
            continue
        if s["kind"] == "failed" and change.path in str(s):
            return True
        told = [" ".join(str(c.get(k)) for k in ("field", "before", "after"))
                for c in s.get("changes", ())]
        if not change.sees and told or any(change.sees and change.sees in t for t in told):
            return True
    return False


@unittest.skipIf(SANITIZED, "changes by hand are no other for a sanitized agent")
class DriftAll(HostTest):
    names = ("drift.example.com",)
    variant = PIGGYBACK
    maxDiff = None
    seeds = 3 if ALL else 1

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        random.seed(SEED)
        cls.manifest = MANIFEST % {"n": 10, **cls.variant}

    def setUp(self):
        print(f"drift: PROVISION_SEED={SEED}", flush=True)
        self.s = self.site(self.manifest)
        os.system(f"openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=mail.example.org "
                  f"-addext subjectAltName=DNS:mail.example.org -keyout {self.cert}.key "
                  f"-out {self.cert}.pem 2>/dev/null") if not os.path.exists(self.cert + ".pem") else 0
        for end in ("pem", "key"):
            with open(f"{self.cert}.{end}", encoding="ascii") as f:
                self.s.write("org." + end, f.read())

    @property
    def cert(self):
        return os.path.join(os.environ["PROVISION_TEST_RUN"], type(self).__name__)

    def steps(self):
        done, events = self.s.events("plan")
        plans = [e for e in events if e["event"] == "plan"]
        self.assertTrue(plans, done.stdout + done.stderr)
        return plans[0]["steps"]

    def no_changes(self):
        done = self.s.plan()
        self.assertExit(done, 0)
        self.assertIn("No changes", done.stdout)

    def managed(self):
        self.host.run("mkdir -p /root/drift")
        return Managed(self.host, self.s.plan("-vv").stdout).changes

    def run_all(self, commands):
        self.host.run("".join(f"{{ {c}; }} >/dev/null 2>>/root/drift/said\n" for c in commands) +
                      "systemctl daemon-reload", check=False, timeout=600)

    def test_1_each_change_is_in_the_plan(self):
        done = self.s.apply()
        self.assertExit(done, 0)
        self.no_changes()
        changes = self.managed()
        unseen, plans = [], 0
        for now in rounds(changes):
            self.run_all([c.do for c in now])
            steps = self.steps()
            plans += 1
            unseen += [str(c) for c in now if not is_seen(c, steps)]
            self.run_all([c.back for c in now])
        print(f"drift: {len(changes)} changes in {plans} plans", flush=True)
        self.assertEqual(unseen, [])
        self.assertGreater(len(changes), 311)
        # A timer has failed whose service was masked; mail may have come while an id was another.
        self.assertExit(self.s.apply(), 0)
        self.no_changes()

    def test_2_one_apply_repairs_all(self):
        for _ in range(self.seeds):
            changes = [c for c in self.managed() if not c.refused]
            now = next(rounds(changes))
            units = [k for t, k in Managed(self.host, self.s.plan("-vv").stdout).rows
                     if t in ("service", "systemd") and
                     self.host.run(f"systemctl is-active {k}", check=False).returncode == 0]
            self.run_all([c.do for c in now] +
                         [f"systemctl stop {u}" for u in random.sample(units, 3)])
            done = self.s.apply()
            self.assertExit(done, 0)
            self.assertGreater(recap(done.stdout)["drift.example.com"]["changed"], 30)
            self.no_changes()
            self.mail_works()

    def test_3_a_daemon_that_reads_what_others_own(self):
        """What a daemon reads, but another part of the play writes, is gone or damaged, and settings of
        its own change too. It was stopped; or started without, until systemd gave it up."""
        self.host.run("rm /etc/postfix/main.cf; systemctl stop postsrsd;"
                      "echo SRS_HASHMIN=3 >>/etc/default/postsrsd; rm /etc/dovecot/dovecot.conf;"
                      "systemctl stop mlmmj-lists.timer; rm /etc/systemd/system/mlmmj-lists.service;"
                      "systemctl daemon-reload;"
                      "for i in 1 2 3 4 5 6; do systemctl restart dovecot; done", check=False)
        self.assertIn("repeated too quickly", self.host.out("journalctl -q -o cat -n 50 -u dovecot"))
        self.repaired()
        rows = dict.fromkeys(Managed(self.host, self.s.plan("-vv").stdout).rows)
        files = {way: [k for t, k in rows if self.meets(way, t, k)] for way in DAMAGE}
        units = [k for t, k in rows if t in ("service", "systemd") and "@-" not in k and
                 self.host.run(f"systemctl is-active {k}", check=False).returncode == 0]
        for n, (way, then) in enumerate(DAMAGED if ALL else DAMAGED[:1], 11):
            with self.subTest(way=way, then=then):
                self.s.write("site.yml", MANIFEST % {"n": n, **self.variant})
                self.run_all([DAMAGE[way].format(p=shlex.quote(f)) for f in files[way]] +
                             [f"timeout 20 systemctl {then} {u}" for u in units])
                self.repaired()

    @staticmethod
    def meets(way, type_, key):
        """Of a file that is only in part ours the rest stays as it is; a key is never replaced without a
        word."""
        if way == "gone":
            return type_ in WHOLE + PART
        return type_ in WHOLE and not key.startswith("/etc/ssl/")

    def repaired(self):
        self.assertExit(self.s.apply(), 0)
        self.no_changes()
        self.mail_works()

    def mail_works(self):
        a = self.host.address
        arrives(a, "bob@example.com", "bobs",
                submit(a, "alice@example.com", "alices", "alice@example.com", "bob@example.com"))
        arrives(a, "carol@example.org", "carols",
                submit(a, "bob@example.com", "bobs", "bob@example.com", "carol@example.org"))
        s = imap(a, "alice@example.com", "alices")
        self.assertEqual(s.select("Spam")[0], "OK")
        s.logout()


@unittest.skipUnless(ALL and not SANITIZED, "takes minutes: make test-all")
class DriftRspamd(DriftAll):
    names = ("drift.example.com",)
    variant = {"filter": "spam_filter: rspamd\n    low_memory: true", "traps": "srs: false"}


@unittest.skipUnless(ALL and not SANITIZED, "takes minutes: make test-all")
class DriftNoFilter(DriftAll):
    names = ("drift.example.com",)
    variant = {"filter": "spam_filter: none", "traps": "srs: true"}
