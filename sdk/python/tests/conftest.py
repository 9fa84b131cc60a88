import os
import subprocess
import sys

import pytest

import notification_service.rpc  # noqa: F401  (before grpc)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch, tmp_path):
    """Nothing of the machine's settings, and none of a task that may run the tests."""
    for name in list(os.environ):
        if name.startswith(("AIFLOW_", "NOTIFICATION_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AIFLOW_HOME", str(tmp_path / "aiflow_home"))


@pytest.fixture
def notification():
    from fake_notification import FakeNotificationService

    service = FakeNotificationService().start()
    yield service
    service.stop()


@pytest.fixture
def server(monkeypatch):
    from fake_server import FakeServer

    fake = FakeServer()
    monkeypatch.setenv("AIFLOW_SERVER", fake.uri)
    yield fake
    fake.server.stop(None)


@pytest.fixture
def workflow_file(tmp_path):
    """Writes a workflow file and returns its path."""

    def write(text, name="flow.py"):
        folder = tmp_path / "bundle"
        folder.mkdir(exist_ok=True)
        path = folder / name
        path.write_text(text)
        return path

    return write


class Host:
    """`python -m ai_flow.host` in a process of its own, as a server starts it."""

    def __init__(self, tmp_path):
        self.work = tmp_path / "work"
        self.work.mkdir()
        self.result_path = tmp_path / "result"
        self.started = []

    def environment(self, workflow="flow", task="task", **extra):
        environment = dict(os.environ)
        environment.update(
            AIFLOW_NAMESPACE="default",
            AIFLOW_WORKFLOW=workflow,
            AIFLOW_TASK=task,
            AIFLOW_WORKFLOW_EXECUTION_ID="7",
            AIFLOW_SEQUENCE_NUMBER="2",
            AIFLOW_TRY_NUMBER="1",
            AIFLOW_RESULT_FILE=str(self.result_path),
            AIFLOW_WORKING_DIR=str(self.work),
        )
        environment.update({name: str(value) for name, value in extra.items()})
        return environment

    def start(self, path, **settings):
        process = subprocess.Popen(
            [sys.executable, "-m", "ai_flow.host", "run-task", str(path)],
            cwd=str(self.work),
            env=self.environment(**settings),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            text=True,
        )
        self.started.append(process)
        return process

    def kill_the_rest(self):
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.wait()
            process.stdout.close()

    def run(self, path, **settings):
        """Exit code and output."""
        process = self.start(path, **settings)
        output, _ = process.communicate(timeout=60)
        return process.returncode, output

    @property
    def result(self):
        return self.result_path.read_text().splitlines()

    def compile(self, path, cwd=None):
        return subprocess.run(
            [sys.executable, "-m", "ai_flow.host", "compile", str(path)],
            cwd=str(cwd or self.work),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.fixture
def host(tmp_path):
    host = Host(tmp_path)
    yield host
    host.kill_the_rest()


@pytest.fixture
def condition_host(tmp_path):
    from condition_host import ConditionHost

    folder = tmp_path / "bundle"
    folder.mkdir(exist_ok=True)
    host = ConditionHost(folder, tmp_path / "host.log")
    yield host
    host.close()
