# SPDX-License-Identifier: MIT
"""What a person meets at the controller itself: output, saved plans, descriptors, a lock that another
apply holds. The host is this machine, with a state folder of its own; no throwaway host is needed."""
import os
import stat
import subprocess
import threading
import time
import unittest

from lib import BUILD, SANITIZED, TOP, HostTest, Site

PLAY = """
- hosts: all
  gather_facts: false
  tasks:
    - name: A file
      copy: {dest: "{{ there }}/made", content: "{{ word | default('x') }}\\n"}
"""
SLOW = """
- hosts: all
  gather_facts: false
  tasks:
    - name: Another file
      copy: {dest: "{{ there }}/made", content: "theirs\\n"}
    - name: Long
      command: {cmd: "sleep 3", creates: "{{ there }}/never"}
"""


class Controller(HostTest):
    names = ()

    def setUp(self):
        self.s = Site([], PLAY)
        self.s.write("slow.yml", SLOW)
        self.there = os.path.join(self.s.dir, "there")
        os.mkdir(self.there)

    def run_it(self, *argv, shell="", **kw):
        """provision with these arguments, in a shell that adds `shell` (redirections, limits)."""
        env = dict(os.environ, PROVISION_STATE=os.path.join(self.s.dir, "state"))
        line = f'{shell.split("@")[0] if "@" in shell else ""} "$@" {shell.split("@")[-1]}'
        return subprocess.run(["bash", "-c", line, "bash", os.path.join(BUILD, "provision"), *argv],
                              cwd=self.s.dir, env=env, capture_output=True, text=True, timeout=120,
                              **kw)

    def local(self, command, site, *more, hosts="h1,", shell="", **kw):
        return self.run_it(command, site, "-i", hosts, "-c", "local", "-e", f"there={self.there}",
                           *more, shell=shell, **kw)

    # ---- output ----

    def test_output_that_cannot_be_written_is_an_error(self):
        self.s.write("t.j2", "text\n")
        commands = (("plan", "site.yml", "-i", "h1,", "-c", "local", "-e", "there=/tmp"),
                    ("plan", "site.yml", "-i", "h1,", "-c", "local", "-e", "there=/tmp", "--json"),
                    ("plan", "site.yml", "-i", "h1,", "-e", "there=/tmp", "--list-hosts"),
                    ("check", "site.yml", "-i", "h1,", "-e", "there=/tmp"),
                    ("doc", "copy"), ("render", "t.j2"), ("--version",), ("--help",),
                    ("plan", "--help"))
        for argv in commands:
            for where in ("> /dev/full", ">&-"):
                done = self.run_it(*argv, shell=where)
                self.assertEqual(done.returncode, 1, (argv, where, done.stderr))
                self.assertIn("cannot write to standard output", done.stderr)
            self.assertEqual(self.run_it(*argv).returncode, 0)

    def test_nothing_is_printed_into_another_file(self):
        """With a closed standard output the next file that is opened must not take its number."""
        done = self.local("apply", "site.yml", shell=">&- 2>&-")
        self.assertEqual(done.returncode, 1)
        with open(os.path.join(self.there, "made"), encoding="utf-8") as f:
            self.assertEqual(f.read(), "x\n")

    # ---- plan --out ----

    def save(self, path, **kw):
        return self.local("plan", "site.yml", "--out", path, **kw)

    def test_a_plan_is_saved_where_it_was_meant_to_be(self):
        self.s.write("real/p.plan", "old")
        os.symlink("real/p.plan", os.path.join(self.s.dir, "link"))
        os.symlink("real/new.plan", os.path.join(self.s.dir, "dangling"))
        for link in ("link", "dangling"):
            self.assertEqual(self.save(link).returncode, 0)
            self.assertTrue(os.path.islink(os.path.join(self.s.dir, link)))
            self.assertEqual(self.local("apply", link).returncode, 1)  # -e with a saved plan
            self.assertEqual(self.run_it("apply", link).returncode, 0)
            os.unlink(os.path.join(self.there, "made"))

    def test_devices_and_pipes_stay_what_they_are(self):
        null = os.path.join(self.s.dir, "null")
        full = os.path.join(self.s.dir, "full")
        pipe = os.path.join(self.s.dir, "pipe")
        os.mknod(null, 0o600 | stat.S_IFCHR, os.makedev(1, 3))
        os.mknod(full, 0o600 | stat.S_IFCHR, os.makedev(1, 7))
        os.mkfifo(pipe)
        self.assertEqual(self.save("null").returncode, 0)
        done = self.save("full")
        self.assertEqual(done.returncode, 1)
        self.assertIn("No space left", done.stderr)
        got = []

        def read():
            with open(pipe, "rb") as f:
                got.append(f.read())
        reader = threading.Thread(target=read)
        reader.start()
        self.assertEqual(self.save("pipe").returncode, 0)
        reader.join(20)
        self.assertTrue(got[0].startswith(b"provision plan 3\n"))
        self.assertTrue(stat.S_ISCHR(os.stat(null).st_mode) and stat.S_ISCHR(os.stat(full).st_mode))
        self.assertTrue(stat.S_ISFIFO(os.stat(pipe).st_mode))

    def test_where_a_plan_cannot_be_saved(self):
        for path, shell, why in (("there", "", "is a directory; a plan is saved to a file"),
                                 ("/dev/stdout", "| cat", "is where the plan is printed"),
                                 ("/dev/stdout", "> printed", "is where the plan is printed")):
            done = self.save(path, shell="set -o pipefail; @" + shell)
            self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
            self.assertIn(why, done.stderr)
        other = os.path.join(self.s.dir, "other")
        os.symlink("elsewhere", other)
        os.lchown(other, 12345, 12345)
        done = self.save("other")
        self.assertEqual(done.returncode, 1)
        self.assertIn("symbolic link of user 12345", done.stderr)

    # ---- what is named wrongly ----

    def test_a_site_that_is_none(self):
        self.s.write("next.plan", "provision plan 4\n" + 40 * "x")
        self.s.write("old.plan", "provision plan 1\n" + 40 * "x")
        os.mkfifo(os.path.join(self.s.dir, "fifo"))
        for site, why in (("next.plan", "it is a plan of another version of provision"),
                          ("old.plan", "it is a plan of another version of provision"),
                          ("there", "there is a directory, not a regular file"),
                          ("fifo", "fifo is a fifo, not a regular file"),
                          ("/dev/stdin", "/dev/stdin is a device, not a regular file"),
                          ("none.yml", "there is no manifest 'none.yml'")):
            done = self.run_it("apply", site, shell="< /dev/null" if "stdin" in site else "")
            self.assertEqual(done.returncode, 1)
            self.assertIn(why, done.stderr)

    def test_what_is_read_and_is_no_file(self):
        """Wherever a file of the user's is read, it says what stands in its place."""
        os.mkfifo(os.path.join(self.s.dir, "fifo"))
        with open(os.path.join(self.s.dir, "large"), "wb") as f:
            f.truncate((64 << 20) + 1)
        self.s.write("page.j2", "{% include what %}")
        self.s.write("bare/hosts", "h1\n")
        for name in ("group_vars", "inventory"):
            os.makedirs(os.path.join(self.s.dir, "bare", name))
        os.mkfifo(os.path.join(self.s.dir, "bare", "group_vars", "all.yml"))
        os.mkfifo(os.path.join(self.s.dir, "bare", "inventory", "hosts"))
        in_play = ("vars_files: [{}]", "tasks: [{{include_tasks: {}}}]",
                   "tasks: [{{import_tasks: {}}}]", "tasks: [{{include_vars: {}}}]",
                   "tasks: [{{template: {{src: {}, dest: /tmp/x}}}}]",
                   "tasks: [{{template: {{src: page.j2, dest: /tmp/x}}, vars: {{what: {}}}}}]",
                   "tasks: [{{copy: {{src: {}, dest: /tmp/x}}}}]",
                   "tasks: [{{debug: {{msg: \"{{{{ lookup('file', '{}') }}}}\"}}}}]",
                   "tasks: [{{debug: {{msg: \"{{{{ lookup('template', '{}') }}}}\"}}}}]")
        for name, why in (("fifo", "fifo is a fifo, not a regular file"),
                          ("/dev/null", "/dev/null is a device, not a regular file"),
                          ("large", "large is larger than 67108864 bytes")):
            for play in in_play:
                self.s.write("try.yml", f"- hosts: all\n  {play.format(name)}\n")
                self.refused(why, "try.yml", "-i", "h1,")
            self.s.write("try.yml", f"- import_playbook: {name}\n")
            self.refused(why, "try.yml", "-i", "h1,")
            self.refused(why, "site.yml", "-i", name)
            self.refused(why, "site.yml", "-i", "h1,", "-e", f"@{name}")
        self.refused("all.yml is a fifo", "site.yml", "-i", "bare/hosts")
        self.refused("inventory/hosts is a fifo", "site.yml", "-i", "bare/inventory")

    def refused(self, why, site, *more):
        done = self.run_it("check", site, "-e", "there=/tmp", *more)
        self.assertEqual(done.returncode, 1, (site, more))
        self.assertIn(why, done.stderr, (site, more))

    # ---- bounds ----

    def test_a_chain_of_aliases_has_an_end(self):
        for links, code in ((900, 0), (1100, 1)):
            chain = "".join(f"          a{i}: a{i + 1}\n" for i in range(links))
            self.s.write("chain.yml", "- hosts: all\n  mail:\n    hostname: mx.b.test\n    domains:\n"
                                      "      b.test:\n        mailboxes:\n"
                                      f"          a{links}: {{password: x-1_y-2}}\n        aliases:\n{chain}"
                                      "  roles: [mail]\n")
            done = self.run_it("check", "chain.yml", "-i", "h1,", "--roles-path",
                               os.path.join(TOP, "roles"))
            self.assertEqual(done.returncode, code, done.stderr[:2000])
            self.assertEqual("is the end of a chain of 1000 redirections" in done.stderr,
                             code == 1, done.stderr[:2000])

    def test_a_large_diff_is_not_made(self):
        for lines, shown in ((19000, True), (30000, False)):
            done = self.local("plan", "site.yml", "-e",
                              f"{{word: \"{{{{ 'line\\n' * {lines} }}}}\"}}")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual("+line\n" in done.stdout, shown)
            self.assertEqual("and the limit is 20000" in done.stdout, not shown)

    def test_eval_and_render_evaluate_only_what_they_use(self):
        self.s.write("one.yml", "broken: \"{{ lookup('file', 'none.txt') }}\"\nb: 3\n")
        self.s.write("t.j2", "b is {{ b }}\n")
        given = ("-e", "@one.yml", "-i", "h1,", "-l", "h1")
        for argv, code, text in ((("eval", "1 + 1"), 0, "2\n"), (("eval", "b * 2"), 0, "6\n"),
                                 (("render", "t.j2"), 0, "b is 3\n"),
                                 (("eval", "broken"), 1, "there is no file 'none.txt'"),
                                 (("eval", "nosuch"), 1, "expression:1:1: 'nosuch' is undefined"),
                                 (("eval", "ansible_hostname"), 1,
                                  "unknown until the host's facts are known")):
            done = self.run_it(*argv, *given)
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertIn(text, done.stdout if code == 0 else done.stderr)

    def test_a_folder_of_roles_that_cannot_be_named_is_an_error(self):
        done = self.run_it("check", "site.yml", "-i", "h1,", "-e", "there=/tmp", "--roles-path", "~nosuchuser/roles:/tmp")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("~nosuchuser/roles: there is no user 'nosuchuser'", done.stderr)

    def test_a_quote_that_is_not_closed_is_shown_where_it_begins(self):
        for text, places in (("- hosts: a\n  name: \"x\n  tasks: []\n", ("4:1: ", "2:9: the quote begins")),
                             ("- hosts: a\n  name: \"x\n  vars:\n    y: \"z\"\n",
                              ("4:9: ", "2:9: a quote begins here, and ends in the line"))):
            self.s.write("quote.yml", text)
            done = self.run_it("check", "quote.yml")
            self.assertEqual(done.returncode, 1, done.stderr)
            for place in places:
                self.assertIn(f"quote.yml:{place}", done.stderr)

    @unittest.skipIf(SANITIZED, "a sanitizer maps more than the limit on memory")
    def test_a_template_that_grows_without_end_is_ended(self):
        self.s.write("grows.j2", "{% set n = namespace(s='x' * 1000000) %}{% for i in range(60) %}"
                                 "{% set n.s = n.s + n.s %}{% endfor %}")
        done = self.run_it("render", "grows.j2", shell="ulimit -v 900000; @")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("grows.j2:1:", done.stderr)

    @unittest.skipIf(SANITIZED, "a sanitizer maps more than the limit on memory")
    def test_groups_within_groups_cost_what_they_are(self):
        chain = "".join(f"g{i}: {{children: {{g{i + 1}: {{}}}}}}\n" for i in range(1500))
        self.s.write("deep.yml", f"all: {{children: {{g0: {{}}}}}}\n{chain}g1500: {{hosts: {{h1: }}}}\n")
        done = self.run_it("check", "site.yml", "-i", "deep.yml", "-e", "there=/tmp",
                           shell="ulimit -v 200000; @")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_groups_that_many_ways_lead_to(self):
        ways = "".join(f"[{k}{i}:children]\na{i + 1}\nb{i + 1}\n" for i in range(60) for k in "ab")
        self.s.write("ways.ini", f"{ways}[a60]\nh1\n[b60]\nh1\n")
        done = self.run_it("check", "site.yml", "-i", "ways.ini", "-e", "there=/tmp")
        self.assertEqual(done.returncode, 0, done.stderr)
        circle = "".join(f"[g{i}:children]\ng{(i + 1) % 100}\n" for i in range(100))
        self.s.write("circle.ini", f"{circle}[g5]\nh1\n")
        self.refused("group 'g0' cannot be a child of 'g99': it is its ancestor", "site.yml",
                     "-i", "circle.ini")

    def test_how_many_hosts_and_items_there_may_be(self):
        self.s.write("hosts.ini", "".join(f"h{i}\n" for i in range(200001)))
        self.refused("hosts.ini:200001:1: an inventory may have at most 200000 hosts", "site.yml",
                     "-i", "hosts.ini", "-l", "h1")
        self.s.write("range.ini", "h[1:100001]\n")
        self.refused("'h[1:100001]' stands for more than 100000 hosts", "site.yml",
                     "-i", "range.ini")
        for items, code in ((100000, 0), (100001, 1)):
            self.s.write("loop.yml", "- hosts: all\n  gather_facts: false\n  tasks:\n"
                                     f"    - {{debug: , loop: '{{{{ range({items}) | list }}}}'}}\n")
            done = self.run_it("check", "loop.yml", "-i", "h1,")
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertEqual(f"the loop has {items} items, more than the limit of 100000" in done.stderr,
                             code == 1)

    # ---- too few descriptors ----

    def test_few_descriptors_mean_few_connections_at_a_time(self):
        hosts = "".join(f"h{i}," for i in range(30))
        for limit in (20, 32):
            done = self.local("plan", "site.yml", "-f", "60", hosts=hosts,
                              shell=f"ulimit -n {limit}; @")
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertNotIn("Too many open files", done.stdout + done.stderr)

    # ---- another apply ----

    def test_an_apply_waits_for_another(self):
        first = threading.Thread(target=self.local, args=("apply", "slow.yml"))
        first.start()
        lock = os.path.join(self.s.dir, "state", "lock")
        until = time.time() + 20
        while time.time() < until and not (os.path.exists(lock) and os.path.exists(
                os.path.join(self.there, "made"))):
            time.sleep(0.05)
        refused = self.local("apply", "site.yml")
        short = self.local("apply", "site.yml", "--lock-timeout", "1")
        waited = self.local("apply", "site.yml", "--lock-timeout", "60", "-e", "word=mine")
        first.join(60)
        self.assertEqual(refused.returncode, 2, refused.stdout)
        self.assertIn("another apply is running on this host", refused.stdout)
        self.assertEqual(short.returncode, 2, short.stdout)
        self.assertEqual(waited.returncode, 0, waited.stdout)
        with open(os.path.join(self.there, "made"), encoding="utf-8") as f:
            self.assertEqual(f.read(), "mine\n")
