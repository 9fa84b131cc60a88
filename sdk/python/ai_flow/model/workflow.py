"""Workflows: named sets of tasks and the rules that start, stop and restart them."""

import threading
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Sequence

from ai_flow.common.exception.exceptions import AIFlowException
from ai_flow.model.action import TaskAction
from ai_flow.model.arguments import (
    check_action,
    check_condition,
    check_event_key,
    check_statuses,
)
from ai_flow.model.condition import Condition
from ai_flow.model.names import check_name, check_namespace
from ai_flow.model.rule import TaskRule
from ai_flow.model.source_location import Location, caller_location
from ai_flow.model.status import TaskStatus

if TYPE_CHECKING:
    from ai_flow.model.operator import Operator


class Workflow:
    """Operators created inside `with Workflow(name=...)` become its tasks.

    Options, all by keyword and kept in `config`:
    `keep_open`: an execution stays open although nothing runs and nothing can start; it then ends
    only by a stop or its `execution_timeout`.
    `execution_timeout`: how long an execution may take, in seconds or as a timedelta.
    `max_active_executions`: how many may run at once; more wait.
    `concurrency`: how many of its tasks may run at once, over all executions.
    `timezone`: of periodic expressions that name none, such as "Europe/Berlin".
    `params`: what executions are started with; a dict of names to defaults or `Param`s.
    `on_failure`, `on_success`: a `Hook` or a list of them, told when an execution has ended so.
    Any other is kept for people to read.
    """

    # For workflows that were pickled by an earlier version.
    _defined_at: Location = None

    def __init__(self, name: str, namespace: str = "default", **kwargs: Any):
        self.name = check_name("workflow name", name)
        self.namespace = check_namespace(namespace)
        self.config: Dict[str, Any] = kwargs
        self.tasks: Dict[str, "Operator"] = {}
        self.rules: Dict[str, List[TaskRule]] = {}
        self._defined_at = caller_location()

    def __enter__(self) -> "Workflow":
        WorkflowContextManager.push_context_managed_workflow(self)
        return self

    def __exit__(self, exc_type: object, exc_value: object, traceback: object) -> None:
        WorkflowContextManager.pop_context_managed_workflow()

    def action_on_condition(self, task_name: str, action: TaskAction, condition: Condition) -> None:
        """Performs `action` on the task whenever `condition` is met."""
        check_action(action)
        check_condition(condition)
        self.rules.setdefault(task_name, []).append(TaskRule(condition, action))

    def action_on_event_received(
        self,
        task_name: str,
        event_key: str,
        action: TaskAction,
        *,
        value: Any = None,
        one_of: Optional[Sequence[Any]] = None,
        between: Optional[Sequence[Optional[float]]] = None,
        context: Any = None,
        sender: Any = None,
        scope: Optional[str] = None,
    ) -> None:
        """Performs `action` on the task at every event with the key `event_key`, and with what else
        is asked for as with `SingleEventCondition`."""
        from ai_flow.model.internal.conditions import SingleEventCondition

        check_action(action)
        check_event_key(event_key)
        condition = SingleEventCondition(
            event_key,
            value=value,
            one_of=one_of,
            between=between,
            context=context,
            sender=sender,
            scope=scope,
        )
        self.action_on_condition(task_name, action, condition)

    def action_on_task_status(
        self,
        task_name: str,
        action: TaskAction,
        upstream_task_status_dict: Dict["Operator", TaskStatus],
    ) -> None:
        """Performs `action` on the task when all the given tasks have the given statuses."""
        from ai_flow.model.internal.conditions import (
            TaskStatusAllMetCondition,
            TaskStatusCondition,
        )

        check_statuses(upstream_task_status_dict)
        conditions = [
            TaskStatusCondition(
                workflow_name=self.name,
                task_name=upstream.name,
                namespace=self.namespace,
                expect_status=status,
            )
            for upstream, status in upstream_task_status_dict.items()
        ]
        self.action_on_condition(task_name, action, TaskStatusAllMetCondition(conditions))


class WorkflowContextManager:
    """The workflow whose `with` block is being executed, one for each thread."""

    _current = threading.local()

    @classmethod
    def push_context_managed_workflow(cls, workflow: Workflow) -> None:
        current = cls.get_current_workflow()
        if current is not None:
            raise AIFlowException(
                f"workflow {workflow.name!r}: sub-workflows may not be defined inside a workflow "
                f"(here {current.name!r})"
            )
        cls._current.workflow = workflow

    @classmethod
    def pop_context_managed_workflow(cls) -> Optional[Workflow]:
        workflow = cls.get_current_workflow()
        cls._current.workflow = None
        return workflow

    @classmethod
    def get_current_workflow(cls) -> Optional[Workflow]:
        return getattr(cls._current, "workflow", None)
