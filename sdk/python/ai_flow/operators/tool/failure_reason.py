"""The line of a tool's output that tells best why it failed. Pure."""

import re
from typing import Optional

MAX_REASON_CHARS = 500

_CAUSE = re.compile(r"^\s*Caused by: (.+)")
# "java.lang.IllegalStateException: text", "ValueError: text", 'Exception in thread "main" ...'.
_EXCEPTION = re.compile(
    r'^(?:Exception in thread "[^"]*" )?'
    r"((?:(?:[\w$]+\.)+[\w$]*|[\w$]+)(?:Exception|Error)(?:: .*)?)$"
)
_ERROR = re.compile(r"^(?:Error: |ERROR:? |\[[A-Z_.]+\] )(.+)")


class FailureReason:
    """Is fed line by line. A chain of causes is told by its last link, for that is the root."""

    def __init__(self) -> None:
        self._cause: Optional[str] = None
        self._exception: Optional[str] = None
        self._error: Optional[str] = None

    def feed(self, line: str) -> None:
        found = _CAUSE.match(line)
        if found:
            self._cause = found.group(1)
            return
        found = _EXCEPTION.match(line)
        if found:
            # A new chain begins.
            self._exception, self._cause = found.group(1), None
            return
        found = _ERROR.match(line)
        if found:
            self._error = found.group(1)

    def text(self) -> Optional[str]:
        found = self._cause or self._exception or self._error
        return found.strip()[:MAX_REASON_CHARS] if found else None


def root_cause(stack_trace: str) -> Optional[str]:
    """Of a whole Java stack trace: its last cause, or its first line."""
    reason = FailureReason()
    lines = stack_trace.splitlines()
    for line in lines:
        reason.feed(line)
    first = next((line.strip() for line in lines if line.strip()), None)
    return reason.text() or (first[:MAX_REASON_CHARS] if first else None)


def tool_failure(tool: str, code: int, reason: Optional[str]) -> str:
    """How a tool ended, `code` being negative for a signal, and why."""
    how = f"exit code {code}" if code >= 0 else f"signal {-code}"
    return f"`{tool}` ended with {how}" + (f": {reason}" if reason else "")
