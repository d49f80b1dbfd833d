# SPDX-License-Identifier: MIT
"""What pytest needs to know of the tests on real hosts.

Each class has hosts of its own and runs in one process, from its first test to its last; classes run
beside one another (pytest-xdist). A line a test with its time, as it ends; at the end
"hosts: N passed, N failed, N skipped". Where hosts cannot run every test is skipped, by name.
PROVISION_KEEP=1 leaves the hosts of the last class up.
"""
import functools
import glob
import os
import re
import signal
import subprocess
import tempfile
import traceback

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
HOST = os.path.join(HERE, "..", "hosts", "host")
KEEP = os.environ.get("PROVISION_KEEP")
# The longest begin first, so that none of them runs alone at the end.
LONG = ("addresses", "package", "takeover", "spam", "examples", "verify", "ansible", "mailboxes",
        "drift_all", "rules", "reboot", "ports", "outbound", "logins", "tls", "list_policy",
        "activation", "refused", "lists", "mail", "dkim", "readers", "providers", "outbound6", "adopt")

collect_ignore = ["conftest.py", "lib.py", "world.py"]


def pytest_addoption(parser):
    parser.getgroup("hosts").addoption(
        "--alone", action="store_true",
        help="of tests that are numbered run only the chosen ones, not those before them")


# The folder of the hosts. Each process has one, and they have it one class after another.

def pytest_configure(config):
    if hasattr(config, "workerinput"):
        os.environ["PROVISION_TEST_RUN"] = config.workerinput["run"]
        config.cannot = config.workerinput["cannot"]
    # Registered last, it sees what -k and --lf leave.
    config.pluginmanager.register(Order(config))


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session):
    """Of the process that was called, before it starts others."""
    config = session.config
    if hasattr(config, "workerinput"):
        return
    # Whoever ends this process, hosts go with it.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # Without root no host boots, but the names of the tests are wanted all the same.
    place = "/var/tmp/provision-tests" if os.geteuid() == 0 else tempfile.gettempdir()
    os.makedirs(place, exist_ok=True)
    config.run = os.environ["PROVISION_TEST_RUN"] = tempfile.mkdtemp(prefix="e2e-", dir=place)
    os.environ.pop("PROVISION_TEST_OWNER", None)
    if not KEEP:  # without an owner nobody else removes them
        os.environ["PROVISION_TEST_OWNER"] = str(os.getpid())
    config.cannot = None if config.option.collectonly else why_not()
    config.pluginmanager.register(Lines(config))


def why_not():
    """Why hosts cannot run here, or None."""
    can = subprocess.run([HOST, "check"], capture_output=True, text=True)
    if can.returncode == 0:
        return None
    return ((can.stdout + can.stderr).strip().splitlines() or ["hosts cannot run here"])[-1]


def pytest_configure_node(node):
    node.workerinput["run"] = f"{node.config.run}-{node.workerinput['workerid']}"
    node.workerinput["cannot"] = node.config.cannot


def pytest_testnodedown(node):
    if getattr(node, "workeroutput", {}).get("exitstatus") == pytest.ExitCode.USAGE_ERROR:
        raise pytest.UsageError("not found, one of: " + " ".join(node.config.args))


def remove_hosts(run):
    """Also of tests that failed or were ended. Returns why something is left, or None."""
    if not os.path.isdir(run):
        return None
    if not os.listdir(run):
        return os.rmdir(run)
    gone = subprocess.run([HOST, "--run", run, "down", "--all"], capture_output=True, text=True)
    return f"{run} is left: {gone.stderr}" if gone.returncode else None


@pytest.fixture(scope="class", autouse=True)
def run_folder():
    run = os.environ["PROVISION_TEST_RUN"]
    remove_hosts(run)  # of the class before, if they were kept
    os.makedirs(run, exist_ok=True)
    yield
    left = None if KEEP else remove_hosts(run)
    assert not left, left


def pytest_unconfigure(config):
    """All processes have ended, in whatever way."""
    if not hasattr(config, "run"):
        return
    for run in glob.glob(config.run + "*"):
        if KEEP and os.path.exists(os.path.join(run, "key")):
            print(f"hosts are left up: tests/hosts/host --run {run} list")
        elif left := remove_hosts(run):
            print(left)
    if not config.option.collectonly:
        stats = config.pluginmanager.getplugin("terminalreporter").stats
        passed, failed, error, skipped = (
            len(stats.get(n, [])) for n in ("passed", "failed", "error", "skipped"))
        print(f"hosts: {passed} passed, {failed + error} failed, {skipped} skipped", flush=True)


# Which tests run, and in what order.

class Order:
    def __init__(self, config):
        self.alone = config.getoption("alone")

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, items):
        yield
        classes = {}
        for item in items:
            classes.setdefault(item.parent.nodeid, []).append(item)
        if not self.alone:
            classes = {name: with_earlier(chosen) for name, chosen in classes.items()}
        items[:] = sorted((i for chosen in classes.values() for i in chosen), key=weight)


def weight(item):
    module = item.path.stem
    return LONG.index(module) if module in LONG else len(LONG)


def with_earlier(chosen):
    """Tests of a class, with those that they build on: of numbered tests all before them."""
    if not isinstance(chosen[0].parent, pytest.Class):
        return chosen
    named = {i.name: i for i in chosen}
    every = [named.get(i.name, i) for i in chosen[0].parent.collect()]
    if not any(re.match(r"test_\d", i.name) for i in every):
        return chosen
    kept, needed_by = [], None
    for item in reversed(every):
        if item.name in named:
            needed_by = item.name
        elif needed_by:
            item.user_properties.append(("needed_by", needed_by))
        if needed_by:
            kept.insert(0, item)
    return kept


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    if item.config.cannot:
        pytest.skip(item.config.cannot)
    if hasattr(item, "addFailure"):  # a unittest.TestCase
        item.failfast, item.failed_parts = False, 0
        item.addSubTest = functools.partial(add_sub_test, item)


def add_sub_test(item, test, part, err):
    """A subTest that fails lets the others run. pytest shows the first; its words tell of the rest."""
    if not err:
        return
    print(f"FAILED  {part}")
    item.failed_parts += 1
    if item.failed_parts == 1:
        item.addFailure(test, err)
    else:
        print("".join(traceback.format_exception(*err)))


# A line a test.

@pytest.hookimpl(hookwrapper=True)
def pytest_report_teststatus():
    status = yield
    category, _, word = status.get_result()
    status.force_result((category, "", word))


class Lines:
    def __init__(self, config):
        self.config, self.took = config, {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report):
        took = self.took[report.nodeid] = self.took.get(report.nodeid, 0) + report.duration
        if report.when != "call" and report.passed:
            return
        name = report.nodeid.replace(".py::", ".").replace("::", ".")
        word = "FAILED" if report.failed else "skipped" if report.skipped else "ok"
        line = f"{word:7} {name}  ({took:.1f} s)"
        if report.skipped:
            line += ": " + str(report.longrepr[2]).removeprefix("Skipped: ")
        if report.failed and report.when != "call":
            line += f" in the {report.when} of its class"
        for key, value in report.user_properties:
            if key == "needed_by":
                line += f"  [{value} may build on it; --alone leaves it out]"
        reporter = self.config.pluginmanager.getplugin("terminalreporter")
        reporter.write_line(line)
        reporter.flush()
