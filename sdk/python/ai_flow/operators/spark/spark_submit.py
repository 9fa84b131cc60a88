"""`spark-submit` as a task."""

from typing import Any, Dict, Optional

from ai_flow.common.exception.exceptions import AIFlowException, TaskForceStoppedException
from ai_flow.model.context import Context
from ai_flow.model.operator import AIFlowOperator
from ai_flow.operators.spark.spark_command import SparkSettings, check
from ai_flow.operators.spark.spark_run import SparkRun
from ai_flow.operators.tool import arguments


class SparkSubmitOperator(AIFlowOperator):
    """Submits `application` with `spark-submit` and succeeds when it has.

    :param application: the jar or Python file.
    :param application_args: arguments of the program: a string, split as a shell would, or a list.
    :param executable_path: `spark-submit`; else the one on PATH, else that of `$SPARK_HOME/bin`.
    :param master: "yarn", "local[*]", "spark://...", "k8s://...".
    :param deploy_mode: "client", the driver is a process of the task; or "cluster", on YARN and
        Kubernetes.
    :param application_name: `spark_submit_task_{name}` unless given.
    :param submit_options: further options of `spark-submit`, as `application_args`.
    :param k8s_namespace: where the driver runs on Kubernetes.
    :param env_vars: environment of the driver.
    """

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
        self.application = arguments.required(name, "application", application)
        self.application_args = arguments.words(name, "application_args", application_args)
        self.executable_path = arguments.optional(name, "executable_path", executable_path)
        self.master = arguments.required(name, "master", master)
        self.deploy_mode = arguments.required(name, "deploy_mode", deploy_mode)
        self.application_name = arguments.optional(name, "application_name", application_name)
        self.submit_options = arguments.words(name, "submit_options", submit_options)
        self.k8s_namespace = arguments.optional(name, "k8s_namespace", k8s_namespace)
        self.env_vars = arguments.variables(name, "env_vars", env_vars)
        check(name, self._settings(name))
        super().__init__(name, **kwargs)
        self._run: Optional[SparkRun] = None
        self._stopped_early = False

    def _settings(self, name: str) -> SparkSettings:
        return SparkSettings(
            name=self.application_name or f"spark_submit_task_{name}",
            application=self.application,
            application_args=self.application_args,
            master=self.master,
            deploy_mode=self.deploy_mode,
            submit_options=self.submit_options,
            k8s_namespace=self.k8s_namespace,
            env_vars=self.env_vars,
        )

    def start(self, context: Context) -> None:
        run = SparkRun(self, self._settings(self.name), self.log)
        self._run = run
        if self._stopped_early:
            raise TaskForceStoppedException("stopped before the start")
        run.start()

    def await_termination(self, context: Context, timeout: Optional[int] = None) -> None:
        if self._run is None:
            raise AIFlowException(f"task {self.name!r} was not started")
        self._run.await_termination(timeout)

    def stop(self, context: Context) -> None:
        self._stopped_early = True
        if self._run is not None:
            self._run.stop()
