"""FlinkOperator against a real cluster, through a real server."""

import os
import signal

import pytest
from aiflow_server import wait_until
from real_tools import ENDED, PATIENCE
from task_runs import TaskRuns


@pytest.fixture
def flink(cluster, jobs_jar, start_server, tmp_path):
    """Makes a task that runs a job of Jobs.java; and ends what it leaves."""
    before = set(cluster.jobs())

    def make(kind, arguments=None, **options):
        server = start_server(cluster.env)
        given = "".join(f", {name}={value!r}" for name, value in options.items())
        given = f", application_args={(arguments or kind)!r}{given}"
        runs = TaskRuns(server, tmp_path, f"FlinkOperator('job', {str(jobs_jar)!r}{given})")
        runs.jobs = lambda: {k: v for k, v in cluster.jobs().items() if k not in before}
        return runs

    yield make
    left = {k: v for k, v in cluster.jobs().items() if k not in before and v not in ENDED}
    assert not left, f"jobs that go on at the cluster: {left}"


def wait_until_running(cluster, runs):
    """The job's id, when all of it runs."""

    def running():
        for job_id, state in runs.jobs().items():
            if state == "RUNNING":
                vertices = (cluster.get(f"/jobs/{job_id}") or {}).get("vertices", [])
                if vertices and all(vertex["status"] == "RUNNING" for vertex in vertices):
                    return job_id
        return None

    try:
        return wait_until(running, "a job runs at the cluster", PATIENCE)
    except AssertionError as error:
        raise AssertionError(f"{error}: {runs.jobs()}\n{runs.log()}") from None


def test_a_batch_job_succeeds_and_gets_its_arguments_as_they_are(flink):
    runs = flink("batch", arguments="""batch "two words" it\\'s --x=$HOME""")
    assert runs.end() == "SUCCESS", runs.log()
    assert list(runs.jobs().values()) == ["FINISHED"]
    for argument in ("two words", "it's", "--x=$HOME"):
        assert f"argument <{argument}>" in runs.log()


def test_a_failing_job_is_failed_with_the_reason_of_the_job(flink):
    runs = flink("fail")
    assert runs.end() == "FAILED"
    assert "broken on purpose" in runs.why()
    assert "ended as FAILED" in runs.why()


def test_a_detached_client_does_not_live_as_long_as_its_job(flink, cluster):
    runs = flink("stream", command_options="-d", stop_with_savepoint=True, retries=1,
                 resume_from_savepoint=True)
    job = wait_until_running(cluster, runs)
    wait_until(lambda: not runs.java_processes(), "the client has ended", PATIENCE)
    # All of ours die; the next try finds the job.
    runs.server.kill()
    runner = runs.server.runner_pid()
    host = runs.host_pid()
    os.kill(runner, signal.SIGKILL)
    os.kill(host, signal.SIGKILL)
    runs.server.start()
    wait_until(lambda: "waiting for it" in runs.log(), "the next try found the job", PATIENCE)
    assert runs.jobs() == {job: "RUNNING"}
    assert runs.run()["try_number"] == "2"
    # Stopped with a savepoint.
    assert runs.stop() == "STOPPED", runs.log()
    assert runs.jobs() == {job: "FINISHED"}
    saved = [path for path in cluster.savepoints.iterdir() if f"savepoint-{job[:6]}" in path.name]
    assert len(saved) == 1
    assert f"was stopped with savepoint file:{saved[0]}" in runs.log()
    # A new run goes on from there, with a new job.
    runs.start_again()
    again = wait_until_running(cluster, runs)
    assert again != job
    restored = cluster.get(f"/jobs/{again}/checkpoints")["latest"]["restored"]
    assert restored["external_path"] == f"file:{saved[0]}"
    assert runs.stop() == "STOPPED"


def test_a_killed_task_leaves_no_client_and_its_next_run_finds_the_job(flink, cluster):
    runs = flink("stream")
    job = wait_until_running(cluster, runs)
    runs.kill_host()
    assert runs.end() == "FAILED"
    assert not runs.java_processes()
    assert runs.jobs() == {job: "RUNNING"}
    runs.start_again()
    wait_until(lambda: "waiting for it" in runs.log(), "the next run found the job", PATIENCE)
    assert runs.stop() == "STOPPED"
    assert runs.jobs() == {job: "CANCELED"}


def test_a_stop_before_the_client_has_said_anything_leaves_no_job(flink, cluster):
    runs = flink("stream")
    wait_until(runs.java_processes, "the client was started", PATIENCE)
    assert runs.stop() == "STOPPED"
    assert not runs.java_processes()
    assert all(state == "CANCELED" for state in runs.jobs().values())


def test_a_program_of_two_jobs_says_what_it_needs(flink):
    runs = flink("two")
    assert runs.end() == "FAILED"
    assert "fixed_job_id=False" in runs.why()


def test_a_program_of_two_jobs_runs_without_an_id_of_ours(flink):
    runs = flink("two", fixed_job_id=False)
    assert runs.end() == "SUCCESS", runs.log()
    assert list(runs.jobs().values()) == ["FINISHED"] * 2


def test_a_job_in_the_client_itself_needs_no_cluster(flink):
    runs = flink("batch", target="local", command_options="-Dblob.server.port=0 -Drest.port=0")
    assert runs.end() == "SUCCESS", runs.log()
    assert "the program ends" in runs.log()
    assert runs.jobs() == {}
