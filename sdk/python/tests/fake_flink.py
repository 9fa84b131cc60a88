"""A Flink cluster in this process, and a `flink` that submits to it."""

import json
import re
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CLIENT = """#!{python} -S
import json, os, re, sys, time, urllib.error, urllib.request

def call(method, path):
    request = urllib.request.Request("http://{address}" + path, method=method)
    return json.load(urllib.request.urlopen(request))

with open("{lines}", "a") as file:
    file.write(json.dumps(sys.argv[1:]) + "\\n")
id = re.search(r"job-id=([0-9a-f]+)", " ".join(sys.argv))
id = id.group(1) if id else "f" * 32
kind = sys.argv[-1]
if kind == "silent":
    time.sleep(600)
try:
    call("POST", "/submit/" + id)
except urllib.error.HTTPError:
    print("DuplicateJobSubmissionException: Job has already been submitted.", flush=True)
    sys.exit(1)
print("Job has been submitted with JobID " + id, flush=True)
if kind == "broken":
    print("java.lang.Exception: connection lost")
    sys.exit(1)
if kind == "two":
    print("DuplicateJobSubmissionException: Job has already been submitted.", flush=True)
    sys.exit(1)
while "-d" not in sys.argv:
    state = call("GET", "/jobs/" + id + "/status")["status"]
    if state in ("FINISHED", "FAILED", "CANCELED"):
        sys.exit(0 if state == "FINISHED" else 1)
    time.sleep(0.01)
"""


class FakeFlink:
    """`states` are the jobs of the cluster; those that are submitted begin as `submitted_as`."""

    def __init__(self, folder):
        self.states = {}
        self.submitted_as = "RUNNING"
        self.savepoint = {"location": "file:/savepoints/1"}
        self.stop_answer = 202
        self.exceptions = {}
        self.down = False
        self.calls = []
        self._lines = folder / "lines"
        cluster = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *arguments):
                pass

            def handle_call(self):
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                cluster.calls.append((self.command, self.path))
                code, reply = (503, {"errors": ["no leader"]})
                if not cluster.down:
                    code, reply = cluster.answer(self.command, self.path)
                content = json.dumps(reply).encode()
                self.send_response(code)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PATCH = handle_call

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = "127.0.0.1:{}".format(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        (folder / "bin").mkdir(parents=True)
        (folder / "conf").mkdir()
        host, port = self.address.split(":")
        (folder / "conf" / "config.yaml").write_text(f"rest:\n  address: {host}\n  port: {port}\n")
        self.executable = folder / "bin" / "flink"
        self.executable.write_text(
            CLIENT.format(python=sys.executable, address=self.address, lines=self._lines)
        )
        self.executable.chmod(0o755)

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    @property
    def lines(self):
        """The arguments of each `flink` so far."""
        if not self._lines.exists():
            return []
        return [json.loads(line) for line in self._lines.read_text().splitlines()]

    def answer(self, method, path):
        found = re.match(r"/(jobs|submit)/(\w+)/?([^?]*)", path)
        kind, job, rest = found.groups()
        if kind == "submit":
            if job in self.states:
                return 500, {"errors": ["duplicate"]}
            self.states[job] = self.submitted_as
            return 200, {}
        if job not in self.states:
            return 404, {"errors": [f"Job {job} not found"]}
        if method == "PATCH":
            self.states[job] = "CANCELED"
            return 202, {}
        if rest == "stop":
            return self.stop_answer, {"request-id": "1", "errors": ["Config key is not set"]}
        if rest == "savepoints/1":
            if "location" in self.savepoint:
                self.states[job] = "FINISHED"
            return 200, {"status": {"id": "COMPLETED"}, "operation": self.savepoint}
        if rest == "exceptions":
            return 200, self.exceptions
        return 200, {"status": self.states[job]}
