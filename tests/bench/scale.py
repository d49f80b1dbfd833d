# SPDX-License-Identifier: MIT
"""Part (d) of the benchmark: 10,000 mailboxes, 1,000 domains and 50,000 aliases on one host.

check, plan with nothing to do and apply of one added mailbox, in time and memory, beside
ansible-playbook with template and postmap tasks for the same tables; and what the daemons take to
find a user, with 100 mailboxes and with 10,000.
"""
import imaplib
import os
import re
import ssl
import statistics
import subprocess
import time

LARGE, SMALL = (10000, 1000, 50000), (100, 10, 500)
NAME = "mx1.scale.test"
LOGIN, PASSWORD = "user0@d0000.example", "pass word"
# Nobody logs in as the others: making 10,000 hashes is not what is measured.
HASH = "$6$saltsaltsalt$" + "x" * 86
GOAL_PLAN, GOAL_APPLY, GOAL_SAME = 1.0, 2.0, 1.5

ANSIBLE = """- hosts: all
  gather_facts: false
  vars_files: [scale-vars.yml]
  tasks:
    - name: Tables
      template: {src: "{{ item }}.j2", dest: "/etc/bench/{{ item }}", mode: "0644"}
      loop: [mailboxes, aliases, senders]
      register: tables
    - name: Compile
      command: postmap /etc/bench/{{ item.item }}
      loop: "{{ tables.results }}"
      loop_control: {label: "{{ item.item }}"}
      when: item.changed
    - name: Users
      template: {src: users.j2, dest: /etc/bench/users, mode: "0600"}
"""
TEMPLATES = {
    "mailboxes": "{% for m in mailboxes %}{{ m }} mailbox\n{% endfor %}",
    "aliases": "{% for a in aliases %}{{ a.address }} {{ a.targets | join(', ') }}\n{% endfor %}",
    "senders": "{% for m in mailboxes %}{{ m }} {{ m }}\n{% endfor %}"
               "{% for a in aliases %}{{ a.address }} {{ a.targets | join(', ') }}\n{% endfor %}",
    "users": "{% for m in mailboxes %}{{ m }}:{{ hash }}::::::\n{% endfor %}",
}


