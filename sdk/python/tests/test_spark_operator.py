"""Spark's operators with tools that are not Spark's. Spark itself is asked in test/real_tools."""

import json
import logging
import shutil
import sys
import threading
import time

import pytest

from ai_flow.common.exception.exceptions import AIFlowException, TaskForceStoppedException
from ai_flow.model.context import Context
from ai_flow.model.workflow import Workflow
from ai_flow.operators.flink.flink_operator import FlinkOperator
from ai_flow.operators.spark import spark_run
from ai_flow.operators.spark.spark_sql import SparkSqlOperator
from ai_flow.operators.spark.spark_submit import SparkSubmitOperator
from ai_flow.operators.tool import yarn
from ai_flow.operators.tool.job_note import JobNotes
from ai_flow.operators.tool.yarn import YarnApplication, report_field

CONTEXT = Context()
REPORT = """Application Report :
	Application-Id : application_1_2
	State : RUNNING
	Final-State : %s
	Diagnostics : User class threw: X
"""


@pytest.fixture
def tools(tmp_path, monkeypatch):
    """Makes tools of bash scripts; `lines` are the arguments of each call."""
    folder = tmp_path / "bin"
    folder.mkdir()
    log = tmp_path / "lines"
    log.touch()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setenv("AIFLOW_WORKING_DIR", str(tmp_path))
    monkeypatch.setenv("AIFLOW_TASK", "task")
    for name in ("SPARK_HOME", "FLINK_HOME", "FLINK_CONF_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(spark_run, "_POLL_SECONDS", 0.01)
    record = (
        f"{sys.executable} -S -c 'import json,sys; print(json.dumps(sys.argv[1:]))' "
        f'"$(basename $0)" "$@" >> {log}'
    )

    class Tools:
        def make(self, name, script):
            path = folder / name
            path.write_text(f"#!/bin/bash\n{record}\n{script}\n")
            path.chmod(0o755)

        def state(self, final):
            """What YARN tells of the application."""
            (tmp_path / "report").write_text(REPORT % final)
            self.make("yarn", f"[[ $2 == -kill ]] || cat {tmp_path}/report")

        @property
        def lines(self):
            return [" ".join(json.loads(line)) for line in log.read_text().splitlines()]

    return Tools()


def submit(**options):
    with Workflow("flow"):
        return SparkSubmitOperator("task", "job.py", **options)


def run(task):
    task.start(CONTEXT)
    task.await_termination(CONTEXT)


def until(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def stop_from_outside(task):
    stopper = threading.Thread(target=task.stop, args=(CONTEXT,))
    stopper.start()
    with pytest.raises(TaskForceStoppedException):
        task.await_termination(CONTEXT)
    stopper.join()


def note():
    return JobNotes.of_this_task().read()


def test_the_driver_in_a_task_has_its_environment_and_its_end_is_the_tasks(tools):
    tools.make("spark-submit", '[[ $GREETING == "a b" ]] || exit 9')
    run(submit(master="local[2]", env_vars={"GREETING": "a b"}))
    tools.make("spark-submit", "echo 'ValueError: no'; exit 3")
    with pytest.raises(
        AIFlowException, match="`spark-submit` ended with exit code 3: ValueError: no"
    ):
        run(submit(master="local[2]"))


def test_a_stop_ends_the_driver_in_a_task(tools):
    tools.make("spark-submit", "exec sleep 600")
    task = submit(master="local[2]")
    task.start(CONTEXT)
    stop_from_outside(task)
    task.stop(CONTEXT)


def test_a_missing_tool_fails_the_start(tools):
    with pytest.raises(AIFlowException, match="`spark-submit` was not found"):
        run(submit())
    with Workflow("flow"), pytest.raises(AIFlowException, match="`spark-sql` was not found"):
        run(SparkSqlOperator("task", "select 1"))
    tools.make("spark-submit", "")
    with pytest.raises(AIFlowException, match="`yarn` was not found"):
        run(submit(deploy_mode="cluster"))
    assert tools.lines == []


def test_a_running_application_is_noted_and_killed_by_a_stop(tools):
    tools.state("UNDEFINED")
    tools.make("spark-submit", "echo Submitted application application_1_2; exec sleep 600")
    task = submit(deploy_mode="cluster")
    task.start(CONTEXT)
    until(note)
    assert note().job == "application_1_2" and not note().ended
    stop_from_outside(task)
    assert tools.lines[-1] == "yarn application -kill application_1_2"
    assert note().ended


def test_the_next_try_waits_for_a_running_application(tools):
    tools.state("UNDEFINED")
    tools.make("spark-submit", "echo Submitted application application_1_2; exec sleep 600")
    dead = submit(deploy_mode="cluster")
    dead.start(CONTEXT)
    until(note)
    dead._run._process.terminate(60)
    task = submit(deploy_mode="cluster")
    task.start(CONTEXT)
    tools.state("SUCCEEDED")
    task.await_termination(CONTEXT)
    assert sum(line.startswith("spark-submit") for line in tools.lines) == 1
    assert note().ended


def test_an_application_goes_on_without_its_client(tools, tmp_path):
    first = tmp_path / "first"
    then = f"[[ -e {first} ]] && echo 'Final-State : FAILED' || echo 'Final-State : UNDEFINED'"
    tools.make("yarn", f"{then}; touch {first}")
    tools.make("spark-submit", "echo Submitted application application_1_2; exit 1")
    with pytest.raises(AIFlowException, match="application_1_2 ended as FAILED"):
        run(submit(deploy_mode="cluster"))


def test_the_exit_code_of_a_pod_decides_and_a_stop_deletes_it(tools):
    options = {"master": "k8s://h", "k8s_namespace": "s", "deploy_mode": "cluster"}
    tools.make("spark-submit", "echo 'pod name: a-1-driver'; echo 'exit code: 3'")
    with pytest.raises(AIFlowException, match="the driver ended with exit code 3"):
        run(submit(**options))
    tools.make("spark-submit", "echo pod name: a-1-driver; [[ $1 == --kill ]] || exec sleep 600")
    task = submit(**options)
    task.start(CONTEXT)
    until(lambda: task._run._pod)
    stop_from_outside(task)
    assert tools.lines[-1] == "spark-submit --kill s:a-1-driver --master k8s://h"


def test_a_stop_before_the_cluster_is_known_says_that_something_may_run(tools):
    tools.state("UNDEFINED")
    tools.make("spark-submit", "exec sleep 600")
    task = submit(deploy_mode="cluster")
    task.start(CONTEXT)
    with pytest.raises(AIFlowException, match="it runs; stop it by hand"):
        task.stop(CONTEXT)


def test_sql_is_run_and_stopped(tools):
    tools.make("spark-sql", "[[ $4 == 'select 1' ]] || exec sleep 600")
    with Workflow("flow"):
        run(SparkSqlOperator("task", "select 1"))
        task = SparkSqlOperator("endless", "select 2")
    assert tools.lines == ["spark-sql --name spark_sql_task_task -e select 1"]
    task.start(CONTEXT)
    stop_from_outside(task)


def test_yarn_that_does_not_answer_is_asked_only_so_long(tools, monkeypatch):
    """A forerunner asked for ever."""
    monkeypatch.setattr(yarn, "UNREACHABLE_SECONDS", 0.05)
    tools.make("yarn", "echo 'Caused by: X: no'; exit 1")
    path = shutil.which("yarn")
    application = YarnApplication(
        path, "application_1_2", logging.getLogger("t"), threading.Event()
    )
    with pytest.raises(
        AIFlowException, match="X: no; YARN application application_1_2 may be running"
    ):
        application.await_end(0.01)


def test_the_report_of_yarn_is_read():
    assert report_field(REPORT % "UNDEFINED", "Final-State") == "UNDEFINED"
    assert report_field(REPORT, "Nothing") is None


def application(target, **options):
    with Workflow("flow"):
        return FlinkOperator(
            "task",
            "job.jar",
            target=target,
            application_mode=True,
            jobs_info_poll_interval=0.01,
            **options,
        )


def test_a_flink_application_on_yarn_is_what_yarn_says(tools):
    tools.make("flink", "echo Submitted application application_1_2")
    tools.state("SUCCEEDED")
    run(application("yarn-application"))
    assert tools.lines == [
        "flink run-application --target yarn-application job.jar",
        "yarn application -status application_1_2",
    ]
    tools.state("FAILED")
    with pytest.raises(AIFlowException, match="ended as FAILED: User class threw: X"):
        run(application("yarn-application"))
    tools.state("UNDEFINED")
    task = application("yarn-application")
    task.start(CONTEXT)
    until(lambda: len(tools.lines) >= 5 and task._run._job)
    stop_from_outside(task)
    assert tools.lines[-1] == "yarn application -kill application_1_2"


def test_a_flink_application_on_kubernetes_is_deleted_when_its_job_has_ended(tools):
    listed = f"1 2 : {'a' * 32} : n "
    cluster = "--target kubernetes-application -Dkubernetes.cluster-id=c"
    tools.make("kubectl", "echo deleted")
    for state, failure in (("FINISHED", None), ("FAILED", "Flink job c ended as FAILED")):
        tools.make("flink", f"[[ $1 != list ]] || echo '{listed}({state})'")
        task = application("kubernetes-application", kubernetes_cluster_id="c")
        task.start(CONTEXT)
        if failure is None:
            task.await_termination(CONTEXT)
            assert tools.lines[-2:] == [
                f"flink list -a {cluster}",
                "kubectl delete deployments/c --ignore-not-found",
            ]
        else:
            with pytest.raises(AIFlowException, match=failure):
                task.await_termination(CONTEXT)
    tools.make("flink", f"[[ $1 != list ]] || echo '{listed}(RUNNING)'")
    task = application("kubernetes-application", kubernetes_cluster_id="c")
    task.start(CONTEXT)
    stop_from_outside(task)
    assert tools.lines[-2:] == [
        f"flink cancel {cluster} {'a' * 32}",
        "kubectl delete deployments/c --ignore-not-found",
    ]
