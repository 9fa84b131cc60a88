"""How the process of a task ends: what it says about itself as its last act."""

import os
import sys
from typing import NoReturn

from ai_flow.host.output import flush_output

MAX_REASON_CHARS = 2000


def write_result(code: int, reason: str) -> None:
    """Writes AIFLOW_RESULT_FILE: complete or not at all."""
    path = os.environ.get("AIFLOW_RESULT_FILE")
    if not path:
        return
    text = f"{code}\n"
    if reason:
        text += " ".join(reason.split())[:MAX_REASON_CHARS] + "\n"
    temporary = f"{path}.{os.getpid()}.tmp"
    try:
        with open(temporary, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
        os.replace(temporary, path)
    except OSError as error:
        # The exit code still says how the task ended.
        print(f"cannot write {path}: {error}", file=sys.stderr)


def end_process(code: int, reason: str) -> NoReturn:
    """Writes the result and ends at once: nothing of the user's runs after this."""
    flush_output()
    write_result(code, reason)
    flush_output()
    os._exit(code)
