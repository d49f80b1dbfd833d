# SPDX-License-Identifier: MIT
"""The same plays by ansible-playbook and by us, each on a host of its own: what they leave on the
hosts, and what they count, is the same. Skipped where ansible-playbook is missing.

A case is a folder in tests/cases/ansible: a site (site.yml, hosts.ini with @ADDRESS@, roles, ...)
that works below /srv/CASE, and, where wanted, `args` (arguments, a line is two runs) and `below` (more
paths that are compared, a line each). The second run finds as much to change on both sides.
"""
import difflib
import json
import os
import re
import shlex
import shutil
import subprocess
import unittest

from lib import SANITIZED, TOP, HostTest, Site, recap, sh

CASES = os.path.join(TOP, "tests", "cases", "ansible")
NAME = "mx1.example.com"

# Prints a line a path, and the text of files; times and the name of backups are left out.
SNAPSHOT = r"""
import base64, grp, hashlib, json, os, pwd, re, stat, sys
def name(get, number):
    try:
        return get(number)[0]
    except KeyError:
        return str(number)
def one(p):
    s = os.lstat(p)
    row = {"mode": "%04o" % stat.S_IMODE(s.st_mode), "owner": name(pwd.getpwuid, s.st_uid),
           "group": name(grp.getgrgid, s.st_gid), "type": stat.S_IFMT(s.st_mode)}
    if stat.S_ISLNK(s.st_mode):
        row["to"] = os.readlink(p)
    if stat.S_ISREG(s.st_mode):
        row["text"] = open(p, "rb").read().decode("utf-8", "backslashreplace")
        if s.st_nlink > 1:
            row["links"] = s.st_nlink
    return row
out = {}
for top in sys.argv[1:]:
    if not os.path.lexists(top):
        continue
    todo = [top]
    while todo:
        p = todo.pop()
        key = re.sub(r"\.\d+\.\d{4}-\d\d-\d\d@\d\d:\d\d:\d\d~$", ".BACKUP~", p)
        out[key] = one(p)
        if os.path.isdir(p) and not os.path.islink(p):
            todo += [os.path.join(p, n) for n in sorted(os.listdir(p))]
print(json.dumps(out))
"""


def lines(folder, name):
    path = os.path.join(folder, name)
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as f:
        return f.read().splitlines()


def described(rows):
    """A snapshot as text that can be compared line by line."""
    text = []
    for path in sorted(rows):
        row = dict(rows[path])
        content = row.pop("text", "")
        text.append(f"{path} {json.dumps(row, sort_keys=True)}")
        text += ["    | " + x for x in content.split("\n")] if content else []
    return text


