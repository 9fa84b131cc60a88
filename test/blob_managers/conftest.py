"""The Python blob managers against the real servers of test/blob_servers."""

import json
import os
import pathlib
import select
import subprocess
import sys

import pytest

SERVERS = pathlib.Path(__file__).resolve().parents[1] / "blob_servers"
NOT_INSTALLED = 3
PATIENCE = 600.0  # seconds for a JVM to start on a busy machine


class Helper:
    """A program of test/blob_servers. Use as a context manager: it ends with the block."""

    def __init__(self, name, *args):
        self._name = name
        self._process = subprocess.Popen(
            [sys.executable, str(SERVERS / name), *args],
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def __enter__(self):
        line = self._line()
        if not line:
            code = self._process.wait(PATIENCE)
            self._process.stdin.close()
            self._process.stdout.close()
            text = f"{self._name} is not installed: run scripts/setup --real-tools"
            if code == NOT_INSTALLED and os.environ.get("AIFLOW_REQUIRE_REAL_TOOLS") != "1":
                pytest.skip(text)
            raise AssertionError(f"{self._name} ended with {code}: {text}")
        self.said = json.loads(line)
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def tell(self, **command):
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._line())
        assert "error" not in answer, answer
        return answer

    def _line(self):
        ready, _, _ = select.select([self._process.stdout], [], [], PATIENCE)
        assert ready, f"{self._name} says nothing"
        return self._process.stdout.readline()


@pytest.fixture(scope="session")
def s3():
    with Helper("s3_server.py") as server:
        yield server.said


@pytest.fixture(scope="session")
def hdfs():
    with Helper("hdfs_server.py") as server:
        yield server.said


@pytest.fixture
def before_s3(s3):
    """The fault proxy before the S3 server."""
    with Helper("fault_proxy.py", s3["url"]) as proxy:
        yield proxy


@pytest.fixture
def before_hdfs(hdfs):
    with Helper("fault_proxy.py", hdfs["url"]) as proxy:
        yield proxy


@pytest.fixture(autouse=True)
def quick(monkeypatch, tmp_path):
    """Short waits between tries, and nothing of the machine's own settings."""
    from ai_flow.blob_manager import transfer

    monkeypatch.setattr(transfer, "FIRST_DELAY_SECONDS", 0.01)
    for name in list(os.environ):
        if name.startswith(("AWS_", "OSS_")) or name.lower() in ("http_proxy", "https_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def blob(tmp_path):
    """Writes a file that is to be uploaded."""

    def write(content, name="flow.zip"):
        path = tmp_path / name
        path.write_bytes(content)
        return str(path)

    return write
