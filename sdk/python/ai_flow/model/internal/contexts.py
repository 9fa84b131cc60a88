"""The contexts that conditions and operators get."""

from typing import TYPE_CHECKING, Any, Optional

from ai_flow.model.context import Context

if TYPE_CHECKING:
    from ai_flow.model.task_execution import TaskExecutionKey
    from ai_flow.model.workflow import Workflow
    from ai_flow.model.workflow_execution import WorkflowExecution
    from notification_service.model.event import Event


class WorkflowContext(Context):
    """What conditions of workflow rules get."""

    def __init__(self, namespace: Any, workflow: "Workflow"):
        self.namespace = namespace
        self.workflow = workflow


class WorkflowExecutionContext(Context):
    """What conditions of task rules get."""

    def __init__(self, workflow: "Workflow", workflow_execution: "WorkflowExecution"):
        self.workflow = workflow
        self.workflow_execution = workflow_execution


class TaskExecutionContext(Context):
    """What operators get. `trigger_event` is the event that caused this run."""

    def __init__(
        self,
        workflow: "Workflow",
        task_execution_key: "TaskExecutionKey",
        trigger_event: Optional["Event"] = None,
    ):
        self.workflow = workflow
        self.task_execution_key = task_execution_key
        self.trigger_event = trigger_event


_runtime_task_context: Optional[TaskExecutionContext] = None


def set_runtime_task_context(context: Optional[TaskExecutionContext]) -> None:
    global _runtime_task_context
    _runtime_task_context = context


def get_runtime_task_context() -> Optional[TaskExecutionContext]:
    """The context of the task that this process runs; None outside a task."""
    return _runtime_task_context
