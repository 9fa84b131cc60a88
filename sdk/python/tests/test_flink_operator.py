"""FlinkOperator with a cluster and a client that are not Flink's: who waits for what, and who stops
what. Flink itself is asked in test/real_tools."""

import subprocess
import threading
import time

import pytest
from fake_flink import FakeFlink

from ai_flow.common.exception.exceptions import AIFlowException, TaskForceStoppedException
from ai_flow.model.context import Context
from ai_flow.model.workflow import Workflow
from ai_flow.operators.flink import flink_job, flink_run
from ai_flow.operators.flink.flink_command import FlinkSettings
from ai_flow.operators.flink.flink_installation import configuration, major_version, rest_address
from ai_flow.operators.flink.flink_jobs import ClientJobs, ClusterUnreachable, SavepointFailed
from ai_flow.operators.flink.flink_operator import FlinkOperator
from ai_flow.operators.tool.job_note import JobNotes

CONTEXT = Context()


@pytest.fixture
def flink(tmp_path):
    fake = FakeFlink(tmp_path / "flink")
    yield fake
    fake.close()


@pytest.fixture
def make(flink, tmp_path, monkeypatch):
    """A task of the given try of a run, as its process would make it."""
    monkeypatch.setenv("AIFLOW_WORKING_DIR", str(tmp_path))
    monkeypatch.setenv("AIFLOW_TASK", "task")
    monkeypatch.setenv("AIFLOW_ATTEMPT_TOKEN", "secret")
    monkeypatch.delenv("FLINK_CONF_DIR", raising=False)

    def task(kind="ok", sequence=1, attempt=1, **options):
        monkeypatch.setenv("AIFLOW_SEQUENCE_NUMBER", str(sequence))
        monkeypatch.setenv("AIFLOW_ATTEMPT_KEY", f"1-0-{sequence}-{attempt}")
        options = {"jobs_info_poll_interval": 0.01, "executable_path": flink.executable, **options}
        with Workflow("flow"):
            return FlinkOperator("task", "job.jar", application_args=kind, **options)

    return task


