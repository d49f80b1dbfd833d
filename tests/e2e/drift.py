# SPDX-License-Identifier: MIT
"""What moves on a host shows in the plan as exactly that, and apply mends it. And a saved plan is a
promise."""
import os

from lib import HostTest, Site, recap

MANIFEST = """
- hosts: all
  become: true
  tasks:
    - name: Install Postfix
      package: {name: postfix}
    - name: Set parameters
      postfix_main:
        settings: {myhostname: drift.example.com, message_size_limit: 1048576, relayhost: ""}
      notify: Reload Postfix
    - name: Keep a file
      copy: {dest: /etc/kept.conf, content: "one\\ntwo\\nthree\\n", mode: "0640"}
    - name: A table
      lookup_table:
        path: /etc/postfix/transport
        content: "example.net error:no\\n"
        format: hash
        mode: "0644"
    - name: Run Postfix
      service: {name: postfix, state: started, enabled: true}
  handlers:
    - name: Reload Postfix
      service: {name: postfix, state: reloaded}
"""

# systemd, which was never told, says that nothing has to be read again.
DROPIN = """
- hosts: all
  become: true
  tasks:
    - file: {path: /etc/systemd/system/%(unit)s.service.d, state: directory}
    - copy:
        dest: /etc/systemd/system/%(unit)s.service.d/own.conf
        content: "[Service]\\nEnvironment=OWN=1\\n"
    - systemd: {daemon_reload: true%(name)s}
"""


FLAPPING = """
- hosts: all
  become: true
  tasks:
    - copy:
        dest: /etc/systemd/system/flapping.service
        content: |
          [Unit]
          StartLimitIntervalSec=0
          [Service]
          ExecStart=/bin/sh -c 'test -e /run/mended && exec sleep 1000; exec sleep 0.1'
          Restart=always
          RestartSec=200ms
    - service: {name: flapping, state: started}
"""


