"""A notification server of its own, and an AIFlow server whose log is there: real processes."""

import json
import os
import pathlib
import signal
import subprocess

from aiflow_server import BINARIES, PATIENCE, Server, wait_until

NOTIFICATION = BINARIES / "notification"


class NotificationServer:
    """One home and the notification server that runs on it. A context manager."""

    def __init__(self, home: pathlib.Path, config: str = "", options=()):
        self.home = home
        self.options = options
        self.env = {**os.environ, "NOTIFICATION_HOME": str(home), "NO_COLOR": "1"}
        self.process = None
        home.mkdir(mode=0o700, exist_ok=True)
        (home / "notification_server.yaml").write_text(config + "\nserver_port: 0\n")

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *exc):
        if self.process.poll() is None:
            self.stop()

    def start(self):
        """Starts the server and waits until it is ready."""
        with open(self.home.parent / "notification.out", "ab") as out:
            self.process = subprocess.Popen(
                [str(NOTIFICATION), "server", "start", *self.options], env=self.env, stdout=out,
                stderr=subprocess.STDOUT, start_new_session=True)

        def ready():
            assert self.process.poll() is None, self.output()
            return self.endpoints().get("pid") == self.process.pid

        wait_until(ready, "the notification server is ready")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(PATIENCE) == 0, self.output()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def output(self) -> str:
        return (self.home.parent / "notification.out").read_text()

    def endpoints(self) -> dict:
        try:
            return json.loads((self.home / "notification_server.json").read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return {}

    @property
    def uri(self) -> str:
        return self.endpoints()["notification_uri"]

    def cli(self, *args, check: bool = True, **kwargs) -> subprocess.CompletedProcess:
        """Runs `notification` on this home."""
        done = subprocess.run([str(NOTIFICATION), *args], env=self.env, capture_output=True,
                              text=True, timeout=120, **{"stdin": subprocess.DEVNULL, **kwargs})
        if check:
            assert done.returncode == 0, f"notification {args}: {done.stdout}{done.stderr}"
        return done

    def send(self, key: str, value: str):
        self.cli("event", "send", key, value, "-s", self.uri, "-n", "default")

    def rows(self, *args) -> list:
        text = self.cli(*args, "-o", "json").stdout.strip()
        return json.loads(text) if text.startswith("[") else []


class RemoteServer(Server):
    """An AIFlow server whose event log is that of a notification server."""

    def __init__(self, home: pathlib.Path, notification: NotificationServer, options=("--stop-tasks",)):
        super().__init__(home, {"AIFLOW__SERVER__NOTIFICATION_SERVER_URI": notification.uri}, options)
        home.mkdir(exist_ok=True)

    def launch(self) -> subprocess.Popen:
        self.starts += 1
        with open(self.home.parent / f"server-{self.starts}.out", "wb") as out:
            return subprocess.Popen(
                [str(BINARIES / "aiflow"), "server", "start", *self.options, "--rpc-port", "0",
                 "--http-port", "0", "--internal-rpc-port", "0"],
                env=self.env, stdout=out, stderr=subprocess.STDOUT, start_new_session=True)

    def start(self):
        self.process = self.launch()

        def ready():
            assert self.process.poll() is None, self.output()
            return self.endpoints().get("pid") == self.process.pid

        wait_until(ready, "the server is ready")

    def log(self) -> str:
        return self.output()
