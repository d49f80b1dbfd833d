# SPDX-License-Identifier: MIT
"""The spam filters: rspamd, SpamAssassin, both, none; what they learn; and every switch between
them while mail keeps coming."""
import contextlib
import re
import smtplib
import time
import unittest

from lib import SANITIZED, arrives, imap, pop_subjects, recap, subjects, submit, wait_for
from world import Traffic, WorldTest

MANIFEST = """
- name: Mail servers
  hosts: mx1.example.com
  become: true
  mail:
    hostname: mx1.example.com
    spam_traps: [trap@example.com]
%s
    domains:
      example.com:
        catch_all: bob
        mailboxes:
          alice: {password: alices}
          bob: {password: bobs}
%s
  roles: [mail]
"""
ALICE = ("alice@example.com", "alices")
BOB = ("bob@example.com", "bobs")
AWAY = """          carol:
            password: carols
            vacation: {subject: "Away until März", text: "I am back in March."}
"""

MODES = {
    "rspamd": "    spam_filter: rspamd\n",
    "spamassassin": "    spam_filter: spamassassin\n",
    "piggyback": "    spam_filter: spamassassin\n    rspamd_piggyback: true\n",
    "none": "    spam_filter: none\n",
}
GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
PILLS = """Dear friend, buy these cheap pills today and save a large amount of money on every
order that you place with our honest pharmacy. Offer %s ends soon, so hurry up, click now,
and receive wonderful watches, golden coins and a free holiday besides.
"""
MINUTES = """Hello, here are the minutes of meeting %s. We spoke about the garden, about who
brings the tables and chairs, and about the weather forecast for the weekend. Please tell me
until Friday whether something is missing from them.
"""
# A message without a date, from a client without a name.
ODD = """import http.client, json
for _ in range(2):
    c = http.client.HTTPConnection("127.0.0.1", 11333)
    c.request("POST", "/checkv2", "Subject: odd\\nFrom: a@nowhere.example\\nTo: alice@example.com\\n"
              "Message-ID: <1@nowhere.example>\\n\\nHello.\\n",
              {"IP": "203.0.113.77", "Hostname": "unknown", "Helo": "nowhere.example",
               "From": "a@nowhere.example", "Rcpt": "alice@example.com"})
    print(json.loads(c.getresponse().read())["action"])
"""


def mail(subject, body, to=ALICE[0], head=""):
    return (f"From: Ed <ed@outside.test>\r\nTo: {to}\r\nSubject: {subject}\r\n"
            f"Message-ID: <{time.time_ns()}@outside.test>\r\n"
            f"Date: {time.strftime('%a, %d %b %Y %H:%M:%S +0000', time.gmtime())}\r\n{head}\r\n"
            + body.replace("\n", "\r\n")).encode()


def bare(subject, body):
    """What rspamd gives 7 points: no date, no sender, no recipient, no id."""
    return f"Subject: {subject}\r\n\r\n".encode() + body.replace("\n", "\r\n").encode()


