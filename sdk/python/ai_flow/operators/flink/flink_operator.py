"""Apache Flink jobs as tasks."""

from typing import Any, Optional

from ai_flow.common.exception.exceptions import AIFlowException, TaskForceStoppedException
from ai_flow.model.context import Context
from ai_flow.model.internal.contexts import TaskExecutionContext
from ai_flow.model.operator import AIFlowOperator
from ai_flow.operators.flink.flink_command import FlinkSettings, check
from ai_flow.operators.flink.flink_run import FlinkRun
from ai_flow.operators.tool import arguments


class FlinkOperator(AIFlowOperator):
    """Submits `application` with `flink run` and succeeds when the job has finished.

    A job outlives the client that submitted it, and the task. So the task gives its job an id of
    its own, and notes it before it submits: the next try of a task that died finds the running job
    and waits for it, instead of submitting a second one.

    :param application: the jar, or what else `flink run` takes as its last option.
    :param target: None (as Flink is configured), "local", "remote", "yarn-per-job", "yarn-session",
        "kubernetes-session"; with `application_mode` "yarn-application", "kubernetes-application".
    :param application_args: arguments of the program: a string, split as a shell would, or a list.
    :param executable_path: `flink`; else the one on PATH, else `$FLINK_HOME/bin/flink`.
    :param stop_with_savepoint: a stop of the task leaves a savepoint. Else the job is cancelled.
    :param kubernetes_cluster_id: of the cluster to use, or to make in application mode.
    :param command_options: further options of `flink run`, as `application_args`. With "-d" the
        client ends once the job is submitted, and the task asks the cluster how it goes.
    :param jobs_info_poll_interval: seconds between two such questions.
    :param fixed_job_id: False for a program that runs several jobs. Then a task that dies while it
        submits may leave a job that nobody finds.
    :param resume_from_savepoint: begin with the savepoint that the last stop of this task, in this
        workflow execution, has left; without one as usual.
    """

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
        jobs_info_poll_interval: float = 1,
        *,
        fixed_job_id: bool = True,
        resume_from_savepoint: bool = False,
        **kwargs: Any,
    ):
        self.application = arguments.required(name, "application", application)
        self.target = arguments.optional(name, "target", target)
        self.application_args = arguments.words(name, "application_args", application_args)
        self.executable_path = arguments.optional(name, "executable_path", executable_path)
        self.application_mode = arguments.boolean(name, "application_mode", application_mode)
        self.stop_with_savepoint = arguments.boolean(
            name, "stop_with_savepoint", stop_with_savepoint
        )
        self.kubernetes_cluster_id = arguments.optional(
            name, "kubernetes_cluster_id", kubernetes_cluster_id
        )
        self.command_options = arguments.words(name, "command_options", command_options)
        self.jobs_info_poll_interval = arguments.seconds(
            name, "jobs_info_poll_interval", jobs_info_poll_interval
        )
        self.fixed_job_id = arguments.boolean(name, "fixed_job_id", fixed_job_id)
        self.resume_from_savepoint = arguments.boolean(
            name, "resume_from_savepoint", resume_from_savepoint
        )
        check(name, self._settings())
        super().__init__(name, **kwargs)
        self._run: Optional[FlinkRun] = None
        self._stopped_early = False

    def _settings(self) -> FlinkSettings:
        return FlinkSettings(
            application=self.application,
            target=self.target,
            application_args=self.application_args,
            application_mode=self.application_mode,
            kubernetes_cluster_id=self.kubernetes_cluster_id,
            command_options=self.command_options,
        )

    def start(self, context: Context) -> None:
        run = FlinkRun(self, self._settings(), self.log)
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
        if self._run is None:
            return
        savepoint = self._run.stop()
        if savepoint is not None and isinstance(context, TaskExecutionContext):
            problem = context.offer_output(savepoint)
            if problem is not None:
                self.log.warning("the savepoint is not kept as the task's output: %s", problem)
