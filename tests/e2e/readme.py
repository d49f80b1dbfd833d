# SPDX-License-Identifier: MIT
"""What README.md and docs/ say is true: their manifests pass `provision check`, their lists are those of the
program, and no key is only promised. Their links are checked by tests/lint/links."""
import glob
import os
import re
import tempfile

from lib import BUILD, RUN, TOP, HostTest, Site, sh

SECRETS = '{"vault_alice": "alice-demo", "vault_bob": "bob-demo", "vault_carol": "carol-demo"}'
# For a play that leaves the declared state to group_vars.
STATE = "mail: {domains: {example.com: {mailboxes: {alice: {password: alice-demo}}}}}\n"
PAGES = [os.path.join(TOP, "README.md")] + sorted(glob.glob(os.path.join(TOP, "docs", "*.md")))
DOCUMENTS = PAGES + [os.path.join(TOP, "CONTRIBUTING.md")] + sorted(
    glob.glob(os.path.join(TOP, "examples", "**", "README.md"), recursive=True))
ANSIBLE = os.path.join(TOP, "docs", "coming-from-ansible.md")


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def provision(*args, check=True):
    os.makedirs(RUN, exist_ok=True)
    return sh([os.path.join(BUILD, "provision"), *args], check=check,
              cwd=tempfile.mkdtemp(prefix="docs-", dir=RUN))


def blocks(text, language):
    return [m.group(1) for m in re.finditer(rf"^```{language}\n(.*?)^```", text, re.M | re.S)]


def table(kind):
    """The rows of the table about `kind` in coming-from-ansible.md: first column -> names."""
    m = re.search(rf"^\| {kind} \| names \|\n\|---\|---\|\n((?:\|.*\n)+)", read(ANSIBLE), re.M)
    rows = {}
    for line in m.group(1).splitlines():
        first, names = re.fullmatch(r"\| (.*?) \| (.*) \|", line).groups()
        rows[first] = re.findall(r"`([^`]+)`", names)
    return rows


def listed(title):
    """What `provision doc` lists below a title: many names on a line, or one with its description."""
    part = re.search(rf"^{title}[^\n]*:\n(.*?)(?:\n\n|\Z)", provision("doc").stdout, re.M | re.S)
    names = set()
    for line in part.group(1).splitlines():
        one = re.match(r" +(\S+)  +\S", line)
        names |= {one.group(1)} if one else set(line.split())
    return names


def keywords(of):
    """name -> is it supported, of `provision doc play` or `task`."""
    found = re.findall(r"^  (\w+) \((.*?)\)$", provision("doc", of).stdout, re.M)
    return {name: "not supported" not in rest for name, rest in found}