@unittest.skipUnless(shutil.which("ansible-playbook"), "ansible-playbook is not installed")
@unittest.skipIf(SANITIZED, "what the plays leave is the same with the sanitizers")
class Ansible(HostTest):
    names = ("theirs.example.com", "ours.example.com")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.theirs, cls.ours = cls.hosts
        for h in cls.hosts:
            # Facts come into templates, so both hosts have one name.
            h.run(f"hostname {NAME}; echo {NAME} >/etc/hostname;"
                  f"echo '127.0.1.1 {NAME} mx1' >>/etc/hosts")

    def case(self, host, name):
        s = Site([host], "")
        self.addCleanup(shutil.rmtree, s.dir, ignore_errors=True)
        shutil.copytree(os.path.join(CASES, name), s.dir, dirs_exist_ok=True, symlinks=True)
        with open(os.path.join(CASES, name, "hosts.ini"), encoding="utf-8") as f:
            s.write("hosts.ini", f.read().replace("@ADDRESS@", host.address))
        return s

    def alone(self, site):
        """An environment in which Ansible finds nothing that somebody else may have installed or set:
        with passlib it hashes with other rounds, and its settings and collections change results."""
        hidden = os.path.join(site.dir, ".hidden")
        os.makedirs(os.path.join(hidden, "passlib"), exist_ok=True)
        with open(os.path.join(hidden, "passlib", "__init__.py"), "w", encoding="utf-8") as f:
            f.write("raise ImportError('hidden from this test')\n")
        site.write(".hidden/ansible.cfg", "[defaults]\n")
        env = {k: v for k, v in os.environ.items() if not k.startswith("ANSIBLE_")}
        path = [hidden, *filter(None, [env.get("PYTHONPATH")])]
        return dict(env, PYTHONPATH=":".join(path), PYTHONNOUSERSITE="1",
                    ANSIBLE_CONFIG=os.path.join(hidden, "ansible.cfg"),
                    ANSIBLE_HOME=os.path.join(site.dir, ".ansible"),
                    ANSIBLE_COLLECTIONS_PATH=hidden, ANSIBLE_COLLECTIONS_SCAN_SYS_PATH="0",
                    ANSIBLE_ROLES_PATH=hidden)

    def playbook(self, site, args):
        info = self.theirs.info
        env = dict(self.alone(site), ANSIBLE_PIPELINING="1", ANSIBLE_NOCOWS="1", ANSIBLE_NOCOLOR="1",
                   ANSIBLE_RETRY_FILES_ENABLED="0", ANSIBLE_PYTHON_INTERPRETER="/usr/bin/python3",
                   ANSIBLE_DEPRECATION_WARNINGS="0", LC_ALL="C.UTF-8",
                   ANSIBLE_LOCAL_TEMP=os.path.join(site.dir, ".tmp"),
                   ANSIBLE_SSH_ARGS=f"-F {info['SSH_CONFIG']} -o ControlMaster=auto "
                                    f"-o ControlPersist=30s -o ControlPath={info['RUN']}/cm-%C")
        argv = ["ansible-playbook", "-i", "hosts.ini", "--private-key", info["KEY"],
                "site.yml", *args]
        return subprocess.run(argv, capture_output=True, text=True, timeout=900, cwd=site.dir,
                              env=env, check=False)

    def snapshot(self, host, tops):
        done = sh([os.path.join(TOP, "tests", "hosts", "host"), "exec", host.name,
                   "/usr/bin/python3", "-c", SNAPSHOT, *tops])
        return described(json.loads(done.stdout))

    def assertSame(self, theirs, ours, what, tail=""):
        if theirs != ours:
            diff = difflib.unified_diff(theirs, ours, "ansible", "provision", lineterm="", n=2)
            self.fail(f"{what}:\n" + "\n".join(diff) + "\n" + tail)

    def counts(self, text):
        """Ours has no task of its own for facts, so theirs does not count."""
        rows = recap(text)
        gathered = len(re.findall(r"^TASK \[Gathering Facts\]", text, re.M))
        for row in rows.values():
            row["ok"] -= gathered
        return [f"{h} {k}={n}" for h, row in sorted(rows.items()) for k, n in row.items()]

    def once(self, name, args, tops, run):
        a, b = self.case(self.theirs, name), self.case(self.ours, name)
        theirs = self.playbook(a, args)
        ours = b.apply("-D", *args)
        tail = f"--- ansible\n{theirs.stdout}{theirs.stderr}\n--- provision\n{ours.stdout}{ours.stderr}"
        what = f"{name}, run {run} {' '.join(args)}"
        problems = []
        for this in (
            lambda: self.assertSame(self.snapshot(self.theirs, tops),
                                    self.snapshot(self.ours, tops), f"{what}: trees"),
            lambda: self.assertSame(self.counts(theirs.stdout), self.counts(ours.stdout),
                                    f"{what}: recaps"),
            lambda: self.assertEqual(theirs.returncode, ours.returncode, f"{what}: exit codes"),
        ):
            try:
                this()
            except AssertionError as e:
                problems.append(str(e))
        if problems:
            self.fail("\n".join(problems) + "\n" + tail)

    def compare(self, name):
        folder = os.path.join(CASES, name)
        tops = [f"/srv/{name}", *lines(folder, "below")]
        for args in lines(folder, "args") or [""]:
            for run in ("first", "second"):
                self.once(name, shlex.split(args), tops, run)


def case_of(name):
    return lambda self: self.compare(name)


for each in sorted(os.listdir(CASES)):
    setattr(Ansible, "test_" + each, case_of(each))
