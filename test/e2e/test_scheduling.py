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
