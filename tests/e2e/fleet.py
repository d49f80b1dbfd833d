# SPDX-License-Identifier: MIT
"""Several hosts at once, logins, and what happens when the agent or the connection dies."""
import json
import signal

from lib import HostTest, recap, wait_for

FILES = """
- hosts: mail
  become: true
  tasks:
    - name: A file
      copy: {dest: /etc/fleet.conf, content: "{{ inventory_hostname }}\\n"}
"""
SLOW = """
- hosts: mail
  become: true
  tasks:
    - name: First
      copy: {dest: /etc/slow-1.conf, content: "1\\n"}
      notify: Said
    - name: Long
      command: {cmd: sleep 4, creates: /etc/slow-2.conf}
    - name: Last
      copy: {dest: /etc/slow-2.conf, content: "2\\n"}
  handlers:
    - name: Said
      command: touch /etc/slow-handled
"""


CONTROLLER = """
- hosts: mail
  become: true
  tasks:
    - name: A file
      copy: {dest: /etc/controller.conf, content: "1\\n"}
      notify: [Here, There]
  handlers:
    - name: Here
      set_fact: {said: true}
    - name: There
      command: touch /etc/controller-handled
"""


class Fleet(HostTest):
    names = ("f1.test", "f2.test")

    def test_a_handler_of_the_controller_is_not_left_over(self):
        s = self.site(CONTROLLER, hosts=[self.host])
        self.assertEqual(recap(s.apply().stdout)["f1.test"]["ok"], 3)
        self.host.run("test -e /etc/controller-handled")
        done = s.apply()
        self.assertExit(done, 0)
        self.assertEqual(recap(done.stdout)["f1.test"]["ok"], 1, done.stdout)

    def test_a_dead_host_spoils_nothing(self):
        s = self.site(FILES)
        dead = self.hosts[0].address.rsplit(".", 1)[0] + ".254"
        with open(s.path("hosts.ini"), "a", encoding="utf-8") as f:
            f.write(f"dead.test ansible_host={dead} ansible_user=root\n")
        done = s.apply("-T", "4")
        self.assertExit(done, 4)
        rows = recap(done.stdout)
        self.assertEqual(rows["dead.test"]["unreachable"], 1)
        for name in self.names:
            self.assertEqual(rows[name]["changed"], 1, done.stdout)
        for h in self.hosts:
            self.assertEqual(h.out("cat /etc/fleet.conf"), h.name)

    def test_an_unknown_host_key_is_refused_and_can_be_accepted(self):
        s = self.site(FILES, hosts=[self.host])
        known = s.path("known")
        done = s.plan("--known-hosts", known)
        self.assertExit(done, 4)
        fingerprint = self.host.out("ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub").split()[1]
        text = done.stdout + done.stderr
        self.assertIn(fingerprint, text)
        self.assertIn("--accept-new-host-keys", text)
        self.assertExit(s.plan("--known-hosts", known, "--accept-new-host-keys"), 0)
        self.assertExit(s.plan("--known-hosts", known), 0)

    def test_a_changed_host_key_is_never_accepted(self):
        s = self.site(FILES, hosts=[self.host])
        known = s.path("known")
        other = self.hosts[1].out("cat /etc/ssh/ssh_host_ed25519_key.pub").split()
        s.write("known", f"{self.host.address} {other[0]} {other[1]}\n")
        done = s.plan("--known-hosts", known, "--accept-new-host-keys")
        self.assertExit(done, 4)
        self.assertIn("HOST KEY CHANGED", done.stdout + done.stderr)

    def test_sudo_without_a_password(self):
        s = self.site(FILES, hosts=[self.host], user="admin")
        self.assertExit(s.apply(), 0)
        self.assertEqual(self.host.out("stat -c %U /etc/fleet.conf"), "root")
        self.assertEqual(self.host.out("find /home/admin -name 'agent-*'"), "")

    def test_sudo_with_a_password(self):
        s = self.site(FILES, hosts=[self.host], user="opsudo")
        done = s.plan()
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("-K", done.stdout + done.stderr)
        s = self.site(FILES, hosts=[self.host], user="opsudo", extra="ansible_become_password=test")
        done = s.apply()
        self.assertExit(done, 0)
        self.assertNotRegex((done.stdout + done.stderr).replace("f1.test", ""), r"\btest\b")

    def test_facts(self):
        s = self.site(FILES)
        done = s.provision("facts", "all")
        self.assertExit(done, 0)
        facts = json.loads(done.stdout)
        self.assertEqual(facts["f1.test"]["distribution"], "Debian")
        self.assertEqual(facts["f2.test"]["default_ipv4"].get("address", self.hosts[1].address),
                         self.hosts[1].address)


