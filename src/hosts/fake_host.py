"""A condition host for tests: it does what the value of the event says, and starts as argv[1] does."""

import base64
import json
import os
import socket
import subprocess
import sys
import time

sock = socket.socket(fileno=int(os.environ["AIFLOW_HOST_FD"]))


def send(message):
    sock.sendall(message if isinstance(message, bytes) else json.dumps(message).encode() + b"\n")


def once(path):
    """True at the first call with this path, over all processes."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL))
        return True
    except FileExistsError:
        return False


def answer(question):
    value, _, path = question["event"]["value"].partition(" ")
    reply = {"id": question["id"]}
    if value == "met":
        return dict(reply, met=True)
    if value == "not-met":
        return dict(reply, met=False, states={})
    if value == "count":
        count = int(base64.b64decode(question["states"].get("count", "MA==")))
        states = {"count": base64.b64encode(str(count + 1).encode()).decode(), "old": None}
        return dict(reply, met=count > 0, states=states)
    if value == "error":
        return dict(reply, error="ValueError: bad input")
    if value == "echo":
        return dict(reply, error=json.dumps(question))
    if value == "pid":
        return dict(reply, error=str(os.getpid()))
    if value == "wrong-id":
        return {"id": question["id"] + 1, "met": True}
    if value == "garbage":
        return b"hello, world\n"
    if value == "flood":
        return b"x" * (9 << 20)
    if value == "twice":
        return (json.dumps(dict(reply, met=True)) + "\n").encode() * 2
    if value == "hang":
        time.sleep(3600)
    if value == "hang-once" and once(path):
        time.sleep(3600)
    if value == "die" or (value == "die-once" and once(path)):
        os._exit(3)
    if value == "close":
        os.close(sock.fileno())
        time.sleep(3600)
    if value == "child":  # a process that holds the socket and outlives this one
        child = subprocess.Popen(["sleep", "3600"], pass_fds=[sock.fileno()])
        with open(path, "w") as file:
            file.write(f"{child.pid}")
        os._exit(4)
    return dict(reply, met=True)


def main():
    start = sys.argv[1]
    print(f"started: {start}", flush=True)
    if start == "error":
        send({"error": "flow.py:3: NameError: name 'x' is not defined"})
        sys.exit(1)
    if start == "dies":
        print("cannot go on", file=sys.stderr, flush=True)
        os._exit(7)
    if start == "silent":
        time.sleep(3600)
    if start == "nonsense":
        send(b"Welcome!\n")
    send({"ready": True, "language": "fake", "sdk_version": "0",
          "protocol": 2 if start == "newer" else 1})
    for line in sock.makefile("rb"):
        send(answer(json.loads(line)))


main()
