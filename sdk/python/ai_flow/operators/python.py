"""Runs a Python function as a task."""

from typing import Any, Callable, Dict, List, Optional

from ai_flow.common.exception.exceptions import AIFlowException
from ai_flow.model.context import Context
from ai_flow.model.internal.contexts import TaskExecutionContext
from ai_flow.model.operator import AIFlowOperator


class PythonOperator(AIFlowOperator):
    """Calls `python_callable(*op_args, **op_kwargs)`. The task succeeds when it returns, whatever
    it returns, and fails when it raises.

    What it returns is the task's output when it is a string or a JSON value of at most 64 KiB; the
    tasks after this one get it with `context.get_task_output`.
    """

    def __init__(
        self,
        name: str,
        python_callable: Callable[..., Any],
        op_args: Optional[List[Any]] = None,
        op_kwargs: Optional[Dict[str, Any]] = None,
        **kwargs: Any,
    ):
        if not callable(python_callable):
            raise AIFlowException(f"task {name!r}: `python_callable` must be callable")
        super().__init__(name, **kwargs)
        self.python_callable = python_callable
        self.op_args = op_args or []
        self.op_kwargs = op_kwargs or {}

    def start(self, context: Context) -> None:
        returned = self.python_callable(*self.op_args, **self.op_kwargs)
        if returned is not None and isinstance(context, TaskExecutionContext):
            problem = context.offer_output(returned)
            if problem is not None:
                self.log.info("what the function returned is not kept: %s", problem)
