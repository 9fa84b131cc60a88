"""Uploads in S3: a server that dies, loses its copies, and meets a store that is away."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import urllib.request

import pytest

from aiflow_server import SOURCE, Server, wait_until

SERVERS = SOURCE / "test" / "blob_servers"
NOT_INSTALLED = 3


class Helper:
    """A server of test/blob_servers: told what to do by lines of JSON."""

    def __init__(self, name, *args):
        self.process = subprocess.Popen([sys.executable, str(SERVERS / name), *args], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        line = self.process.stdout.readline()
        if not line:
            code = self.process.wait(30)
            text = f"{name} is not installed: run scripts/setup --real-tools"
            if code == NOT_INSTALLED and os.environ.get("AIFLOW_REQUIRE_REAL_TOOLS") != "1":
                pytest.skip(text)
            raise AssertionError(f"{name} ended with {code}: {text}")
        self.said = json.loads(line)

    def tell(self, **command):
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert "error" not in answer, answer
        return answer

    def close(self):
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()


@pytest.fixture(name="s3")
def s3_server():
    server = Helper("s3_server.py")
    yield server.said
    server.close()


@pytest.fixture(name="proxy")
def fault_proxy(s3):
    proxy = Helper("fault_proxy.py", s3["url"])
    yield proxy
    proxy.close()


def settings(home: pathlib.Path, s3: dict, url: str, **more):
    """Writes the settings of a home whose blobs are in S3."""
    home.mkdir(mode=0o700)
    keys = home / "s3_keys"
    keys.write_text(f"[default]\naws_access_key_id = {s3['access_key_id']}\n"
                    f"aws_secret_access_key = {s3['secret_access_key']}\n")
    keys.chmod(0o600)
    values = {"blob_store": "s3", "blob_store_url": url, "blob_store_bucket": s3["bucket"],
              "blob_store_region": s3["region"], "blob_store_prefix": "e2e/blobs",
              "blob_store_credentials_file": "{AIFLOW_HOME}/s3_keys", "retention_interval": "1s",
              **more}
    text = "".join(f"{key}: '{value}'\n" for key, value in values.items())
    (home / "aiflow_server.yaml").write_text(text)


def upload(server, tmp_path, name="w", check=True):
    """A workflow whose task runs from its bundle."""
    path = tmp_path / f"{name}.py"
    path.write_text(f"""
from ai_flow.model.workflow import Workflow
from ai_flow.operators.python import PythonOperator

def work():
    open('ran', 'w').write('{name}')

with Workflow('{name}') as w:
    PythonOperator('a', work)
""")
    return server.cli("workflow", "upload", str(path), check=check)


def wipe_copies(home: pathlib.Path):
    """Also the unpacked bundles."""
    shutil.rmtree(home / "blob_cache")
    for path in (home / "snapshots").rglob("*"):
        if path.is_dir():
            path.chmod(0o700)
    for path in (home / "snapshots").iterdir():
        path.chmod(0o700)
    shutil.rmtree(home / "snapshots")


def metric(server, name: str) -> float:
    text = urllib.request.urlopen(server.endpoints()["http_url"] + "/metrics").read().decode()
    found = re.search(rf"^{name}(?:{{[^}}]*}})? (\S+)$", text, re.MULTILINE)
    assert found, f"no {name}"
    return float(found.group(1))


def test_what_is_in_s3_outlives_the_server_and_its_copies(s3, tmp_path):
    home = tmp_path / "home"
    settings(home, s3, s3["url"])
    with Server(home) as server:
        upload(server, tmp_path)
        first = server.start_execution("w")
        assert server.wait_for_end(first) == "SUCCESS"
        assert not (home / "blobs").exists()
        misses = metric(server, "aiflow_blob_cache_misses_total")
        assert misses == 0, "what was just uploaded is read without the network"
        server.kill()
        wipe_copies(home)
        server.start()
        second = server.start_execution("w")
        assert server.wait_for_end(second) == "SUCCESS"
        assert (server.working_dir("w", second) / "ran").read_text() == "w"
        assert metric(server, "aiflow_blob_cache_misses_total") >= 2
        assert metric(server, "aiflow_blob_store_away") == 0
        found = {row["check"]: row for row in
                 json.loads(server.cli("doctor", "-o", "json", check=False).stdout)}
        assert found["blob store"]["state"] == "ok", found
        shown = server.cli("config", "show").stdout
        assert s3["secret_access_key"] not in shown + server.log()


def test_tasks_and_uploads_meet_a_store_that_is_away(s3, proxy, tmp_path):
    home = tmp_path / "home"
    settings(home, s3, proxy.said["url"], blob_store_timeout="2s", blob_store_attempts="2")
    with Server(home) as server:
        upload(server, tmp_path)
        assert server.wait_for_end(server.start_execution("w")) == "SUCCESS"
        proxy.tell(fault="status", status=503)
        # What is here needs no store.
        assert server.wait_for_end(server.start_execution("w")) == "SUCCESS"
        refused = upload(server, tmp_path, "other", check=False)
        assert refused.returncode != 0
        assert "blob store s3://" in refused.stderr and "HTTP 503" in refused.stderr
        assert s3["secret_access_key"] not in refused.stderr
        assert metric(server, "aiflow_blob_store_away") == 1
        # What is not here waits, and nothing else does.
        wipe_copies(home)
        waits = server.start_execution("w")
        assert server.cli("event", "send", "k", "v").returncode == 0
        wait_until(lambda: metric(server, "aiflow_blob_store_given_up_total") >= 2,
                   "the store was asked for the bundle")
        assert server.status(waits) == "RUNNING"
        proxy.tell(fault="none")
        assert server.wait_for_end(waits) == "SUCCESS"
        upload(server, tmp_path, "other")
        assert server.wait_for_end(server.start_execution("other")) == "SUCCESS"


def test_a_server_without_copies_and_without_the_store_says_so_and_ends(s3, proxy, tmp_path):
    home = tmp_path / "home"
    settings(home, s3, proxy.said["url"], blob_store_timeout="1s", blob_store_attempts="2")
    with Server(home) as server:
        upload(server, tmp_path)
        server.kill()
        shutil.rmtree(home / "blob_cache")
        proxy.tell(fault="close")
        with pytest.raises(AssertionError) as ended:
            server.start()
        assert server.process.wait() == 1, "a service manager starts it again"
        assert "cannot start without what is in the blob store" in str(ended.value)
        assert "s3://" in str(ended.value) and s3["secret_access_key"] not in str(ended.value)
        proxy.tell(fault="none")
        server.start()
        assert server.wait_for_end(server.start_execution("w")) == "SUCCESS"
