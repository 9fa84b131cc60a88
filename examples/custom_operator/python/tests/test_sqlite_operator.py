"""The operator, without a server: its methods called here, and in the process that a task has."""

import json
import sqlite3
import textwrap
import time

import pytest
from ai_flow.model.internal.contexts import TaskExecutionContext
from ai_flow.model.task_execution import TaskExecutionKey
from ai_flow.model.workflow import Workflow
from ai_flow.testing import run_task
from aiflow_sqlite import SqliteOperator

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


def perform(path, statements, sequence_number=1, **params):
    with Workflow("unit") as workflow:
        task = SqliteOperator("sql", path, statements)
    key = TaskExecutionKey(1, "sql", sequence_number)
    context = TaskExecutionContext(workflow, key, params=params)
    task.start(context)
    task.await_termination(context)


def rows(path, sql):
    with sqlite3.connect(path) as connection:
        return connection.execute(sql).fetchall()


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.setenv("AIFLOW_OUTPUT", str(tmp_path / "output"))
    return tmp_path / "test.db"


def test_what_the_last_statement_selects_is_the_output(path, tmp_path):
    perform(path, ["CREATE TABLE t(a)", "INSERT INTO t VALUES (:a), (2)", "SELECT a FROM t"], a=1)
    assert json.loads((tmp_path / "output").read_text()) == [{"a": 1}, {"a": 2}]


def test_a_failing_statement_takes_those_before_it_back(path):
    with pytest.raises(sqlite3.OperationalError):
        perform(path, ["CREATE TABLE t(a)", "INSERT INTO nowhere VALUES (1)"])
    assert rows(path, "SELECT name FROM sqlite_master") == []


def test_a_run_is_committed_once_however_often_it_is_tried(path, tmp_path):
    statements = ["CREATE TABLE IF NOT EXISTS t(a)", "INSERT INTO t VALUES (1)", "SELECT count(*) AS n FROM t"]
    perform(path, statements)
    perform(path, statements)
    assert rows(path, "SELECT a FROM t") == [(1,)]
    assert json.loads((tmp_path / "output").read_text()) == [{"n": 1}]
    perform(path, statements, sequence_number=2)
    assert len(rows(path, "SELECT a FROM t")) == 2


def test_a_stop_ends_a_long_statement_and_leaves_nothing_behind(tmp_path):
    workflow = tmp_path / "flow.py"
    workflow.write_text(textwrap.dedent(f"""
        from ai_flow.model.workflow import Workflow
        from aiflow_sqlite import SqliteOperator

        with Workflow("flow") as flow:
            SqliteOperator("sql", "test.db", ["CREATE TABLE t(a)", {ENDLESS!r}])
    """))
    with run_task(workflow, "flow", "sql", directory=tmp_path) as run:
        end = time.monotonic() + 60
        while "CREATE TABLE" not in run.log:
            assert time.monotonic() < end and run.exit_code is None, run.log
            time.sleep(0.01)
        run.stop()
        assert run.wait() == "STOPPED", run.log
    assert rows(tmp_path / "test.db", "SELECT name FROM sqlite_master") == []
