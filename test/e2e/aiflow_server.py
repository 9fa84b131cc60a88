"""A real server in a temporary home, for end-to-end tests: real processes, killed for real."""

import json
import os
import pathlib
import signal
import socket
import struct
import subprocess
import time

BINARIES = pathlib.Path(os.environ["AIFLOW_BINARIES"])
SOURCE = pathlib.Path(os.environ["AIFLOW_SOURCE"])
AIFLOW = BINARIES / "aiflow"
PATIENCE = 60.0  # seconds until a condition that must come true counts as failed


def wait_until(condition, what: str, patience: float = PATIENCE):
    """The first true value of `condition`; fails when it stays false."""
    end = time.monotonic() + patience
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"not within {patience} s: {what}"
        time.sleep(0.02)


def start_time(pid: int):
    """When a process began, in clock ticks; None when it is gone or a zombie."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] == "Z" else int(fields[19])


class Server:
    """One home and the server that runs on it. Use as a context manager: leaves no process behind."""

    def __init__(self, home: pathlib.Path, env: dict = None, options=("--stop-tasks",)):
        self.home = home
        self.options = list(options)
        self.env = {**os.environ, "AIFLOW_HOME": str(home), "NO_COLOR": "1", **(env or {})}
        self.process = None
        self.starts = 0

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *exc):
        if self.process is None or self.process.poll() is not None:
            self.start()
        self.process.send_signal(signal.SIGUSR1)  # as SIGTERM with --stop-tasks
        code = self.process.wait(PATIENCE)
        assert code == 0, f"the server ended with {code}: {self.output()}"
        wait_until(lambda: not self.processes(), f"processes left: {self.processes()}")
        # Nobody sees the runner's exit code.
        told = self.home / "runner" / "runner.log"
        assert not told.exists() or "Sanitizer" not in told.read_text(), told.read_text()

    def start(self):
        """Starts the server and waits until it is ready."""
        self.starts += 1
        out = open(self.home.parent / f"server-{self.starts}.out", "wb")
        ports = ["--rpc-port", "0", "--notification-port", "0", "--http-port", "0",
                 "--internal-rpc-port", "0"]
        self.process = subprocess.Popen(
            [str(AIFLOW), "standalone", "--home", str(self.home), *self.options, *ports],
            env=self.env, stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
        out.close()

        def ready():
            assert self.process.poll() is None, self.output()
            return self.endpoints().get("pid") == self.process.pid

        wait_until(ready, f"the server is ready: {self.output()}")

    def output(self) -> str:
        return (self.home.parent / f"server-{self.starts}.out").read_text()

    def log(self) -> str:
        """What the servers of this home have logged, one after the other."""
        return "".join(path.read_text() for path in
                       sorted((self.home / "logs").glob("aiflow_server-*.log")))

    def endpoints(self) -> dict:
        try:
            return json.loads((self.home / "server.json").read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return {}

    def listening_ports(self) -> set:
        """The TCP ports that the server listens on."""
        sockets = set()
        for link in pathlib.Path(f"/proc/{self.process.pid}/fd").iterdir():
            try:
                sockets.add(os.readlink(link))
            except FileNotFoundError:
                pass
        ports = set()
        for table in ("tcp", "tcp6"):
            for line in pathlib.Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
                    ports.add(int(fields[1].rsplit(":", 1)[1], 16))
        return ports

    def kill(self):
        """kill -9, the server alone."""
        self.process.kill()
        self.process.wait()

    def processes(self) -> list:
        """Pids of everything of this home that is alive, the server excepted."""
        found = []
        for directory in pathlib.Path("/proc").glob("[0-9]*"):
            pid = int(directory.name)
            if pid in (os.getpid(), self.process.pid):
                continue
            try:
                environ = (directory / "environ").read_bytes().split(b"\0")
            except (OSError, ProcessLookupError):
                continue
            if f"AIFLOW_HOME={self.home}".encode() in environ and start_time(pid) is not None:
                found.append(pid)
        return found

    def runner_pid(self) -> int:
        """The resident runner of this home: whoever listens on its socket."""
        # Not by its command line, which its children share until they execute the task's.
        try:
            directory = os.open(self.home / "runner", os.O_PATH | os.O_DIRECTORY)
        except FileNotFoundError:
            raise AssertionError("no runner") from None
        try:
            with socket.socket(socket.AF_UNIX) as probe:
                # A socket's path may have 108 bytes only.
                probe.connect(f"/proc/self/fd/{directory}/runner.sock")
                credentials = probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        except OSError:
            raise AssertionError("no runner") from None
        finally:
            os.close(directory)
        pid = struct.unpack("3i", credentials)[0]
        assert start_time(pid) is not None, "no runner"
        return pid

    def cli(self, *args, check: bool = True, timeout: float = 120) -> subprocess.CompletedProcess:
        """Runs the command line on this home."""
        done = subprocess.run([str(AIFLOW), *args], env=self.env, capture_output=True, text=True,
                              timeout=timeout, stdin=subprocess.DEVNULL)
        if check:
            assert done.returncode == 0, f"aiflow {' '.join(args)}: {done.stdout}{done.stderr}"
        return done

    def rows(self, *args) -> list:
        """The rows of a list or show command."""
        text = self.cli(*args, "-o", "json").stdout.strip()
        return json.loads(text) if text.startswith("[") else []

    def start_execution(self, workflow: str) -> int:
        text = self.cli("workflow-execution", "start", workflow).stdout
        return int(text.split("Workflow execution: ")[1].split()[0])

    def status(self, execution: int) -> str:
        return self.rows("workflow-execution", "show", str(execution))[0]["status"]

    def wait_for_end(self, execution: int, patience: float = PATIENCE) -> str:
        def ended():
            status = self.status(execution)
            return status if status in ("SUCCESS", "FAILED", "STOPPED") else None

        return wait_until(ended, f"execution {execution} ends", patience)

    def working_dir(self, workflow: str, execution: int) -> pathlib.Path:
        return self.home / "working_dir" / "default" / workflow / str(execution)
