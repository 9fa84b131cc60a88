"""The command lines of flink, spark-submit and spark-sql, and what is read in their output."""

import pytest

from ai_flow.common.exception.exceptions import AIFlowException
from ai_flow.model.workflow import Workflow
from ai_flow.operators.flink import flink_command as flink
from ai_flow.operators.flink.flink_command import FlinkSettings
from ai_flow.operators.flink.flink_operator import FlinkOperator
from ai_flow.operators.spark import spark_command as spark
from ai_flow.operators.spark.spark_command import SparkSettings
from ai_flow.operators.spark.spark_sql import SparkSqlOperator
from ai_flow.operators.spark.spark_submit import SparkSubmitOperator
from ai_flow.operators.tool.failure_reason import FailureReason, root_cause

JOB = "0123456789abcdef0123456789abcdef"


def refusal(operator, *positional, **options):
    with Workflow("flow") as workflow, pytest.raises(AIFlowException) as error:
        operator("task", *positional, **options)
    assert workflow.tasks == {}
    return str(error.value)


@pytest.mark.parametrize(
    "settings, line",
    [
        ({}, f"run -D$internal.pipeline.job-id={JOB} -p 2 job.jar a b"),
        (
            {"target": "remote"},
            f"run --target remote -D$internal.pipeline.job-id={JOB} -p 2 job.jar a b",
        ),
        (
            {"target": "kubernetes-session", "kubernetes_cluster_id": "c"},
            "run --target kubernetes-session -Dkubernetes.cluster-id=c "
            f"-D$internal.pipeline.job-id={JOB} -p 2 job.jar a b",
        ),
    ],
)
def test_a_job_is_run_at_a_cluster(settings, line):
    given = FlinkSettings(
        "job.jar", command_options=["-p", "2"], application_args=["a", "b"], **settings
    )
    assert flink.run_command("flink", given, 1, JOB) == ["flink", *line.split()]


def test_an_application_has_a_cluster_of_its_own():
    yarn = FlinkSettings("job.jar", "yarn-application", application_mode=True)
    assert flink.run_command("flink", yarn, 1) == (
        "flink run-application --target yarn-application job.jar".split()
    )
    # Flink 2 has one command for both.
    assert flink.run_command("flink", yarn, 2)[1] == "run"
    kubernetes = FlinkSettings(
        "local:///job.jar",
        "kubernetes-application",
        application_mode=True,
        kubernetes_cluster_id="c",
        command_options=["-Dkubernetes.namespace=team", "-p", "2"],
    )
    assert (
        flink.run_command("flink", kubernetes, 1)
        == (
            "flink run-application --target kubernetes-application "
            "-Dexecution.shutdown-on-application-finish=false -Dkubernetes.cluster-id=c "
            "-Dkubernetes.namespace=team -p 2 local:///job.jar"
        ).split()
    )
    assert (
        flink.list_command("flink", kubernetes, None)
        == (
            "flink list -a --target kubernetes-application -Dkubernetes.cluster-id=c "
            "-Dkubernetes.namespace=team"
        ).split()
    )
    assert flink.delete_deployment_command("kubectl", kubernetes) == (
        "kubectl delete deployments/c --ignore-not-found --namespace team".split()
    )


def test_a_stop_goes_to_the_cluster_of_the_job():
    options = ["-p", "2", "-m", "host:8081", "-D", "a=b", f"-D{flink.JOB_ID_SETTING}={JOB}", "-d"]
    session = FlinkSettings("job.jar", command_options=options)
    assert flink.cancel_command("flink", session, None, JOB) == (
        f"flink cancel -m host:8081 -D a=b {JOB}".split()
    )
    per_job = FlinkSettings("job.jar", "yarn-per-job")
    assert flink.stop_command("flink", per_job, "application_1_2", JOB) == (
        f"flink stop --target yarn-per-job -Dyarn.application.id=application_1_2 {JOB}".split()
    )


def test_a_savepoint_is_where_the_job_begins():
    line = flink.run_command("flink", FlinkSettings("job.jar"), 1, None, "file:/s")
    assert line == ["flink", "run", "--fromSavepoint", "file:/s", "job.jar"]


def test_what_flink_prints_is_understood():
    assert flink.submitted_job(f"Job has been submitted with JobID {JOB}") == JOB
    listed = f"""Waiting for response...
------------------ Running/Restarting Jobs -------------------
26.11.2026 13:30:38 : {JOB} : a (job) (RUNNING)
--------------------------------------------------------------
------------------------- Terminated Jobs -----------------------
26.11.2026 13:30:38 : {JOB[::-1]} : ticks (FINISHED)
"""
    assert flink.listed_jobs(listed) == {JOB: "RUNNING", JOB[::-1]: "FINISHED"}
    assert flink.savepoint_path("Savepoint completed. Path: file:/a/savepoint-1\n") == (
        "file:/a/savepoint-1"
    )