@unittest.skipIf(SANITIZED, "many applies, in which the agent has nothing new to prove")
class Filters(WorldTest):
    """One host that goes through all modes; the tests run in the order of their names."""

    names = ("mx1.example.com",)
    public = True

    def mode(self, name, more="", boxes=""):
        s = self.site(MANIFEST % (MODES[name] + more, boxes), hosts=[self.host])
        done = s.apply()
        self.assertExit(done, 0)
        done = s.plan("--exit-code")
        self.assertExit(done, 0)
        return s

    def send(self, data, to=ALICE[0], sender="ed@outside.test", public=False):
        """From a private address, which rspamd spares much of what it asks of strangers."""
        said = self.world.send(sender, to, data=data, at=self.host.public if public else self.host.address)
        self.assertEqual(said["rcpt"].get(to, "")[:3], "250", said)
        return said["data"]

    def clean_mail_arrives(self):
        subject = f"clean {time.time_ns()}"
        self.assertEqual(self.send(mail(subject, MINUTES % subject))[:3], "250")
        a = self.host.address
        arrives(a, *ALICE, subject)
        self.assertIn(subject, pop_subjects(a, *ALICE))
        # and what a user of the server sends to another
        subject = submit(a, *BOB, BOB[0], ALICE[0], body=MINUTES % subject)
        arrives(a, *ALICE, subject)

    def move(self, subject, source, target):
        with imap(self.host.address, *ALICE) as s:
            s.select(source)
            found = s.search(None, "SUBJECT", f'"{subject}"')[1][0]
            self.assertEqual(s.uid("MOVE", s.fetch(found, "(UID)")[1][0].split()[2].strip(b")")
                                   .decode(), target)[0], "OK")

    def learnt_by_rspamd(self):
        """(spam, ham) that its Bayes has learnt, from redis."""
        said = self.host.out("redis-cli -s /run/redis-rspamd/redis-server.sock "
                             "hmget RS learns_spam learns_ham").splitlines()
        return tuple(int(n or 0) for n in (said + ["", ""])[:2])

    def learnt_by_spamassassin(self):
        said = self.host.out("sa-learn --dbpath /var/lib/spamassassin/bayes/bayes --dump magic")
        return tuple(int(re.search(rf"(\d+) +\d+ +non-token data: {w}", said).group(1))
                     for w in ("nspam", "nham"))

    def teaches(self, subject, text, learnt):
        """A delivery waits 3 s for rspamd to learn: a busy host may need another message."""
        for _ in range(3):
            self.send(mail(subject, text % time.time_ns()))
            with contextlib.suppress(AssertionError):
                return wait_for(f"rspamd learns from '{subject}'", learnt)
        raise AssertionError(f"rspamd learns nothing from '{subject}'")

    def training(self, learnt):
        """Moves teach the filters of which `learnt` gives the counters; Trash does not."""
        run = time.time_ns()
        for n in range(2):
            self.send(mail(f"train {run} {n}", (PILLS, MINUTES)[n] % run))
            arrives(self.host.address, *ALICE, f"train {run} {n}")
        spam, _ = learnt()
        for n in range(2):
            self.move(f"train {run} {n}", "INBOX", "Spam")
            wait_for(f"move {n} into Spam teaches spam", lambda n=n: learnt()[0] == spam + n + 1)
        _, ham = learnt()
        self.move(f"train {run} 1", "Spam", "INBOX")
        wait_for("a move out of Spam teaches ham", lambda: learnt()[1] == ham + 1)
        before = learnt()
        self.move(f"train {run} 0", "Spam", "Trash")
        time.sleep(2)
        self.assertEqual(learnt(), before, "throwing away teaches nothing")

    def trap(self, learnt):
        run = time.time_ns()
        spam, _ = learnt()
        data = mail(f"trap {run}", PILLS % run, to="trap@example.com")
        self.assertEqual(self.send(data, to="trap@example.com")[:3], "250")
        wait_for("the trap teaches spam", lambda: learnt()[0] == spam + 1)
        self.nowhere(f"trap {run}")

    def nowhere(self, subject):
        found = self.host.out(f"grep -rl 'Subject: {subject}' /var/vmail || true")
        self.assertEqual(found, "")

    def no_notification(self):
        self.assertEqual([m.raw for m in self.world.mailbox()
                          if b"multipart/report" in m.raw], [])
        self.assertNotIn("MAILER-DAEMON", self.host.out("postqueue -p"))

    # ---- each filter ----

    def test_01_rspamd(self):
        self.world.ready()  # rspamd asks for names when it starts
        self.mode("rspamd")
        self.clean_mail_arrives()
        said = self.send(mail("gtube", GTUBE))
        self.assertRegex(said, "^554 5.7.1 ")
        # spam that is not refused is marked and filed
        self.assertEqual(self.send(bare("filed by rspamd", PILLS % 1))[:3], "250")
        arrives(self.host.address, *ALICE, "filed by rspamd", "Spam")
        # a forged mark is none
        self.send(mail("forged mark", MINUTES % 1, head="X-Spam: Yes\r\n"))
        arrives(self.host.address, *ALICE, "forged mark")

    def test_02_rspamd_learns(self):
        self.training(self.learnt_by_rspamd)
        self.trap(self.learnt_by_rspamd)

    def test_03_rspamd_overrides_come_and_go(self):
        dump = "rspamadm configdump %s"
        self.mode("rspamd", """    rspamd:
      actions: {reject: 21, greylist: null}
      options: {task_timeout: 11s}
      neural: {enabled: false}
""")
        actions = self.host.out(dump % "actions")
        self.assertIn("reject = 21", actions)
        self.assertNotIn("greylist = 4", actions)
        self.assertIn("task_timeout = 11", self.host.out(dump % "options"))
        self.assertIn("enabled = false", self.host.out(dump % "neural"))
        # the daemon itself, not only its files
        self.assertIn('"value":21', self.host.out(
            "python3 -c 'import urllib.request as u; print(u.urlopen("
            "\"http://127.0.0.1:11334/actions\").read().decode())'").replace(" ", ""))
        self.host.run("echo 'dns { timeout = 2s; }' >/etc/rspamd/local.d/mine.conf")
        self.mode("rspamd")
        self.assertIn("reject = 15", self.host.out(dump % "actions"))
        self.assertNotIn("task_timeout = 11", self.host.out(dump % "options"))
        self.host.run("rm /etc/rspamd/local.d/mine.conf")  # which was not ours

    def test_03_strangers_that_look_odd_wait_a_while(self):
        """Asked as the milter asks: rspamd spares rspamc, and every client of this network."""
        keys = "redis-cli -s /run/redis-rspamd/redis-server.sock keys 'rg*'"
        before = self.host.out(keys).splitlines()
        self.host.run("cat >/root/odd.py <<'EOF'\n" + ODD + "EOF\n")
        self.assertEqual(self.host.out("python3 /root/odd.py"), "soft reject\nsoft reject")
        made = set(self.host.out(keys).splitlines()) - set(before)
        self.assertEqual(len(made), 2, made)  # of the envelope and of the body

    def test_03_strangers_from_outside(self):
        """From a public address: plain mail comes at once; what looks odd is told to come again."""
        subject = f"from outside {time.time_ns()}"
        self.assertEqual(self.send(mail(subject, MINUTES % subject), public=True)[:3], "250")
        arrives(self.host.address, *ALICE, subject)
        self.assertRegex(self.send(bare(f"odd {subject}", PILLS % subject), public=True), "^451 4.7.1 ")
        self.nowhere(f"odd {subject}")

    def test_04_low_memory(self):
        self.mode("rspamd", "    low_memory: true\n")
        self.assertEqual(self.host.out("ls /run/redis-rspamd 2>/dev/null; pgrep redis || true"), "")
        # rspamd's processes found the files of Bayes; of two that create them one runs without Bayes
        self.assertEqual(self.host.out("grep 'absent tokenizer conf' /var/log/rspamd/rspamd.log || true"), "")
        self.clean_mail_arrives()
        self.assertRegex(self.send(mail("gtube", GTUBE)), "^554 5.7.1 ")
        for section in ("neural", "greylist"):
            self.assertIn("enabled = false", self.host.out(f"rspamadm configdump {section}"))
        data = mail("trap of files", PILLS % "files", to="trap@example.com")
        self.send(data, to="trap@example.com")
        wait_for("Bayes in files", lambda: "learned: 1" in self.host.out(
            "rspamc stat | grep BAYES_SPAM"))

    def test_05_spamassassin(self):
        self.mode("spamassassin")
        self.clean_mail_arrives()
        self.assertEqual(self.send(mail("gtube for SpamAssassin", GTUBE))[:3], "250")
        arrives(self.host.address, *ALICE, "gtube for SpamAssassin", "Spam")
        self.no_notification()
        self.training(self.learnt_by_spamassassin)
        self.trap(self.learnt_by_spamassassin)
        self.assertEqual(self.host.out("systemctl is-active spamassassin-maintenance.timer"),
                         "active")

    def test_06_spamassassin_is_told(self):
        self.mode("spamassassin", """    spamassassin:
      required_score: 4
      delete_score: 500
      header: [MINE Subject =~ /mine/, YOURS Subject =~ /yours/]
      score: [MINE 6, YOURS 600]
""")
        for subject, score in (("this is mine", "3"), ("this is yours", "600")):
            self.assertEqual(self.send(mail(subject, MINUTES % score))[:3], "250")
        arrives(self.host.address, *ALICE, "this is mine", "Spam")
        wait_for("all delivered", lambda: "is empty" in self.host.out("postqueue -p"))
        self.nowhere("this is yours")
        self.no_notification()

    def test_07_piggyback(self):
        self.mode("piggyback", """    spamassassin:
      header: MINE Subject =~ /mine/
      score: MINE 9
""")
        self.clean_mail_arrives()
        # what rspamd would mark by itself passes as SpamAssassin lets it, without a mark
        self.assertEqual(self.send(bare("rspamd would mark it", MINUTES % 2))[:3], "250")
        arrives(self.host.address, *ALICE, "rspamd would mark it")
        raw = self.host.out("cat /dev/null $(grep -rl --include='*:2,*' --include='*,S=*' "
                            "'Subject: rspamd would mark it' /var/vmail)")
        self.assertNotRegex(raw, r"(?m)^X-Spam: |^X-Spamd-|^X-Rspamd-")
        self.assertIn("X-Spam-Score", raw)
        self.assertEqual(self.send(mail("gtube in piggyback", GTUBE))[:3], "250")
        arrives(self.host.address, *ALICE, "gtube in piggyback", "Spam")
        # nor does rspamd make a stranger from outside wait
        self.assertEqual(self.send(bare("odd in piggyback", PILLS % 3), public=True)[:3], "250")
        arrives(self.host.address, *ALICE, "odd in piggyback", "Spam")  # and has been learnt
        self.no_notification()
        # SpamAssassin's verdicts teach rspamd (who learns nothing from a GTUBE)
        spam, ham = self.learnt_by_rspamd()
        self.teaches("mine in piggyback", PILLS, lambda: self.learnt_by_rspamd()[0] > spam)
        arrives(self.host.address, *ALICE, "mine in piggyback", "Spam")
        self.teaches("good in piggyback", MINUTES, lambda: self.learnt_by_rspamd()[1] > ham)
        # moves and traps teach both
        before = self.learnt_by_spamassassin()
        self.training(self.learnt_by_rspamd)
        self.assertGreater(self.learnt_by_spamassassin(), before)
        self.trap(self.learnt_by_spamassassin)

    def test_08_filters_that_are_away_hold_up_no_mail_of_strangers(self):
        self.host.run("systemctl stop rspamd spamd")
        subject = f"unfiltered {time.time_ns()}"
        self.assertEqual(self.send(mail(subject, MINUTES % 3,
                                        head="X-Spam-Score: -9.0\r\n"))[:3], "250")
        wait_for("it comes unfiltered", lambda: subject in subjects(self.host.address, *ALICE), 60)
        # but who submits, whose mail would leave unsigned, waits
        with self.assertRaises(smtplib.SMTPResponseException) as said:
            submit(self.host.address, *BOB, BOB[0], ALICE[0])
        self.assertEqual(said.exception.smtp_code, 454)
        self.host.run("systemctl start rspamd spamd")

    def test_09_none(self):
        self.mode("none")
        self.clean_mail_arrives()
        for subject, data in (("gtube for nobody", GTUBE), ("not filed", MINUTES % 4)):
            self.assertEqual(self.send(mail(subject, data, head="X-Spam: Yes\r\n"
                                            "X-Spam-Flag: YES\r\n"))[:3], "250")
            arrives(self.host.address, *ALICE, subject)
        data = mail("trap of none", PILLS % 5, to="trap@example.com")
        self.assertEqual(self.send(data, to="trap@example.com")[:3], "250")
        wait_for("all delivered", lambda: "is empty" in self.host.out("postqueue -p"))
        self.nowhere("trap of none")

    def test_10_vacation_answers_once(self):
        self.mode("none", boxes=AWAY)
        to = "carol@example.com"
        heads = [("ed@outside.test", ""), ("ed@outside.test", ""),
                 ("list@outside.test", "List-Id: <l.outside.test>\r\n"),
                 ("auto@outside.test", "Auto-Submitted: auto-generated\r\n"),
                 ("bulk@outside.test", "Precedence: bulk\r\n"),
                 ("l-bounces@outside.test", ""), ("", "")]
        for n, (sender, head) in enumerate(heads):
            self.send(mail(f"are you there {n}", MINUTES % n, to=to, head=head), to, sender)
            if n == 0:
                m = wait_for("the answer", lambda: self.answers())[0]
                self.assertEqual((m.sender, m.to), ("", "ed@outside.test"))
                self.assertEqual(m.message["Subject"], "Away until März")
                self.assertIn("I am back in March.", m.message.get_content())
                self.assertEqual(m.message["Auto-Submitted"], "auto-replied")
        wait_for("all delivered", lambda: "is empty" in self.host.out("postqueue -p"))
        time.sleep(2)
        self.assertEqual(len(self.answers()), 1)
        self.mode("none", boxes=AWAY.split("            vacation")[0])
        self.send(mail("and now", MINUTES % 9, to=to), to, "new@outside.test")
        arrives(self.host.address, to, "carols", "and now")
        time.sleep(2)
        self.assertEqual(len(self.answers()), 1)
        self.assertEqual(self.host.out("ls -d /etc/maildrop* /usr/local/lib/mail 2>/dev/null"
                                       " || true"), "/etc/maildroprc")

    def answers(self):
        return [m for m in self.world.mailbox() if "carol@example.com" in str(m.message["From"])]

    # ---- from each to each ----

    # Every ordered pair of modes stands in here once.
    ROUND = ("none", "spamassassin", "piggyback", "spamassassin", "none", "piggyback", "none",
             "rspamd", "spamassassin", "rspamd", "piggyback", "rspamd", "none")
    SEEN = {
        "units": "for u in rspamd redis-server@rspamd redis-server spamd "
                 "spamassassin-maintenance.timer; do e=$(systemctl is-enabled $u 2>/dev/null); "
                 "[ \"$e\" = enabled ] || e=disabled; "
                 "echo $u $(systemctl is-active $u) $e; done",
        "processes": "ps -eo args | awk '/awk/ {next} /^rspamd:/ {print \"rspamd\"} "
                     "/^[^ ]*redis-server / {print \"redis-server\"} "
                     "/^spamd child|^[^ ]*perl .*[/]spamd / {print \"spamd\"}' | sort -u",
        "ports": "ss -Hltn | awk '{print $4}' | grep -oE '(783|6379|1133[0-9])$' | sort -u",
        "files": "ls -d /etc/rspamd/local.d/* /etc/redis/redis-rspamd.conf /run/redis-rspamd "
                 "/run/rspamd /etc/spamassassin/zz-mail.cf /etc/systemd/system/spamd.service.d "
                 "/etc/systemd/system/rspamd.service.d /etc/dovecot/sieve /usr/local/lib/mail/* "
                 "/etc/systemd/system/spamassassin* /usr/local/sbin/*spam* "
                 "2>/dev/null | sed 's/local.d.*/local.d/; s/learn-.*/learn/' | sort -u",
        "milters": "postconf -h smtpd_milters non_smtpd_milters milter_default_action; "
                   "postconf -P submission/inet/smtpd_milters submissions/inet/smtpd_milters "
                   "2>/dev/null | sed 's/.*= *//'",
        "trap": "postmap -q trap@example.com $(postconf -hx transport_maps)",
        "asked": "grep -oE 'spamc|rspamc|X-Spam: Yes' /etc/maildroprc "
                 "/usr/local/lib/mail/learn-spam 2>/dev/null | sort -u",
        "moves": "doveconf -n | grep -c imap_sieve",
    }

    @staticmethod
    def expected(mode):
        # rspamd runs in each: it verifies and signs
        rspamd, sa = mode in ("rspamd", "piggyback"), mode in ("spamassassin", "piggyback")
        milter = "inet:127.0.0.1:11332"
        units = [("rspamd", True), ("redis-server@rspamd", rspamd), ("redis-server", False),
                 ("spamd", sa), ("spamassassin-maintenance.timer", sa)]
        files = ["/etc/rspamd/local.d", "/etc/systemd/system/rspamd.service.d", "/run/rspamd"]
        files += ["/etc/redis/redis-rspamd.conf", "/run/redis-rspamd"] if rspamd else []
        files += ["/etc/spamassassin/zz-mail.cf", "/etc/systemd/system/spamd.service.d",
                  "/etc/systemd/system/spamassassin-maintenance.service.d",
                  "/usr/local/sbin/update-spamassassin"] if sa else []
        files += ["/etc/dovecot/sieve", "/usr/local/lib/mail/learn"] if rspamd or sa else []
        learn = ["rspamc"] * rspamd + ["spamc"] * sa
        asked = [f"/usr/local/lib/mail/learn-spam:{p}" for p in learn]
        asked += ["/etc/maildroprc:X-Spam: Yes"] if mode == "rspamd" else []
        asked += ["/etc/maildroprc:spamc"] if sa else []
        asked += ["/etc/maildroprc:rspamc"] if mode == "piggyback" else []
        return {
            "units": [f"{u} active enabled" if on else f"{u} inactive disabled"
                      for u, on in units],
            "processes": ["redis-server"] * rspamd + ["rspamd"] + ["spamd"] * sa,
            "ports": ["11332", "11333", "11334"] + ["783"] * sa,
            "files": sorted(files),
            "milters": [milter, milter, "accept", milter, milter],
            "trap": ["spamtrap:" if rspamd or sa else "discard:"],
            "asked": sorted(asked),
            "moves": ["1" if rspamd or sa else "0"],
        }

    def seen(self):
        script = "".join(f"echo @{k}; {c}\n" for k, c in self.SEEN.items()) + "echo @"
        found = {}
        for part in self.host.run(script, check=False).stdout[1:].split("\n@"):
            key, some, lines = part.partition("\n")
            found[key] = lines.split("\n") if some else []
        return found

    def test_11_every_switch_while_mail_keeps_coming(self):
        self.mode(self.ROUND[0])
        took, wrong = [], []
        with Traffic(self.world, self.host, [ALICE[:1] + ALICE, BOB[:1] + BOB]) as traffic:
            for before, after in zip(self.ROUND, self.ROUND[1:]):
                s = self.site(MANIFEST % (MODES[after], ""), hosts=[self.host])
                start = time.time()
                self.assertExit(s.apply(), 0)
                took.append(f"{before} -> {after} {time.time() - start:.1f} s")
                seen, expected = self.seen(), self.expected(after)
                wrong += [f"{before} -> {after}: {k}: {seen.get(k)}, not {expected[k]}"
                          for k in expected if seen.get(k) != expected[k]]
                done = s.apply()
                self.assertExit(done, 0)
                if recap(done.stdout)[self.host.name]["changed"]:
                    wrong.append(f"{before} -> {after}: the second apply:\n{done.stdout}")
        print("  " + "; ".join(took), flush=True)
        print("  " + traffic.figures(), flush=True)
        self.assertEqual(wrong, [])
        traffic.check(self, refused=1.0)
