"""The log of an attempt: appended to, masked, bounded."""

import ctypes
import os
import threading
from typing import Sequence, Union

from ai_flow.executor.masking import MaskStream

_PUNCH_HOLE_KEEP_SIZE = 0x02 | 0x01
_STEPS = 8
_ALIGNMENT = 4096
_WITHHELD = b"[aiflow: output withheld: the plug-in was restarted and knows the secrets no more]\n"


class AttemptLog:
    """The file at `Attempt.log_path`. Thread-safe.

    `write` masks the attempt's secrets, also those that come in pieces. What a platform writes to
    the file by itself is not masked. When the plug-in was restarted it does not know the secrets
    any more: of an attempt that has some, nothing more is written, and one line says so.
    """

    def __init__(self, path: str, secrets: Sequence[str], withheld: bool) -> None:
        self._path = path
        self._stream = MaskStream(secrets)
        self._withheld = withheld
        self._said_so = False
        self._lock = threading.Lock()

    def write(self, data: Union[bytes, str]) -> None:
        """Appends. Raises OSError when that cannot be done."""
        piece = data.encode("utf-8", "backslashreplace") if isinstance(data, str) else data
        with self._lock:
            if self._withheld:
                piece, self._said_so = (b"" if self._said_so else _WITHHELD), True
            else:
                piece = self._stream.feed(piece)
            self._append(piece)

    def finish(self) -> None:
        """Writes what was held back because it could have been the beginning of a secret."""
        with self._lock:
            self._append(self._stream.finish())

    def size(self) -> int:
        """Bytes that were ever written to the file, those that the bound has taken included. Where
        nothing but `write` appends and there are no secrets, this is how far a copy has come."""
        try:
            return os.stat(self._path).st_size
        except FileNotFoundError:
            return 0

    def _append(self, piece: bytes) -> None:
        if not piece:
            return
        os.makedirs(os.path.dirname(self._path), exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(self._path, flags, 0o600)
        try:
            view = memoryview(piece)
            while view:
                view = view[os.write(descriptor, view) :]
        finally:
            os.close(descriptor)


def bound_log(path: str, max_bytes: int) -> None:
    """Gives back the disk space of all but the last `max_bytes` bytes, as a hole: size and offsets
    stay. Does nothing where the file system has no holes, or when little would be gained."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return
    try:
        end = (os.fstat(descriptor).st_size - max_bytes) // _ALIGNMENT * _ALIGNMENT
        step = max(max_bytes // _STEPS, _ALIGNMENT)
        if max_bytes > 0 and end - os.lseek(descriptor, 0, os.SEEK_DATA) >= step:
            libc = ctypes.CDLL(None, use_errno=True)
            libc.fallocate64.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]
            libc.fallocate64(descriptor, _PUNCH_HOLE_KEEP_SIZE, 0, end)
    except (OSError, AttributeError):
        pass
    finally:
        os.close(descriptor)
