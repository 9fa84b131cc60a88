"""`spark-submit` as a task. Declared here; running it arrives with a later release."""

from typing import Any, Dict, Optional

from ai_flow.model.context import Context
from ai_flow.model.operator import AIFlowOperator


class SparkSubmitOperator(AIFlowOperator):
    #: Why a workflow with this operator cannot be uploaded yet.
    NOT_YET = "SparkSubmitOperator arrives with a later release"

    def __init__(
        self,
        name: str,
        application: str,
        application_args: Optional[Any] = None,
        executable_path: Optional[str] = None,
        master: str = "yarn",
        deploy_mode: str = "client",
        application_name: Optional[str] = None,
        submit_options: Optional[Any] = None,
        k8s_namespace: Optional[str] = None,
        env_vars: Optional[Dict[str, str]] = None,
        **kwargs: Any,
    ):
        super().__init__(name, **kwargs)
        self.application = application
        self.application_args = application_args
        self.executable_path = executable_path
        self.master = master
        self.deploy_mode = deploy_mode
        self.application_name = application_name
        self.submit_options = submit_options
        self.k8s_namespace = k8s_namespace
        self.env_vars = env_vars

    def start(self, context: Context) -> None:
        raise NotImplementedError(self.NOT_YET)