def entries(size, extra):
    """(domain, mailboxes, aliases) for each domain; aliases are (name, targets)."""
    boxes, domains, aliases = size
    for d in range(domains):
        n = boxes // domains
        yield (f"d{d:04}.example", [f"user{i}" for i in range(n + (extra if d == 0 else 0))],
               [(f"alias{i}", [f"user{i % n}", f"user{(i + 1) % n}@d{(d + 1) % domains:04}.example"])
                for i in range(aliases // domains)])


def manifest(size, extra=0):
    out = [f"- name: Mail servers\n  hosts: {NAME}\n  become: true\n  roles: [mail]\n  mail:\n"
           f"    hostname: {NAME}\n    spam_filter: none\n    dkim: {{enabled: false}}\n    domains:"]
    for domain, boxes, aliases in entries(size, extra):
        out.append(f"      {domain}:\n        mailboxes:")
        for b in boxes:
            how = (f'password: "{PASSWORD}"' if f"{b}@{domain}" == LOGIN
                   else f'password_hash: "{HASH}"')
            out.append(f"          {b}: {{{how}, quota: 1G}}")
        out.append("        aliases:")
        out += [f"          {a}: [{', '.join(to)}]" for a, to in aliases]
    return "\n".join(out) + "\n"


def ansible_vars(size, extra=0):
    out = [f'hash: "{HASH}"', "mailboxes:"]
    rows = list(entries(size, extra))
    out += [f"  - {b}@{domain}" for domain, boxes, _ in rows for b in boxes]
    out.append("aliases:")
    for domain, _, aliases in rows:
        for a, to in aliases:
            full = ", ".join(t if "@" in t else f"{t}@{domain}" for t in to)
            out.append(f"  - {{address: {a}@{domain}, targets: [{full}]}}")
    return "\n".join(out) + "\n"


def measured(argv, env=None):
    """Seconds and peak memory in MB of a program."""
    start = time.perf_counter()
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env) as p:
        text = p.stdout.read().decode("utf-8", "replace")
        _, status, usage = os.wait4(p.pid, 0)
        p.returncode = os.waitstatus_to_exitcode(status)
    if p.returncode:
        raise SystemExit(f"{' '.join(argv)} gave {p.returncode}\n{text[-3000:]}")
    return time.perf_counter() - start, usage.ru_maxrss / 1024


class Scale:
    def __init__(self, tools, top, host, run, provision):
        self.tools, self.host, self.run, self.provision = tools, host, run, provision
        self.info = tools.up(NAME)
        self.inventory = tools.inventory(NAME, self.info)
        self.roles = os.path.join(top, "roles")

    def path(self, name, text=None):
        path = os.path.join(self.run, name)
        if text is not None:
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)
        return path

    def ours(self, command, site):
        argv = [self.provision, command, self.path(site), "-i", self.inventory,
                "--roles-path", self.roles]
        if command != "check":
            argv += ["--private-key", self.info["KEY"], "--known-hosts", self.info["KNOWN_HOSTS"]]
        return measured(argv)

    def on_host(self, command):
        return self.tools.sh([self.host, "exec", NAME, command])

    # What the daemons take.

    def lookup(self):
        """Milliseconds that postmap takes to find an alias, its start included."""
        key = "alias1@d0001.example"
        out = self.on_host(f"postmap -q {key} hash:/etc/postfix/virtual_aliases >/dev/null; "
                           "s=$(date +%s%N); for i in $(seq 50); do postmap -q "
                           f"{key} hash:/etc/postfix/virtual_aliases >/dev/null || exit 1; done; "
                           "echo $((($(date +%s%N) - s) / 50000))")
        return int(out) / 1000

    def login(self):
        """Seconds to log in by IMAP over TLS."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        start = time.perf_counter()
        with imaplib.IMAP4_SSL(self.info["ADDRESS"], 993, ssl_context=context) as s:
            s.login(LOGIN, PASSWORD)
            return time.perf_counter() - start

    def daemons(self, size, rounds):
        self.on_host("systemctl reload dovecot; sleep 1")
        first = self.login()
        logins = [self.login() for _ in range(rounds)]
        lookups = [self.lookup() for _ in range(3)]
        memory = self.on_host("for p in $(pgrep -x auth); do grep VmRSS /proc/$p/status; done "
                              "| awk '{n += $2} END {print n}'")
        print(f"  {size[0]} mailboxes: login {statistics.median(logins) * 1000:.1f} ms, the first "
              f"after a reload {first * 1000:.1f} ms, Dovecot's auth {int(memory) / 1024:.0f} MB; "
              f"postmap -q {statistics.median(lookups):.2f} ms")
        return statistics.median(logins), statistics.median(lookups)

    # What we take.

    def agent_peak(self, run):
        """Runs it, and gives its result and the agent's peak memory in MB."""
        watch = subprocess.Popen(
            [self.host, "exec", NAME,
             "while :; do for p in $(pgrep -f 'provision/bin/[a]gent-'); do "
             "grep VmHWM /proc/$p/status; done; sleep 0.02; done 2>/dev/null"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True)
        try:
            time.sleep(0.3)
            result = run()
        finally:
            os.killpg(watch.pid, 15)
            out, _ = watch.communicate()
        return result, max([int(kb) for kb in re.findall(r"(\d+) kB", out)], default=0) / 1024

    def figures(self, rounds):
        kinds = {"check": [], "plan, nothing to do": [], "apply of one added mailbox": []}
        memory, agent = {}, {}
        for i in range(rounds + 1):
            watched = i == rounds  # that costs time, so its time does not count
            now, after = ("large.yml", "more.yml") if i % 2 == 0 else ("more.yml", "large.yml")
            for kind, command, site in (("check", "check", now),
                                        ("plan, nothing to do", "plan", now),
                                        ("apply of one added mailbox", "apply", after)):
                if watched and command != "check":
                    (_, memory[kind]), agent[kind] = self.agent_peak(
                        lambda c=command, s=site: self.ours(c, s))
                    continue
                seconds, memory[kind] = self.ours(command, site)
                kinds[kind].append(seconds)
        middle = {}
        for kind, v in kinds.items():
            middle[kind] = self.tools.row(f"provision {kind}", v)
            more = f", agent {agent[kind]:.1f} MB" if kind in agent else ""
            print(f"      peak memory: controller {memory[kind]:.0f} MB{more}")
        return middle

    def ansible(self, size, rounds):
        play = self.path("scale.yml", ANSIBLE)
        for name, text in TEMPLATES.items():
            self.path(f"{name}.j2", text)
        self.on_host("mkdir -p /etc/bench")
        env = dict(os.environ, ANSIBLE_PIPELINING="1", ANSIBLE_NOCOWS="1", LC_ALL="C.UTF-8",
                   ANSIBLE_SSH_ARGS=f"-F {self.info['SSH_CONFIG']} -o ControlMaster=auto "
                                    f"-o ControlPersist=60s -o ControlPath={self.run}/cm-%C")
        argv = ["ansible-playbook", "-i", self.inventory, "--private-key", self.info["KEY"], play]
        nothing, one = [], []
        self.path("scale-vars.yml", ansible_vars(size))
        measured(argv, env)
        for i in range(rounds):
            nothing.append(measured(argv, env)[0])
            self.path("scale-vars.yml", ansible_vars(size, (i + 1) % 2))
            one.append(measured(argv, env)[0])
        return (self.tools.row("ansible-playbook, nothing to do", nothing),
                self.tools.row("ansible-playbook, one mailbox", one))

    def all(self, args):
        print("(d) 10,000 mailboxes, 1,000 domains, 50,000 aliases")
        self.path("small.yml", manifest(SMALL))
        self.path("large.yml", manifest(LARGE))
        self.path("more.yml", manifest(LARGE, 1))
        self.ours("apply", "small.yml")
        small = self.daemons(SMALL, args.rounds)
        seconds, mb = self.ours("apply", "large.yml")
        print(f"  from 100 to 10,000 mailboxes: apply {seconds:.1f} s, controller {mb:.0f} MB")
        large = self.daemons(LARGE, args.rounds)
        verdict = self.tools.verdict
        verdict("login, 10,000 / 100 mailboxes", large[0] / small[0], GOAL_SAME)
        verdict("postmap -q, 10,000 / 100 mailboxes", large[1] / small[1], GOAL_SAME)
        ours = self.figures(args.ansible)
        verdict("plan, nothing to do / 1 s", ours["plan, nothing to do"] / GOAL_PLAN, 1)
        verdict("apply of one mailbox / 2 s",
                ours["apply of one added mailbox"] / GOAL_APPLY, 1)
        theirs = self.ansible(LARGE, max(1, args.ansible // 3))
        verdict("ansible / provision, nothing to do",
                theirs[0] / ours["plan, nothing to do"], 5, below=False)
        verdict("ansible / provision, one mailbox",
                theirs[1] / ours["apply of one added mailbox"], 5, below=False)
        self.tools.sh([self.host, "down", NAME])
