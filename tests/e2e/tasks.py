# SPDX-License-Identifier: MIT
"""What the engine promises of single tasks on a host: package lists, environments, accounts, plans
that follow what the same run makes, and systems that the roles do not know."""
import os
import re
import shutil
import subprocess
import tempfile
import unittest

from lib import BUILD, RUN, HostTest, recap

BEGIN = "- hosts: mail\n  become: true\n  gather_facts: false\n"
ENVIRONMENT = BEGIN + """
  environment: {LEVEL: play, PLAY: "1"}
  roles: [{role: said, environment: {LEVEL: role, ROLE: "1"}}]
  tasks:
    - {name: login, shell: 'echo "$http_proxy $USER $LOGNAME $SHELL $LEVEL"; pwd', register: login}
    - name: other
      become_user: bob
      shell: 'echo "$USER $LOGNAME $HOME $SHELL $SUDO_USER $http_proxy"; pwd; touch here'
      register: other
    - {name: task, command: printenv LEVEL, environment: {LEVEL: "{{ 'task' }}"}, register: task}
    - name: A block
      environment: [{LEVEL: block}, {BLOCK: "{{ 1 + 1 }}"}]
      block:
        - {name: inner, shell: 'echo $LEVEL $PLAY $BLOCK', register: inner}
        - {name: included, include_tasks: {file: more.yml, apply: {environment: {APPLIED: "1"}}}}
    - name: files
      copy: {dest: /root/checked, content: x, validate: "sh -c 'test $LEVEL = play -a -s $0' %s"}
    - name: lists
      apt: {update_cache: true}
      environment: {http_proxy: "http://127.0.0.1:9"}
    - debug: {msg: "login={{ login.stdout_lines }}"}
    - debug: {msg: "other={{ other.stdout_lines }}"}
    - debug: {msg: "task={{ task.stdout }} inner={{ inner.stdout }} more={{ more.stdout }}"}
    - debug: {msg: "role={{ role.stdout }}"}
"""
REPOSITORY = BEGIN + """
  tasks:
    - name: add
      copy: {dest: /etc/apt/sources.list.d/two.list, content: "deb [trusted=yes] file:/srv/two ./\\n"}
      register: added
    - {name: refresh, apt: {update_cache: true}, when: added is changed}
    - {name: install, apt: {name: mytool}}
"""
TRUTH = BEGIN + """
  tasks:
    - {name: make, copy: {dest: /srv/db, content: "precious\\n"}}
    - {name: init, shell: echo EMPTY >/srv/db, args: {creates: /srv/db}}
    - {name: if there, command: {cmd: touch /srv/touched, removes: /srv/db}}
    - {name: tree, file: {path: /srv/tree/a, state: directory}}
    - {name: away, file: {path: /srv/tree, state: absent}}
    - {name: unit, copy: {dest: /etc/systemd/system/u.service, content: "[Service]\\nExecStart=sleep 99\\n"}}
    - {name: start, service: {name: u, state: started}}
    - {name: stop, service: {name: u, state: stopped}}
    - {name: remove, file: {path: /etc/systemd/system/u.service, state: absent}}
    - {name: settings, copy: {dest: /srv/settings, content: "x\\n"}, notify: build}
    - {name: same, file: {path: /srv, state: directory}, notify: never}
    - meta: flush_handlers
    - {name: if built, command: {cmd: touch /srv/then, creates: /srv/built}}
    - {name: unless never, command: {cmd: touch /srv/then, creates: /srv/never}}
    - {name: home, command: {cmd: touch tilde, creates: ~/tilde}}
  handlers:
    - {name: build, copy: {dest: /srv/built, content: "built\\n"}}
    - {name: never, copy: {dest: /srv/never, content: x}}
"""
QUIET = BEGIN + """
  tasks:
    - {name: group, group: {name: flushed}, notify: [say, skip]}
    - meta: flush_handlers
    - {name: look, stat: {path: /etc}, register: looked}
    - {name: never, command: 'false', when: not looked.stat.exists}
  handlers:
    - {name: say, debug: {msg: said}}
    - {name: skip, command: 'false', when: false}
"""
BRIEFLY = BEGIN + """
  tasks:
    - {name: package, apt: {name: ssl-cert}}
    - {name: no package, apt: {name: ssl-cert, state: absent}}
    - {name: package again, apt: {name: ssl-cert}}
    - {name: group, group: {name: many}}
    - {name: user, user: {name: once, group: many, home: /srv/once}}
    - {name: who, command: id -un, become_user: once, check_mode: false, changed_when: false, register: who}
    - {name: note, copy: {dest: /srv/who, content: "{{ who.stdout }}\\n"}}
    - {name: home, command: {cmd: 'false', creates: ~once/.profile}}
    - {name: no user, user: {name: once, state: absent, remove: true}}
    - {name: no group, group: {name: many, state: absent}}
"""
BROUGHT = BEGIN + """
  tasks:
    - {name: package, apt: {name: postfix}}
    - {name: folder, file: {path: /etc/postfix, state: directory}}
    - {name: user, user: {name: postfix, system: true}}
    - {name: enable, service: {name: postfix, enabled: true}}
    - {name: no list, file: {path: /etc/postfix/dynamicmaps.cf, state: absent}}
    - {name: start, service: {name: postfix, state: started}}
    - {name: start again, systemd: {name: postfix, state: started, enabled: true}}
"""
ACCOUNTS = BEGIN + """
  tasks:
    - {name: locked, user: {name: locked, password: "$6$abc$defghijk"}}
    - {name: fresh, user: {name: fresh, password: "$6$abc$defghijk", password_lock: true}}
    - {name: open, user: {name: opened, password_lock: false}}
"""


