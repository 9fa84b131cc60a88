"""Retries, limits, slots, ticks and results, with real processes and a server that is killed."""

import os
import signal
import textwrap

from aiflow_server import wait_until

HEAD = """
from ai_flow.model.action import TaskAction
from ai_flow.model.workflow import Workflow
from ai_flow.operators.bash import BashOperator
from ai_flow.operators.empty import EmptyOperator
from ai_flow.operators.python import PythonOperator
"""


def upload(server, tmp_path, text, name="w.py"):
    path = tmp_path / name
    path.write_text(HEAD + textwrap.dedent(text))
    server.cli("workflow", "upload", str(path))


def lines(path):
    return path.read_text().splitlines() if path.exists() else []


def task_rows(server, execution):
    return server.rows("task-execution", "list", str(execution))


def test_a_failing_task_is_tried_again_across_the_death_of_the_server(server, tmp_path):
    upload(server, tmp_path, """
        with Workflow(name='w') as w:
            BashOperator('a', 'echo $AIFLOW_ATTEMPT_KEY >> tries; [ $AIFLOW_TRY_NUMBER -ge 3 ]',
                         retries=5, retry_delay=0.5)
        """)
    execution = server.start_execution("w")
    tries = server.working_dir("w", execution) / "tries"
    wait_until(lambda: lines(tries), "the first try")
    server.kill()
    server.start()
    assert server.wait_for_end(execution) == "SUCCESS"
    assert lines(tries) == [f"{execution}-0-1-{n}" for n in (1, 2, 3)]
    rows = task_rows(server, execution)
    assert [(row["sequence_number"], row["try_number"], row["status"]) for row in rows] == [
        ("1", "3", "SUCCESS")]


def test_a_failure_for_good_is_not_tried_again(server, tmp_path):
    upload(server, tmp_path, """
        from ai_flow.common.exception.exceptions import NonRetriableError
        def hopeless():
            open('tries', 'a').write('x\\n')
            raise NonRetriableError('no such table')
        with Workflow(name='w') as w:
            PythonOperator('a', hopeless, retries=5)
        """)
    execution = server.start_execution("w")
    assert server.wait_for_end(execution) == "FAILED"
    assert len(lines(server.working_dir("w", execution) / "tries")) == 1


def test_a_task_that_runs_too_long_is_ended_and_failed(server, tmp_path):
    upload(server, tmp_path, """
        with Workflow(name='w') as w:
            BashOperator('a', 'echo $$ > pid; sleep 1000', execution_timeout=0.5, stop_grace=5)
        """)
    execution = server.start_execution("w")
    assert server.wait_for_end(execution) == "FAILED"
    pid = int(lines(server.working_dir("w", execution) / "pid")[0])
    wait_until(lambda: not os.path.exists(f"/proc/{pid}"), "the process is gone")
    assert "execution_timeout" in server.cli("why", str(execution)).stdout


def test_a_result_reaches_the_tasks_after_it(server, tmp_path):
    upload(server, tmp_path, """
        from ai_flow.model.internal.contexts import get_runtime_task_context
        def twice():
            context = get_runtime_task_context()
            return 2 * int(context.get_task_output('count rows'))
        with Workflow(name='w') as w:
            count = BashOperator('count rows', 'printf 21 > "$AIFLOW_OUTPUT"')
            double = PythonOperator('double', twice)
            show = BashOperator('show', 'echo "$AIFLOW_OUTPUT_DOUBLE" > shown')
            double.start_after(count)
            show.start_after(double)
        """)
    execution = server.start_execution("w")
    assert server.wait_for_end(execution) == "SUCCESS"
    assert lines(server.working_dir("w", execution) / "shown") == ["42"]


def test_tasks_without_a_process_join_and_cost_no_process(server, tmp_path):
    upload(server, tmp_path, """
        with Workflow(name='w') as w:
            start = EmptyOperator('start')
            middle = [EmptyOperator(f'm{i}') for i in range(20)]
            end = BashOperator('end', 'echo done >> ended')
            for task in middle:
                task.start_after(start)
            end.start_after(middle)
        """)
    execution = server.start_execution("w")
    assert server.wait_for_end(execution) == "SUCCESS"
    assert lines(server.working_dir("w", execution) / "ended") == ["done"]
    assert len(list((server.home / "attempts" / str(execution)).iterdir())) == 1


def test_concurrency_bounds_what_runs_at_a_time(server, tmp_path):
    upload(server, tmp_path, """
        with Workflow(name='w', concurrency=1) as w:
            for i in range(5):
                BashOperator(f't{i}', 'mkdir busy || exit 1; sleep 0.1; rmdir busy; echo $AIFLOW_TASK >> order',
                             priority=i)
        """)
    execution = server.start_execution("w")
    assert server.wait_for_end(execution) == "SUCCESS"
    order = lines(server.working_dir("w", execution) / "order")
    assert sorted(order) == [f"t{i}" for i in range(5)]