class Drift(HostTest):
    names = ("drift.example.com",)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        done = Site(cls.hosts, MANIFEST).apply()
        assert done.returncode == 0, done.stdout + done.stderr

    def setUp(self):
        self.s = self.site(MANIFEST)

    def only(self, task):
        """What the plan's only changed step changes."""
        done, events = self.s.events("plan")
        self.assertExit(done, 0)
        plan = next(e for e in events if e["event"] == "plan")
        steps = [x for x in plan["steps"] if x["kind"] in ("change", "unknown", "failed")]
        self.assertEqual([x["task"] for x in steps], [task], done.stdout)
        return steps[0]["changes"]

    def mended(self):
        done = self.s.apply()
        self.assertExit(done, 0)
        again = self.s.apply()
        self.assertEqual(recap(again.stdout)["drift.example.com"]["changed"], 0, again.stdout)
        return done

    def test_a_hand_edit(self):
        self.host.run("sed -i s/two/2/ /etc/kept.conf")
        text = self.s.plan().stdout
        self.assertIn("-2", text)
        self.assertIn("+two", text)
        changes = self.only("Keep a file")
        self.assertEqual([c["field"] for c in changes], ["content"])
        self.mended()
        self.assertEqual(self.host.out("cat /etc/kept.conf"), "one\ntwo\nthree")

    def test_a_changed_mode(self):
        self.host.run("chmod 0666 /etc/kept.conf")
        changes = self.only("Keep a file")
        self.assertEqual([(c["field"], c["before"], c["after"]) for c in changes],
                         [("mode", "0666", "0640")])
        self.mended()

    def test_a_stopped_service(self):
        self.host.run("systemctl stop postfix")
        changes = self.only("Run Postfix")
        self.assertEqual([(c["field"], c["before"], c["after"]) for c in changes],
                         [("state", "stopped", "started")])
        self.mended()
        self.assertEqual(self.host.out("systemctl is-active postfix"), "active")

    def test_a_disabled_service(self):
        self.host.run("systemctl disable postfix")
        changes = self.only("Run Postfix")
        self.assertEqual([c["field"] for c in changes], ["enabled"])
        self.mended()

    def test_a_parameter_in_main_cf(self):
        self.host.run("postconf -e message_size_limit=5 && postfix reload")
        changes = self.only("Set parameters")
        self.assertEqual([c["field"] for c in changes], ["content"])
        self.mended()
        self.assertEqual(self.host.out("postconf -h message_size_limit"), "1048576")

    def test_an_unmanaged_setting_survives(self):
        self.host.run("printf '# mine\\nmaximal_queue_lifetime = 3d\\n' >> /etc/postfix/main.cf")
        done = self.s.plan("--exit-code")
        self.assertExit(done, 0)
        self.host.run("postconf -e relayhost=[example.net]")
        self.mended()
        text = self.host.out("cat /etc/postfix/main.cf")
        self.assertIn("# mine\nmaximal_queue_lifetime = 3d", text)

    def test_a_compiled_table(self):
        self.host.run("echo 'example.org discard:' | postmap -i hash:/etc/postfix/transport")
        changes = self.only("A table")
        self.assertEqual([c["field"] for c in changes], ["compiled"])
        self.mended()
        self.assertEqual(self.host.out("postmap -s hash:/etc/postfix/transport"),
                         "example.net\terror:no")

    def test_a_new_folder_of_drop_ins_is_read(self):
        for unit, name in (("ssh", ", name: ssh"), ("systemd-journald", "")):
            s = self.site(DROPIN % {"unit": unit, "name": name})
            done = s.apply()
            self.assertExit(done, 0)
            self.assertEqual(self.host.out(f"systemctl show -P Environment {unit}"), "OWN=1",
                             done.stdout)
            again = s.apply()
            self.assertEqual(recap(again.stdout)["drift.example.com"]["changed"], 0, again.stdout)

    def test_z_a_removed_package(self):
        self.host.run("apt-get -y -q remove postfix")
        done, events = self.s.events("plan")
        plan = next(e for e in events if e["event"] == "plan")
        changed = [x["task"] for x in plan["steps"] if x["kind"] == "change"]
        self.assertIn("Install Postfix", changed)
        self.mended()

    def test_a_saved_plan_makes_exactly_its_changes(self):
        self.host.run("sed -i s/two/2/ /etc/kept.conf")
        plan = self.s.path("p.plan")
        self.assertExit(self.s.plan("--out", plan), 0)
        self.assertEqual(os.stat(plan).st_mode & 0o777, 0o600)
        # The manifest moves on; the plan does not.
        self.s.write("site.yml", MANIFEST.replace("three", "four"))
        done = self.s.provision("apply", plan)
        self.assertExit(done, 0)
        self.assertEqual(self.host.out("cat /etc/kept.conf"), "one\ntwo\nthree")

    def test_a_stale_plan_is_refused_before_the_first_change(self):
        self.host.run("sed -i s/two/2/ /etc/kept.conf; chmod 0600 /etc/postfix/transport")
        plan = self.s.path("p.plan")
        self.assertExit(self.s.plan("--out", plan), 0)
        self.host.run("echo by hand >> /etc/kept.conf")
        done = self.s.provision("apply", plan)
        self.assertExit(done, 2)
        text = done.stdout + done.stderr
        self.assertIn("changed since the plan", text)
        self.assertIn("-by hand", text)
        self.assertEqual(self.host.out("stat -c %a /etc/postfix/transport"), "600")
        self.assertIn("by hand", self.host.out("cat /etc/kept.conf"))
        self.mended()

    def test_a_unit_that_goes_up_and_down_is_not_stale(self):
        """One that cannot start, as its configuration is damaged, is started again and again by systemd:
        the repair does not depend on the moment."""
        unit = self.site(FLAPPING)
        seen = set()
        for _ in range(12):
            done = unit.apply()
            self.assertNotIn("since the plan", done.stdout)
            seen.add(done.returncode)
        self.assertIn(2, seen)  # it does not run, and that is said
        self.host.run("systemctl stop flapping; touch /run/mended")
        self.assertExit(unit.apply(), 0)

    def test_a_damaged_plan_is_refused(self):
        plan = self.s.path("p.plan")
        self.assertExit(self.s.plan("--out", plan), 0)
        with open(plan, "r+b") as f:
            f.seek(-3, os.SEEK_END)
            f.write(b"\0\0\0")
        done = self.s.provision("apply", plan)
        self.assertExit(done, 1)
        self.assertIn("damaged", done.stderr)
