"""Compiles workflow files, pickled workflows and pickled rules: user code in, specification out."""

import json
import os
import sys
from typing import Any, Callable, Dict, List, NoReturn, Set, Tuple

from ai_flow.common.exception.exceptions import AIFlowException
from ai_flow.host.questions import unpickled_rule, unpickled_workflow
from ai_flow.host.specification import SpecificationError, trigger_spec, workflow_spec
from ai_flow.host.workflow_file import WorkflowFileError, load_workflows


def compile_file(path: str) -> Dict[str, Any]:
    """The object of docs/formats/task-environment.md. Raises WorkflowFileError or
    SpecificationError."""
    workflows = load_workflows(path)
    if not workflows:
        raise WorkflowFileError(
            f"{path}: no workflow is defined at the top level of this file; write "
            f"`with Workflow(name=...) as workflow:`"
        )
    with open(path, encoding="utf-8") as file:
        content = file.read()
    warnings: List[str] = []
    compiled: List[Dict[str, Any]] = []
    names: Set[Tuple[str, str]] = set()
    for workflow in workflows:
        name = (workflow.namespace, workflow.name)
        if name in names:
            raise SpecificationError(f"{path}: two workflows are named {'.'.join(name)!r}")
        names.add(name)
        spec = workflow_spec(workflow, os.path.basename(path), warnings)
        compiled.append({"spec": spec, "content": content})
    return {"workflows": compiled, "warnings": warnings}


def compile_pickled_workflow_file(path: str) -> Dict[str, Any]:
    """The specification of the pickled workflow in the file. It names no file of a bundle, so that
    what has code of its own to run gets a host that cannot find it. Raises as compile_rule_file."""
    return workflow_spec(unpickled_workflow(_read(path)), None, [])


def compile_rule_file(path: str) -> Dict[str, Any]:
    """What the pickled workflow rule in the file is as data. Raises AIFlowException or
    SpecificationError."""
    return trigger_spec(unpickled_rule(_read(path)))


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise AIFlowException(f"{path}: {error.strerror}") from error


def compile_main(path: str) -> NoReturn:
    """Prints the JSON object and exits with 0, or a paragraph on stderr and exits with 1."""
    _compile(compile_file, path)


def compile_workflow_main(path: str) -> NoReturn:
    """As compile_main, for a pickled workflow."""
    _compile(compile_pickled_workflow_file, path)


def compile_rule_main(path: str) -> NoReturn:
    """As compile_main, for a pickled rule whose modules may be in the working directory."""
    sys.path.insert(0, os.getcwd())
    _compile(compile_rule_file, path)


def _compile(compile_path: Callable[[str], Dict[str, Any]], path: str) -> NoReturn:
    # What user code prints goes to stderr: stdout is for the result alone.
    result = os.dup(1)
    os.dup2(2, 1)
    code = 0
    try:
        text = json.dumps(compile_path(path), ensure_ascii=False, separators=(",", ":"))
        output = memoryview(text.encode("utf-8", "backslashreplace") + b"\n")
        sys.stdout.flush()
        while output:
            output = output[os.write(result, output) :]
    except (WorkflowFileError, SpecificationError, AIFlowException) as error:
        sys.stdout.flush()
        print(error, file=sys.stderr)
        code = 1
    sys.stderr.flush()
    # Threads that the file may have started do not keep this process alive.
    os._exit(code)
