#!/usr/bin/env python3
"""What readers of server-sent events cost a server, and how soon they are told.

    bench/sse_readers.py [--readers 200] [--events 50] [--binaries build/release/bin]

Starts a server in a temporary home, opens the readers, then sends events one at a time and notes when each
reader has each. Prints memory (proportional set size) and threads with and without readers, and the times
from the sender's call to the readers' sockets. One process reads all, so with many readers a part of the
time is its own.
"""

import argparse
import http.client
import json
import os
import pathlib
import selectors
import socket
import subprocess
import tempfile
import time
import urllib.parse


def proportional_memory(pid: int) -> float:
    """MiB."""
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("no Pss")


def threads(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/task"))


def percentile(values: list, part: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def start(binaries: pathlib.Path, home: pathlib.Path) -> subprocess.Popen:
    ports = ["--rpc-port", "0", "--notification-port", "0", "--http-port", "0", "--internal-rpc-port", "-1"]
    server = subprocess.Popen([str(binaries / "aiflow"), "standalone", "--home", str(home), *ports],
                              stdout=subprocess.DEVNULL)
    while not (home / "server.json").exists():
        if server.poll() is not None:
            raise SystemExit("the server ended")
        time.sleep(0.01)
    return server


def measure(server: subprocess.Popen, address, readers: int, events: int) -> None:
    before = proportional_memory(server.pid)
    threads_before = threads(server.pid)
    selector = selectors.DefaultSelector()
    for _ in range(readers):
        connection = socket.create_connection((address.hostname, address.port))
        connection.sendall(b"GET /api/v1/events/stream?from_now=true&keys=bench HTTP/1.1\r\n"
                           b"Host: localhost\r\nAccept: text/event-stream\r\n\r\n")
        # The head comes once the stream has begun.
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(4096)
        assert b" 200 " in head.split(b"\r\n")[0], head
        connection.setblocking(False)
        selector.register(connection, selectors.EVENT_READ)
    time.sleep(1)
    with_readers = proportional_memory(server.pid)
    threads_with = threads(server.pid)

    sender = http.client.HTTPConnection(address.hostname, address.port)
    first, last = [], []
    for number in range(events):
        body = json.dumps({"key": "bench", "value": f"#{number}#"})
        begin = time.monotonic()
        sender.request("POST", "/api/v1/events", body)
        waiting, told = readers, []
        answered = False
        while waiting:
            for key, _ in selector.select(10):
                data = key.fileobj.recv(65536)
                assert data, "a reader was disconnected"
                if f"#{number}#".encode() in data:
                    waiting -= 1
                    told.append(time.monotonic() - begin)
            if not answered:
                sender.getresponse().read()
                answered = True
        first.append(min(told) * 1000)
        last.append(max(told) * 1000)
    after = proportional_memory(server.pid)
    print(f"memory without readers      {before:8.1f} MiB, {threads_before} threads")
    print(f"memory with {readers:5} readers   {with_readers:8.1f} MiB, {threads_with} threads:"
          f" {(with_readers - before) * 1024 / readers:.0f} KiB each")
    print(f"memory after {events:4} events    {after:8.1f} MiB")
    print(f"sent -> first reader        p50 {percentile(first, 0.5):.2f} ms, p99 {percentile(first, 0.99):.2f} ms")
    print(f"sent -> last reader         p50 {percentile(last, 0.5):.2f} ms, p99 {percentile(last, 0.99):.2f} ms")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--readers", type=int, default=200)
    parser.add_argument("--events", type=int, default=50)
    parser.add_argument("--binaries", type=pathlib.Path, default=pathlib.Path("build/release/bin"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = pathlib.Path(folder) / "home"
        server = start(options.binaries, home)
        try:
            url = json.loads((home / "server.json").read_text())["http_url"]
            measure(server, urllib.parse.urlsplit(url), options.readers, options.events)
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
