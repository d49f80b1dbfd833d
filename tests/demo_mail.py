# SPDX-License-Identifier: MIT
"""The demo's mail client: alice writes to bob, bob reads. The passwords are the demo inventory's."""
import imaplib
import smtplib
import ssl
import sys
import time
from email.message import EmailMessage

address = sys.argv[1]
context = ssl.create_default_context()
context.check_hostname = False  # the certificate is self-signed
context.verify_mode = ssl.CERT_NONE

m = EmailMessage()
m["From"], m["To"] = "alice@example.com", "bob@example.com"
m["Subject"] = subject = f"Hello from a server {int(time.time())}"
m.set_content("This host was empty a minute ago.\n")
with smtplib.SMTP(address, 587, timeout=20) as s:
    s.starttls(context=context)
    s.login("alice@example.com", "correct horse")
    s.send_message(m)
print(f"alice submitted '{subject}' on port 587 with STARTTLS and her password")

for _ in range(100):
    with imaplib.IMAP4_SSL(address, 993, ssl_context=context, timeout=20) as i:
        i.login("bob@example.com", "battery staple")
        i.select("INBOX", readonly=True)
        _, found = i.search(None, "SUBJECT", f'"{subject}"')
        if found[0]:
            _, parts = i.fetch(found[0].split()[-1], "(BODY.PEEK[TEXT])")
            print(f"bob read it by IMAP on port 993: {parts[0][1].decode().strip()}")
            sys.exit(0)
    time.sleep(0.2)
sys.exit("the message did not arrive within 20 s")
