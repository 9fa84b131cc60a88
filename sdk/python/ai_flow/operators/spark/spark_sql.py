"""`spark-sql` as a task."""

from typing import Any, Optional

from ai_flow.common.exception.exceptions import AIFlowException, TaskForceStoppedException
from ai_flow.model.context import Context
from ai_flow.model.operator import AIFlowOperator
from ai_flow.operators.spark.spark_command import sql_command
from ai_flow.operators.tool import arguments
from ai_flow.operators.tool.executable import find_executable
from ai_flow.operators.tool.failure_reason import FailureReason, tool_failure
from ai_flow.operators.tool.process import ToolProcess
from ai_flow.operators.tool.stop_budget import stop_budget


class SparkSqlOperator(AIFlowOperator):
    """Runs `sql` with `spark-sql` and succeeds when it has.

    :param sql: statements, or the path of a file that ends in `.sql` or `.hql`.
    :param master: accepted, as ever, and not passed on: `spark-sql` takes the master of Spark's
        configuration (`conf/spark-defaults.conf`), or its own default, which is `local[*]`.
    :param application_name: `spark_sql_task_{name}` unless given.
    :param executable_path: `spark-sql`; else `$SPARK_HOME/bin/spark-sql`, else the one on PATH.
    """

    def __init__(
        self,
        name: str,
        sql: str,
        master: str = "yarn",
        application_name: Optional[str] = None,
        executable_path: Optional[str] = None,
        **kwargs: Any,
    ):
        self.sql = arguments.required(name, "sql", sql)
        self.master = arguments.optional(name, "master", master)
        self.application_name = arguments.optional(name, "application_name", application_name)
        self.executable_path = arguments.optional(name, "executable_path", executable_path)
        super().__init__(name, **kwargs)
        self._process: Optional[ToolProcess] = None
        self._reason: Optional[FailureReason] = None
        self._stopped_early = False

    def start(self, context: Context) -> None:
        executable = find_executable(
            self.name, "spark-sql", self.executable_path, "SPARK_HOME", home_first=True
        )
        name = self.application_name or f"spark_sql_task_{self.name}"
        self._reason = FailureReason()
        process = ToolProcess(sql_command(executable, name, self.sql), self.log, self._reason.feed)
        self._process = process
        if self._stopped_early:
            raise TaskForceStoppedException("stopped before the start")
        process.start()

    def await_termination(self, context: Context, timeout: Optional[int] = None) -> None:
        if self._process is None or self._reason is None:
            raise AIFlowException(f"task {self.name!r} was not started")
        code = self._process.wait(timeout)
        if self._stopped_early:
            raise TaskForceStoppedException("stopped")
        if code != 0:
            raise AIFlowException(tool_failure("spark-sql", code, self._reason.text()))

    def stop(self, context: Context) -> None:
        self._stopped_early = True
        if self._process is not None:
            self._process.terminate(stop_budget(self.config))
