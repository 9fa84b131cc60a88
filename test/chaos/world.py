"""The server of the chaos test: started without waiting, killed and stopped at any moment."""

import json
import os
import pathlib
import signal
import socket
import sqlite3
import subprocess
import time

from aiflow_server import AIFLOW, Server, start_time, wait_until


def free_ports(count: int) -> list:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class ChaosServer(Server):
    """One home. Its ports stay the same however often the server is started."""

    def __init__(self, home: pathlib.Path):
        super().__init__(home)
        self.rpc_port, self.notification_port = free_ports(2)

    @property
    def rpc_uri(self) -> str:
        return f"127.0.0.1:{self.rpc_port}"

    @property
    def notification_uri(self) -> str:
        return f"127.0.0.1:{self.notification_port}"

    def spawn(self, *options: str):
        """Starts the server and does not wait."""
        self.starts += 1
        with open(self.home.parent / "server.out", "ab") as out:
            self.process = subprocess.Popen(
                [str(AIFLOW), "standalone", "--home", str(self.home), *options,
                 "--rpc-port", str(self.rpc_port),
                 "--notification-port", str(self.notification_port),
                 "--http-port", "0", "--internal-rpc-port", "0"],
                env=self.env, stdout=out, stderr=subprocess.STDOUT, start_new_session=True)

    def is_ready(self) -> bool:
        return self.endpoints().get("pid") == self.process.pid

    def start(self, *options: str):
        self.spawn(*options)
        self.await_ready()

    def await_ready(self):
        def ready():
            code = self.process.poll()
            assert code is None, f"the server ended with exit code {code}: {self.output()}"
            return self.is_ready()

        wait_until(ready, f"the server is ready: {self.output()}")

    def output(self) -> str:
        return "\n".join((self.home.parent / "server.out").read_text().splitlines()[-15:])

    def signal(self, number: int):
        self.process.send_signal(number)

    def terminate(self):
        self.signal(signal.SIGTERM)
        self.process.wait(120)

    def find_runner(self):
        """Pid of the runner; None when there is none."""
        try:
            return self.runner_pid()
        except AssertionError:
            return None

    def signal_runner(self, number: int):
        """Pid of the runner that got the signal; None when there is none."""
        pid = self.find_runner()
        if pid is not None:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                return None
        return pid

    def query(self, sql: str, *values) -> list:
        """Rows of the metadata, as dictionaries."""
        database = sqlite3.connect(f"file:{self.home}/aiflow.db?mode=ro", uri=True, timeout=20)
        try:
            database.row_factory = sqlite3.Row
            return [dict(row) for row in database.execute(sql, values)]
        finally:
            database.close()

    def task_processes(self) -> list:
        """(pid, attempt key) of every process of an attempt of this home."""
        found = []
        for pid in self.processes():
            try:
                environ = pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            except OSError:
                continue
            for entry in environ:
                if entry.startswith(b"AIFLOW_ATTEMPT_KEY="):
                    found.append((pid, entry.split(b"=", 1)[1].decode()))
        return found


__all__ = ["ChaosServer", "json", "start_time", "time", "wait_until"]
