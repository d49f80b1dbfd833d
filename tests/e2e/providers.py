# SPDX-License-Identifier: MIT
"""Domains whose mail is elsewhere: what is published of them, and that they are not local here."""
import http.server
import imaplib
import json
import os
import threading
import unittest

from lib import SANITIZED, arrives, imap, recap, submit, subjects
from world import WorldTest

MANIFEST = """
- hosts: mail
  become: true
  mail:
    hostname: mx1.example.com
    spam_filter: none
    srs: false
    domains:
      example.com:
        mailboxes:
          alice: {password: alices}
        aliases:
          team: [alice, carol@moved.test]
      moved.test: %s
      parked.test: {provider: null}
  roles: [mail]
"""
HERE = "{mailboxes: {carol: {password: carols}}}"
GMAIL = "{provider: gmail}"
MXROUTE = "{provider: mxroute, provider_key: %s}"
ALICE = ("alice@example.com", "alices")
CAROL = ("carol@moved.test", "carols")
GMAIL_RECORDS = """\
moved.test. 3600 IN MX 1 ASPMX.L.GOOGLE.COM.
moved.test. 3600 IN MX 5 ALT1.ASPMX.L.GOOGLE.COM.
moved.test. 3600 IN MX 5 ALT2.ASPMX.L.GOOGLE.COM.
moved.test. 3600 IN MX 10 ALT3.ASPMX.L.GOOGLE.COM.
moved.test. 3600 IN MX 10 ALT4.ASPMX.L.GOOGLE.COM.
mail.moved.test. 3600 IN CNAME ghs.google.com.
moved.test. 3600 IN TXT "v=spf1 include:_spf.google.com a ~all"
"""
MXROUTE_RECORDS = """\
moved.test. 3600 IN MX 10 monday.mxrouting.net.
moved.test. 3600 IN MX 20 monday-relay.mxrouting.net.
mail.moved.test. 3600 IN CNAME monday.mxrouting.net.
webmail.moved.test. 3600 IN CNAME monday.mxrouting.net.
moved.test. 3600 IN TXT "v=spf1 include:mxlogin.com -all"
"""


def of_domain(text, domain):
    """The records of a domain, blanks made one."""
    lines = [" ".join(line.split(None, 4)) + "\n" for line in text.splitlines()]
    return "".join(x for x in lines if x.split()[0].endswith(domain + "."))


class Api:
    """mxroute's API as far as it is asked: a real HTTP server, on the controller's loopback."""

    SERVERS = [{"servername": "monday", "hostname": "monday.mxrouting.net",
                "backuphost": "monday-relay.mxrouting.net."},
               {"servername": "evil", "hostname": "a.test.\tIN A 192.0.2.1\n",
                "backuphost": "b.test"},
               {"servername": 7, "hostname": []}, "nothing"]
    SPF = [{"txt": "v=spf1 include:mxlogin.com -all"}]

    def __init__(self):
        api = self
        self.asked = []
        self.say(json.dumps({"data": self.SERVERS}), json.dumps({"data": self.SPF}))

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                api.asked.append(self.path)
                status, body = api.answers.get(self.path, (404, b""))
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "/project/items/elsewhere")
                self.end_headers()
                try:
                    self.wfile.write(body)
                except OSError:  # it had enough
                    pass

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d" % self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def say(self, servers, spf, status=200):
        self.answers = {"/project/items/mailservers": (status, servers.encode()),
                        "/project/items/spf": (status, spf.encode())}

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