class Pages(HostTest):
    names = ()

    def test_their_manifests_are_right(self):
        found = [(page, text) for page in PAGES for text in blocks(read(page), "yaml")
                 if re.search(r"^- (name|hosts):", text, re.M)]
        self.assertGreaterEqual(len(found), 4)
        for page, text in found:
            with self.subTest(os.path.basename(page), manifest=text[:200]):
                s = Site([], text)
                self.assertTrue(text.startswith("# site.yml\n"), text)
                s.write("hosts.ini", "[mail]\nmx1.example.com ansible_host=192.0.2.10\n")
                if "  mail:\n" not in text:
                    s.write("group_vars/mail.yml", STATE)
                done = s.provision("check", "site.yml", "-e", SECRETS)
                self.assertExit(done, 0)
                self.assertNotIn("warning", done.stdout + done.stderr)

    def test_the_readme_is_one_page(self):
        self.assertLessEqual(len(read(PAGES[0]).splitlines()), 110)

    def test_every_key_of_the_declared_state_is_accepted_and_mentioned(self):
        doc = provision("doc", "mail").stdout
        self.assertNotIn("not supported yet", doc)
        keys = set(re.findall(r"^ +(\w+) \(.*\)$", doc, re.M))
        self.assertIn("rspamd_piggyback", keys)
        text = "\n".join(map(read, PAGES))
        self.assertEqual([k for k in sorted(keys) if not re.search(rf"\b{k}\b", text)], [])

    def test_every_command_is_in_the_table_of_commands(self):
        commands = re.findall(r"^  ([a-z]+) ", provision("--help").stdout, re.M)
        self.assertIn("apply", commands)
        page = read(os.path.join(TOP, "docs", "operating.md"))
        rows = " ".join(re.findall(r"^\| (`.*?) \| ", page, re.M))
        self.assertEqual([c for c in commands if not re.search(rf"`{c}\b", rows)], [])

    def test_named_files_exist(self):
        """But for those that extending.md has its reader write."""
        new = ("mailname.c", "mailname.case", "hosts.c", "apk.c")
        places = [TOP, os.path.join(TOP, "provisioner"), os.path.join(TOP, "roles", "postfix")]
        missing = []
        for page in DOCUMENTS:
            for name in re.findall(r"`([\w./*-]+/[\w.*-]+\.(?:c|h|yml|py|case|md))`", read(page)):
                found = any(glob.glob(os.path.join(p, name)) for p in places)
                # What is beside a site, or on a host.
                if not found and not name.endswith(new) and not re.match(r"/|group_vars|host_vars|roles/req", name):
                    missing.append((os.path.relpath(page, TOP), name))
        self.assertEqual(missing, [])

    def test_files_to_write_compile(self):
        """The C blocks of extending.md that are whole files."""
        page = read(os.path.join(TOP, "docs", "extending.md"))
        files = [re.sub(r"^   ", "", m, flags=re.M) for m in
                 re.findall(r"^   ```c\n(   /\* SPDX.*?)^   ```", page, re.M | re.S)]
        self.assertEqual(len(files), 2)
        for text in files:
            sh(["gcc", "-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-fsyntax-only",
                "-I", os.path.join(TOP, "provisioner"), "-x", "c", "-"], input=text)

    def test_every_page_is_linked_from_the_readme(self):
        linked = set(re.findall(r"\]\((docs/[\w-]+\.md)\)", read(PAGES[0])))
        self.assertEqual(linked, {os.path.relpath(p, TOP) for p in PAGES[1:]})

    def test_formats_name_the_versions_that_are(self):
        page = read(os.path.join(TOP, "docs", "formats.md"))
        header = read(os.path.join(TOP, "provisioner/wire/wire.h"))
        wire = re.search(r"WIRE_VERSION = (\d+)", header)
        plan = re.search(r'MAGIC KIND "(\d+)', read(os.path.join(TOP, "provisioner/plan/store.c")))
        self.assertIn(f"`WIRE_VERSION` {wire.group(1)} |", page)
        self.assertIn(f"`provision plan {plan.group(1)}` |", page)
        frames = re.findall(r"FRAME_(\w+)", re.search(r"enum frame_type \{(.*?)\};", header, re.S).group(1))
        self.assertEqual(re.findall(r"^\| (\d+) ([A-Z]+) \|", page, re.M),
                         [(str(i), name) for i, name in enumerate(frames, 1)])


class FromAnsible(HostTest):
    """The lists of docs/coming-from-ansible.md are those of the program."""

    names = ()

    def check(self, task):
        """What `provision check` says of a play with one task."""
        s = Site([], f"- hosts: localhost\n  tasks:\n    - {task}\n")
        s.write("hosts.ini", "localhost ansible_connection=local\n")
        done = s.provision("check", "site.yml")
        return done.stdout + done.stderr

    def test_modules(self):
        rows = table("modules")
        ours, here = rows["this program's own"], rows["supported, on the controller"]
        for name in rows["supported"] + ours + here:
            self.assertExit(provision("doc", name, check=False), 0)
        alias = {"systemd_service"}
        self.assertEqual(set(rows["supported"]) - alias | set(ours), listed("Resource types"))
        self.assertEqual(set(here), listed("Actions"))
        for name in rows["not supported"]:
            with self.subTest(name):
                self.assertIn(f"module '{name}' is not supported", self.check(f"{name}: {{}}"))

    def test_keywords(self):
        for of, title in (("task", "keywords of a task"), ("play", "keywords of a play")):
            rows, known = table(title), keywords(of)
            self.assertGreater(len(known), 20)
            self.assertEqual(set(rows["supported"]), {k for k, yes in known.items() if yes})
            self.assertEqual(set(rows["not supported"]), {k for k, yes in known.items() if not yes})
        for name in table("keywords of a task")["supported loops"]:
            self.assertNotIn("not supported", self.check(f"{{debug: {{}}, {name}: []}}"))
        self.assertIn("not supported", self.check("{debug: {}, with_lines: []}"))

    def test_filters(self):
        rows = table("filters")
        self.assertEqual(set(rows["supported"] + rows["this program's own"]), listed("Filters"))
        for name in rows["not supported"]:
            self.assertIn(f"unknown filter '{name}'",
                          provision("eval", f"'x' | {name}", check=False).stderr)

    def test_tests(self):
        rows = table("tests")
        words = {w for w in listed("Tests") if w[0].isalpha()}
        self.assertEqual(set(rows["supported"]), words)
        for name in rows["not supported"]:
            self.assertIn(f"unknown test '{name}'",
                          provision("eval", f"'x' is {name}", check=False).stderr)

    def test_lookups(self):
        rows = table("lookups")
        for supported, names in (("supported", False), ("not supported", True)):
            for name in rows[supported]:
                said = self.check(f"debug: {{msg: \"{{{{ lookup('{name}', 'x') }}}}\"}}")
                self.assertEqual(f"lookup '{name}' is not supported" in said, names, said)
