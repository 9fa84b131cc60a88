"""The Python examples of docs/custom-operators.md, on a service that takes jobs."""

import json
import pathlib
import re
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ai_flow.testing import run_task

PAGE = pathlib.Path(__file__).resolve().parents[3] / "docs" / "custom-operators.md"
EXAMPLES = re.findall(r"```python[^\n]*\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
OPERATOR, WORKFLOW, TESTS = EXAMPLES


class JobService(ThreadingHTTPServer):
    """Jobs of the day "never" run until they are deleted, those of "bad" fail, all others are done."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), JobHandler)
        self.jobs = {}
        self.uri = f"http://127.0.0.1:{self.server_port}"
        self.thread = threading.Thread(target=self.serve_forever)
        self.thread.start()

    def close(self):
        self.shutdown()
        self.thread.join()
        self.server_close()


class JobHandler(BaseHTTPRequestHandler):
    def do_PUT(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        states = {"never": "running", "bad": "failed"}
        self.server.jobs[self.path] = states.get(body["params"]["day"], "done")
        self.do_GET()

    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"state": self.server.jobs[self.path]}).encode())

    def do_DELETE(self):
        self.server.jobs[self.path] = "cancelled"
        self.do_GET()

    def log_message(self, *args):
        pass


@pytest.fixture
def service():
    service = JobService()
    yield service
    service.close()


@pytest.fixture
def page(service, tmp_path):
    """The files of the page in one folder."""
    address = "http://127.0.0.1:9000"
    assert WORKFLOW.count(address) == 1
    (tmp_path / "remote_job.py").write_text(OPERATOR)
    (tmp_path / "nightly.py").write_text(WORKFLOW.replace(address, service.uri))
    (tmp_path / "test_nightly.py").write_text(TESTS)
    return tmp_path


def test_the_tests_of_the_page_pass(page, service):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_nightly.py"]
    done = subprocess.run(
        command, cwd=page, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout
    # Both under the same name, as both are the first try of the first run of a first execution.
    assert service.jobs == {"/jobs/1-train-1-1": "cancelled"}


def test_a_job_that_fails_is_the_reason_of_the_task(page, service):
    with run_task(
        page / "nightly.py", "nightly", "train", directory=page, params={"day": "bad"}
    ) as run:
        assert run.wait() == "FAILED"
        assert run.reason == f"RuntimeError: {service.uri}/jobs/1-train-1-1 is failed"
        assert run.exit_code == 1 and run.output is None


def test_each_try_has_a_job_of_its_own(page, service):
    for number in (1, 2):
        with run_task(
            page / "nightly.py",
            "nightly",
            "train",
            directory=page,
            params={"day": "monday"},
            try_number=number,
        ) as run:
            assert run.wait() == "SUCCESS", run.log
    assert list(service.jobs) == ["/jobs/1-train-1-1", "/jobs/1-train-1-2"]


def test_a_run_that_is_left_behind_is_killed(page, service):
    with run_task(
        page / "nightly.py", "nightly", "train", directory=page, params={"day": "never"}
    ) as run:
        pass
    assert run.exit_code == -9
    shutil.rmtree(page / ".runs")
