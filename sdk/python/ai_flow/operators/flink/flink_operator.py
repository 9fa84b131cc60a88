"""Apache Flink jobs as tasks. Declared here; running them arrives with a later release."""

from typing import Any, Optional

from ai_flow.model.context import Context
from ai_flow.model.operator import AIFlowOperator


class FlinkOperator(AIFlowOperator):
    #: Why a workflow with this operator cannot be uploaded yet.
    NOT_YET = "FlinkOperator arrives with a later release"

    def __init__(
        self,
        name: str,
        application: str,
        target: Optional[str] = None,
        application_args: Optional[Any] = None,
        executable_path: Optional[str] = None,
        application_mode: bool = False,
        stop_with_savepoint: bool = False,
        kubernetes_cluster_id: Optional[str] = None,
        command_options: Optional[Any] = None,
        jobs_info_poll_interval: int = 1,
        **kwargs: Any,
    ):
        super().__init__(name, **kwargs)
        self.application = application
        self.target = target
        self.application_args = application_args
        self.executable_path = executable_path
        self.application_mode = application_mode
        self.stop_with_savepoint = stop_with_savepoint
        self.kubernetes_cluster_id = kubernetes_cluster_id
        self.command_options = command_options
        self.jobs_info_poll_interval = jobs_info_poll_interval

    def start(self, context: Context) -> None:
        raise NotImplementedError(self.NOT_YET)
