"""Where `scripts/setup --real-tools` puts what the servers need."""

import os
import sys
from typing import NoReturn

NOT_INSTALLED = 3  # exit code


def folder(name: str) -> str:
    """Of the tool `name`; ends the program when it is not installed."""
    source = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    tools = os.environ.get("AIFLOW_REAL_TOOLS") or os.path.join(source, "build", "real-tools")
    path = os.path.join(tools, name)
    if not os.path.exists(os.path.join(path, ".installed")):
        fail(f"{name} is not installed in {tools}: run scripts/setup --real-tools {name}")
    return path


def fail(text: str) -> NoReturn:
    sys.stderr.write(f"{os.path.basename(sys.argv[0])}: {text}\n")
    raise SystemExit(NOT_INSTALLED)
