# SPDX-License-Identifier: MIT
"""A mail server of an earlier version of provision, as an apply left it that was killed half-way.

The earlier version is built from this repository's history. It makes the server, saves a plan, and
its agent is killed behind a change of main.cf: a handler is pending, the run is interrupted, and
originals and the undo log are on the host. This version takes it over.
"""
import os
import shutil
import socket
import subprocess
import unittest

from lib import RUN, SANITIZED, TOP, HostTest, Site, arrives, recap, sh, submit, subjects, wait_for

EARLIER = "55a1290"  # the last one whose state had the names and formats before the first release
ALL = os.environ.get("PROVISION_TEST_ALL", "") not in ("", "0")
MANIFEST = """
- hosts: mx1.example.com
  become: true
  mail:
    hostname: mx1.example.com
    postfix: {main: {smtpd_banner: $myhostname ESMTP %s}}
    domains:
      example.com:
        mailboxes:
          alice: {password: alices}
          bob: {password: bobs}
  roles: [mail]
  tasks:
%s
"""
NOTE = """
    - name: A file of Postfix
      copy: {dest: /etc/postfix/note, content: "%s\\n"}
      notify: Reload Postfix
"""
LONG = """
    - name: Long
      command: sleep 60
"""
ALICE, BOB = ("alice@example.com", "alices"), ("bob@example.com", "bobs")


def build_earlier():
    """Its tree, built; a reason to skip where the history is not there."""
    path = os.path.join(RUN, "earlier")
    has = subprocess.run(["git", "-C", TOP, "cat-file", "-e", EARLIER + "^{commit}"],
                         capture_output=True, check=False)
    if has.returncode:
        raise unittest.SkipTest(f"this checkout has no commit {EARLIER}")
    os.makedirs(path, exist_ok=True)
    sh(["bash", "-c", f"git -C '{TOP}' archive {EARLIER} | tar -x -C '{path}'"])
    sh(["make", "-s", "-C", path, "all"], timeout=900,
       env={k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")})
    return path


class EarlierSite(Site):
    """The same folder, for the earlier program with its own roles."""

    def __init__(self, site, tree):  # pylint: disable=super-init-not-called
        self.dir, self.info, self.tree = site.dir, site.info, tree

    def argv(self, command, *args):
        roles = os.path.join(TOP, "roles")
        return [os.path.join(self.tree, "build/provision") if i == 0 else
                os.path.join(self.tree, "roles") if word == roles else word
                for i, word in enumerate(super().argv(command, *args))]


@unittest.skipUnless(ALL and not SANITIZED, "takes minutes: make test-all")
class Takeover(HostTest):
    names = ("mx1.example.com",)

    @classmethod
    def setUpClass(cls):
        cls.tree = build_earlier()
        super().setUpClass()

    def state(self, *names):
        return [self.host.run(f"test -e /var/lib/provision/{n}", check=False).returncode == 0
                for n in names]

    def kill_the_agent(self, earlier):
        apply = earlier.start("apply", "site.yml")
        try:
            wait_for("the long step",
                     lambda: self.host.run("pgrep -x sleep", check=False).stdout, 120)
            self.host.run("kill -9 $(pgrep -f 'provision.*/[a]gent-')")
            out, _ = apply.communicate(timeout=60)
        finally:
            if apply.poll() is None:
                apply.kill()
                apply.communicate()
        self.assertEqual(apply.returncode, 4, out)

    def test_an_earlier_version_is_taken_over(self):
        site = self.site(MANIFEST % ("first", NOTE % "first"))
        earlier = EarlierSite(site, self.tree)
        self.assertExit(earlier.apply(), 0)
        before = submit(self.host.address, *ALICE, ALICE[0], BOB[0])
        arrives(self.host.address, *BOB, before)

        site.write("site.yml", MANIFEST % ("second", NOTE % "second"))
        self.assertExit(earlier.plan("--out", site.path("earlier.plan")), 0)
        site.write("site.yml", MANIFEST % ("second", NOTE % "second" + LONG))
        self.kill_the_agent(earlier)
        self.assertEqual(self.state("pending", "unproven", "proven", "served", "originals"),
                         [True] * 5)
        originals = self.host.out("cd /var/lib/provision/originals && find . -type f | sort")
        self.assertIn("main.cf", originals)
        self.assertIn("/etc/postfix/note", self.host.out("cat /var/lib/provision/unproven"))

        done = site.provision("apply", site.path("earlier.plan"))
        self.assertExit(done, 1)
        self.assertIn("it is a plan of another version of provision", done.stderr)

        site.write("site.yml", MANIFEST % ("second", NOTE % "second"))
        plan = site.plan()
        self.assertExit(plan, 0)
        self.assertIn("left over from an unfinished run", plan.stdout)
        self.assertIn("interrupted", plan.stdout + plan.stderr)
        self.assertExit(site.apply(), 0)
        self.assertEqual(
            self.state("pending", "unproven", "proven", "served", "undo", "verified"),
            [False] * 5 + [True])
        for path in originals.split("\n"):
            self.host.run(f"test -f /var/lib/provision/originals/'{path}'")
        self.assertEqual(recap(site.apply().stdout)["mx1.example.com"]["changed"], 0)

        with socket.create_connection((self.host.address, 25), 20) as smtp:
            self.assertIn(b"ESMTP second", smtp.recv(200))
        self.assertIn(before, subjects(self.host.address, *BOB))
        after = submit(self.host.address, *ALICE, ALICE[0], BOB[0])
        arrives(self.host.address, *BOB, after)

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        shutil.rmtree(cls.tree, ignore_errors=True)
