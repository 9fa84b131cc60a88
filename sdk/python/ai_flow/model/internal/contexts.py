"""The contexts that conditions and operators get."""

import json
import os
from typing import TYPE_CHECKING, Any, Dict, Optional, Union

from ai_flow.common.exception.exceptions import AIFlowException
from ai_flow.model.context import Context

if TYPE_CHECKING:
    from datetime import datetime

    from ai_flow.model.operator import Operator
    from ai_flow.model.task_execution import TaskExecutionKey
    from ai_flow.model.workflow import Workflow
    from ai_flow.model.workflow_execution import WorkflowExecution
    from notification_service.model.event import Event


# The inline result of a task, docs/formats/task-environment.md.
MAX_OUTPUT_BYTES = 64 << 10


class WorkflowContext(Context):
    """What conditions of workflow rules get. There is no execution yet, so `params` is empty."""

    def __init__(self, namespace: Any, workflow: "Workflow"):
        self.namespace = namespace
        self.workflow = workflow
        self.params: Dict[str, Any] = {}


class WorkflowExecutionContext(Context):
    """What conditions of task rules get. `params` are the parameters of the execution."""

    def __init__(self, workflow: "Workflow", workflow_execution: "WorkflowExecution"):
        self.workflow = workflow
        self.workflow_execution = workflow_execution
        self.params: Dict[str, Any] = {}


class TaskExecutionContext(Context):
    """What operators get. `trigger_event` is the event that caused this run, `params` are the
    parameters of the workflow execution, `due_time` is the time that a periodic run stands for, in
    UTC, and `try_number` counts the tries of this run from 1."""

    def __init__(
        self,
        workflow: "Workflow",
        task_execution_key: "TaskExecutionKey",
        trigger_event: Optional["Event"] = None,
        params: Optional[Dict[str, Any]] = None,
        due_time: Optional["datetime"] = None,
        try_number: int = 1,
    ):
        self.workflow = workflow
        self.task_execution_key = task_execution_key
        self.trigger_event = trigger_event
        self.params = params or {}
        self.due_time = due_time
        self.try_number = try_number
        self._has_output = False

    def get_task_output(self, task: Union[str, "Operator"], as_json: bool = False) -> Any:
        """The result that the latest successful run of `task` left: its text, or with `as_json` the
        value that it means. None when there is none, or when no rule of this task names `task`."""
        name = task if isinstance(task, str) else task.name
        if name not in self.workflow.tasks:
            raise AIFlowException(f"workflow {self.workflow.name!r} has no task {name!r}")
        path = os.environ.get("AIFLOW_OUTPUTS_FILE")
        if not path:
            return None
        with open(path, encoding="utf-8") as file:
            text = json.load(file).get(name)
        if text is None or not as_json:
            return text
        try:
            return json.loads(text)
        except ValueError as error:
            raise AIFlowException(f"the output of task {name!r} is no JSON: {error}") from None

    def set_output(self, value: Any) -> None:
        """Leaves a small result for the tasks after this one: a string as it is, anything else as
        JSON, at most 64 KiB. It counts when this run succeeds; the last call wins."""
        path = os.environ.get("AIFLOW_OUTPUT")
        if not path:
            raise AIFlowException(
                "AIFLOW_OUTPUT is not set: the server takes no output of this task"
            )
        encoded = _encoded_output(value)
        temporary = f"{path}.{os.getpid()}.tmp"
        with open(temporary, "wb") as file:
            file.write(encoded)
        os.replace(temporary, path)
        self._has_output = True

    def offer_output(self, value: Any) -> Optional[str]:
        """As set_output, unless there is an output already; why not, when that is not possible."""
        if self._has_output or not os.environ.get("AIFLOW_OUTPUT"):
            return None
        try:
            self.set_output(value)
        except (AIFlowException, OSError) as error:
            return str(error)
        return None


def _encoded_output(value: Any) -> bytes:
    """AIFlowException when it is no output. Stops at the limit, however large the value is."""
    encoded = bytearray()
    try:
        encoder = json.JSONEncoder(ensure_ascii=False, allow_nan=False)
        chunks = [value] if isinstance(value, str) else encoder.iterencode(value)
        for chunk in chunks:
            if len(encoded) + len(chunk) <= MAX_OUTPUT_BYTES:
                encoded += chunk.encode("utf-8")
                if len(encoded) <= MAX_OUTPUT_BYTES:
                    continue
            raise AIFlowException(f"the output is over the limit of {MAX_OUTPUT_BYTES} bytes")
    except (TypeError, ValueError, RecursionError) as error:
        raise AIFlowException(f"the output is neither text nor a JSON value: {error}") from None
    return bytes(encoded)


_runtime_task_context: Optional[TaskExecutionContext] = None


def set_runtime_task_context(context: Optional[TaskExecutionContext]) -> None:
    global _runtime_task_context
    _runtime_task_context = context


def get_runtime_task_context() -> Optional[TaskExecutionContext]:
    """The context of the task that this process runs; None outside a task."""
    return _runtime_task_context
