"""Loads one workflow file and finds its workflows."""

import importlib.util
import os
import sys
from importlib.machinery import SourceFileLoader
from typing import TYPE_CHECKING, List

from ai_flow.model.workflow import Workflow, WorkflowContextManager

if TYPE_CHECKING:
    from types import ModuleType


class WorkflowFileError(Exception):
    """The file cannot be used; the message is one paragraph that begins with `file:line:`."""


def load_workflows(path: str) -> List[Workflow]:
    """Executes the file (and nothing else) and returns its module-level workflows, in order."""
    path = os.path.abspath(path)
    if not os.path.isfile(path):
        raise WorkflowFileError(f"{path}: no such file")
    folder = os.path.dirname(path)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    WorkflowContextManager.pop_context_managed_workflow()
    module = _execute(path)
    found: List[Workflow] = []
    for value in list(vars(module).values()):
        if isinstance(value, Workflow) and value not in found:
            found.append(value)
    return found


def _module_name(path: str) -> str:
    """The file's stem, unless that would hide another module."""
    stem = os.path.splitext(os.path.basename(path))[0]
    fallback = "aiflow_workflow_" + stem
    if not stem.isidentifier() or stem in sys.modules:
        return fallback
    spec = importlib.util.find_spec(stem)
    taken = spec is not None and spec.origin != path
    return fallback if taken else stem


def _execute(path: str) -> "ModuleType":
    name = _module_name(path)
    loader = SourceFileLoader(name, path)
    spec = importlib.util.spec_from_file_location(name, path, loader=loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        loader.exec_module(module)
    except SyntaxError as error:
        place = f"{_shown(error.filename or path)}:{error.lineno}"
        raise WorkflowFileError(f"{place}: {type(error).__name__}: {error.msg}") from error
    except KeyboardInterrupt:
        raise
    except SystemExit as error:
        place = _place(path, error)
        raise WorkflowFileError(
            f"{place}: the file exits while it is loaded (code {error.code!r}); put what should "
            f"run as a program under `if __name__ == '__main__':`"
        ) from error
    except BaseException as error:
        raise WorkflowFileError(f"{_place(path, error)}: {describe(error)}") from error
    return module


def describe(error: BaseException) -> str:
    """Type and message in one line; the message alone for errors of this SDK."""
    from ai_flow.common.exception.exceptions import AIFlowException

    text = " ".join(str(error).split())
    if isinstance(error, AIFlowException) and text:
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _shown(path: str) -> str:
    relative = os.path.relpath(path)
    return path if relative.startswith("..") else relative


def _place(path: str, error: BaseException) -> str:
    """The innermost line of the file itself that led to the error."""
    line = 0
    traceback = error.__traceback__
    while traceback is not None:
        if os.path.abspath(traceback.tb_frame.f_code.co_filename) == path:
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    return f"{_shown(path)}:{line}" if line else _shown(path)
