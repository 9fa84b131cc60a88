"""Compiles a workflow file: user code in, specification out."""

import json
import os
import sys
from typing import Any, Dict, List, NoReturn, Set, Tuple

from ai_flow.host.specification import SpecificationError, workflow_spec
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


def compile_main(path: str) -> NoReturn:
    """Prints the JSON object and exits with 0, or a paragraph on stderr and exits with 1."""
    # What user code prints goes to stderr: stdout is for the result alone.
    result = os.dup(1)
    os.dup2(2, 1)
    code = 0
    try:
        text = json.dumps(compile_file(path), ensure_ascii=False, separators=(",", ":"))
        output = memoryview(text.encode("utf-8", "backslashreplace") + b"\n")
        sys.stdout.flush()
        while output:
            output = output[os.write(result, output) :]
    except (WorkflowFileError, SpecificationError) as error:
        sys.stdout.flush()
        print(error, file=sys.stderr)
        code = 1
    sys.stderr.flush()
    # Threads that the file may have started do not keep this process alive.
    os._exit(code)