class Tasks(HostTest):
    names = ("tasks.test",)

    def planned(self, text):
        return re.findall(r"^[~?] (.*)", text, re.M)

    def changed(self, text):
        return re.findall(r"^changed: \S+: (.*?)(?:  \(.*\))?$", text, re.M)

    def test_environment(self):
        self.host.run("useradd -m -s /bin/bash bob;"
                      "echo 'http_proxy=\"http://proxy.test:3128\"' >/etc/environment")
        self.addCleanup(self.host.run, "rm /etc/environment")
        s = self.site(ENVIRONMENT)
        s.write("more.yml", "- {shell: 'echo $APPLIED $LEVEL', register: more}\n")
        s.write("roles/said/tasks/main.yml", "- {shell: 'echo $LEVEL $ROLE $PLAY', register: role}\n")
        done = s.apply()
        self.assertExit(done, 0)
        proxy = "http://proxy.test:3128"
        for line in (f"{proxy} root root /bin/bash play", "bob bob /home/bob /bin/bash root ",
                     "task=task inner=block 1 2 more=1 block", "role=role 1 1"):
            self.assertIn(line, done.stdout)
        self.host.run("test -e /home/bob/here -a ! -e /here")

    def test_a_repository_that_was_just_added(self):
        self.host.run("mkdir -p /srv/two/x/DEBIAN && cd /srv/two && printf 'Package: mytool\\n"
                      "Version: 1\\nArchitecture: all\\nMaintainer: x <x@x.test>\\nDescription: x\\n'"
                      " >x/DEBIAN/control && dpkg-deb -b x mytool.deb && rm -r x &&"
                      "(dpkg-deb -f mytool.deb; echo Filename: ./mytool.deb;"
                      " echo Size: $(stat -c %s mytool.deb);"
                      " echo SHA256: $(sha256sum <mytool.deb | cut -d' ' -f1)) >Packages &&"
                      "apt-get -q update")
        s = self.site(REPOSITORY)
        self.assertEqual(recap(s.apply().stdout)["tasks.test"]["changed"], 3)
        self.assertEqual(recap(s.apply().stdout)["tasks.test"]["changed"], 0)
        self.host.run("rm -r /var/lib/apt/lists/*")
        fresh = BEGIN + "  tasks: [{apt: {update_cache: true, cache_valid_time: 9999}}]\n"
        self.assertEqual(recap(self.site(fresh).apply().stdout)["tasks.test"]["changed"], 1)
        self.host.run("ls /var/lib/apt/lists/*Packages")
        self.assertEqual(recap(self.site(fresh).apply().stdout)["tasks.test"]["changed"], 0)

    def test_names_that_apt_takes_for_more(self):
        for name, why in (("mytool-", "is not a package name"), ("g++", "locate package g++")):
            done = self.site(BEGIN + f"  tasks: [{{apt: {{name: '{name}'}}}}]\n").apply()
            self.assertNotEqual(done.returncode, 0, name)
            self.assertIn(why, done.stdout + done.stderr)

    def test_a_plan_follows_what_it_makes(self):
        s = self.site(TRUTH)
        plan, done = s.plan(), s.apply()
        handlers = re.findall(r"^! (.*)  \(handler\)", plan.stdout, re.M)
        self.assertEqual(handlers, ["build"], plan.stdout)
        changed = [name for name in self.changed(done.stdout) if name not in handlers]
        self.assertEqual(self.planned(plan.stdout), changed, plan.stdout)
        self.assertNotIn("init", changed)
        self.assertNotIn("if built", changed)
        self.assertIn("unless never", changed)
        self.assertEqual(self.host.out("cat /srv/db"), "precious")
        self.assertNotIn("home", self.changed(s.apply().stdout))

    def test_handlers_that_do_nothing_on_the_host_leave_the_plan_sure(self):
        s = self.site(QUIET)
        plan = s.plan()
        self.assertEqual(self.planned(plan.stdout), ["group"], plan.stdout)
        self.assertNotIn("unknown", plan.stdout)
        self.assertExit(s.apply(), 0)

    def test_a_plan_follows_accounts_and_packages(self):
        s = self.site(BRIEFLY)
        plan, done = s.plan(), s.apply()
        self.assertExit(done, 0)
        sure = [name for name in self.planned(plan.stdout) if name != "home"]
        self.assertEqual(sure, self.changed(done.stdout), plan.stdout)
        self.assertEqual(self.host.out("cat /srv/who"), "once")
        self.host.run("dpkg -s ssl-cert")

    def test_what_packages_bring_is_not_sure(self):
        s = self.site(BROUGHT)
        plan, done = s.plan(), s.apply()
        self.assertExit(done, 0)
        self.assertEqual(re.findall(r"^~ (.*)", plan.stdout, re.M), ["package", "start"], plan.stdout)
        self.assertEqual(re.findall(r"^[?] (.*)", plan.stdout, re.M),
                         ["folder", "user", "enable", "no list"], plan.stdout)
        self.assertEqual(self.changed(done.stdout), ["package", "no list", "start"])

    def test_a_lock_stays(self):
        self.host.run("for u in locked opened; do useradd -m $u; usermod -p '!$6$abc$defghijk' $u; done")
        s = self.site(ACCOUNTS)
        self.assertEqual(self.changed(s.apply().stdout), ["fresh", "open"])
        self.assertEqual(self.changed(s.apply().stdout), [])
        for user, hashed in (("locked", "!$6$abc$defghijk"), ("fresh", "!$6$abc$defghijk"),
                             ("opened", "$6$abc$defghijk")):
            self.assertEqual(self.host.out(f"getent shadow {user} | cut -d: -f2"), hashed)

    def test_a_system_that_the_roles_do_not_know(self):
        self.host.run("cp /etc/os-release /root/; sed -i 's/12/13/;s/bookworm/trixie/' /etc/os-release")
        self.addCleanup(self.host.run, "cat /root/os-release >/etc/os-release")
        s = self.site(BEGIN + "  tasks: [{copy: {dest: /root/early, content: x}}]\n" + BEGIN +
                      "  roles: [hostname]\n  mail: {hostname: tasks.test, root: a@b.test}\n")
        done = s.apply()
        self.assertExit(done, 2)
        self.assertIn("(trixie), but the role 'hostname' supports only Debian 12", done.stdout)
        self.host.run("test ! -e /root/early")
        self.assertExit(s.plan("--unsupported-ok"), 0)

    def test_a_key_that_others_can_read(self):
        key = os.path.join(RUN, "open-key")
        shutil.copy(self.host.info["KEY"], key)
        os.chmod(key, 0o644)
        s = self.site(BEGIN + "  tasks: []\n", extra=f"ansible_ssh_private_key_file={key}")
        done = s.provision("facts", "mail")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("private key that others can read", done.stdout + done.stderr)
        os.chmod(key, 0o600)
        s = self.site(BEGIN + "  tasks: []\n", extra="ansible_ssh_private_key_file=~/open-key")
        os.environ["HOME"], home = RUN, os.environ.get("HOME", "/root")
        try:
            self.assertExit(s.provision("facts", "mail"), 0)
        finally:
            os.environ["HOME"] = home


