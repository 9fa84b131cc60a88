"""What the blob managers share: settings, limits, tries, and files that appear whole or not."""

import hashlib
import logging
import os
import random
import time
import uuid
from typing import IO, Any, Callable, Dict, Iterable, Mapping, Optional, Sequence, TypeVar

from ai_flow.common.exception.exceptions import AIFlowConfigException, AIFlowException

T = TypeVar("T")

CHUNK_BYTES = 1 << 20
# Tries of one upload or download, the first included, when the server fails or does not answer.
MAX_TRIES = 5
# Between them: doubles from the first to the second, and a random part of it is waited.
FIRST_DELAY_SECONDS = 0.5
MAX_DELAY_SECONDS = 8.0
CONNECT_SECONDS = 10
# In which a server sends nothing and takes nothing.
SILENCE_SECONDS = 60
# Of what a server says in an error.
MAX_REASON_CHARACTERS = 500


class TransientError(Exception):
    """This try failed, another may not; the text says why, without secrets."""


def tried(what: str, attempt: Callable[[], T]) -> T:
    """The result of the first of MAX_TRIES attempts that ends without TransientError. Afterwards an
    AIFlowException with what failed and the last reason."""
    for number in range(1, MAX_TRIES + 1):
        try:
            return attempt()
        except TransientError as error:
            if number == MAX_TRIES:
                raise AIFlowException(
                    f"{what}: {error} (given up after {MAX_TRIES} tries)", code="UNAVAILABLE"
                ) from None
            logging.getLogger("ai_flow").warning("%s: %s; trying again", what, error)
            longest = min(MAX_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2 ** (number - 1))
            time.sleep(random.uniform(longest / 2, longest))
    raise AssertionError("unreachable")


class Settings:
    """The `blob_manager_config` of a class; its errors name the class and the key."""

    def __init__(self, owner: str, config: Optional[Mapping[str, Any]], known: Iterable[str]):
        self._owner = owner
        self._values: Dict[str, Any] = dict(config or {})
        known = set(known)
        unknown = sorted(set(self._values) - known)
        if unknown:
            raise AIFlowConfigException(
                f"{owner} has no setting {unknown[0]!r}; it has {', '.join(sorted(known))}"
            )

    def get(self, key: str, default: Any = None) -> Any:
        value = self._values.get(key)
        return default if value is None or value == "" else value

    def required(self, key: str) -> str:
        value = self.get(key)
        if value is None:
            raise AIFlowConfigException(f"{self._owner} needs {key} in blob_manager_config")
        return str(value)

    def secret(self, key: str, variables: Sequence[str] = ()) -> Optional[str]:
        """From `key`, else from the file that `key_file` names, else from the first of the
        variables that is set."""
        if self.get(key) is not None:
            return str(self.get(key))
        path = self.get(f"{key}_file")
        if path is not None:
            from notification_service.rpc.credentials import read_secret_file

            try:
                text = read_secret_file(os.path.expanduser(str(path))).decode("utf-8").strip()
            except UnicodeDecodeError:
                text = ""
            if not text:
                raise AIFlowConfigException(f"{path} does not hold the {key} of {self._owner}")
            return text
        return next((os.environ[name] for name in variables if os.environ.get(name)), None)

    def pair(self, first: str, second: str, values: Sequence[Optional[str]]) -> None:
        """Refuses one of two values that mean something only together."""
        if bool(values[0]) != bool(values[1]):
            given, missing = (first, second) if values[0] else (second, first)
            raise AIFlowConfigException(f"{self._owner} has {given} but no {missing}")


def file_name(local_file_path: str) -> str:
    """Of a file that is to be uploaded; AIFlowException when there is none."""
    if not os.path.isfile(local_file_path):
        raise AIFlowException(f"{local_file_path}: no such file")
    name = os.path.basename(local_file_path)
    if any(ord(character) < 32 for character in name):
        raise AIFlowException(f"{local_file_path!r}: control characters in a file name")
    return name


def checked_path(path: str, root: str, uri: str) -> str:
    """`path` of a blob, when it lies below `root` ("" for anywhere). Compared by their parts, so
    that neither `..` nor a longer name of the root's gets out."""
    parts = path.split("/")
    inside = root.split("/") if root else []
    named = parts[1:] if root.startswith("/") else parts
    below = len(parts) > len(inside) and parts[: len(inside)] == inside
    if not below or any(part in ("", ".", "..") or "\0" in part for part in named):
        raise AIFlowException(f"{uri!r} is not " + (f"inside {root}" if root else "a blob's uri"))
    return path


def save(local_dir: str, name: str, fetch: Callable[[IO[bytes]], None]) -> str:
    """Writes `local_dir/name` by what `fetch` writes, and returns its path. Whoever looks sees the
    old file or the whole new one; many processes may do it at a time; a `fetch` that raises leaves
    nothing."""
    target = os.path.join(local_dir, name)
    temporary = os.path.join(local_dir, f".{uuid.uuid4().hex}.part")
    try:
        os.makedirs(local_dir, exist_ok=True)
        try:
            with open(temporary, "xb") as output:
                fetch(output)
                output.flush()
                os.fsync(output.fileno())
            os.replace(temporary, target)
        finally:
            if os.path.lexists(temporary):
                os.unlink(temporary)
    except OSError as error:
        raise AIFlowException(f"{target} cannot be written: {error}") from error
    return target


def digests(local_file_path: str) -> "tuple[str, bytes, int]":
    """SHA-256 in hex, MD5, and size of a file."""
    sha256, size = hashlib.sha256(), 0
    md5 = hashlib.new("md5", usedforsecurity=False)
    with open(local_file_path, "rb") as file:
        for chunk in iter(lambda: file.read(CHUNK_BYTES), b""):
            sha256.update(chunk)
            md5.update(chunk)
            size += len(chunk)
    return sha256.hexdigest(), md5.digest(), size


def without(secrets: Iterable[Optional[str]], text: str) -> str:
    """The text without these, for errors that a library or a server worded."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "***")
    return " ".join(text.split())[:MAX_REASON_CHARACTERS]
