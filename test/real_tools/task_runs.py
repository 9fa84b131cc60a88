"""What the tests do with a server: upload a workflow, follow its one task."""

import os
import pathlib
import signal

from aiflow_server import wait_until
from real_tools import PATIENCE


class TaskRuns:
    """The runs of the task `job` in one execution of the workflow `tools`."""

    def __init__(self, server, folder: pathlib.Path, operator: str):
        """`operator` is the line that makes the task."""
        self.server = server
        file = folder / "tools.py"
        file.write_text(
            "from ai_flow.model.workflow import Workflow\n"
            "from ai_flow.operators.flink.flink_operator import FlinkOperator\n"
            "from ai_flow.operators.spark.spark_sql import SparkSqlOperator\n"
            "from ai_flow.operators.spark.spark_submit import SparkSubmitOperator\n\n"
            f"with Workflow('tools', keep_open=True) as workflow:\n    {operator}\n")
        server.cli("workflow", "upload", str(file))
        self.execution = server.start_execution("tools")

    def run(self) -> dict:
        """The latest run."""
        rows = self.server.rows("task-execution", "list", str(self.execution))
        return max(rows, key=lambda row: int(row["sequence_number"])) if rows else {}

    def wait_for(self, *statuses, patience=PATIENCE) -> dict:
        def there():
            found = self.run()
            return found if found.get("status") in statuses else None

        try:
            return wait_until(there, f"the task is {statuses}", patience)
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.run()}\n{self.log()}") from None

    def end(self) -> str:
        return self.wait_for("SUCCESS", "FAILED", "STOPPED")["status"]

    def stop(self) -> str:
        self.server.cli("task-execution", "stop", str(self.execution), "job")
        return self.end()

    def start_again(self):
        self.server.cli("task-execution", "start", str(self.execution), "job")

    def logs(self) -> list:
        """One for each attempt, in their order."""
        folder = self.server.home / "attempts" / str(self.execution)
        return [path.read_text() for path in
                sorted(folder.glob("*/log"), key=lambda path: path.stat().st_ctime)]

    def log(self) -> str:
        return "".join(self.logs())

    def why(self) -> str:
        return self.server.cli("why", str(self.execution)).stdout

    def host_pid(self):
        """Of the process that runs the task; None when there is none."""
        for pid in self.server.processes():
            try:
                arguments = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"run-task" in arguments:
                return pid
        return None

    def kill_host(self):
        pid = self.host_pid()
        assert pid is not None, "no task runs"
        os.kill(pid, signal.SIGKILL)

    def java_processes(self) -> list:
        found = []
        for pid in self.server.processes():
            try:
                if os.path.basename(os.readlink(f"/proc/{pid}/exe")) == "java":
                    found.append(pid)
            except OSError:
                pass
        return found
