"""Compiles a workflow file in a process of its own, so that user code leaves no trace in this
one."""

import json
import os
import subprocess
import sys
from typing import Any, Dict

import ai_flow
from ai_flow.common.exception.exceptions import AIFlowException


def compile_workflow_file(path: str) -> Dict[str, Any]:
    """The object of docs/formats/task-environment.md; AIFlowException with the compiler's words."""
    path = os.path.abspath(path)
    if not os.path.isfile(path):
        raise AIFlowException(f"{path}: no such file")
    environment = dict(os.environ)
    # The process finds the same SDK as this one, however it was found here.
    package_root = os.path.dirname(os.path.dirname(os.path.abspath(ai_flow.__file__)))
    inherited = environment.get("PYTHONPATH")
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [inherited, package_root]))
    process = subprocess.run(
        [sys.executable, "-m", "ai_flow.host", "compile", path],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        check=False,
    )
    messages = process.stderr.decode("utf-8", "backslashreplace")
    if process.returncode != 0:
        lines = messages.strip().splitlines()
        raise AIFlowException(
            lines[-1] if lines else f"{path}: the compiler ended with {process.returncode}"
        )
    sys.stderr.write(messages)
    compiled: Dict[str, Any] = json.loads(process.stdout)
    return compiled
