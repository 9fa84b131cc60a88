"""How an attempt ended, and what a plug-in raises where there was none or nobody can know."""

import signal
from dataclasses import dataclass

MAX_REASON_BYTES = 4096
# What is larger does not count, and one byte more tells the server so.
MAX_OUTPUT_BYTES = 65536


class NotStarted(Exception):
    """Raised by `submit`: it is certain that nothing runs and nothing will. The text, one line, is
    the reason of the failed attempt."""


class AttemptLost(Exception):
    """Raised by `wait` and `find`: it is certain that nothing of the attempt runs any more, and how
    it ended will never be known. The text, one line, is the reason of the failed attempt."""


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended; nothing of it runs any more.

    exit_code  0 is success, anything else a failure. Stopped is what fails after it was asked to
               stop, and that is the base class's conclusion.
    reason     why it failed, for people: one line, of which 4,096 bytes are kept. Empty: the base
               class says `exit code N`.
    output     what the command wrote to AIFLOW_OUTPUT; with success. The server takes up to 65,536
               bytes of UTF-8, and says so of what is not.
    final      a failure that another try does not mend
    """

    exit_code: int
    reason: str = ""
    output: bytes = b""
    final: bool = False

    def __post_init__(self) -> None:
        """Raises TypeError and ValueError: where `wait` made it, rather than where it is told."""
        if not isinstance(self.exit_code, int) or not -(2**31) <= self.exit_code < 2**31:
            raise ValueError(f"the exit code is {self.exit_code!r}, not a number of 32 bits")
        if not isinstance(self.reason, str) or not isinstance(self.output, bytes):
            raise TypeError("the reason of an outcome is str, its output bytes")

    @staticmethod
    def of_exit(exit_code: int, own_reason: str = "", output: bytes = b"") -> "Outcome":
        """Of a command that ended by itself; `own_reason` is what it said of it."""
        if exit_code == 0:
            return Outcome(0, own_reason, output)
        return Outcome(exit_code, _join(f"exit code {exit_code}", own_reason))

    @staticmethod
    def of_signal(number: int, own_reason: str = "") -> "Outcome":
        """Of a command that was killed by a signal."""
        try:
            name = signal.Signals(number).name
        except ValueError:
            name = "?"
        return Outcome(128 + number, _join(f"killed by signal {number} ({name})", own_reason))

    @staticmethod
    def of_shell(status: int, own_reason: str = "", output: bytes = b"") -> "Outcome":
        """Of the `$?` of a shell, where 128 + N stands for signal N."""
        if 128 < status < 128 + 65:
            return Outcome.of_signal(status - 128, own_reason)
        return Outcome.of_exit(status, own_reason, output)


def _join(first: str, second: str) -> str:
    return f"{first}: {second}" if second else first


def one_line(text: str, limit: int = MAX_REASON_BYTES) -> str:
    """The first line, without control characters, of at most `limit` bytes of UTF-8."""
    line = text.strip().splitlines()[0] if text.strip() else ""
    line = "".join(c if c.isprintable() else " " for c in line)
    return line.encode("utf-8", "replace")[:limit].decode("utf-8", "ignore")