@unittest.skipIf(SANITIZED, "nothing new for the agent")
class Providers(WorldTest):
    """One mail host; the tests run in the order of their names."""

    names = ("mx1.example.com",)
    public = True
    zones = ("moved.test", "parked.test")

    def setUp(self):
        cache = os.path.join(os.environ["PROVISION_TEST_RUN"], f"cache-{self.id()}")
        self.environment(XDG_CACHE_HOME=cache)

    def environment(self, **names):
        for name, value in names.items():
            old = os.environ.get(name)
            self.addCleanup(lambda n=name, o=old: os.environ.pop(n, None) if o is None
                            else os.environ.__setitem__(n, o))
            os.environ[name] = value

    def mxroute(self):
        api = Api()
        self.addCleanup(api.stop)
        self.environment(PROVISION_MXROUTE_URL=api.url)
        return api

    def converge(self, domain):
        s = self.site(MANIFEST % domain, hosts=[self.host])
        self.assertExit(s.apply(), 0)
        again = s.apply()
        self.assertEqual(recap(again.stdout)["mx1.example.com"]["changed"], 0, again.stdout)
        return s

    def test_1_a_domain_of_ours_has_its_mail_here(self):
        s = self.converge(HERE)
        text = s.records()
        self.assertExit(text, 0)
        self.world.publish(text.stdout)
        self.world.send("bob@outside.test", CAROL[0], subject="while it is here")
        arrives(self.host.address, *CAROL, "while it is here")
        self.assertEqual(of_domain(text.stdout, "parked.test"), "")

    def test_2_with_gmail_it_is_routed_outside(self):
        s = self.converge(GMAIL)
        text = s.records()
        self.assertExit(text, 0)
        self.assertEqual(of_domain(text.stdout, "moved.test"), GMAIL_RECORDS)
        self.world.publish(text.stdout)   # bind9 takes them
        self.world.accept("moved.test")   # the world's outside plays Google
        submit(self.host.address, *ALICE, ALICE[0], CAROL[0], subject="to where it went")
        self.assertEqual(self.world.arrived("to where it went").to, CAROL[0])
        self.world.send("bob@outside.test", "team@example.com", subject="by an alias")
        arrives(self.host.address, *ALICE, "by an alias")
        self.assertEqual(self.world.arrived("by an alias").to, CAROL[0])
        said = self.world.send("bob@outside.test", CAROL[0], subject="stays out")
        self.assertIn("Relay access denied", said["rcpt"][CAROL[0]])
        with self.assertRaises(imaplib.IMAP4.error):
            imap(self.host.address, *CAROL)
        # the mail that is here is kept
        self.host.run("grep -rq 'while it is here' /var/vmail/moved.test/carol/Maildir")

    def test_3_and_comes_back_with_all_its_mail(self):
        s = self.converge(HERE)
        self.world.publish(s.records().stdout, instead=["moved.test"])
        submit(self.host.address, *ALICE, ALICE[0], CAROL[0], subject="here again")
        arrives(self.host.address, *CAROL, "here again")
        found = subjects(self.host.address, *CAROL)
        self.assertEqual(sorted(found), ["here again", "while it is here"])

    def test_4_mxroute_says_the_names_of_its_servers(self):
        api = self.mxroute()
        s = self.site(MANIFEST % (MXROUTE % "monday"), hosts=[self.host])
        s.write("resolv.conf", f"nameserver {self.world.outside.address}\n")
        self.environment(PROVISION_RESOLV_CONF=s.path("resolv.conf"))
        key = '"v=DKIM1; k=rsa; p=' + "A" * 300
        text = s.records()
        self.assertExit(text, 0)
        self.assertEqual(of_domain(text.stdout, "moved.test"), MXROUTE_RECORDS)
        # mxroute's own key is published again when it is there
        self.world.publish(f'x._domainkey.moved.test. 60 IN TXT {key[:200]}" "{key[200:]}"\n')
        text = s.records()
        self.assertIn(f'x._domainkey.moved.test.\t3600\tIN\tTXT\t{key[:256]}" "{key[256:]}"\n',
                      text.stdout)
        self.world.withdraw("x._domainkey.moved.test.", "TXT")
        api.asked.clear()
        text = s.records()
        self.assertEqual(of_domain(text.stdout, "moved.test"), MXROUTE_RECORDS)
        self.assertEqual(len(api.asked), 2, api.asked)
        self.world.parse(text.stdout)
        self.assertExit(s.apply(), 0)
        self.assertEqual(self.host.out("postmap -q moved.test hash:/etc/postfix/virtual_domains"
                                       " || true"), "")
        # from then on the copy serves: asked for, or when the API is away
        asked = len(api.asked)
        offline = s.records("--offline")
        self.assertExit(offline, 0)
        self.assertEqual(of_domain(offline.stdout, "moved.test"), MXROUTE_RECORDS)
        self.assertEqual(len(api.asked), asked)
        api.stop()
        away = s.plan()
        self.assertExit(away, 0)
        self.assertIn("does not answer", away.stderr)
        self.assertIn("the copy of", away.stderr)
        self.assertEqual(of_domain(s.records().stdout, "moved.test"), MXROUTE_RECORDS)

    def test_5_a_wrong_name_is_found_before_any_host(self):
        self.mxroute()
        s = self.site(MANIFEST % (MXROUTE % "tuesday"), hosts=[self.host])
        for done in (s.plan(), s.apply()):
            self.assertExit(done, 1)
            self.assertIn("site.yml:14:53: mxroute has no server 'tuesday'; check the name",
                          done.stderr)
            self.assertEqual(done.stdout, "")
        self.assertIn("no server 'evil'", self.site(MANIFEST % (MXROUTE % "evil"),
                                                    hosts=[self.host]).plan().stderr)
        # without network and without a copy it says what is missing
        os.environ["XDG_CACHE_HOME"] += "-none"
        done = s.plan("--offline")
        self.assertExit(done, 1)
        self.assertIn("never fetched on this machine", done.stderr)

    def test_6_what_the_api_says_is_bounded(self):
        api = self.mxroute()
        s = self.site(MANIFEST % (MXROUTE % "monday"), hosts=[self.host])
        spf = json.dumps({"data": Api.SPF})
        servers = json.dumps({"data": Api.SERVERS})
        for why, args in {
                "too long an answer": (" " * (2 << 20) + servers, spf),
                "did not return JSON": ("{" * 5000, spf),
                "returned no list named data": ('{"data": {"a": 1}}', spf),
                "returned no SPF record": (servers, '{"data": [{"txt": "v=spf1 a\\n@ IN A 1.2.3.4"}]}'),
                "status 302": (servers, spf, 302),
                "status 500": (servers, spf, 500)}.items():
            api.say(*args)
            done = s.plan()
            self.assertExit(done, 1)
            self.assertIn(why, done.stderr)
            self.assertIn("site.yml:14:53", done.stderr)