def until(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def submitted(flink):
    until(lambda: flink.states)
    return next(iter(flink.states))


def end_job(flink, state):
    flink.states[submitted(flink)] = state


def note():
    return JobNotes.of_this_task().read()


def lose(task):
    """What the death of the task's process does: its client dies with it, its job does not."""
    task._run._process.terminate(60)


@pytest.mark.parametrize("options", [{}, {"command_options": "-d"}])
def test_a_task_succeeds_when_its_job_has_finished(flink, make, options):
    flink.submitted_as = "CREATED"
    task = make(**options)
    task.start(CONTEXT)
    with pytest.raises(subprocess.TimeoutExpired):
        task.await_termination(CONTEXT, 0.3)
    end_job(flink, "FINISHED")
    task.await_termination(CONTEXT)
    assert note().ended and note().job == submitted(flink)


@pytest.mark.parametrize("options", [{}, {"command_options": "-d"}])
def test_a_failed_job_is_told_with_its_root_cause(flink, make, options):
    flink.submitted_as = "FAILED"
    flink.exceptions = {
        "exceptionHistory": {"entries": [{"stacktrace": "A: b\n\tat c\nCaused by: D: e"}]}
    }
    task = make(**options)
    task.start(CONTEXT)
    with pytest.raises(AIFlowException) as error:
        task.await_termination(CONTEXT)
    assert str(error.value) == f"Flink job {submitted(flink)} ended as FAILED: D: e"
    assert note().ended


def test_the_id_of_the_job_is_noted_before_it_is_submitted(flink, make):
    task = make("silent")
    task.start(CONTEXT)
    until(lambda: flink.lines)
    assert flink.lines[0][1] == f"-D$internal.pipeline.job-id={note().job}"
    assert not note().ended
    task.stop(CONTEXT)


def test_a_job_goes_on_without_its_client(flink, make):
    task = make("broken")
    task.start(CONTEXT)
    assert task._run._process.wait(60) == 1
    with pytest.raises(subprocess.TimeoutExpired):
        task.await_termination(CONTEXT, 0.1)
    end_job(flink, "FINISHED")
    task.await_termination(CONTEXT)


@pytest.mark.parametrize("state", ["RUNNING", "FINISHED"])
def test_the_next_try_waits_for_the_job_of_the_one_that_died(flink, make, state):
    dead = make("ok")
    dead.start(CONTEXT)
    submitted(flink)
    lose(dead)
    flink.states[submitted(flink)] = state
    task = make("ok", attempt=2)
    task.start(CONTEXT)
    end_job(flink, "FINISHED")
    task.await_termination(CONTEXT)
    assert len(flink.lines) == 1


def test_the_next_try_submits_with_the_same_id_what_never_arrived(flink, make):
    dead = make("silent")
    dead.start(CONTEXT)
    lose(dead)
    job = note().job
    task = make("ok", attempt=2)
    task.start(CONTEXT)
    end_job(flink, "FINISHED")
    task.await_termination(CONTEXT)
    assert list(flink.states) == [job]


def test_a_submission_that_overtakes_is_waited_for(flink, make, monkeypatch):
    """It was not there when it was looked for, and is when it is submitted again."""
    task = make("ok")
    monkeypatch.setattr(
        flink_run.ToolProcess,
        "start",
        lambda self, start=flink_run.ToolProcess.start: (
            flink.states.update({note().job: "RUNNING"}),
            start(self),
        ),
    )
    task.start(CONTEXT)
    with pytest.raises(subprocess.TimeoutExpired):
        task.await_termination(CONTEXT, 3)
    end_job(flink, "FINISHED")
    task.await_termination(CONTEXT)


@pytest.mark.parametrize("state", ["FAILED", "CANCELED"])
def test_a_job_that_failed_unseen_is_submitted_anew(flink, make, state):
    dead = make("ok")
    dead.start(CONTEXT)
    job = submitted(flink)
    lose(dead)
    flink.states[job] = state
    flink.submitted_as = "FINISHED"
    task = make("ok", attempt=2)
    task.start(CONTEXT)
    task.await_termination(CONTEXT)
    assert len(flink.states) == 2


def test_a_later_run_takes_over_a_running_job_of_the_same_command_alone(flink, make):
    dead = make("ok")
    dead.start(CONTEXT)
    first = submitted(flink)
    lose(dead)
    second = make("ok", sequence=2)
    second.start(CONTEXT)
    assert len(flink.lines) == 1
    assert note().job == first and note().sequence == 2
    third = make("other", sequence=3)
    third.start(CONTEXT)
    until(lambda: len(flink.states) == 2)
    assert flink.states[first] == "CANCELED"
    third.stop(CONTEXT)


def test_a_later_run_repeats_a_finished_job(flink, make):
    flink.submitted_as = "FINISHED"
    for sequence in (1, 2):
        task = make("ok", sequence=sequence)
        task.start(CONTEXT)
        task.await_termination(CONTEXT)
    assert len(flink.states) == 2


def stop_from_outside(task):
    """While the main thread waits."""
    stopper = threading.Thread(target=task.stop, args=(CONTEXT,))
    stopper.start()
    with pytest.raises(TaskForceStoppedException):
        task.await_termination(CONTEXT)
    stopper.join()


@pytest.mark.parametrize("options", [{}, {"command_options": "-d"}])
def test_a_stop_cancels_the_job_and_may_be_repeated(flink, make, options):
    task = make("ok", **options)
    task.start(CONTEXT)
    job = submitted(flink)
    stop_from_outside(task)
    task.stop(CONTEXT)
    assert flink.states == {job: "CANCELED"}
    assert [call for call, _ in flink.calls].count("PATCH") == 1


def test_a_stop_before_anything_is_told_cancels_what_appears(flink, make, monkeypatch):
    monkeypatch.setattr(flink_job, "APPEAR_SECONDS", 60)
    task = make("silent")
    task.start(CONTEXT)
    timer = threading.Timer(0.3, lambda: flink.states.update({note().job: "RUNNING"}))
    timer.start()
    stop_from_outside(task)
    assert flink.states == {note().job: "CANCELED"}


def test_a_stop_before_the_start_submits_nothing(flink, make):
    task = make("ok")
    task.stop(CONTEXT)
    with pytest.raises(TaskForceStoppedException):
        task.start(CONTEXT)
    assert flink.lines == []


def test_a_stop_leaves_a_savepoint_that_the_next_run_begins_with(
    flink, make, monkeypatch, tmp_path
):
    task = make("ok", stop_with_savepoint=True)
    task.start(CONTEXT)
    job = submitted(flink)
    stop_from_outside(task)
    assert flink.states == {job: "FINISHED"}
    assert note().savepoint == "file:/savepoints/1"
    task = make("ok", sequence=2, resume_from_savepoint=True)
    task.start(CONTEXT)
    until(lambda: len(flink.lines) == 2)
    assert "--fromSavepoint file:/savepoints/1" in " ".join(flink.lines[1])
    task.stop(CONTEXT)


def test_a_savepoint_that_is_not_possible_yet_is_tried_again(flink, make):
    flink.savepoint = {"failure-cause": {"stack-trace": "X: Not all required tasks are running"}}
    task = make("ok", stop_with_savepoint=True)
    task.start(CONTEXT)
    submitted(flink)
    timer = threading.Timer(0.3, lambda: setattr(flink, "savepoint", {"location": "file:/s"}))
    timer.start()
    stop_from_outside(task)
    assert note().savepoint == "file:/s"


def test_a_job_whose_savepoint_is_refused_goes_on_and_this_is_told(flink, make):
    flink.stop_answer = 400
    task = make("ok", stop_with_savepoint=True)
    task.start(CONTEXT)
    job = submitted(flink)
    with pytest.raises(
        AIFlowException, match="goes on, without a savepoint: .*Config key is not set"
    ):
        task.stop(CONTEXT)
    assert flink.states == {job: "RUNNING"}
    assert not note().ended


def test_a_program_of_several_jobs_is_told_what_it_needs(flink, make):
    task = make("two")
    task.start(CONTEXT)
    with pytest.raises(AIFlowException, match="fixed_job_id=False"):
        task.await_termination(CONTEXT)


def test_without_an_id_of_ours_that_of_the_client_is_noted(flink, make):
    task = make("ok", fixed_job_id=False)
    task.start(CONTEXT)
    until(lambda: note() is not None)
    assert note().job == "f" * 32
    task.stop(CONTEXT)
    assert flink.states == {"f" * 32: "CANCELED"}


def test_an_id_of_the_user_is_ours(flink, make):
    own = "a" * 32
    task = make("ok", command_options=[f"-D$internal.pipeline.job-id={own}"])
    task.start(CONTEXT)
    assert submitted(flink) == own == note().job
    assert " ".join(flink.lines[0]).count("job-id") == 1
    task.stop(CONTEXT)


@pytest.mark.parametrize("silent", [True, False])
def test_a_cluster_that_is_gone_is_waited_for_only_so_long(flink, make, monkeypatch, silent):
    """A forerunner asked for ever."""
    monkeypatch.setattr(flink_job, "UNKNOWN_SECONDS", 0.2)
    monkeypatch.setattr(flink_job, "UNREACHABLE_SECONDS", 0.2)
    task = make("ok", command_options="-d")
    task.start(CONTEXT)
    submitted(flink)
    assert task._run._process.wait(60) == 0
    flink.down = silent
    if not silent:
        flink.states.clear()
    said = "does not know|not known there|may be running there"
    with pytest.raises(AIFlowException, match=said):
        task.await_termination(CONTEXT)
    assert not note().ended


def test_a_missing_flink_fails_the_start_with_what_to_do(make, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("FLINK_HOME", raising=False)
    with pytest.raises(AIFlowException, match="`flink` was not found .* FLINK_HOME is not set"):
        make(executable_path=None).start(CONTEXT)


@pytest.mark.parametrize(
    "target, tool", [("yarn-application", "yarn"), ("kubernetes-application", "kubectl")]
)
def test_the_tools_of_an_application_are_looked_for_before_it_is_submitted(
    flink, make, monkeypatch, target, tool
):
    monkeypatch.setenv("PATH", "/nowhere")
    task = make(target=target, application_mode=True, kubernetes_cluster_id="c")
    with pytest.raises(AIFlowException, match=f"`{tool}` was not found"):
        task.start(CONTEXT)
    assert flink.lines == []


@pytest.mark.parametrize(
    "configured, settings, address",
    [
        ("rest:\n  address: a\n  port: 1", {}, "a:1"),
        ("rest.address: a\nrest.port: 1", {}, "a:1"),
        ("jobmanager.rpc.address: b", {}, "b:8081"),
        ("", {}, "localhost:8081"),
        ("", {"command_options": ["-m", "c:2"]}, "c:2"),
        ("", {"command_options": ["--jobmanager=c:2"]}, "c:2"),
        ("", {"command_options": ["-Drest.port=3", "-D", "rest.address=d"]}, "d:3"),
        ("", {"command_options": ["-m", "yarn-cluster"]}, None),
        ("", {"command_options": ["-z", "cluster"]}, None),
        ("execution.target: yarn-session", {}, None),
        ("execution.target: yarn-session", {"target": "remote"}, "localhost:8081"),
        ("security.ssl.rest.enabled: true", {}, None),
        ("high-availability:\n  type: zookeeper", {}, None),
        ("", {"target": "yarn-session"}, None),
    ],
)
def test_the_cluster_is_where_flink_would_find_it(tmp_path, configured, settings, address):
    (tmp_path / "config.yaml").write_text(configured)
    found = rest_address(
        "/no/flink", FlinkSettings("job.jar", **settings), {"FLINK_CONF_DIR": str(tmp_path)}
    )
    assert found == address


def test_the_old_configuration_wins(tmp_path):
    (tmp_path / "config.yaml").write_text("rest.port: 1")
    (tmp_path / "flink-conf.yaml").write_text("# a: b\nrest.port: 2 # here\nenv.java.opts: -D: x\n")
    assert configuration(str(tmp_path)) == {"rest.port": "2", "env.java.opts": "-D: x"}
    assert configuration("/nowhere") == {}


@pytest.mark.parametrize(
    "jar, version", [("flink-dist-1.20.5.jar", 1), ("flink-dist-2.1.0.jar", 2), ("x", 1)]
)
def test_the_version_is_that_of_the_jar(tmp_path, jar, version):
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / jar).touch()
    assert major_version(str(tmp_path / "bin" / "flink")) == version


@pytest.fixture
def client_jobs(tmp_path):
    def make(script):
        path = tmp_path / "flink"
        path.write_text(f"#!/bin/bash\n{script}\n")
        path.chmod(0o755)
        import logging

        return ClientJobs(str(path), FlinkSettings("job.jar"), logging.getLogger("test"))

    return make


def test_a_client_is_asked_where_there_is_no_address(client_jobs):
    jobs = client_jobs(f"""[[ $* == "list -a" ]] && echo "1 2 : {"a" * 32} : n (RUNNING)" && exit
[[ $1 == stop ]] && echo "Savepoint completed. Path: file:/s" && exit
echo "Caused by: X: no"; exit 1""")
    assert jobs.state("a" * 32) == "RUNNING" and jobs.state("b" * 32) is None
    assert jobs.stop_with_savepoint("a" * 32, 0) == "file:/s"
    with pytest.raises(AIFlowException, match="`flink cancel`: X: no"):
        jobs.cancel("a" * 32)


def test_a_client_that_fails_to_list_may_be_asked_again(client_jobs):
    with pytest.raises(ClusterUnreachable, match="`flink list`: exit code 7"):
        client_jobs("exit 7").state("a" * 32)
    with pytest.raises(SavepointFailed):
        client_jobs("exit 7").stop_with_savepoint("a" * 32, 0)
