"""Blobs in a folder of this machine."""

import os
import shutil
from typing import Any, Dict

from ai_flow.blob_manager.blob_manager_interface import BlobManager
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
        target = os.path.join(self._root, os.path.basename(local_file_path))
        if os.path.abspath(local_file_path) != target:
            shutil.move(local_file_path, target)
        return target

    def download(self, remote_file_path: str, local_dir: str) -> str:
        source = os.path.realpath(remote_file_path)
        root = os.path.realpath(self._root)
        if os.path.commonpath([root, source]) != root:
            raise AIFlowException(f"{remote_file_path} is not inside {self._root}")
        target = os.path.join(local_dir, os.path.basename(source))
        if os.path.abspath(target) != source:
            temporary = f"{target}.{os.getpid()}"
            shutil.copyfile(source, temporary)
            os.replace(temporary, target)
        return target
