import io
import os
import pathlib
import re
import subprocess
import sys
import textwrap
import zipfile

import pytest
from fake_server import success

from ai_flow import ops
from ai_flow.blob_manager.blob_manager_interface import BlobManagerConfig, BlobManagerFactory
from ai_flow.blob_manager.impl.local_blob_manager import LocalBlobManager
from ai_flow.common.exception.exceptions import AIFlowConfigException, AIFlowException
from ai_flow.common.util.workflow_utils import (
    extract_workflows_from_file,
    extract_workflows_from_zip,
    upload_workflow_snapshot,
)
from ai_flow.rpc.protobuf import message_pb2 as pb

LOCAL = "ai_flow.blob_manager.impl.local_blob_manager.LocalBlobManager"
FLOW = """
from ai_flow.model.workflow import Workflow
from ai_flow.operators.bash import BashOperator
with Workflow("flow") as flow:
    BashOperator("task", "true")
"""


def test_upload_moves_and_download_copies(tmp_path):
    manager = LocalBlobManager({"root_directory": str(tmp_path / "blob")})
    source = tmp_path / "file"
    source.write_text("text")
    uri = manager.upload(str(source))
    assert uri == str(tmp_path / "blob" / "file") and not source.exists()
    target = manager.download(uri, str(tmp_path))
    assert target == str(source) and source.read_text() == "text"


@pytest.mark.parametrize("path", ["{root}/../secret", "{root}other/file", "/etc/passwd"])
def test_download_stays_inside_the_root(tmp_path, path):
    root = tmp_path / "blob"
    manager = LocalBlobManager({"root_directory": str(root)})
    with pytest.raises(AIFlowException, match="is not inside"):
        manager.download(path.format(root=root), str(tmp_path))


def test_a_configuration_names_a_class():
    for config in (None, {}, {"blob_manager_config": {}}):
        with pytest.raises(AIFlowConfigException):
            BlobManagerConfig(config)
    with pytest.raises(AIFlowConfigException, match="cannot be imported"):
        BlobManagerFactory.create_blob_manager(BlobManagerConfig({"blob_manager_class": "no.Such"}))
    with pytest.raises(AIFlowConfigException, match="root_directory"):
        BlobManagerFactory.create_blob_manager(BlobManagerConfig({"blob_manager_class": LOCAL}))


def test_the_default_manager_is_a_folder_of_the_home(tmp_path):
    manager = BlobManagerFactory.get_default_blob_manager()
    assert manager.root_dir == str(tmp_path / "aiflow_home" / "blob")


def test_a_snapshot_goes_there_and_back(tmp_path, workflow_file):
    path = workflow_file(FLOW)
    assert [w.name for w in extract_workflows_from_file(str(path))] == ["flow"]
    uri, signature = upload_workflow_snapshot(str(path))
    assert len(signature) == 32
    found = extract_workflows_from_zip(uri, str(tmp_path / "unpacked"))
    assert [w.name for w in found] == ["flow"]


def test_a_file_without_workflow_is_an_error(workflow_file):
    with pytest.raises(AIFlowException, match="no workflow"):
        extract_workflows_from_file(str(workflow_file("x = 1\n")))


def test_a_file_in_the_folder_is_not_taken_for_the_blob(tmp_path):
    manager = LocalBlobManager({"root_directory": str(tmp_path / "blob")})
    local = tmp_path / "local"
    local.mkdir()
    (local / "flow.zip").write_text("stale")
    (local / "flow.zip.lock").write_text("of a dead process")
    for text in ("old", "new"):
        (tmp_path / "flow.zip").write_text(text)
        uri = manager.upload(str(tmp_path / "flow.zip"))
        assert open(manager.download(uri, str(local))).read() == text
    assert sorted(os.listdir(local)) == ["flow.zip", "flow.zip.lock"]
    assert os.listdir(tmp_path / "blob") == ["flow.zip"]


def test_what_is_missing_is_an_error(tmp_path):
    manager = LocalBlobManager({"root_directory": str(tmp_path / "blob")})
    with pytest.raises(AIFlowException, match="no such file"):
        manager.upload(str(tmp_path / "missing"))
    with pytest.raises(AIFlowException, match="there is no blob"):
        manager.download(str(tmp_path / "blob" / "missing"), str(tmp_path))


def workflow_proto():
    proto = pb.WorkflowProto(uuid=4, name="flow", namespace="default")
    proto.create_time.value = proto.update_time.value = 1
    return proto


def test_the_documented_class_works(tmp_path):
    page = pathlib.Path(__file__).resolve().parents[3] / "docs" / "blob-stores.md"
    blocks = re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    (code,) = [block for block in blocks if "class FolderBlobManager" in block]
    names: dict = {}
    exec(compile(code, str(page), "exec"), names)
    manager = names["FolderBlobManager"]({"folder": str(tmp_path / "store")})
    (tmp_path / "flow.zip").write_text("text")
    (tmp_path / "local").mkdir()
    uri = manager.upload(str(tmp_path / "flow.zip"))
    assert uri == "folder:flow.zip"
    assert open(manager.download(uri, str(tmp_path / "local"))).read() == "text"


