"""Secrets do not show: whole texts, and streams that come in pieces."""

from typing import List, Sequence, Tuple

MASK = b"***"
# A shorter one is none: masking it would make a log unreadable and hide nothing.
MIN_SECRET_BYTES = 4
_WORDS = (b"true", b"false", b"null", b"none")


def needles(secrets: Sequence[str]) -> Tuple[bytes, ...]:
    """What has to be looked for: each value, and each line of it."""
    found = set()
    for secret in secrets:
        value = secret.encode("utf-8", "surrogatepass")
        for text in [value, *value.splitlines()]:
            if len(text) >= MIN_SECRET_BYTES and text.lower() not in _WORDS:
                found.add(text)
    return tuple(sorted(found))


def mask(text: str, secrets: Sequence[str]) -> str:
    """`text` with `***` wherever a secret stands. Secrets that overlap or touch become one."""
    masked = mask_bytes(text.encode("utf-8", "surrogatepass"), secrets)
    return masked.decode("utf-8", "surrogatepass")


def mask_bytes(data: bytes, secrets: Sequence[str]) -> bytes:
    """The same of bytes."""
    stream = MaskStream(secrets)
    return stream.feed(data) + stream.finish()


class MaskStream:
    """Masks bytes that come in pieces. Holds back less than the longest secret. Not thread-safe."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._needles = needles(secrets)
        self._reach = max((len(needle) for needle in self._needles), default=1) - 1
        # What was told stays as far as a secret may reach back into it.
        self._bytes = b""
        self._told = 0
        self._in_mask = False

    def feed(self, piece: bytes) -> bytes:
        """What is certain by now."""
        if not self._needles:
            return piece
        self._bytes += piece
        return self._tell(max(self._told, len(self._bytes) - self._reach))

    def finish(self) -> bytes:
        """The rest: the stream has ended."""
        return self._tell(len(self._bytes))

    def _tell(self, end: int) -> bytes:
        out = []
        position = self._told
        for begin, stop in self._covered():
            begin, stop = max(begin, position), min(stop, end)
            if stop <= begin:
                continue
            if begin > position:
                out.append(self._bytes[position:begin])
                self._in_mask = False
            if not self._in_mask:
                out.append(MASK)
                self._in_mask = True
            position = stop
        if position < end:
            out.append(self._bytes[position:end])
            self._in_mask = False
        kept = max(0, end - self._reach)
        self._bytes = self._bytes[kept:]
        self._told = end - kept
        return b"".join(out)

    def _covered(self) -> List[Tuple[int, int]]:
        places = []
        for needle in self._needles:
            at = self._bytes.find(needle)
            while at >= 0:
                places.append((at, at + len(needle)))
                at = self._bytes.find(needle, at + 1)
        return sorted(places)
