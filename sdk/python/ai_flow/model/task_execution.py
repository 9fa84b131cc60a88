"""One run of a task."""

from datetime import datetime
from typing import NamedTuple, Optional

from ai_flow.model.status import TaskStatus


class TaskExecutionKey(NamedTuple):
    """Identifies one run of a task; its text is `{workflow execution}_{task}_{sequence number}`."""

    workflow_execution_id: int
    task_name: str
    seq_num: int

    def __str__(self) -> str:
        return f"{self.workflow_execution_id}_{self.task_name}_{self.seq_num}"


class TaskExecution:
    def __init__(
        self,
        workflow_execution_id: int,
        task_name: str,
        sequence_number: int,
        execution_type: Optional[str] = None,
        begin_date: Optional[datetime] = None,
        end_date: Optional[datetime] = None,
        status: TaskStatus = TaskStatus.INIT,
        id: Optional[int] = None,
    ):
        self.id = id
        self.workflow_execution_id = workflow_execution_id
        self.task_name = task_name
        self.sequence_number = sequence_number
        self.execution_type = execution_type
        self.begin_date = begin_date
        self.end_date = end_date
        self.status = status