SECRET = "hunter2-of-these-tests"
BROKEN = {  # what stands in a file of variables
    "no colon": f"vault_alice:{SECRET}\n",
    "no colon behind another": f"a: b\nvault_alice:{SECRET}\n",
    "text behind a quote": f'vault_alice: "{SECRET}" x\n',
    "open quote": f'alice: "{SECRET}\nb: c\n',
    "open flow": f"alice: {{password: {SECRET}\nb: c\n",
    "two colons": f"alice: {SECRET}: x\n",
    "a tag": f"alice: !{SECRET}\n",
    "an alias": f"alice: *{SECRET}\n",
    "a tab": f"alice:\n\t{SECRET}\n",
    "a list": f"- {SECRET}\n",
    "a text": f"{SECRET}\n",
    "a block": f"alice: |\n  x\n {SECRET}\n: y\n",
    "a percent sign": f"alice: %{SECRET}\n",
    "an at sign": f"alice: @{SECRET}\n",
    "twice": f"vault_alice: a\nvault_alice: {SECRET}\n",
    "a wrong tag": f"alice: !!int {SECRET}\n",
}


class Secrets(unittest.TestCase):
    """No host: what is said of broken files, wherever they stand, has no secret in it."""

    def check(self, folder, *args):
        return subprocess.run([os.path.join(BUILD, "provision"), "check", "site.yml", *args],
                              cwd=folder, capture_output=True, text=True, check=False, timeout=60)

    def test_broken_files_keep_their_secrets(self):
        places = {"secrets.yml": ("-e", "@secrets.yml"), "group_vars/all.yml": (),
                  "host_vars/localhost.yml": (), "listed.yml": ()}
        for what, text in BROKEN.items():
            for place, args in places.items():
                with self.subTest(what=what, place=place), tempfile.TemporaryDirectory() as folder:
                    os.makedirs(os.path.join(folder, os.path.dirname(place)), exist_ok=True)
                    files = "  vars_files: [listed.yml]\n" if place == "listed.yml" else ""
                    for name, content in ((place, text),
                                          ("site.yml", f"- hosts: localhost\n{files}  tasks: []\n")):
                        with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
                            f.write(content)
                    done = self.check(folder, *args)
                    self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
                    self.assertIn(os.path.basename(place), done.stderr)
                    self.assertNotIn(SECRET, done.stdout + done.stderr)
                    self.assertNotIn(SECRET, self.check(folder, "--json", *args).stdout)

    def test_other_places(self):
        with tempfile.TemporaryDirectory() as folder:
            def write(name, text):
                with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
                    f.write(text)
            write("site.yml", "- hosts: all\n  tasks: []\n")
            write("open.ini", f"h1 smtp_pw='{SECRET}\n")
            write("blank.ini", f"h1 smtp_pw = {SECRET}\n")
            write("group.ini", f"h1\n[all:vars]\nsmtp_pw {SECRET}\n")
            for args in (("-e", f'{{"pw": "{SECRET}'), ("-e", f"[{SECRET}]"),
                         ("-i", "open.ini"), ("-i", "blank.ini"), ("-i", "group.ini")):
                done = self.check(folder, *args)
                self.assertEqual(done.returncode, 1, args)
                self.assertNotIn(SECRET, done.stdout + done.stderr)