@pytest.mark.parametrize(
    "options, said",
    [
        ({"application_mode": True}, "application_mode needs a target"),
        ({"application_mode": True, "target": "remote"}, "not 'remote'"),
        ({"target": "yarn-application"}, "set application_mode=True"),
        ({"target": "moon"}, "target must be one of"),
        ({"target": "kubernetes-session"}, "needs `kubernetes_cluster_id`"),
        (
            {"application_mode": True, "target": "kubernetes-application"},
            "needs `kubernetes_cluster_id`",
        ),
        ({"application_args": "it's"}, "`application_args` cannot be split"),
        ({"application_args": {"a": 1}}, "must be a string or a list"),
        ({"command_options": [True]}, "`command_options` holds True (bool)"),
        ({"jobs_info_poll_interval": 0}, "must be above 0"),
        ({"stop_with_savepoint": "yes"}, "must be True or False"),
        ({"executable_path": ""}, "must not be empty"),
    ],
)
def test_arguments_of_flink_are_checked_where_they_are_given(options, said):
    text = refusal(FlinkOperator, "job.jar", **options)
    assert text.startswith("task 'task': ") and said in text


def test_strings_are_split_as_a_shell_would_and_lists_are_taken_as_they_are():
    with Workflow("flow"):
        task = FlinkOperator(
            "task",
            "job.jar",
            application_args="""--a 'b c' d\\ e "f'g" """,
            command_options=["a b"],
        )
    assert task.application_args == ["--a", "b c", "d e", "f'g"]
    assert task.command_options == ["a b"]


def submit_line(**options):
    with Workflow("flow"):
        task = SparkSubmitOperator("task", "job.py", **options)
    return spark.submit_command("spark-submit", task._settings("task"))


@pytest.mark.parametrize(
    "options, line",
    [
        ({}, "--master yarn --deploy-mode client --name spark_submit_task_task job.py"),
        (
            {"env_vars": {"A": "1"}, "deploy_mode": "cluster", "application_name": "n"},
            "--master yarn --deploy-mode cluster --name n --conf spark.yarn.appMasterEnv.A=1 job.py",
        ),
        (
            {
                "master": "k8s://h",
                "k8s_namespace": "s",
                "env_vars": {"A": "1"},
                "application_args": "x",
            },
            "--master k8s://h --deploy-mode client --name spark_submit_task_task "
            "--conf spark.kubernetes.driverEnv.A=1 --conf spark.kubernetes.namespace=s job.py x",
        ),
        (
            {"master": "local[2]", "env_vars": {"A": "1"}, "submit_options": "--conf a=b"},
            "--master local[2] --deploy-mode client --name spark_submit_task_task --conf a=b job.py",
        ),
    ],
)
def test_spark_submit_gets_its_options_in_order(options, line):
    assert submit_line(**options) == ["spark-submit", *line.split()]


@pytest.mark.parametrize(
    "options, said",
    [
        ({"master": "spark://h:1", "deploy_mode": "cluster"}, "has no deploy_mode 'cluster'"),
        ({"master": "mesos://h:1", "deploy_mode": "cluster"}, "has no deploy_mode 'cluster'"),
        ({"master": "k8s://h"}, "needs `k8s_namespace`"),
        ({"deploy_mode": "moon"}, "must be 'client' or 'cluster'"),
        ({"env_vars": {"A=": "1"}}, "`env_vars` has an impossible name"),
        ({"env_vars": ["A"]}, "`env_vars` must be a dict"),
    ],
)
def test_arguments_of_spark_are_checked_where_they_are_given(options, said):
    text = refusal(SparkSubmitOperator, "job.py", **options)
    assert text.startswith("task 'task': ") and said in text


def test_sql_is_a_file_when_it_ends_like_one():
    def line(sql):
        return spark.sql_command("spark-sql", "n", sql)

    assert line("select 'a b'") == ["spark-sql", "--name", "n", "-e", "select 'a b'"]
    assert line("/a/b.sql\n") == ["spark-sql", "--name", "n", "-f", "/a/b.sql"]
    assert line("b.hql")[3:] == ["-f", "b.hql"]
    assert "must be a string" in refusal(SparkSqlOperator, None)


def test_what_spark_prints_about_its_driver_is_understood():
    settings = SparkSettings(
        "n", "job.py", master="k8s://h", deploy_mode="cluster", k8s_namespace="s"
    )
    assert spark.driver_pod("\t pod name: my-job-1a2b-driver") == "my-job-1a2b-driver"
    assert spark.driver_exit_code("\t exit code: 3") == 3
    assert spark.kill_pod_command("spark-submit", settings, "p-driver") == (
        "spark-submit --kill s:p-driver --master k8s://h".split()
    )


@pytest.mark.parametrize(
    "lines, reason",
    [
        (
            "a\njava.lang.A$BException: one\n\tat x\nCaused by: C: two\nCaused by: D: three\n",
            "D: three",
        ),
        ("Caused by: old\njava.io.IOException: new\n", "java.io.IOException: new"),
        ('Exception in thread "main" java.lang.Error: no\n', "java.lang.Error: no"),
        (
            "Traceback (most recent call last):\nValueError: bad\n26/11/26 INFO x\n",
            "ValueError: bad",
        ),
        ("Error: Failed to load class x.\n", "Failed to load class x."),
        ("all is well\n", None),
    ],
)
def test_the_reason_of_a_failure_is_its_root(lines, reason):
    found = FailureReason()
    for line in lines.splitlines():
        found.feed(line)
    assert found.text() == reason


def test_a_stack_trace_without_a_known_form_is_told_by_its_first_line():
    assert root_cause("\nsomething odd\n\tat x") == "something odd"
    assert root_cause("") is None