OWN = """
import os, shutil
from ai_flow.blob_manager.blob_manager_interface import BlobManager

class OwnBlobManager(BlobManager):
    def upload(self, local_file_path):
        print("what a manager prints")
        name = os.path.basename(local_file_path)
        shutil.copy(local_file_path, os.path.join(self.config["Folder"], name))
        return "own://" + name

    def download(self, remote_file_path, local_dir):
        name = remote_file_path[len("own://"):]
        return shutil.copy(os.path.join(self.config["Folder"], name), local_dir)

class Broken(OwnBlobManager):
    def upload(self, local_file_path):
        raise KeyError("no such bucket")

class Silent(OwnBlobManager):
    def upload(self, local_file_path):
        return None
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    """Configures a class of a module of one's own; returns the folder of its store."""
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "own_blobs.py").write_text(OWN)
    monkeypatch.syspath_prepend(str(tmp_path / "modules"))
    monkeypatch.setenv("MY_FOLDER", str(tmp_path / "store"))
    (tmp_path / "store").mkdir()
    (tmp_path / "aiflow_home").mkdir()

    def configure(name="OwnBlobManager"):
        (tmp_path / "aiflow_home" / "aiflow_client.yaml").write_text(
            textwrap.dedent(f"""
            blob_manager:
              blob_manager_class: own_blobs.{name}
              blob_manager_config:
                Folder: $MY_FOLDER
            """)
        )
        return tmp_path / "store"

    yield configure
    sys.modules.pop("own_blobs", None)


def test_an_upload_goes_to_the_own_manager_too_and_tells_the_server_its_uri(
    own, server, workflow_file
):
    folder = own()
    server.answers["getWorkflow"] = success(workflow_proto())
    path = workflow_file(FLOW)
    ops.upload_workflows(str(path))
    path.write_text(FLOW + "\n# changed\n")
    ops.upload_workflows(str(path))
    names = sorted(os.listdir(folder))
    assert len(names) == 2, "the update did not overwrite what may be in use"
    for header, *chunks in server.uploads:
        digest = header.header.bundle_sha256
        assert header.header.bundle_uri == f"own://flow-{digest[:16]}.zip"
        bundle = b"".join(part.bundle_chunk for part in chunks)
        assert (folder / f"flow-{digest[:16]}.zip").read_bytes() == bundle
        assert "flow/flow.py" in zipfile.ZipFile(io.BytesIO(bundle)).namelist()


@pytest.mark.parametrize(
    "name, error",
    [
        ("Broken", "blob manager own_blobs.Broken failed: KeyError: 'no such bucket'"),
        ("Silent", "blob manager own_blobs.Silent returned None for a uri"),
        ("Missing", "blob_manager_class 'own_blobs.Missing' cannot be imported"),
    ],
)
def test_when_the_own_manager_fails_nothing_is_uploaded(own, server, workflow_file, name, error):
    own(name)
    with pytest.raises(AIFlowException, match=error):
        ops.upload_workflows(str(workflow_file(FLOW)))
    assert server.uploads == []


def test_the_folder_of_the_template_gets_no_copy(server, workflow_file, tmp_path):
    from ai_flow.common.configuration.client_config import write_client_config_if_missing

    server.answers["getWorkflow"] = success(workflow_proto())
    write_client_config_if_missing()
    ops.upload_workflows(str(workflow_file(FLOW)))
    assert os.listdir(tmp_path / "aiflow_home") == ["aiflow_client.yaml"]
    assert server.uploads[0][0].header.bundle_uri == ""


def store_bundle(path, tmp_path):
    return subprocess.run(
        [sys.executable, "-m", "ai_flow.host", "store-bundle", str(path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_command_line_hands_bundles_over_in_a_process(own, tmp_path):
    folder = own()
    (tmp_path / "flow-1.zip").write_text("bundle")
    done = store_bundle(tmp_path / "flow-1.zip", tmp_path)
    assert (done.returncode, done.stdout) == (0, '{"uri": "own://flow-1.zip"}\n')
    assert done.stderr == "what a manager prints\n"
    assert (folder / "flow-1.zip").read_text() == "bundle"
    own("Broken")
    done = store_bundle(tmp_path / "flow-1.zip", tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "blob manager own_blobs.Broken failed: KeyError: 'no such bucket'\n"


def test_settings_with_a_secret_are_for_their_owner_alone(tmp_path, monkeypatch):
    home = tmp_path / "aiflow_home"
    home.mkdir()
    path = home / "aiflow_client.yaml"

    def write(secret):
        path.write_text(
            textwrap.dedent(f"""
            blob_manager:
              blob_manager_class: ai_flow.blob_manager.impl.oss_blob_manager.OssBlobManager
              blob_manager_config:
                access_key_id: id
                access_key_secret: {secret}
                endpoint: oss-cn-hangzhou.aliyuncs.com
                bucket: bucket
            """)
        )

    write("word")
    path.chmod(0o644)
    with pytest.raises(AIFlowConfigException, match="chmod 600") as caught:
        BlobManagerFactory.get_default_blob_manager()
    assert "word" not in str(caught.value)
    path.chmod(0o600)
    BlobManagerFactory.get_default_blob_manager()
    monkeypatch.setenv("MY_SECRET", "word")
    path.chmod(0o644)
    write("$MY_SECRET")
    BlobManagerFactory.get_default_blob_manager()
