"""Blobs in a folder of HDFS, by WebHDFS."""

import logging
import posixpath
import uuid
from typing import Any, Dict

from ai_flow.blob_manager.blob_manager_interface import BlobManager
from ai_flow.blob_manager.impl.s3_store import check_url
from ai_flow.blob_manager.impl.webhdfs import WebHdfs
from ai_flow.blob_manager.transfer import (
    SILENCE_SECONDS,
    Settings,
    TransientError,
    checked_path,
    file_name,
    save,
    tried,
)
from ai_flow.common.exception.exceptions import AIFlowConfigException, AIFlowException


class HDFSBlobManager(BlobManager):
    """The uri is `{root_directory}/{file}`. `hdfs_url` is the WebHDFS address of the name node
    (`http://HOST:9870`); several with `;` between them are those of a cluster with standbys."""

    def __init__(self, config: Dict[str, Any]):
        super().__init__(config)
        settings = Settings(
            "HDFSBlobManager", config, ["hdfs_url", "hdfs_user", "root_directory", "timeout"]
        )
        urls = [url.strip().rstrip("/") for url in settings.required("hdfs_url").split(";")]
        for url in urls:
            check_url("HDFSBlobManager", "hdfs_url", url)
        root = settings.required("root_directory").rstrip("/")
        if not root.startswith("/") or any(part in ("", ".", "..") for part in root[1:].split("/")):
            raise AIFlowConfigException(
                f"HDFSBlobManager: root_directory {root!r} is not the absolute path of a folder"
            )
        self._root = root
        self._hdfs = WebHdfs(
            urls,
            str(settings.get("hdfs_user", "default")),
            float(settings.get("timeout", SILENCE_SECONDS)),
        )

    def upload(self, local_file_path: str) -> str:
        name = file_name(local_file_path)
        target = posixpath.join(self._root, name)

        def put() -> None:
            # Whoever reads `target` sees the old file or the whole new one.
            temporary = posixpath.join(self._root, f".{uuid.uuid4().hex}.part")
            try:
                self._hdfs.create(temporary, local_file_path)
                self._hdfs.rename_over(temporary, target)
            except BaseException:
                self._forget(temporary)
                raise

        tried(f"upload of {name} to HDFS", put)
        return target

    def download(self, remote_file_path: str, local_dir: str) -> str:
        checked_path(remote_file_path, self._root, remote_file_path)
        name = posixpath.basename(remote_file_path)

        def get() -> str:
            return save(local_dir, name, lambda file: self._hdfs.open(remote_file_path, file))

        return tried(f"download of {remote_file_path} from HDFS", get)

    def _forget(self, temporary: str) -> None:
        """As far as possible: the failure that led here is the one to tell."""
        try:
            self._hdfs.delete(temporary)
        except (TransientError, AIFlowException) as error:
            logging.getLogger("ai_flow").warning("%s may be left in HDFS: %s", temporary, error)
