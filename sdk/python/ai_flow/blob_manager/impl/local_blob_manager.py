"""Blobs in a folder of this machine."""

import os
import shutil
from typing import IO, Any, Dict

from ai_flow.blob_manager.blob_manager_interface import BlobManager
from ai_flow.blob_manager.transfer import file_name, save
from ai_flow.common.exception.exceptions import AIFlowConfigException, AIFlowException


class LocalBlobManager(BlobManager):
    """`root_directory` is made when missing. `upload` moves the file, `download` copies it."""

    def __init__(self, config: Dict[str, Any]):
        super().__init__(config)
        if not self.root_dir:
            raise AIFlowConfigException("LocalBlobManager needs root_directory")
        self._root = os.path.abspath(self.root_dir)
        os.makedirs(self._root, exist_ok=True)

    def upload(self, local_file_path: str) -> str:
        name = file_name(local_file_path)
        target = os.path.join(self._root, name)
        if os.path.realpath(local_file_path) != os.path.realpath(target):
            # Not moved, as between file systems that is no single step.
            save(self._root, name, lambda output: _copy(local_file_path, output))
            os.unlink(local_file_path)
        return target

    def download(self, remote_file_path: str, local_dir: str) -> str:
        source = os.path.realpath(remote_file_path)
        root = os.path.realpath(self._root)
        if os.path.commonpath([root, source]) != root:
            raise AIFlowException(f"{remote_file_path} is not inside {self._root}")
        target = os.path.join(local_dir, os.path.basename(source))
        if os.path.realpath(target) == source:
            return target
        if not os.path.isfile(source):
            raise AIFlowException(f"there is no blob {remote_file_path}", code="NOT_FOUND")
        return save(local_dir, os.path.basename(source), lambda output: _copy(source, output))


def _copy(path: str, output: IO[bytes]) -> None:
    with open(path, "rb") as file:
        shutil.copyfileobj(file, output)