class Broken(HostTest):
    """Each test on the same host; every one leaves it converged."""

    names = ("b1.test",)

    def setUp(self):
        self.host.run("rm -f /etc/slow-*")
        self.s = self.site(SLOW)

    def begin(self):
        p = self.s.start("apply", "site.yml")
        wait_for("the long step", lambda: self.host.run("pgrep -x sleep", check=False).stdout)
        return p

    def converges(self):
        done = self.s.apply()
        self.assertExit(done, 0)
        self.assertEqual(self.host.out("cat /etc/slow-1.conf /etc/slow-2.conf"), "1\n2")
        self.host.run("test -e /etc/slow-handled")
        self.assertEqual(self.host.out("find /etc -name '.provision-*'"), "")
        again = self.s.apply()
        self.assertEqual(recap(again.stdout)["b1.test"]["changed"], 0, again.stdout)
        return done

    def test_the_agent_is_killed(self):
        p = self.begin()
        self.host.run("kill -9 $(pgrep -f 'provision.*/agent-' | head -1)")
        out, _ = p.communicate(timeout=60)
        self.assertEqual(p.returncode, 4, out)
        self.assertEqual(self.host.out("cat /etc/slow-1.conf"), "1")
        self.host.run("test ! -e /etc/slow-2.conf && test ! -e /etc/slow-handled")
        plan = self.s.plan()
        self.assertIn("left over from an unfinished run", plan.stdout)
        self.converges()

    def test_the_connection_is_cut(self):
        p = self.begin()
        self.host.cut()
        try:
            wait_for("the agent ends what it began",
                     lambda: self.host.run("test -e /etc/slow-handled", check=False).returncode == 0,
                     20)
            out, _ = p.communicate(timeout=60)
            self.assertEqual(p.returncode, 4, out)
        finally:
            self.host.heal()
            if p.poll() is None:
                p.kill()
                p.communicate()
        self.converges()

    def test_the_controller_is_killed(self):
        p = self.begin()
        p.send_signal(signal.SIGKILL)
        p.communicate()
        wait_for("the agent ends what it began",
                 lambda: self.host.run("test -e /etc/slow-handled", check=False).returncode == 0, 20)
        self.converges()

    def test_two_applies_at_once(self):
        p = self.begin()
        done = self.s.apply()
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("another apply is running", done.stdout + done.stderr)
        p.communicate(timeout=60)
        self.assertEqual(p.returncode, 0)
        self.converges()

    def test_a_refused_file_owes_no_handler(self):
        refused = SLOW.replace('content: "1\\n"}', 'content: "1\\n", validate: /bin/false %s}')
        self.assertExit(self.site(refused).apply(), 2)
        self.host.run("test ! -e /etc/slow-1.conf")
        self.assertNotIn("left over", self.s.plan().stdout)
        self.converges()

    def test_a_failure_remembers_its_handlers(self):
        bad = SLOW.replace("command: {cmd: sleep 4, creates: /etc/slow-2.conf}", "command: 'false'")
        s = self.site(bad)
        done = s.apply()
        self.assertExit(done, 2)
        self.assertEqual(recap(done.stdout)["b1.test"]["failed"], 1)
        self.host.run("test ! -e /etc/slow-handled")
        self.converges()
