"""One run of a workflow."""

from datetime import datetime
from typing import Optional

from ai_flow.model.execution_type import ExecutionType
from ai_flow.model.status import WorkflowStatus


class WorkflowExecution:
    def __init__(
        self,
        workflow_id: int,
        execution_type: Optional[ExecutionType] = None,
        begin_date: Optional[datetime] = None,
        end_date: Optional[datetime] = None,
        status: WorkflowStatus = WorkflowStatus.INIT,
        id: Optional[int] = None,
    ):
        self.id = id
        self.workflow_id = workflow_id
        self.execution_type = execution_type
        self.begin_date = begin_date
        self.end_date = end_date
        self.status = status
