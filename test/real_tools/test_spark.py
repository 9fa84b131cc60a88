"""SparkSubmitOperator and SparkSqlOperator with a real Spark, through a real server."""

import os
import signal
import subprocess
import urllib.request

import pytest
from aiflow_server import wait_until
from real_tools import JOBS, PATIENCE, SPARK, TOOLS, free_ports
from task_runs import TaskRuns

JOB = str(JOBS / "spark_job.py")
# Without the page of each job, in little memory.
OPTIONS = ["--conf", "spark.ui.enabled=false", "--conf", "spark.sql.codegen.wholeStage=false",
           "--driver-memory", "512m", "--executor-memory", "512m"]


@pytest.fixture
def spark(start_server, tmp_path):
    """Makes a task by the line that creates its operator."""

    def make(operator):
        env = {"SPARK_HOME": str(SPARK), "PYSPARK_PYTHON": str(TOOLS / "spark" / "venv" / "bin" / "python"),
               "SPARK_SUBMIT_OPTS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
               "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_LOCAL_DIRS": str(tmp_path / "spark")}
        return TaskRuns(start_server(env), tmp_path, operator)

    return make


def submit(kind, master="local[2]", options="", arguments=""):
    return (f"SparkSubmitOperator('job', {JOB!r}, application_args=[{kind!r}{arguments}], "
            f"master={master!r}, submit_options={OPTIONS!r}{options})")


def test_a_job_gets_its_arguments_and_its_environment(spark):
    runs = spark(submit("count", arguments=""", 'two words', "it's", '$HOME'""", master="local[*]",
                        options=", env_vars={'GREETING': 'good morning'}"))
    assert runs.end() == "SUCCESS", runs.log()
    for line in ("argument <two words>", "argument <it's>", "argument <$HOME>",
                 "GREETING good morning", "MASTER local[*] NAME spark_submit_task_job",
                 "SUM 499500"):
        assert line in runs.log()


def test_a_failing_job_is_failed_with_its_reason(spark):
    runs = spark(submit("fail"))
    assert runs.end() == "FAILED"
    assert "ended with exit code 1: ValueError: broken on purpose" in runs.why()


def test_a_stop_leaves_no_process_of_the_job(spark):
    runs = spark(submit("endless"))
    wait_until(lambda: "SUM 499500" in runs.log(), "the job runs", PATIENCE)
    assert runs.java_processes()
    assert runs.stop() == "STOPPED"
    assert not runs.java_processes() and runs.host_pid() is None


def test_a_killed_task_leaves_no_process_of_the_job(spark):
    runs = spark(submit("endless"))
    wait_until(lambda: "SUM 499500" in runs.log(), "the job runs", PATIENCE)
    runs.kill_host()
    assert runs.end() == "FAILED"
    assert not runs.java_processes()


def test_a_job_runs_at_a_standalone_cluster(spark, tmp_path):
    port, page, worker = free_ports(3)
    log = open(tmp_path / "cluster.out", "wb")
    env = {**os.environ, "SPARK_HOME": str(SPARK), "SPARK_LOCAL_IP": "127.0.0.1",
           "SPARK_DAEMON_MEMORY": "256m"}
    classes = [["master.Master", "--host", "127.0.0.1", "--port", str(port), "--webui-port", str(page)],
               ["worker.Worker", "--webui-port", str(worker), "--cores", "1", "--memory", "600m",
                "--work-dir", str(tmp_path / "work"), f"spark://127.0.0.1:{port}"]]
    running = [subprocess.Popen([SPARK / "bin" / "spark-class", f"org.apache.spark.deploy.{name}", *rest],
                                env=env, stdout=log, stderr=log, start_new_session=True)
               for name, *rest in classes]

    def has_worker():
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{page}/json/", timeout=30) as reply:
                return b'"ALIVE"' in reply.read().split(b'"workers"')[1]
        except (OSError, IndexError):
            return False

    try:
        wait_until(has_worker, "the Spark cluster has a worker", PATIENCE)
        runs = spark(submit("count", master=f"spark://127.0.0.1:{port}",
                            options=", application_name='far'"))
        assert runs.end() == "SUCCESS", runs.log()
        assert f"MASTER spark://127.0.0.1:{port} NAME far" in runs.log()
        assert "SUM 499500" in runs.log()
    finally:
        log.close()
        for process in running:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def test_statements_are_run(spark):
    runs = spark("""SparkSqlOperator('job', "select concat('4', '2') as it; select 'a b'")""")
    assert runs.end() == "SUCCESS", runs.log()
    assert "42\n" in runs.log() and "a b\n" in runs.log()


def test_a_file_of_statements_is_run(spark, tmp_path):
    file = tmp_path / "statements.sql"
    file.write_text("select 6 * 7;\n")
    runs = spark(f"SparkSqlOperator('job', {str(file)!r})")
    assert runs.end() == "SUCCESS", runs.log()
    assert "42\n" in runs.log()


def test_a_wrong_statement_is_failed_with_its_reason(spark):
    runs = spark("SparkSqlOperator('job', 'select nothing_of_that_name')")
    assert runs.end() == "FAILED"
    assert "nothing_of_that_name" in runs.why()
