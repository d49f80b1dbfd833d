# SPDX-License-Identifier: MIT
"""What the README shows is true: its manifests pass `provision check`, and no key is only promised."""
import os
import re

from lib import BUILD, TOP, HostTest, Site, sh

SECRETS = '{"vault_alice": "alice-demo", "vault_bob": "bob-demo", "vault_carol": "carol-demo"}'


class Readme(HostTest):
    names = ()

    def test_its_manifests_are_right(self):
        with open(os.path.join(TOP, "README.md"), encoding="utf-8") as f:
            manifests = re.findall(r"^```yaml\n(# site\.yml\n.*?)^```", f.read(), re.M | re.S)
        self.assertEqual(len(manifests), 2)
        for text in manifests:
            s = Site([], text)
            s.write("hosts.ini", "[mail]\nmx1.example.com ansible_host=192.0.2.10\n")
            done = s.provision("check", "site.yml", "-e", SECRETS)
            self.assertExit(done, 0)
            self.assertNotIn("warning", done.stdout + done.stderr)

    def test_every_key_of_the_declared_state_is_served(self):
        doc = sh([os.path.join(BUILD, "provision"), "doc", "mail"]).stdout
        self.assertIn("rspamd_piggyback", doc)
        self.assertNotIn("not supported yet", doc)
