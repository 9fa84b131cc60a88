"""Blobs in a bucket of Alibaba Cloud OSS, by its door for clients of S3."""

import re
from typing import Any, Dict
from urllib.parse import urlsplit

from ai_flow.blob_manager.blob_manager_interface import BlobManager
from ai_flow.blob_manager.impl.s3_store import S3Store, boto3_client, check_url, key_prefix
from ai_flow.blob_manager.transfer import Settings
from ai_flow.common.exception.exceptions import AIFlowException

_PUBLIC = re.compile(r"oss-([a-z0-9-]+?)(-internal)?\.aliyuncs\.com(:\d+)?")
_SECRETS = {
    "access_key_id": ["OSS_ACCESS_KEY_ID"],
    "access_key_secret": ["OSS_ACCESS_KEY_SECRET"],
    "session_token": ["OSS_SESSION_TOKEN"],
}


class OssBlobManager(BlobManager):
    """The uri is `{bucket}.{endpoint}/{root_directory}/{file}`, without the scheme of `endpoint`.

    `endpoint` is that of the region (`oss-cn-hangzhou.aliyuncs.com`, by https unless it says
    http://); the requests go to the same name with `s3.` before it, with the bucket in the host as
    OSS demands. Credentials that the configuration lacks are those of OSS_ACCESS_KEY_ID and
    OSS_ACCESS_KEY_SECRET. Needs boto3: `aiflow[oss]`.
    """

    def __init__(self, config: Dict[str, Any]):
        super().__init__(config)
        known = [*_SECRETS, *(f"{key}_file" for key in _SECRETS)]
        settings = Settings(
            "OssBlobManager",
            config,
            [*known, "endpoint", "bucket", "root_directory", "region_name", "config"],
        )
        secrets = {key: settings.secret(key, names) for key, names in _SECRETS.items()}
        key_id, secret = (
            secrets[key] or settings.required(key) for key in ("access_key_id", "access_key_secret")
        )
        endpoint = settings.required("endpoint").rstrip("/")
        url = endpoint if "://" in endpoint else f"https://{endpoint}"
        check_url("OssBlobManager", "endpoint", url)
        scheme, host = urlsplit(url)[:2]
        public = _PUBLIC.fullmatch(host)
        bucket = settings.required("bucket")
        root = key_prefix(settings.get("root_directory"))
        client = {
            "service_name": "s3",
            "endpoint_url": f"{scheme}://s3.{host}" if public else url,
            "region_name": settings.get("region_name", public.group(1) if public else "oss"),
            "aws_access_key_id": key_id,
            "aws_secret_access_key": secret,
            "aws_session_token": secrets["session_token"],
        }
        self._store = S3Store(
            boto3_client(
                "OssBlobManager",
                "oss",
                client,
                settings.get("config"),
                s3={"addressing_style": "virtual"},
                # OSS takes no bodies in signed chunks, which these bring.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
            bucket,
            root,
            [key_id, secret, secrets["session_token"]],
        )
        self._base = f"{bucket}.{host}/"

    def upload(self, local_file_path: str) -> str:
        return self._base + self._store.upload(local_file_path)

    def download(self, remote_file_path: str, local_dir: str) -> str:
        if not remote_file_path.startswith(self._base):
            raise AIFlowException(f"{remote_file_path!r} is not inside {self._base}")
        key = remote_file_path[len(self._base) :]
        return self._store.download(key, remote_file_path, local_dir)
