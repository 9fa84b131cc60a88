import contextlib
import json
import os
import sqlite3
import threading

from ai_flow.model.operator import AIFlowOperator

# Steps of SQLite's machine, some milliseconds, between two looks at whether the task is to stop.
STEPS = 100_000


class SqliteOperator(AIFlowOperator):
    """Runs SQL statements on an SQLite database, in one transaction: all of them count or none.

    `database` is a path on the server's machine, relative to the working directory of the execution;
    `statements` a list of texts. `:name` in one stands for the parameter of that name of the
    execution. What the last statement selects is the task's output, a list of JSON objects.

    The database remembers which runs it has: one whose process died between its commit and its
    report is tried again (`retries`) without doing it again.
    """

    def __init__(self, name, database, statements, **options):
        # Runs wherever the workflow file is loaded, also to compile it: only keep what is given.
        super().__init__(name, **options)
        self.database = os.fspath(database)
        self.statements = list(statements)
        self.stopping = threading.Event()
        self.working = threading.Lock()

    def start(self, context):
        self.connection = sqlite3.connect(self.database, isolation_level=None)
        # A true answer ends the statement that runs.
        self.connection.set_progress_handler(self.stopping.is_set, STEPS)

    def await_termination(self, context, timeout=None):
        with self.working, contextlib.closing(self.connection):
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                context.set_output(self._rows_of_this_run(context))
                if self.stopping.is_set():
                    raise InterruptedError("stopped before the commit")
                self.connection.execute("COMMIT")
            except BaseException:
                self.connection.execute("ROLLBACK")
                raise

    def stop(self, context):
        # In a thread of its own, beside the two methods above. The process ends when it returns.
        self.stopping.set()
        with self.working:
            pass

    def _rows_of_this_run(self, context):
        run = str(context.task_execution_key)
        self.connection.execute("CREATE TABLE IF NOT EXISTS aiflow_runs (run TEXT PRIMARY KEY, rows)")
        known = self.connection.execute("SELECT rows FROM aiflow_runs WHERE run = ?", [run]).fetchone()
        if known is not None:
            self.log.info("%s was committed by an earlier try", run)
            return json.loads(known[0])
        rows = []
        for statement in self.statements:
            cursor = self.connection.execute(statement, context.params)
            names = [column[0] for column in cursor.description or ()]
            rows = [dict(zip(names, row)) for row in cursor]
            self.log.info("%s: %d rows", statement, max(cursor.rowcount, len(rows)))
        self.connection.execute("INSERT INTO aiflow_runs VALUES (?, ?)", [run, json.dumps(rows)])
        return rows
