"""The result of an operation that may fail."""

from enum import IntEnum
from typing import Optional


class RetCode(IntEnum):
    OK = 0
    ERROR = 1


class BaseResult:
    def __init__(self, status: int, message: Optional[str] = None):
        self.status = status
        self.message = message

    def __repr__(self) -> str:
        return f"BaseResult(status={self.status}, message={self.message!r})"
