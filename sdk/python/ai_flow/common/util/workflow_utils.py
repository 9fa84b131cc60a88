"""Workflow files and their archives."""

import os
import tempfile
import zipfile
from typing import List, Optional, Tuple

from ai_flow.blob_manager.blob_manager_interface import BlobManagerFactory
from ai_flow.blob_manager.transfer import digests
from ai_flow.bundle.archive import bundle_name, write_bundle
from ai_flow.bundle.keep import store_file, stored_name
from ai_flow.common.exception.exceptions import AIFlowException
from ai_flow.host.workflow_file import WorkflowFileError, load_workflows
from ai_flow.model.workflow import Workflow


def extract_workflows_from_file(file_path: str) -> List[Workflow]:
    """Executes the file and returns its module-level workflows; AIFlowException when it has
    none."""
    try:
        workflows = load_workflows(file_path)
    except WorkflowFileError as error:
        raise AIFlowException(str(error)) from error
    if not workflows:
        raise AIFlowException(f"{file_path}: no workflow is defined at the top level of this file")
    return workflows


def extract_workflows_from_zip(zip_file: str, target_dir: str) -> List[Workflow]:
    """Unpacks an archive made by `upload_workflow_snapshot` and returns the workflows of its
    file."""
    with zipfile.ZipFile(zip_file) as archive:
        names = archive.namelist()
        tops = {name.split("/", 1)[0] for name in names}
        if len(tops) != 1:
            raise AIFlowException(f"{zip_file}: one top folder is expected, not {sorted(tops)}")
        top = tops.pop()
        root = os.path.realpath(target_dir)
        for name in names:
            if os.path.commonpath([root, os.path.realpath(os.path.join(root, name))]) != root:
                raise AIFlowException(f"{zip_file}: {name!r} leads out of the archive")
        archive.extractall(target_dir)
    return extract_workflows_from_file(os.path.join(target_dir, top, top + ".py"))


def upload_workflow_snapshot(
    file_path: str, artifacts: Optional[List[str]] = None
) -> Tuple[str, str]:
    """Stores the file with its artifacts in the configured blob manager; returns uri and MD5."""
    with tempfile.TemporaryDirectory() as folder:
        packed = os.path.join(folder, "packed")
        with open(packed, "wb") as output:
            write_bundle(output, file_path, artifacts)
        sha256, md5, _ = digests(packed)
        path = os.path.join(folder, stored_name(bundle_name(file_path), sha256))
        os.rename(packed, path)
        uri = store_file(BlobManagerFactory.get_default_blob_manager(), path)
    return uri, md5.hex()
