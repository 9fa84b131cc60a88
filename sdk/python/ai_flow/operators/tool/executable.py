"""Finds a tool on the machine that runs the task, when the task starts."""

import os
import shutil
from typing import Optional

from ai_flow.common.exception.exceptions import AIFlowException


def find_executable(
    task: str,
    tool: str,
    given: Optional[str] = None,
    home_variable: Optional[str] = None,
    home_first: bool = False,
) -> str:
    """The absolute path of `tool`: `given`, else the one on PATH, else `bin/tool` below the folder
    that `home_variable` names; with `home_first` the latter two in the other order."""
    if given is not None:
        found = shutil.which(os.path.expanduser(given))
        if found is None:
            raise AIFlowException(
                f"task {task!r}: `executable_path` {given!r} is no executable file on this machine"
            )
        return os.path.abspath(found)
    home = os.environ.get(home_variable) if home_variable else None
    below_home = shutil.which(os.path.join(home, "bin", tool)) if home else None
    on_path = shutil.which(tool)
    for found in (below_home, on_path) if home_first else (on_path, below_home):
        if found is not None:
            return os.path.abspath(found)
    where = "is not on the PATH"
    hint = "install it"
    if home_variable:
        where += f", and {home_variable} " + (
            f"is {home!r}, which has no executable bin/{tool}" if home else "is not set"
        )
        hint += f", set PATH or {home_variable} (option `env`), or give `executable_path`"
    raise AIFlowException(
        f"task {task!r}: `{tool}` was not found on the machine that runs the task: it {where}; "
        f"{hint}"
    )
