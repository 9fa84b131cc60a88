"""Operators: what a task does."""

from typing import TYPE_CHECKING, Any, Dict, List, Optional, Union

from ai_flow.common.exception.exceptions import AIFlowException, OutsideWorkflowError
from ai_flow.model.action import TaskAction
from ai_flow.model.condition import Condition
from ai_flow.model.context import Context
from ai_flow.model.names import check_name
from ai_flow.model.source_location import caller_location
from ai_flow.model.status import TaskStatus
from ai_flow.model.workflow import Workflow, WorkflowContextManager

if TYPE_CHECKING:
    import logging


class OperatorConfigItem:
    """Options that every operator takes as keyword arguments."""

    PERIODIC_EXPRESSION = "periodic_expression"
    # What START does to a task that has a live run: "ignore" (default), "queue" or "restart".
    ON_ALIVE = "on_alive"
    # With on_alive="queue": how many starts may wait.
    MAX_PENDING_STARTS = "max_pending_starts"
    # The execution may end although this task never ran.
    OPTIONAL = "optional"
    # Seconds between SIGTERM and SIGKILL of a stop.
    STOP_GRACE = "stop_grace"
    # Environment variables of the task's process.
    ENV = "env"


class Operator:
    """A task of the workflow whose `with` block it is created in."""

    def __init__(self, name: str, **kwargs: Any):
        self.name = check_name("task name", name)
        self.config: Dict[str, Any] = kwargs
        self._defined_at = caller_location()
        workflow = WorkflowContextManager.get_current_workflow()
        if workflow is None:
            raise OutsideWorkflowError(
                f"task {name!r} is created outside a workflow; write it in a "
                f"`with Workflow(...)` block"
            )
        if name in workflow.tasks:
            raise AIFlowException(
                f"workflow {workflow.name!r} has two tasks named {name!r}; task names are unique"
            )
        self.workflow: Workflow = workflow
        workflow.tasks[name] = self

    def action_on_condition(self, action: TaskAction, condition: Condition) -> None:
        """Performs `action` on this task whenever `condition` is met."""
        self.workflow.action_on_condition(self.name, action, condition)

    def action_on_event_received(self, action: TaskAction, event_key: str) -> None:
        """Performs `action` on this task at every event with the key `event_key`."""
        self.workflow.action_on_event_received(self.name, event_key, action)

    def action_on_task_status(
        self, action: TaskAction, upstream_task_status_dict: Dict["Operator", TaskStatus]
    ) -> None:
        """Performs `action` on this task when all the given tasks have the given statuses."""
        self.workflow.action_on_task_status(self.name, action, upstream_task_status_dict)

    def start_after(self, tasks: Union["Operator", List["Operator"]]) -> None:
        """Starts this task when all of `tasks` have succeeded. A second call is an alternative."""
        upstream = [tasks] if isinstance(tasks, Operator) else list(tasks)
        self.action_on_task_status(
            TaskAction.START, {task: TaskStatus.SUCCESS for task in upstream}
        )


class AIFlowOperator(Operator):
    """An operator with code of its own, which runs in the task's process."""

    def __init__(self, task_name: str, **kwargs: Any):
        super().__init__(task_name, **kwargs)

    @property
    def log(self) -> "logging.Logger":
        import logging

        return logging.getLogger("aiflow.task.operator")

    def start(self, context: Context) -> None:
        """Starts the work. An exception makes the task FAILED."""
        raise NotImplementedError(f"{type(self).__name__} does not implement start(context)")

    def stop(self, context: Context) -> None:
        """Ends the work early. Called in a thread of its own while start or await_termination runs;
        when it returns, the process ends."""

    def await_termination(self, context: Context, timeout: Optional[int] = None) -> None:
        """Waits for the end of the work that start left running."""

    def get_metrics(self, context: Context) -> Dict[str, Any]:
        return {}
