"""Runs single tasks of a workflow file without a server, for tests of operators and workflows.

    run = run_task("sales.py", "sales", "load", directory=tmp_path, params={"day": "monday"})
    assert run.wait() == "SUCCESS", run.log
    assert run.output == "42"

A task runs in a process of its own and finds there what docs/formats/task-environment.md says, as
with a server. Nothing else is simulated: rules, retries and limits are a server's.
"""

import json
import os
import signal
import subprocess
import sys
from types import TracebackType
from typing import Any, Dict, Mapping, Optional, Type, Union

from notification_service.model.event import Event

PathLike = Union[str, "os.PathLike[str]"]

# As bash reports a process that ended by SIGTERM.
_STOPPED_EXIT_CODE = 128 + signal.SIGTERM


class TaskRun:
    """One run of a task. Made by run_task; as a context manager it leaves no process behind."""

    def __init__(self, process: "subprocess.Popen[bytes]", files: Mapping[str, str]):
        self._process = process
        self._files = files
        self._stopped = False

    def stop(self) -> None:
        """Asks the task to stop, as a server does; `wait` tells what became of it."""
        self._stopped = True
        self._process.terminate()

    def wait(self, timeout: float = 60) -> str:
        """How it ended: "SUCCESS", "FAILED" or "STOPPED". Raises subprocess.TimeoutExpired when it
        has not."""
        code = self._process.wait(timeout)
        if code == 0:
            return "SUCCESS"
        ended_by_stop = code in (_STOPPED_EXIT_CODE, -signal.SIGTERM)
        return "STOPPED" if self._stopped and ended_by_stop else "FAILED"

    @property
    def exit_code(self) -> Optional[int]:
        """None as long as it runs. 100: it would not be tried again."""
        return self._process.poll()

    @property
    def log(self) -> str:
        """What it has written to stdout and stderr so far."""
        return _read(self._files["log"]) or ""

    @property
    def output(self) -> Optional[str]:
        """Its inline result, None without one. It counts only with SUCCESS."""
        return _read(self._files["output"])

    @property
    def reason(self) -> str:
        """Why it failed, in one line."""
        lines = (_read(self._files["result"]) or "").splitlines()
        return lines[1] if len(lines) > 1 else ""

    def kill(self) -> None:
        """Ends it, and the processes of its group, at once: what a machine's failure does."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def __enter__(self) -> "TaskRun":
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.kill()


def run_task(
    file: PathLike,
    workflow: str,
    task: str,
    *,
    directory: PathLike,
    params: Optional[Mapping[str, Any]] = None,
    event: Optional[Event] = None,
    outputs: Optional[Mapping[str, str]] = None,
    execution: int = 1,
    sequence_number: int = 1,
    try_number: int = 1,
    env: Optional[Mapping[str, str]] = None,
) -> TaskRun:
    """Starts a task of a Python workflow file, or of a program that is linked with the C++ SDK.

    It runs in `directory`, which must exist; files of the run are made in `directory/.runs`.
    `params` are all parameters of the execution (defaults of the workflow are not added), `event`
    is the one that caused the run, `outputs` are those of the tasks before it.
    """
    run = f"{execution}-{task}-{sequence_number}-{try_number}"
    folder = os.path.join(os.path.abspath(directory), ".runs", run)
    os.makedirs(folder)
    files = {name: os.path.join(folder, name) for name in ("log", "output", "result", "context")}
    environment = dict(os.environ)
    environment.update(env or {})
    environment.update(
        AIFLOW_NAMESPACE="default",
        AIFLOW_WORKFLOW=workflow,
        AIFLOW_TASK=task,
        AIFLOW_WORKFLOW_EXECUTION_ID=str(execution),
        AIFLOW_SEQUENCE_NUMBER=str(sequence_number),
        AIFLOW_TRY_NUMBER=str(try_number),
        AIFLOW_ATTEMPT_KEY=run,
        AIFLOW_WORKING_DIR=os.path.abspath(directory),
        AIFLOW_BUNDLE_DIR=os.path.dirname(os.path.abspath(file)),
        AIFLOW_OUTPUT=files["output"],
        AIFLOW_RESULT_FILE=files["result"],
        AIFLOW_PARAMS_FILE=_write(folder, "params", json.dumps(dict(params or {}))),
        AIFLOW_OUTPUTS_FILE=_write(folder, "outputs", json.dumps(dict(outputs or {}))),
        PYTHONUNBUFFERED="1",
    )
    environment.update(_event_variables(event, files["context"]))
    command = [os.path.abspath(file), "--aiflow-run-task"]
    if os.fspath(file).endswith(".py"):
        command = [sys.executable, "-m", "ai_flow.host", "run-task", os.path.abspath(file)]
    with open(files["log"], "wb") as log:
        process = subprocess.Popen(
            command,
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return TaskRun(process, files)


def _event_variables(event: Optional[Event], context_file: str) -> Dict[str, str]:
    if event is None:
        return {}
    known = {
        "AIFLOW_EVENT_KEY": event.key,
        "AIFLOW_EVENT_VALUE": event.value,
        "AIFLOW_EVENT_OFFSET": event.offset,
        "AIFLOW_EVENT_SENDER": event.sender,
        "AIFLOW_EVENT_CREATE_TIME": event.create_time,
    }
    variables = {name: str(value) for name, value in known.items() if value is not None}
    if event.context is not None:
        with open(context_file, "w", encoding="utf-8") as file:
            file.write(str(event.context))
        variables["AIFLOW_EVENT_CONTEXT_FILE"] = context_file
    return variables


def _write(folder: str, name: str, text: str) -> str:
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def _read(path: str) -> Optional[str]:
    try:
        with open(path, encoding="utf-8", errors="backslashreplace") as file:
            return file.read()
    except FileNotFoundError:
        return None
