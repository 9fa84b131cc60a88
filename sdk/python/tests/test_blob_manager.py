import pytest

from ai_flow.blob_manager.blob_manager_interface import BlobManagerConfig, BlobManagerFactory
from ai_flow.blob_manager.impl.local_blob_manager import LocalBlobManager
from ai_flow.common.exception.exceptions import AIFlowConfigException, AIFlowException
from ai_flow.common.util.workflow_utils import (
    extract_workflows_from_file,
    extract_workflows_from_zip,
    upload_workflow_snapshot,
)

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
