# SPDX-License-Identifier: MIT
"""What plays mean, on real hosts: what hosts know of one another, words for yes and no, and what is
left running."""
from lib import HostTest, recap

PEERS = """
- hosts: mail
  serial: "{{ size | default(9) | int }}"
  tasks:
    - {name: fact, set_fact: {mine: "of {{ inventory_hostname }}"}}
    - {name: run, command: "echo ran on {{ inventory_hostname }}", register: said, changed_when: false, check_mode: false}
    - name: batch
      copy: {dest: /etc/batch, content: "{{ ansible_play_batch | join(' ') }}\\n"}
- hosts: mail
  tasks:
    - name: peers
      copy:
        dest: /etc/peers
        content: |
          {% for h in groups['mail'] %}
          {{ h }} {{ hostvars[h].ansible_hostname | default('U') }} {{ hostvars[h].mine | default('U') }} {{ hostvars[h].said.stdout | default('U') }} {{ hostvars[h].given | default('U') }}
          {% endfor %}
"""
SAME_PLAY = """
- hosts: mail
  tasks:
    - {name: slow, command: "sh -c 'sleep {{ 2 if inventory_hostname == groups.mail[1] else 0 }}; hostname'", register: said}
    - {name: other, copy: {dest: /etc/other, content: "{{ hostvars[groups.mail[1]].said.stdout | default('U') }}\\n"}}
"""
LOST = """
- hosts: all
  tasks:
    - name: file
      copy: {dest: /etc/lost, content: "{{ hostvars['dead.test'].ansible_hostname | default('U') }}\\n"}
"""
WORDS = """
- hosts: mail
  become: 'on'
  vars: {yes_word: "yes", ansible_become_user: games}
  tasks:
    - {name: hidden, copy: {dest: /var/tmp/hidden, content: "S3CRET\\n"}, no_log: "{{ yes_word }}", vars: {ansible_become_user: root}}
    - {name: task, command: id -un, register: task, changed_when: false, vars: {ansible_become_user: mail}}
    - {name: play, command: id -un, register: play, changed_when: false, become_user: daemon}
    - {name: login, command: id -un, register: login, changed_when: false, become: 'no'}
    - {name: variable, command: id -un, register: variable, changed_when: false, vars: {ansible_become: 'off'}}
    - {name: ignored, command: 'false', ignore_errors: 'y', changed_when: false}
    - {name: said, debug: {msg: "users {{ task.stdout }} {{ play.stdout }} {{ login.stdout }} {{ variable.stdout }}"}}
"""
INSTALLED = """
- hosts: mail
  tasks:
    - {name: install, apt: {name: [postsrsd, logrotate, redis-server]}}
    - {name: not this one, service: {name: redis-server, state: stopped}}
  post_tasks:
    - {name: last, copy: {dest: /etc/postsrsd.note, content: "configured\\n"}}
"""


class Engine(HostTest):
    names = ("e1.test", "e2.test")

    def test_hosts_know_one_another(self):
        s = self.site(PEERS.replace('"{{ size | default(9) | int }}"', "1"))
        for forks in ("9", "1"):
            done = s.apply("-e", "given=1", "-f", forks)
            self.assertExit(done, 0)
        want = "".join(f"{n}.test {n} of {n}.test ran on {n}.test 1\n" for n in ("e1", "e2"))
        for h in self.hosts:
            self.assertEqual(h.out("cat /etc/peers") + "\n", want)
            self.assertEqual(h.out("cat /etc/batch"), h.name)
        self.assertExit(s.plan("-e", "given=1", "--exit-code"), 0)
        s = self.site(PEERS.replace('"{{ size | default(9) | int }}"', "2"))
        self.assertExit(s.apply("-e", "given=1"), 0)
        self.assertEqual(self.host.out("cat /etc/batch"), "e1.test e2.test")

    def test_a_result_of_a_slower_host_is_waited_for(self):
        s = self.site(SAME_PLAY)
        done = s.apply("-f", "1")
        self.assertExit(done, 0)
        for h in self.hosts:
            self.assertEqual(h.out("cat /etc/other"), "e2")

    def test_a_lost_host_is_no_default(self):
        s = self.site(LOST)
        dead = self.host.address.rsplit(".", 1)[0] + ".254"
        s.write("hosts.ini", open(s.path("hosts.ini"), encoding="utf-8").read() +
                f"dead.test ansible_host={dead}\n")
        done = s.apply("--timeout", "2")
        self.assertExit(done, 4)
        self.assertIn("hostvars['dead.test'].ansible_hostname is not known: the host was lost",
                      done.stdout)
        self.assertNotEqual(self.host.run("test -e /etc/lost", check=False).returncode, 0)

    def test_words_for_yes_and_no(self):
        s = self.site(WORDS, user="admin", hosts=[self.host])
        done = s.apply("-D", "-vv")
        self.assertExit(done, 0)
        self.assertNotIn("S3CRET", done.stdout + done.stderr)
        self.assertIn("users mail games admin admin", done.stdout)
        self.assertEqual(recap(done.stdout)["e1.test"]["ignored"], 1)

    def test_what_is_installed_runs_at_the_end(self):
        s = self.site(INSTALLED, hosts=[self.host])
        done = s.apply()
        self.assertExit(done, 0)
        state = "systemctl is-active postsrsd logrotate.timer redis-server || true"
        self.assertEqual(self.host.out(state).split(), ["active", "active", "inactive"])
        self.assertEqual(recap(done.stdout)["e1.test"]["changed"], 2, done.stdout)
        self.assertNotEqual(
            self.host.run("ls /run/provision-held-units", check=False).returncode, 0)
        self.assertExit(s.plan("--exit-code"), 0)
