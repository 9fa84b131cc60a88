"""Operators: what a task does."""

from typing import TYPE_CHECKING, Any, Dict, List, Optional, Sequence, Union

from ai_flow.common.exception.exceptions import AIFlowException, OutsideWorkflowError
from ai_flow.model.action import TaskAction
from ai_flow.model.arguments import operators
from ai_flow.model.condition import Condition
from ai_flow.model.context import Context
from ai_flow.model.names import check_name
from ai_flow.model.source_location import Location, caller_location
from ai_flow.model.status import TaskStatus
from ai_flow.model.workflow import Workflow, WorkflowContextManager

if TYPE_CHECKING:
    import logging


class OperatorConfigItem:
    """Options that every operator takes as keyword arguments. Times are seconds, or timedeltas."""

    # `cron@...` or `interval@...`: the task runs when its execution starts and at each due time.
    PERIODIC_EXPRESSION = "periodic_expression"
    # What a due time does to a live run: "restart" (default), "skip" or "queue".
    OVERLAP = "overlap"
    # Due times that passed while nobody could fire them: "none", "one" (default) or "all".
    CATCHUP = "catchup"
    # What START does to a task that has a live run: "ignore" (default), "queue" or "restart".
    ON_ALIVE = "on_alive"
    # With on_alive="queue": how many starts may wait.
    MAX_PENDING_STARTS = "max_pending_starts"
    # The execution may end although this task never ran.
    OPTIONAL = "optional"
    # How often a failing run is tried again.
    RETRIES = "retries"
    # How long to wait before the second try.
    RETRY_DELAY = "retry_delay"
    # The delay doubles with each further try.
    RETRY_EXPONENTIAL_BACKOFF = "retry_exponential_backoff"
    # Bound of the doubled delay.
    MAX_RETRY_DELAY = "max_retry_delay"
    # How long each try may run.
    EXECUTION_TIMEOUT = "execution_timeout"
    # How long a run may wait for a slot.
    QUEUE_TIMEOUT = "queue_timeout"
    # How long a process may take from its slot to running; 60 s unless given, 0: no limit.
    START_TIMEOUT = "start_timeout"
    # Time between SIGTERM and SIGKILL of a stop.
    STOP_GRACE = "stop_grace"
    # The executor that runs the task: `local`, or one that the server's configuration names.
    EXECUTOR = "executor"
    # The pool whose slots the task takes, and how many of them.
    POOL = "pool"
    POOL_SLOTS = "pool_slots"
    # Of the tasks that wait for a slot, the higher goes first.
    PRIORITY = "priority"
    # Environment variables of the task's process.
    ENV = "env"
    # Files of more of them, whose values are secrets: one path, or a list of paths, on the server's
    # machine. Read at the start of each try.
    ENV_FILE = "env_file"


class Operator:
    """A task of the workflow whose `with` block it is created in. Its keyword arguments are the
    options of `OperatorConfigItem`, kept in `config`."""

    # For operators that were pickled by an earlier version.
    _defined_at: Location = None

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

    def action_on_event_received(
        self,
        action: TaskAction,
        event_key: str,
        *,
        value: Any = None,
        one_of: Optional[Sequence[Any]] = None,
        between: Optional[Sequence[Optional[float]]] = None,
        context: Any = None,
        sender: Any = None,
        scope: Optional[str] = None,
    ) -> None:
        """Performs `action` on this task at every event with the key `event_key`, and with what
        else is asked for as with `SingleEventCondition`."""
        self.workflow.action_on_event_received(
            self.name,
            event_key,
            action,
            value=value,
            one_of=one_of,
            between=between,
            context=context,
            sender=sender,
            scope=scope,
        )

    def action_on_task_status(
        self, action: TaskAction, upstream_task_status_dict: Dict["Operator", TaskStatus]
    ) -> None:
        """Performs `action` on this task when all the given tasks have the given statuses."""
        self.workflow.action_on_task_status(self.name, action, upstream_task_status_dict)

    def start_after(self, tasks: Union["Operator", List["Operator"]]) -> None:
        """Starts this task when all of `tasks` have succeeded. A second call is an alternative."""
        upstream = operators("start_after", tasks)
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
