"""Blobs in a bucket of S3 or of a server that speaks its protocol (MinIO, Ceph, ...)."""

from typing import Any, Dict

from ai_flow.blob_manager.blob_manager_interface import BlobManager
from ai_flow.blob_manager.impl.s3_store import S3Store, boto3_client, key_prefix
from ai_flow.blob_manager.transfer import Settings
from ai_flow.common.exception.exceptions import AIFlowConfigException

_SECRETS = ("access_key_id", "secret_access_key", "session_token")
_KEYS = ("service_name", "region_name", "api_version", "use_ssl", "verify", "endpoint_url")


class S3BlobManager(BlobManager):
    """The uri is the object's key: the file's name, below `root_directory` when there is one.

    Credentials that the configuration lacks are looked for as all AWS tools do: environment
    variables, `~/.aws/credentials`, the role of the machine. Needs boto3: `aiflow[s3]`.
    """

    def __init__(self, config: Dict[str, Any]):
        super().__init__(config)
        known = [*_KEYS, *_SECRETS, *(f"{key}_file" for key in _SECRETS)]
        settings = Settings(
            "S3BlobManager", config, [*known, "config", "bucket_name", "root_directory"]
        )
        secrets = {key: settings.secret(key) for key in _SECRETS}
        settings.pair(*_SECRETS[:2], [secrets[key] for key in _SECRETS[:2]])
        if secrets["session_token"] and not secrets["access_key_id"]:
            raise AIFlowConfigException("S3BlobManager has session_token but no access_key_id")
        client = {key: settings.get(key) for key in _KEYS}
        client["service_name"] = client["service_name"] or "s3"
        client.update({f"aws_{key}": value for key, value in secrets.items()})
        self._store = S3Store(
            boto3_client("S3BlobManager", "s3", client, settings.get("config")),
            settings.required("bucket_name"),
            key_prefix(settings.get("root_directory")),
            list(secrets.values()),
        )

    def upload(self, local_file_path: str) -> str:
        return self._store.upload(local_file_path)

    def download(self, remote_file_path: str, local_dir: str) -> str:
        return self._store.download(remote_file_path, remote_file_path, local_dir)