class Options(unittest.TestCase):
    """No host: options that may be given twice, and what is listed."""

    def test_repeated_options_add_up(self):
        with tempfile.TemporaryDirectory() as folder:
            def write(name, text):
                with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
                    f.write(text)

            def listed(*args):
                done = subprocess.run([os.path.join(BUILD, "provision"), "plan", "site.yml", "-i",
                                       "a,b,c", *args], cwd=folder, capture_output=True, text=True,
                                      check=True, timeout=60)
                self.assertNotIn("\\n", done.stdout)
                return re.findall(r"^    (\S+)", done.stdout, re.M)
            tasks = "".join(f"    - {{name: {t}, debug: {{msg: '{{{{ v{t} }}}}'}}, tags: [{t}]}}\n"
                            for t in "xyz")
            write("site.yml", "- hosts: a:b\n  vars: {vx: 1, vy: 2, vz: 3}\n  tasks:\n" + tasks +
                  "- hosts: c\n  tasks: []\n")
            write("limit", "b\n")
            self.assertEqual(listed("--list-hosts"), ["a", "b", "c"])
            self.assertEqual(listed("--list-hosts", "-l", "a", "-l", "c"), ["a", "c"])
            self.assertEqual(listed("--list-hosts", "-l", "a", "-l", "@limit"), ["a", "b"])
            self.assertEqual(listed("--list-tasks", "-t", "x", "-t", "y"), ["x", "y"])
            self.assertEqual(listed("--list-tasks", "-t", "x,z", "--tags", "y"), ["x", "y", "z"])
            self.assertEqual(listed("--list-tasks", "--skip-tags", "x", "--skip-tags", "y"), ["z"])
            write("site.yml", "- hosts: a\n  tasks: [{debug: {msg: '{{ p }}{{ q }}'}}]\n")
            self.assertEqual(listed("--list-hosts", "-e", "p=1", "-e", "q=2"), ["a"])
