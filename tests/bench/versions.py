# SPDX-License-Identifier: MIT
"""Part (e) of the benchmark: another built tree of this program beside this one, such as the version
before a change. Each has a host of its own; both run the same commands by turns."""
import os
import statistics

import scale

DEMO = "mx1.example.com"


class Version:
    """A built tree, with its own roles, and its hosts."""

    def __init__(self, tools, label, top):
        self.tools, self.label, self.top = tools, label, os.path.abspath(top)
        self.program = os.path.join(self.top, "build", "provision")
        self.run = os.path.join(tools.RUN, label)
        os.makedirs(self.run, exist_ok=True)
        self.hosts = {}

    def up(self, name):
        """A new host; this machine's hosts of one name are told apart by the run that they are in."""
        env = dict(os.environ, PROVISION_TEST_RUN=self.run)
        if name in self.hosts:
            self.tools.sh([self.tools.HOST, "down", name], env=env)
        out = self.tools.sh([self.tools.HOST, "up", name, "--sync"], env=env)
        info = dict(line.split("=", 1) for line in out.splitlines() if "=" in line)
        self.hosts[name] = (info, self.tools.inventory(name, info, self.run))

    def down(self):
        env = dict(os.environ, PROVISION_TEST_RUN=self.run)
        self.tools.sh([self.tools.HOST, "down", "--all"], env=env)

    def seconds(self, command, site, name):
        info, inventory = self.hosts[name]
        argv = [self.program, command, site, "-i", inventory, "--roles-path",
                os.path.join(self.top, "roles")]
        if command != "check":
            argv += ["--private-key", info["KEY"], "--known-hosts", info["KNOWN_HOSTS"]]
        return scale.measured(argv)[0]


class Versions:
    def __init__(self, tools, top, before):
        self.tools = tools
        self.both = [Version(tools, "before", before), Version(tools, "now", top)]

    def compare(self, what, run, rounds):
        """Alternates the versions, and which of them is first; prints the ratio of the medians."""
        times = {v.label: [] for v in self.both}
        for i in range(rounds):
            for v in self.both if i % 2 else reversed(self.both):
                times[v.label].append(run(v, i))
        middle = {label: self.tools.row(f"{what}, {label}", t) for label, t in times.items()}
        pairs = [b / a for a, b in zip(times["before"], times["now"])]
        print(f"  ratio now / before: {middle['now'] / middle['before']:.3f} "
              f"(median of pairs {statistics.median(pairs):.3f})\n", flush=True)

    def first(self, v, _):
        v.up(DEMO)
        return v.seconds("apply", os.path.join(v.top, "site.yml"), DEMO)

    def all(self, args):
        print("(e) the version before and this one, by turns")
        try:
            self.compare("first apply", self.first, args.first)
            for what, command in (("apply, nothing to do", "apply"),
                                  ("check of the demo site", "check")):
                self.compare(what, lambda v, _, c=command: v.seconds(
                    c, os.path.join(v.top, "site.yml"), DEMO), args.rounds * 2)
            self.large(args)
        finally:
            for v in self.both:
                v.down()

    def large(self, args):
        sites = []
        for extra in (0, 1):
            sites.append(os.path.join(self.tools.RUN, f"size{extra}.yml"))
            with open(sites[-1], "w", encoding="utf-8") as f:
                f.write(scale.manifest(scale.LARGE, extra))
        for v in self.both:
            v.up(scale.NAME)
            v.seconds("apply", sites[0], scale.NAME)
        rounds = args.ansible + 3
        for what, command in (("check of the large site", "check"),
                              ("plan of the large site, nothing to do", "plan")):
            self.compare(what, lambda v, _, c=command: v.seconds(c, sites[0], scale.NAME), rounds)
        self.compare("apply of one mailbox more or less",
                     lambda v, i: v.seconds("apply", sites[(i + 1) % 2], scale.NAME), rounds)
