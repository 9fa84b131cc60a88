"""WebHDFS, the HTTP interface of HDFS: the four operations that blobs need, without a library.

Not the PyPI package hdfs: it cannot rename over a file, which replacing a blob in one step needs.
"""

import http.client
import json
import os
import ssl
from typing import IO, Any, Callable, Dict, List, NoReturn, Optional, TypeVar
from urllib.parse import quote, urlencode, urlsplit

from ai_flow.blob_manager.transfer import (
    CHUNK_BYTES,
    MAX_REASON_CHARACTERS,
    SILENCE_SECONDS,
    TransientError,
)
from ai_flow.common.exception.exceptions import AIFlowException

T = TypeVar("T")
MAX_ANSWER_BYTES = 1 << 20
# What a name node that is not (yet) the active one answers, and one that starts.
ELSEWHERE = {"StandbyException", "RetriableException", "SafeModeException", "ObserverRetryOnActive"}


class WebHdfs:
    """One user at the name nodes `urls`, of which any may be the active one. Thread-safe: each
    operation has a connection of its own. Raises TransientError or AIFlowException."""

    def __init__(self, urls: List[str], user: str, silence_seconds: float = SILENCE_SECONDS):
        self._urls = urls
        self._user = user
        self._silence = silence_seconds

    def create(self, path: str, local_file_path: str) -> None:
        """A new file with the bytes of the local one, and the folders above it."""
        with open(local_file_path, "rb") as body:
            length = os.fstat(body.fileno()).st_size
            self._redirected("PUT", path, {"op": "CREATE", "overwrite": "false"}, body, length)

    def rename_over(self, path: str, target: str) -> None:
        """In one step, also when `target` exists."""
        answer = self._at_name_node(
            "PUT", path, {"op": "RENAME", "destination": target, "renameoptions": "OVERWRITE"}
        )
        # Only a gateway that does not know the option (HttpFS) answers so.
        if answer.get("boolean") is False:
            raise AIFlowException(
                f"{target} was not replaced: this server cannot rename over a file; use the "
                "WebHDFS address of a name node"
            )

    def delete(self, path: str) -> None:
        self._at_name_node("DELETE", path, {"op": "DELETE"})

    def open(self, path: str, output: IO[bytes]) -> None:
        """Writes the whole file to `output`."""
        self._redirected("GET", path, {"op": "OPEN"}, None, 0, output)

    def _at_name_node(self, method: str, path: str, query: Dict[str, str]) -> Dict[str, Any]:
        def read(answer: http.client.HTTPResponse) -> Dict[str, Any]:
            text = answer.read(MAX_ANSWER_BYTES)
            return json.loads(text) if text.strip() else {}

        return self._at_active(lambda url: self._ask(method, self._target(url, path, query), read))

    def _redirected(
        self,
        method: str,
        path: str,
        query: Dict[str, str],
        body: Optional[IO[bytes]],
        length: int,
        output: Optional[IO[bytes]] = None,
    ) -> None:
        """The name node says which data node has the bytes, or takes them."""

        def location(answer: http.client.HTTPResponse) -> str:
            where = answer.getheader("Location")
            if answer.status != 307 or not where:
                raise AIFlowException(f"{path}: this is no WebHDFS: it named no data node")
            return where

        def transfer(answer: http.client.HTTPResponse) -> None:
            if output is not None:
                _copy(answer, output)

        where = self._at_active(
            lambda url: self._ask(method, self._target(url, path, query), location)
        )
        if body is not None:
            body.seek(0)
        self._ask(method, where, transfer, body, length)

    def _at_active(self, ask: Callable[[str], T]) -> T:
        failures = []
        for url in self._urls:
            try:
                return ask(url)
            except TransientError as error:
                failures.append(str(error))
        raise TransientError("; ".join(failures))

    def _target(self, url: str, path: str, query: Dict[str, str]) -> str:
        text = urlencode({**query, "user.name": self._user}, quote_via=quote)
        return f"{url}/webhdfs/v1{quote(path)}?{text}"

    def _ask(
        self,
        method: str,
        url: str,
        use: Callable[[http.client.HTTPResponse], T],
        body: Optional[IO[bytes]] = None,
        length: int = 0,
    ) -> T:
        parts = urlsplit(url)
        connection = (
            http.client.HTTPSConnection(parts.netloc, timeout=self._silence)
            if parts.scheme == "https"
            else http.client.HTTPConnection(parts.netloc, timeout=self._silence)
        )
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(length)}
        try:
            connection.request(method, f"{parts.path}?{parts.query}", body, headers)
            answer = connection.getresponse()
            if answer.status >= 400:
                _refused(parts.netloc, answer)
            return use(answer)
        except ssl.SSLCertVerificationError as error:
            raise AIFlowException(f"{parts.netloc}: {error.verify_message}") from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise TransientError(f"{parts.netloc}: {str(error) or type(error).__name__}") from None
        finally:
            connection.close()


def _copy(answer: http.client.HTTPResponse, output: IO[bytes]) -> None:
    announced, size = answer.getheader("Content-Length"), 0
    for chunk in iter(lambda: answer.read(CHUNK_BYTES), b""):
        try:
            output.write(chunk)
        except OSError as error:  # no fault of the server's
            raise AIFlowException(f"{output.name} cannot be written: {error}") from error
        size += len(chunk)
    if announced is not None and size != int(announced):
        raise TransientError(f"{size} of {announced} bytes came")


def _refused(server: str, answer: http.client.HTTPResponse) -> NoReturn:
    text = answer.read(MAX_ANSWER_BYTES).decode("utf-8", "replace")
    try:
        remote = json.loads(text)["RemoteException"]
        kind, said = str(remote["exception"]), str(remote.get("message") or "").splitlines()
    except (ValueError, KeyError, TypeError):
        kind, said = "", []
    # The first line: a stack trace may follow.
    reason = f"{server} answered {answer.status} {answer.reason}"
    if kind:
        reason = f"{kind}: {said[0] if said else ''}"[:MAX_REASON_CHARACTERS]
    if kind in ELSEWHERE or (answer.status >= 500 or answer.status == 429):
        raise TransientError(reason)
    if kind == "FileNotFoundException" or answer.status == 404:
        raise AIFlowException(reason, code="NOT_FOUND")
    raise AIFlowException(reason, code="PERMISSION_DENIED" if answer.status in (401, 403) else None)
