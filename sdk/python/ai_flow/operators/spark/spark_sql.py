"""`spark-sql` as a task. Declared here; running it arrives with a later release."""

from typing import Any, Optional

from ai_flow.model.context import Context
from ai_flow.model.operator import AIFlowOperator


class SparkSqlOperator(AIFlowOperator):
    #: Why a workflow with this operator cannot be uploaded yet.
    NOT_YET = "SparkSqlOperator arrives with a later release"

    def __init__(
        self,
        name: str,
        sql: str,
        master: str = "yarn",
        application_name: Optional[str] = None,
        executable_path: Optional[str] = None,
        **kwargs: Any,
    ):
        super().__init__(name, **kwargs)
        self.sql = sql
        self.master = master
        self.application_name = application_name
        self.executable_path = executable_path

    def start(self, context: Context) -> None:
        raise NotImplementedError(self.NOT_YET)
