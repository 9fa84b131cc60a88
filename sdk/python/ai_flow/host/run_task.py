"""Runs one task of a workflow file in this process, from its start to its exit code."""

import atexit
import signal
import sys
from typing import NoReturn, Tuple

from ai_flow.common.exception.exceptions import NonRetriableError
from ai_flow.host.output import prepare_output, print_traceback
from ai_flow.host.result import end_process
from ai_flow.host.stop_signal import STOPPED_EXIT_CODE, StopSignal
from ai_flow.host.task_context import TaskNotFound, find_task, task_context
from ai_flow.host.workflow_file import WorkflowFileError, describe, load_workflows
from ai_flow.model.internal.contexts import TaskExecutionContext, set_runtime_task_context
from ai_flow.model.operator import AIFlowOperator

# The task's code was never reached.
CANNOT_START_EXIT_CODE = 2
# It failed, and is not tried again.
NON_RETRIABLE_EXIT_CODE = 100

Outcome = Tuple[int, str]


def run_task_main(path: str) -> NoReturn:
    """Exits with 0 when the task succeeded, 143 when it was stopped, 2 when it cannot start, 100
    when trying again would not help, else with its own code or 1. Writes AIFLOW_RESULT_FILE as its
    last act."""
    prepare_output()
    try:
        task = find_task(load_workflows(path), path)
        if not isinstance(task, AIFlowOperator):
            raise TaskNotFound(f"{path}: task {task.name!r} has nothing to run in a host")
        context = task_context(task)
    except (WorkflowFileError, TaskNotFound) as error:
        if error.__cause__ is not None:
            print_traceback(error.__cause__)
        print(error, file=sys.stderr)
        end_process(CANNOT_START_EXIT_CODE, str(error))
    except (OSError, ValueError) as error:
        print_traceback(error)
        end_process(CANNOT_START_EXIT_CODE, describe(error))
    set_runtime_task_context(context)
    stop = StopSignal(task, context)
    stop.install()
    code, reason = _run(task, context, stop)
    if stop.received:
        # The work may end before its stop hook does, which has more to do perhaps.
        stop.join()
    else:
        # A stop during the last steps may still end what hangs there.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _finish_user_code()
    stop.ignore()
    end_process(code, reason)


def _run(task: AIFlowOperator, context: TaskExecutionContext, stop: StopSignal) -> Outcome:
    try:
        try:
            task.start(context)
            task.await_termination(context)
        finally:
            # A task that has ended is not stopped any more; one that is being stopped was.
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
    except SystemExit as error:
        if stop.received:
            return STOPPED_EXIT_CODE, "stopped"
        return _exit_outcome(error)
    except BaseException as error:
        if stop.received:
            return STOPPED_EXIT_CODE, "stopped"
        print_traceback(error)
        code = NON_RETRIABLE_EXIT_CODE if isinstance(error, NonRetriableError) else 1
        return code, f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return (STOPPED_EXIT_CODE, "stopped") if stop.received else (0, "")


def _exit_outcome(error: SystemExit) -> Outcome:
    if error.code is None:
        return 0, ""
    if isinstance(error.code, int):
        code = error.code & 0xFF
        if error.code == 0:
            return 0, ""
        return code or 1, f"SystemExit: {error.code}"
    print(error.code, file=sys.stderr)
    return 1, f"SystemExit: {error.code}"


def _finish_user_code() -> None:
    """What the interpreter does at its end: waits for threads, runs exit handlers."""
    threading = sys.modules.get("threading")
    if threading is not None:
        try:
            threading._shutdown()
        except BaseException as error:
            print_traceback(error)
    try:
        atexit._run_exitfuncs()
    except BaseException as error:
        print_traceback(error)
