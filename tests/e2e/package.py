# SPDX-License-Identifier: MIT
"""The Debian package: two builds are the same, lintian finds nothing, and a host has it and loses it.

A part of `make test-all` (PROVISION_TEST_ALL=1): it builds the program twice.
"""
import glob
import os
import subprocess
import unittest

from lib import BUILD, RUN, SANITIZED, TOP, HostTest, recap, sh

ALL = os.environ.get("PROVISION_TEST_ALL", "") not in ("", "0")
EPOCH = "1700000000"
EXAMPLES = "/usr/share/doc/provision/examples"
APT = "DEBIAN_FRONTEND=noninteractive apt-get -q -y"
# What apt and systemd write as they go.
FILES = ("find / -xdev ( -path /proc -o -path /sys -o -path /run -o -path /tmp -o -path /var/cache "
         "-o -path /var/log -o -path /var/tmp -o -path /var/lib/apt -o -path /var/lib/dpkg "
         "-o -path /var/lib/systemd ) -prune -o -print").replace("(", r"\(").replace(")", r"\)")
PLAY = """
- hosts: localhost
  tasks:
    - copy: {content: "made by the package\\n", dest: /etc/from-package, mode: "0600"}
"""


def make_deb(build, tree=TOP, umask="022", **environment):
    """Without what the make that runs the tests says."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
    sh(["sh", "-c", f"umask {umask}; exec make -s deb BUILD={build}"], timeout=1800, cwd=tree,
       env={**env, "SOURCE_DATE_EPOCH": EPOCH, **environment})


def tree_files():
    """What is in the tree, but for what builds and tests may leave there."""
    found = set()
    for folder, below, files in os.walk(TOP):
        below[:] = [d for d in below if d not in (".git", "__pycache__") and
                    os.path.join(folder, d) != os.path.join(TOP, "build")]
        found.update(os.path.join(folder, f) for f in files)
    return found


def other_tree(build, where):
    """The source package, taken out by somebody with another umask and at another time."""
    source, = glob.glob(os.path.join(build, "deb", "*.dsc"))
    sh(["dpkg-source", "-x", source, where])
    sh(["chmod", "-R", "go=", where])
    sh(["find", where, "-exec", "touch", "-h", "-d", "@1500000000", "{}", "+"])


def packages(build):
    """File name -> content of what is to be the same in each build."""
    found = {}
    for pattern in ("*.deb", "*.dsc", "*.tar.xz"):
        for path in glob.glob(os.path.join(build, "deb", pattern)):
            with open(path, "rb") as f:
                found[os.path.basename(path)] = f.read()
    return found


@unittest.skipUnless(ALL, "make test-all builds the package")
@unittest.skipIf(SANITIZED, "the package is built without sanitizers")
class Package(HostTest):
    names = ("packaged",)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.build = os.path.join(RUN, "package-build")
        cls.before = tree_files()
        make_deb(cls.build)

    def test_tree_stays_clean(self):
        self.assertEqual(tree_files() ^ self.before, set())

    def test_lintian_finds_nothing(self):
        changes, = glob.glob(os.path.join(self.build, "deb", "*.changes"))
        done = subprocess.run(["lintian", "--fail-on", "error,warning", changes],
                              capture_output=True, text=True, timeout=300)
        self.assertExit(done, 0)

    def test_two_builds_are_the_same(self):
        tree, build = os.path.join(RUN, "package-tree"), os.path.join(RUN, "second")
        other_tree(self.build, tree)
        make_deb(build, tree, "077", TZ="Asia/Tokyo", LC_ALL="C", CFLAGS="-O0")
        first, second = packages(self.build), packages(build)
        self.assertEqual(len(first), 4, list(first))
        self.assertEqual(list(sorted(first)), list(sorted(second)))
        self.assertEqual([n for n in first if first[n] != second[n]], [])

    def test_host_has_it_and_loses_it(self):
        deb, = glob.glob(os.path.join(self.build, "deb", "provision_*.deb"))
        before = set(self.host.out(FILES).splitlines())
        sh(["scp", "-q", "-F", self.host.info["SSH_CONFIG"], deb, f"{self.host.name}:/tmp/new.deb"])
        self.host.run(f"{APT} install /tmp/new.deb")
        self.use()
        self.host.run(f"{APT} autoremove --purge provision")
        # The host's own record is the host's, not the package's.
        self.host.run("rm -r /var/lib/provision /etc/from-package")
        self.assertEqual(set(self.host.out(FILES).splitlines()) ^ before, set())

    def use(self):
        self.assertEqual(self.host.out("provision --version"),
                         sh([os.path.join(BUILD, "provision"), "--version"]).stdout.strip())
        examples = self.host.out(f"ls -d {EXAMPLES}/*/").split()
        self.assertGreaterEqual(len(examples), 4)
        for folder in examples:
            self.host.run(f"cd {folder} && "
                          "provision check site.yml -i hosts.yml -e @secrets.example.yml")
        self.host.run(f"mkdir /tmp/play && cd /tmp/play && cat >site.yml <<'EOF'\n{PLAY}EOF\n")
        for changed in (1, 0):
            done = self.host.run("cd /tmp/play && provision apply site.yml")
            self.assertEqual(recap(done.stdout)["localhost"]["changed"], changed, done.stdout)
        self.assertEqual(self.host.out("cat /etc/from-package"), "made by the package")
