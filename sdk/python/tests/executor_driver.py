"""Drives a plug-in's process as a server does, by the protocol alone."""

import json
import os
import signal
import subprocess
import tempfile
import threading
import time

import notification_service.rpc  # noqa: F401  (before grpc)

# isort: split
import grpc

from ai_flow.rpc.protobuf import executor_plugin_pb2 as pb
from ai_flow.rpc.protobuf import executor_plugin_pb2_grpc as pb_grpc

ENDS = (pb.ATTEMPT_STATUS_SUCCESS, pb.ATTEMPT_STATUS_FAILED, pb.ATTEMPT_STATUS_STOPPED)
NAMES = {value: name[len("ATTEMPT_STATUS_") :] for name, value in pb.AttemptStatus.items()}
PATIENCE = 60.0


def eventually(condition, what="it"):
    """Waits for what nobody announces: a file, a process that is gone."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen"
        time.sleep(0.005)


def process_exists(pid):
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] not in (b"Z", b"X")
    except OSError:
        return False


class PluginDriver:
    """One plug-in with its state directory; its process may be killed and started again."""

    def __init__(self, command, root, config=None, **environment):
        self.command = [str(word) for word in command]
        self.root = root
        self.state_dir = root / "state"
        self.log = root / "plugin.log"
        self.environment = dict(os.environ, **environment)
        self.environment.update(
            AIFLOW_EXECUTOR_NAME="tested",
            AIFLOW_EXECUTOR_STATE_DIR=str(self.state_dir),
            AIFLOW_EXECUTOR_CONFIG=json.dumps(config or {}),
        )
        # A socket's path may have 107 bytes.
        self.socket_dir = tempfile.TemporaryDirectory(prefix="aiflow-plugin-")
        self.socket = os.path.join(self.socket_dir.name, "s")
        self.environment.setdefault("AIFLOW_EXECUTOR_SOCKET", self.socket)
        self.epoch = 1
        self.process = None
        self.channel = None
        self.reports = []
        self.changed = threading.Condition()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
        self.socket_dir.cleanup()

    # ---- The process.

    def start_process(self, **environment):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(self.environment, **environment),
            )

    def connect(self):
        """As the server does: opens, watches, lists."""
        pauses = [
            ("grpc.initial_reconnect_backoff_ms", 50),
            ("grpc.min_reconnect_backoff_ms", 50),
            ("grpc.max_reconnect_backoff_ms", 200),
            ("grpc.use_local_subchannel_pool", 1),
        ]
        self.channel = grpc.insecure_channel("unix:" + self.socket, options=pauses)
        self.stub = pb_grpc.ExecutorPluginStub(self.channel)
        opened = self.stub.Open(
            pb.OpenRequest(epoch=self.epoch, protocol_version=1, executor="tested", home_id="home"),
            wait_for_ready=True,
            timeout=PATIENCE,
        )
        watch = self.stub.Watch(pb.WatchRequest(epoch=self.epoch))
        assert not next(watch).reports
        threading.Thread(target=self._hear, args=(watch,), daemon=True).start()
        for report in self.list():
            self._add(report)
        return opened

    def run(self, **environment):
        self.start_process(**environment)
        return self.connect()

    def kill(self):
        if self.channel is not None:
            self.channel.close()
            self.channel = None
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process.stdin.close()
            self.process = None

    def await_death(self):
        """It kills itself at the point it was told."""
        assert self.process.wait(timeout=PATIENCE) == -signal.SIGKILL, self.log.read_text()
        self.kill()

    def again(self, **environment):
        """kill -9 and another process; what was heard before is forgotten."""
        self.kill()
        self.reports = []
        return self.run(**environment)

    # ---- Calls.

    def attempt(self, number, argv=("true",), **members):
        key = f"17-2-{number}-1"
        folder = self.root / "attempts" / key
        folder.mkdir(parents=True, exist_ok=True)
        defaults = {
            "key": key,
            "token": "token-" + key,
            "workflow_namespace": "default",
            "workflow": "flow",
            "task": "task",
            "argv": argv,
            "env": {"AIFLOW_ATTEMPT_KEY": key, "DIR": str(self.root)},
            "working_dir": str(self.root / "work"),
            "attempt_dir": str(folder),
            "log_path": str(folder / "log"),
            "stop_grace_ms": 60_000,
            "signal_group": True,
        }
        defaults["env"].update(members.pop("env", {}))
        defaults.update(members)
        return pb.Attempt(**defaults)

    def bash(self, number, command, **members):
        trap = "trap 'echo $? > \"$AIFLOW_RESULT_FILE\"' EXIT; "
        return self.attempt(number, ("bash", "-c", trap + command), **members)

    def start(self, attempt, epoch=None, timeout=PATIENCE):
        self.stub.Start(
            pb.StartRequest(epoch=epoch or self.epoch, attempt=attempt), timeout=timeout
        )

    def stop(self, attempt, grace_ms=None):
        self.stub.Stop(
            pb.StopRequest(
                epoch=self.epoch,
                key=attempt.key,
                token=attempt.token,
                stop_grace_ms=attempt.stop_grace_ms if grace_ms is None else grace_ms,
            ),
            timeout=PATIENCE,
        )

    def forget(self, *attempts):
        keys = [attempt.key for attempt in attempts]
        self.stub.Forget(pb.ForgetRequest(epoch=self.epoch, keys=keys), timeout=PATIENCE)

    def list(self, page_size=0):
        reports, token = [], ""
        while True:
            page = self.stub.List(
                pb.ListRequest(epoch=self.epoch, page_size=page_size, page_token=token),
                timeout=PATIENCE,
            )
            reports += page.reports
            token = page.next_page_token
            if not token:
                return reports

    # ---- Reports.

    def _hear(self, watch):
        try:
            for batch in watch:
                for report in batch.reports:
                    self._add(report)
        except grpc.RpcError:
            pass

    def _add(self, report):
        with self.changed:
            self.reports.append(report)
            self.changed.notify_all()

    def await_report(self, attempt, statuses):
        found = []

        def there():
            found[:] = [
                r
                for r in self.reports
                if (r.key, r.token) == (attempt.key, attempt.token) and r.status in statuses
            ]
            return found

        with self.changed:
            assert self.changed.wait_for(there, PATIENCE), (
                f"no such report of {attempt.key}; heard: "
                f"{[(r.key, NAMES[r.status], r.reason) for r in self.reports]}\n"
                + self.log.read_text()[-2000:]
            )
        return found[0]

    def await_running(self, attempt):
        return self.await_report(attempt, (pb.ATTEMPT_STATUS_RUNNING,))

    def await_end(self, attempt):
        """Name of the status, exit code, reason."""
        report = self.await_report(attempt, ENDS)
        return NAMES[report.status], report.exit_code, report.reason

    def count(self, attempt, name):
        with self.changed:
            return sum(r.key == attempt.key and NAMES[r.status] == name for r in self.reports)

    # ---- The test's directory.

    def has(self, name):
        return (self.root / name).exists()

    def read(self, name):
        path = self.root / name
        return path.read_text() if path.exists() else ""

    def touch(self, name):
        (self.root / name).write_text("x")