def test_each_tick_runs_once_also_when_the_server_dies(server, tmp_path):
    upload(server, tmp_path, """
        with Workflow(name='w') as w:
            BashOperator('tick', 'echo "${AIFLOW_DUE_TIME:-start} $AIFLOW_SEQUENCE_NUMBER" >> ticks',
                         periodic_expression='interval@0 0 0 1', overlap='queue', catchup='all')
        """)
    execution = server.start_execution("w")
    ticks = server.working_dir("w", execution) / "ticks"
    wait_until(lambda: len(lines(ticks)) >= 3, "two ticks")
    server.kill()
    before = len(lines(ticks))
    server.start()
    wait_until(lambda: len(lines(ticks)) >= before + 2, "ticks after the restart")
    server.cli("workflow-execution", "stop", str(execution))
    assert server.wait_for_end(execution) == "STOPPED"
    seen = [line.split() for line in lines(ticks)]
    due = [time for time, _ in seen if time != "start"]
    assert len(due) == len(set(due)), f"a tick ran twice: {seen}"
    assert due == sorted(due)
    assert len({sequence for _, sequence in seen}) == len(seen)


def test_a_stop_while_a_task_waits_for_its_next_try_is_final(server, tmp_path):
    upload(server, tmp_path, """
        with Workflow(name='w') as w:
            BashOperator('a', 'echo x >> tries; exit 1', retries=5, retry_delay=3600)
        """)
    execution = server.start_execution("w")
    wait_until(lambda: [row["status"] for row in task_rows(server, execution)] == ["RETRYING"],
               "the task waits")
    server.process.send_signal(signal.SIGKILL)
    server.process.wait()
    server.start()
    server.cli("workflow-execution", "stop", str(execution))
    assert server.wait_for_end(execution) == "STOPPED"
    assert len(lines(server.working_dir("w", execution) / "tries")) == 1


def test_each_event_starts_one_execution_also_when_the_server_dies(server, tmp_path):
    """The picture of the whole thing: a stream's hours, each of which starts one training."""
    upload(server, tmp_path, f"""
        with Workflow(name='train', params={{'hour': -1}}, max_active_executions=2) as train:
            BashOperator('train', 'echo "$AIFLOW_PARAM_HOUR" >> {tmp_path}/trained')
        """)
    server.cli("workflow-trigger", "add", "train", "--event", "hour_complete", "--context",
               "/kind=full", "--param", "hour=context/hour")
    hours = list(range(12))
    for hour in hours:
        if hour in (4, 8):
            server.kill()
            server.start()
        for kind in ("part", "full"):
            context = '{"kind": "%s", "hour": %d}' % (kind, hour)
            for _ in range(2):  # a producer that repeats itself
                server.cli("event", "send", "hour_complete", "x", "-n", "default", "--context",
                           context, "--id", f"{kind}-{hour}")
    trained = tmp_path / "trained"
    wait_until(lambda: len(lines(trained)) >= len(hours), "every hour is trained")
    wait_until(lambda: all(row["status"] == "SUCCESS"
                           for row in server.rows("workflow-execution", "list", "train")),
               "every execution ends")
    assert sorted(lines(trained), key=int) == [str(hour) for hour in hours]


def test_a_schedule_fires_each_due_time_once_across_the_death_of_the_server(server, tmp_path):
    upload(server, tmp_path, f"""
        with Workflow(name='w') as w:
            BashOperator('a', 'echo "$AIFLOW_DUE_TIME" >> {tmp_path}/due')
        """)
    server.cli("workflow-schedule", "add", "w", "interval@0 0 0 1", "--catchup", "all")
    due = tmp_path / "due"
    wait_until(lambda: len(lines(due)) >= 2, "two due times")
    server.kill()
    server.start()
    before = len(lines(due))
    wait_until(lambda: len(lines(due)) >= before + 2, "due times after the restart")
    schedule = server.rows("workflow-schedule", "list", "w")[0]["id"]
    server.cli("workflow-schedule", "pause", schedule)
    wait_until(lambda: all(row["status"] == "SUCCESS"
                           for row in server.rows("workflow-execution", "list", "w")),
               "every execution ends")
    seen = lines(due)
    assert len(seen) == len(set(seen)), f"a due time came twice: {seen}"
    assert len(seen) == len(server.rows("workflow-execution", "list", "w"))


def test_a_failed_execution_goes_on_from_its_failed_task(server, tmp_path):
    upload(server, tmp_path, """
        with Workflow(name='w') as w:
            a = BashOperator('a', 'echo a >> order; [ -e mended ]')
            b = BashOperator('b', 'echo b >> order')
            b.start_after(a)
        """)
    execution = server.start_execution("w")
    assert server.wait_for_end(execution) == "FAILED"
    directory = server.working_dir("w", execution)
    (directory / "mended").touch()
    server.cli("workflow-execution", "rerun", str(execution))
    wait_until(lambda: server.status(execution) == "SUCCESS", "the reopened execution succeeds")
    assert lines(directory / "order") == ["a", "a", "b"]


def test_a_pool_is_kept_over_workflows(server, tmp_path):
    server.cli("pool", "set", "gpu", "1")
    upload(server, tmp_path, f"""
        busy = 'mkdir {tmp_path}/busy || exit 1; sleep 0.2; rmdir {tmp_path}/busy'
        with Workflow(name='w1') as w1:
            BashOperator('a', busy, pool='gpu')
        with Workflow(name='w2') as w2:
            BashOperator('b', busy, pool='gpu')
        """)
    executions = [server.start_execution(name) for name in ("w1", "w2", "w1")]
    assert [server.wait_for_end(execution) for execution in executions] == ["SUCCESS"] * 3
