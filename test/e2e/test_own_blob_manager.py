"""Uploads of a client that has a blob manager of its own: by ops and by the command line."""

import os
import subprocess
import textwrap
import zipfile

import pytest
from ai_flow import ops
from aiflow_server import AIFLOW, SOURCE, Server

FLOW = """
    from ai_flow.model.workflow import Workflow
    from ai_flow.operators.bash import BashOperator

    with Workflow(name='kept') as workflow:
        BashOperator(name='only', bash_command='echo kept')
    """


def documented_class():
    """The class of docs/blob-stores.md."""
    page = (SOURCE / "docs" / "blob-stores.md").read_text()
    (code,) = [b for b in page.split("```python\n")[1:] if "class FolderBlobManager" in b]
    return code.split("```")[0]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("own") / "home") as running:
        yield running


@pytest.fixture
def client(server, tmp_path, monkeypatch):
    """The environment of a client whose settings name the class."""
    home, modules, store = tmp_path / "client", tmp_path / "modules", tmp_path / "store"
    for folder in (home, modules):
        folder.mkdir()
    (modules / "my_blobs.py").write_text(documented_class())
    (home / "aiflow_client.yaml").write_text(textwrap.dedent(f"""
        server_address: {server.endpoints()["server_uri"]}
        blob_manager:
          blob_manager_class: my_blobs.FolderBlobManager
          blob_manager_config:
            folder: {store}
        """))
    monkeypatch.setenv("AIFLOW_HOME", str(home))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(modules), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.syspath_prepend(str(modules))
    return store


def write_flow(tmp_path):
    path = tmp_path / "kept.py"
    path.write_text(textwrap.dedent(FLOW))
    (tmp_path / "data.txt").write_text("data")
    return path


def latest_snapshot():
    return max(ops.list_workflow_snapshots("kept"), key=lambda snapshot: snapshot.id)


def check(store, uri):
    assert uri.startswith("folder:kept-") and uri.endswith(".zip")
    with zipfile.ZipFile(store / uri[len("folder:"):]) as archive:
        assert archive.namelist() == ["kept/data.txt", "kept/kept.py"]


def test_ops_uploads_to_both_and_the_snapshot_shows_the_managers_uri(server, client, tmp_path):
    ops.upload_workflows(str(write_flow(tmp_path)), [str(tmp_path / "data.txt")])
    check(client, latest_snapshot().uri)
    # The server's own store is what tasks are started from.
    for blob in client.iterdir():
        blob.unlink()
    assert server.wait_for_end(ops.start_workflow_execution("kept")) == "SUCCESS"


def upload_by_command(tmp_path):
    path = os.pathsep.join([os.environ["PYTHONPATH"], str(SOURCE / "sdk" / "python")])
    return subprocess.run(
        [AIFLOW, "workflow", "upload", write_flow(tmp_path), "-f", tmp_path / "data.txt"],
        capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, "PYTHONPATH": path})


def test_the_command_line_uploads_to_both(server, client, tmp_path):
    done = upload_by_command(tmp_path)
    assert done.returncode == 0, done.stderr
    check(client, latest_snapshot().uri)


def test_when_the_manager_fails_nothing_is_uploaded(server, client, tmp_path):
    before = ops.list_workflow_snapshots("kept") or []
    client.write_text("no folder")
    done = upload_by_command(tmp_path)
    assert done.returncode == 1
    assert "cannot store the bundle in the blob manager of" in done.stderr
    assert "FileExistsError" in done.stderr and "Traceback" not in done.stderr
    assert len(ops.list_workflow_snapshots("kept") or []) == len(before)
