#!/usr/bin/env python3
"""An HTTP proxy that does harm on demand; see README.md. `fault_proxy.py URL`."""

import http.client
import json
import os
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Dict, Optional
from urllib.parse import urlsplit

BLOCK = 64 << 10
HOP_BY_HOP = {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "te", "upgrade"}
VIA = "/-via-"  # begins the path of what another server than URL's answers: /-via-HOST:PORT/...


class Faults:
    """What the proxy does now. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now: Dict[str, Any] = {"fault": "none"}
        self._requests = 0

    def command(self, command: Dict[str, Any]) -> Dict[str, Any]:
        with self._lock:
            if command.get("count"):
                counted, self._requests = self._requests, 0
                return {"requests": counted}
            if command.get("fault") not in FAULTS:
                return {"error": f"fault is one of {', '.join(sorted(FAULTS))}"}
            self._now = dict(command)
            return {"ok": True}

    def of_request(self, method: str, target: str, redirected: bool) -> Optional[Dict[str, Any]]:
        """The fault that this request meets. Of a redirection only the second half does."""
        with self._lock:
            if not redirected:
                self._requests += 1
            now = self._now
            if now["fault"] == "none" or now.get("match", "") not in target:
                return None
            if now["fault"] in OF_BODIES and method != "GET":
                return None
            return dict(now)

    def done(self) -> None:
        """Harm was done once."""
        with self._lock:
            left = self._now.get("times")
            if left is None:
                return
            self._now["times"] = left - 1
            if left <= 1:
                self._now = {"fault": "none"}


OF_BODIES = {"truncate", "stall", "damage"}
FAULTS = OF_BODIES | {"none", "close", "status"}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60  # seconds that an idle connection is kept
    server: "Proxy"

    def log_message(self, format: str, *args: Any) -> None:
        sys.stderr.write(f"{self.command} {self.path}: {format % args}\n")

    def do_any(self) -> None:
        server, target = self._where()
        fault = self.server.faults.of_request(self.command, target, VIA in self.path)
        body = self._body()
        if fault and fault["fault"] == "close":
            self.server.faults.done()
            self._cut()
            return
        if fault and fault["fault"] == "status":
            self.server.faults.done()
            self._answer(fault["status"])
            return
        upstream = http.client.HTTPConnection(server, timeout=60)
        try:
            headers = {k: v for k, v in self.headers.items() if k.lower() not in HOP_BY_HOP}
            headers.pop("Expect", None)
            if VIA in self.path:
                headers["Host"] = server
            upstream.request(self.command, target, body=body, headers=headers)
            self._pass_on(upstream.getresponse(), fault)
        except OSError as error:
            sys.stderr.write(f"{server}: {error}\n")
            self._cut()
        finally:
            upstream.close()

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = do_OPTIONS = do_any

    def _where(self) -> "tuple[str, str]":
        """Address to ask and the target to ask it for."""
        target = self.path
        if not target.startswith("/"):  # a client's HTTP proxy
            parts = urlsplit(target)
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        if target.startswith(VIA):
            server, _, rest = target[len(VIA) :].partition("/")
            return server, "/" + rest
        return self.server.upstream, target

    def _body(self) -> Optional[bytes]:
        if self.headers.get("Expect", "").lower() == "100-continue":
            pass  # handled by parse_request
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            parts = []
            while True:
                size = int(self.rfile.readline().split(b";")[0], 16)
                parts.append(self.rfile.read(size))
                self.rfile.readline()
                if size == 0:
                    return b"".join(parts)
        length = self.headers.get("Content-Length")
        return self.rfile.read(int(length)) if length else None

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _cut(self) -> None:
        self.close_connection = True
        try:
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def _pass_on(self, answer: http.client.HTTPResponse, fault: Optional[Dict[str, Any]]) -> None:
        self.send_response_only(answer.status, answer.reason)
        length = answer.getheader("Content-Length")
        for name, value in answer.getheaders():
            if name.lower() == "location":
                value = self._through_proxy(value)
            if name.lower() not in HOP_BY_HOP:
                self.send_header(name, value)
        if length is None and self.command != "HEAD":
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        if fault and 200 <= answer.status < 300:
            self.server.faults.done()
            self._harm(answer, fault, int(length or 0))
            return
        for block in iter(lambda: answer.read(BLOCK), b""):
            self.wfile.write(block)

    def _harm(
        self, answer: http.client.HTTPResponse, fault: Dict[str, Any], length: int
    ) -> None:
        body = answer.read()
        if fault["fault"] == "truncate":
            self.wfile.write(body[: fault["bytes"]])
            self._cut()
        elif fault["fault"] == "stall":
            half = len(body) // 2
            self.wfile.write(body[:half])
            self.wfile.flush()
            time.sleep(fault["seconds"])
            self.wfile.write(body[half:])
        elif fault["fault"] == "damage" and body:
            middle = len(body) // 2
            self.wfile.write(body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :])

    def _through_proxy(self, location: str) -> str:
        parts = urlsplit(location)
        if parts.scheme != "http":
            return location
        path = f"{VIA}{parts.netloc}{parts.path}" if parts.netloc != self.server.upstream else parts.path
        return f"{self.server.url}{path}" + (f"?{parts.query}" if parts.query else "")


class Proxy(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, upstream: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.upstream = urlsplit(upstream).netloc or upstream
        self.faults = Faults()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        sys.stderr.write(f"connection ended: {sys.exc_info()[1]}\n")


def main() -> None:
    if len(sys.argv) != 2:
        raise SystemExit("usage: fault_proxy.py URL")
    proxy = Proxy(sys.argv[1])
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    print(json.dumps({"url": proxy.url}), flush=True)
    for line in sys.stdin:
        print(json.dumps(proxy.faults.command(json.loads(line))), flush=True)
    os._exit(0)  # threads may wait for clients


if __name__ == "__main__":
    main()
