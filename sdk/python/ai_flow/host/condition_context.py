"""What user-written conditions see: the event's execution or workflow as of the event, and their
states."""

import logging
from typing import Any, Dict, Mapping, Optional, Set, Tuple

from ai_flow.common.exception.exceptions import AIFlowException
from ai_flow.host.option_values import nearest
from ai_flow.model.internal.contexts import WorkflowContext, WorkflowExecutionContext
from ai_flow.model.state import State, StateDescriptor, StateType, ValueState
from ai_flow.model.status import TaskStatus, WorkflowStatus
from ai_flow.model.workflow import Workflow
from ai_flow.model.workflow_execution import WorkflowExecution

# src/model/limits.h
MAX_STATE_BYTES = 1 << 20


# Workflow and task of the warnings that this process has given; a few say enough.
_warned: Set[Tuple[str, str]] = set()
MAX_WARNINGS = 100
_log = logging.getLogger(__name__)


def _warn_of_unknown_task(workflow: Workflow, task_name: Any) -> None:
    """The forerunner's answer is None; a slip of the pen should not stay unseen for it."""
    subject = (workflow.name, str(task_name))
    if subject in _warned or len(_warned) >= MAX_WARNINGS:
        return
    _warned.add(subject)
    meant = nearest(str(task_name), workflow.tasks)
    hint = "" if meant is None else f"; did you mean {meant!r}?"
    _log.warning(
        "workflow %r has no task %r, so that its status is always None%s",
        workflow.name,
        task_name,
        hint,
    )


class States:
    """The states of one scope while one question is answered. Values are pickled; None: absent."""

    def __init__(self, values: Mapping[str, bytes]):
        self._before: Dict[str, Optional[bytes]] = dict(values)
        self._now: Dict[str, Optional[bytes]] = dict(values)

    def get(self, name: str) -> Optional[bytes]:
        return self._now.get(name)

    def put(self, name: str, value: Optional[bytes]) -> None:
        self._now[name] = value

    def changes(self) -> Dict[str, Optional[bytes]]:
        return {name: now for name, now in self._now.items() if now != self._before.get(name)}

    def of(self, descriptor: Any) -> State:
        kind = descriptor.state_type if isinstance(descriptor, StateDescriptor) else None
        if kind != StateType.VALUE:
            raise AIFlowException(
                f"{type(descriptor).__name__} describes no state that is kept here; use "
                f"ValueStateDescriptor"
            )
        if not isinstance(descriptor.name, str) or not descriptor.name:
            raise AIFlowException(f"the name of a state must be a string, not {descriptor.name!r}")
        return _Value(self, descriptor.name)


class _Value(ValueState):
    def __init__(self, states: States, name: str):
        self._states = states
        self._name = name

    def value(self) -> object:
        import cloudpickle

        found = self._states.get(self._name)
        if found is None:
            return None
        try:
            value: object = cloudpickle.loads(found)
        except Exception as error:
            raise AIFlowException(
                f"state {self._name!r} cannot be read any more: {type(error).__name__}: {error}"
            ) from error
        return value

    def update(self, state: object) -> None:
        import cloudpickle

        value = cloudpickle.dumps(state)
        if len(value) > MAX_STATE_BYTES:
            raise AIFlowException(
                f"state {self._name!r} has {len(value)} bytes, the limit is {MAX_STATE_BYTES}"
            )
        self._states.put(self._name, value)

    def clear(self) -> None:
        self._states.put(self._name, None)


class ConditionExecutionContext(WorkflowExecutionContext):
    """For rules of tasks. `params` are those of the execution."""

    def __init__(self, workflow: Workflow, context: Mapping[str, Any], states: States):
        execution = WorkflowExecution(
            workflow_id=int(context.get("workflow_id", 0)),
            status=WorkflowStatus.RUNNING,
            id=context.get("workflow_execution_id"),
        )
        super().__init__(workflow, execution)
        self.params = dict(context.get("params") or {})
        self._statuses = context.get("statuses") or {}
        self._states = states

    def get_state(self, state_descriptor: StateDescriptor) -> State:
        return self._states.of(state_descriptor)

    def get_task_status(self, task_name: str) -> Optional[TaskStatus]:
        found = self._statuses.get(task_name)
        if found is None and task_name not in self.workflow.tasks:
            _warn_of_unknown_task(self.workflow, task_name)
        return None if found is None else TaskStatus(found)


class ConditionWorkflowContext(WorkflowContext):
    """For workflow rules: there is no execution yet, and so no status of a task."""

    def __init__(self, workflow: Workflow, states: States):
        super().__init__(workflow.namespace, workflow)
        self._states = states

    def get_state(self, state_descriptor: StateDescriptor) -> State:
        return self._states.of(state_descriptor)
