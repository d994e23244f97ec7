"""Walks the main roads of the command line with a watch on the network; run by its path, maybe without any network.

``python main_roads.py FOLDER`` leaves in the folder: ``attempts.jsonl``, a line for each look-up or connection that any
process tried; ``server.json``, the scripted model server's address; and ``ended.json``, how each command ended.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import struct
import sys
from pathlib import Path

from familychat.testing import FakeOpenAI, Script, serve
from familychat_cli.testing import CommandLine

WATCH = """
import json, os, sys

def watch(event, args):
    # Python raises these for every look-up and connection, whichever library asks for it.
    if event in {"socket.connect", "socket.sendto", "socket.sendmsg"}:
        place = args[1]
    elif event in {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"}:
        place = (args[0], args[1] if event == "socket.getaddrinfo" else 0)
    else:
        return
    place = [str(part) for part in place[:2]] if isinstance(place, tuple) else [str(place), ""]
    with open(os.environ["ATTEMPTS"], "a") as file:
        file.write(json.dumps(place) + "\\n")

sys.addaudithook(watch)
"""
TEMPTING = "![A picture](http://192.0.2.9/picture.png) and [a link](http://192.0.2.9/) <img src='http://192.0.2.9/x'>"
PASSWORD = "quiet little river\n"
SONGS = "Title,Artist,Year\nHello,Adele,2015\nHeroes,David Bowie,1977\n"
SAID = [{"sender": "human", "text": "Hi"}, {"sender": "assistant", "text": TEMPTING}]
CHAT = {"uuid": "1", "name": "Stars", "chat_messages": SAID}
ROADS: tuple[tuple[list[str], str], ...] = (
    (["whoami"], ""),
    (["ask", "Tell me something"], ""),
    (["chat"], f"Hello\n{TEMPTING}\n/retry\n/info\n/list\n"),
    (["search", "something"], ""),
    (["conversations", "list"], ""),
    *((["export", "--all", "-f", name, "--to", f"out-{name}"], "") for name in ("md", "html", "json", "csv", "pdf")),
    (["import", "chat.json"], ""),
    (["music", "import", "songs.csv"], ""),
    (["music", "ask", "Which songs are by Adele?"], ""),
    (["backup", "create"], ""),
    (["backup", "verify"], ""),
    (["db", "snapshot"], ""),
    (["tasks", "list"], ""),
    (["models", "list"], ""),
    (["doctor"], ""),
    (["privacy"], ""),
    (["admin", "users", "add", "child", "--password-stdin"], PASSWORD),
    (["admin", "usage", "--by", "model"], ""),
    (["admin", "audit"], ""),
    (["login", "child", "--password-stdin"], PASSWORD),
    (["sessions", "list"], ""),
)


def loopback_up() -> None:
    """A fresh network namespace has a loopback that is down: nothing on this computer could be reached, either."""
    import fcntl

    set_flags, up_and_running = 0x8914, 0x41  # SIOCSIFFLAGS; IFF_UP | IFF_RUNNING
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as any_socket:
        fcntl.ioctl(any_socket, set_flags, struct.pack("16sH14x", b"lo", up_and_running))


def walk(folder: Path) -> None:
    (folder / "watch").mkdir()
    (folder / "watch" / "sitecustomize.py").write_text(WATCH)
    (folder / "songs.csv").write_text(SONGS)
    (folder / "chat.json").write_text(json.dumps([CHAT]))
    (folder / "attempts.jsonl").touch()
    paths = [str(folder / "watch"), *filter(None, [os.environ.get("PYTHONPATH")])]
    with serve(FakeOpenAI(Script((TEMPTING,))).handle) as address:
        (folder / "server.json").write_text(json.dumps(address))
        cli = CommandLine(
            {
                "PATH": os.environ["PATH"],
                "HOME": str(folder),
                "PYTHONPATH": os.pathsep.join(paths),
                "ATTEMPTS": str(folder / "attempts.jsonl"),
                "FAMILYCHAT_DATA_DIR": str(folder / "data"),
                "FAMILYCHAT_CONFIG": str(folder / "config.toml"),
                "FAMILYCHAT_SERVER_KIND": "openai",
                "FAMILYCHAT_SERVER_URL": address,
            },
            folder,
        )
        ended = [[" ".join(args[:2]), *_outcome(cli, args, stdin)] for args, stdin in ROADS]
    (folder / "ended.json").write_text(json.dumps(ended))


def _outcome(cli: CommandLine, args: list[str], stdin: str) -> tuple[int, str]:
    result = cli(*args, stdin=stdin)
    return result.code, result.err


if __name__ == "__main__":
    if len(sys.argv) > 2:
        loopback_up()
    walk(Path(sys.argv[1]))
