"""Objects of an S3 bucket, by boto3: what S3BlobManager and OssBlobManager share."""

import base64
import hashlib
import posixpath
from typing import IO, Any, Dict, Mapping, NoReturn, Optional
from urllib.parse import urlsplit

from ai_flow.blob_manager.transfer import (
    CHUNK_BYTES,
    CONNECT_SECONDS,
    SILENCE_SECONDS,
    TransientError,
    checked_path,
    digests,
    file_name,
    save,
    tried,
    without,
)
from ai_flow.common.exception.exceptions import AIFlowConfigException, AIFlowException

# The blob's SHA-256 in the object's metadata: what comes back is compared with it. Not the ETag,
# which is no digest of objects in parts or encrypted ones.
DIGEST = "aiflow-sha256"
# Errors of a server that is busy, besides those of 500 and above.
BUSY = {429}
BUSY_CODES = {"RequestTimeout", "SlowDown", "Throttling", "ThrottlingException"}
MISSING_CODES = {"NoSuchKey", "404", "NotFound"}


def boto3_client(owner: str, extra: str, client: Mapping[str, Any], config: Any, **own: Any) -> Any:
    """A client of boto3 with the settings. `own` are ours of botocore's Config; the user's `config`
    goes before them."""
    try:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError
    except ImportError:
        raise AIFlowConfigException(
            f"{owner} needs boto3, which is not installed: pip install 'aiflow[{extra}]'"
        ) from None
    if config is not None and not isinstance(config, dict):
        raise AIFlowConfigException(f"{owner}: config must be a mapping of botocore's Config")
    url = client.get("endpoint_url")
    if url is not None:
        check_url(owner, "endpoint_url", url)
    settings: Dict[str, Any] = {
        "connect_timeout": CONNECT_SECONDS,
        "read_timeout": SILENCE_SECONDS,
        # Tries are counted here, for requests and bodies together.
        "retries": {"total_max_attempts": 1},
        **own,
        **(config or {}),
    }
    given = {key: value for key, value in client.items() if value is not None}
    secrets = [given.get(f"aws_{key}") for key in ("secret_access_key", "session_token")]
    try:
        # A session of its own: the module's is not safe to use by several threads.
        return boto3.session.Session().client(config=Config(**settings), **given)
    except (BotoCoreError, TypeError, ValueError) as error:
        raise AIFlowConfigException(f"{owner}: {without(secrets, str(error))}") from None


def check_url(owner: str, key: str, url: Any) -> None:
    parts = urlsplit(str(url))
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise AIFlowConfigException(f"{owner}: {key} must be http://HOST[:PORT] or https://...")
    if parts.username is not None or parts.password is not None:
        raise AIFlowConfigException(f"{owner}: {key} must not hold a user or password")


class S3Store:
    """The objects below `root` ("" for all) of a bucket. Thread-safe."""

    def __init__(self, client: Any, bucket: str, root: str, secrets: "list[Optional[str]]"):
        self._client = client
        self._bucket = bucket
        self._root = root
        self._secrets = secrets

    def upload(self, local_file_path: str) -> str:
        """Replaces the object of the file's name in one step, and returns its key."""
        name = file_name(local_file_path)
        key = posixpath.join(self._root, name) if self._root else name
        sha256, md5, size = digests(local_file_path)

        def put() -> None:
            with open(local_file_path, "rb") as body:
                self._call(
                    key,
                    "put_object",
                    Body=body,
                    ContentLength=size,
                    # The server compares it with what arrived.
                    ContentMD5=base64.b64encode(md5).decode(),
                    Metadata={DIGEST: sha256},
                )

        tried(f"upload of {name} to bucket {self._bucket}", put)
        return key

    def download(self, key: str, uri: str, local_dir: str) -> str:
        checked_path(key, self._root, uri)

        def get() -> str:
            answer = self._call(key, "get_object")
            return save(local_dir, posixpath.basename(key), lambda file: self._read(answer, file))

        return tried(f"download of {uri} from bucket {self._bucket}", get)

    def _read(self, answer: Mapping[str, Any], output: IO[bytes]) -> None:
        from botocore.exceptions import BotoCoreError

        body, size, digest = answer["Body"], 0, hashlib.sha256()
        try:
            for chunk in iter(lambda: body.read(CHUNK_BYTES), b""):
                output.write(chunk)
                digest.update(chunk)
                size += len(chunk)
        except BotoCoreError as error:
            raise TransientError(without(self._secrets, str(error))) from None
        finally:
            body.close()
        if size != answer["ContentLength"]:
            raise TransientError(f"{size} of {answer['ContentLength']} bytes came")
        expected = answer.get("Metadata", {}).get(DIGEST)
        if expected is not None and expected != digest.hexdigest():
            raise TransientError("what came is not what was stored: its SHA-256 is another")

    def _call(self, key: str, operation: str, **arguments: Any) -> Any:
        from botocore.exceptions import (
            BotoCoreError,
            ClientError,
            ConnectionError,
            HTTPClientError,
            NoCredentialsError,
            PartialCredentialsError,
            SSLError,
        )

        try:
            return getattr(self._client, operation)(Bucket=self._bucket, Key=key, **arguments)
        except ClientError as error:
            self._refused(key, error.response)
        except (NoCredentialsError, PartialCredentialsError) as error:
            raise AIFlowConfigException(
                f"bucket {self._bucket}: {error}; set them in blob_manager_config, by environment "
                "variables, or in the files of the AWS tools"
            ) from None
        except BotoCoreError as error:
            said = without(self._secrets, str(error))
            # No connection, no answer, half an answer. A certificate does not get better.
            lost = isinstance(error, (HTTPClientError, ConnectionError))
            if lost and not isinstance(error, SSLError):
                raise TransientError(said) from None
            raise AIFlowException(f"bucket {self._bucket}: {said}") from None

    def _refused(self, key: str, response: Mapping[str, Any]) -> NoReturn:
        error = response.get("Error", {})
        code = str(error.get("Code", ""))
        status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        said = without(self._secrets, f"{code} {error.get('Message', '')}")
        if status >= 500 or status in BUSY or code in BUSY_CODES:
            raise TransientError(f"the server answered {status} {said}")
        if code in MISSING_CODES:
            raise AIFlowException(
                f"there is no blob {key} in bucket {self._bucket}", code="NOT_FOUND"
            ) from None
        hint = ""
        if code in ("SignatureDoesNotMatch", "InvalidAccessKeyId", "InvalidToken", "ExpiredToken"):
            hint = "; check the access key and its secret"
        raise AIFlowException(
            f"bucket {self._bucket} refused {key}: {said}{hint}",
            code="PERMISSION_DENIED" if status in (401, 403) else None,
        ) from None


def key_prefix(root_directory: Any) -> str:
    """Of a folder's name as users write it, with or without slashes around it."""
    prefix = str(root_directory or "").strip("/")
    if prefix and any(part in ("", ".", "..") for part in prefix.split("/")):
        raise AIFlowConfigException(f"root_directory {root_directory!r} is no folder's name")
    return prefix
