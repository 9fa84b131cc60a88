"""Answers a server's questions about user-written conditions: docs/formats/host-protocol.md."""

import base64
import json
import os
import queue
import signal
import sys
import threading
from typing import Any, Dict, NoReturn, Optional

from ai_flow.host.condition_context import (
    ConditionExecutionContext,
    ConditionWorkflowContext,
    States,
)
from ai_flow.host.output import flush_output, prepare_output, print_traceback
from ai_flow.host.questions import Questions
from ai_flow.host.workflow_file import WorkflowFileError, load_workflows
from ai_flow.model.context import Context
from ai_flow.version import __version__
from notification_service.model.event import Event

PROTOCOL = 1
MAX_ERROR_CHARS = 2000


def serve_conditions_main(path: Optional[str]) -> NoReturn:
    """Serves the conditions of the workflow file (None: of pickled rules alone) over the socket
    AIFLOW_HOST_FD until the server closes it. Ends with 0 then, with 1 when the file cannot be
    loaded."""
    prepare_output()
    descriptor = os.environ.pop("AIFLOW_HOST_FD", "")
    if not descriptor.isdigit():
        print(
            "AIFLOW_HOST_FD is not set: serve-conditions is started by a server, not by hand",
            file=sys.stderr,
        )
        sys.exit(2)
    server = _Server(int(descriptor))
    try:
        questions = Questions(path, load_workflows(path) if path is not None else [])
        import cloudpickle  # noqa: F401  (not with the first question, whose time is limited)
    except (WorkflowFileError, ImportError) as error:
        if error.__cause__ is not None:
            print_traceback(error.__cause__)
        print(error, file=sys.stderr)
        server.send({"error": _one_line(str(error))})
        _end(1)
    # Code of pickled rules may come from any file of the bundle, which is the working directory.
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    # The file may have set its own; what a server sends has to end this process.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    server.send(
        {"ready": True, "language": "python", "sdk_version": __version__, "protocol": PROTOCOL}
    )
    server.listen()
    while True:
        message = server.next_message()
        server.send(answer(questions, message))


def answer(questions: Questions, message: Dict[str, Any]) -> Dict[str, Any]:
    """What the condition says to the event. An exception of its code is an answer too, and changes
    no state."""
    reply: Dict[str, Any] = {"id": message["id"]}
    try:
        ask = message["ask"]
        condition = questions.leaf(ask)
        states = States(
            {name: base64.b64decode(value) for name, value in message.get("states", {}).items()}
        )
        context: Context
        if "trigger" in ask:
            context = ConditionWorkflowContext(questions.workflow(ask), states)
        else:
            context = ConditionExecutionContext(
                questions.workflow(ask), message.get("context", {}), states
            )
        reply["met"] = bool(condition.is_met(_event(message["event"]), context))
        reply["states"] = {
            name: None if value is None else base64.b64encode(value).decode("ascii")
            for name, value in states.changes().items()
        }
    except BaseException as error:
        print_traceback(error)
        text = _one_line(str(error))
        name = type(error).__name__
        return {"id": message["id"], "error": f"{name}: {text}" if text else name}
    finally:
        flush_output()
    return reply


def _event(message: Dict[str, Any]) -> Event:
    event = Event(message["key"], message.get("value"))
    for field in ("namespace", "sender", "context", "offset", "create_time"):
        setattr(event, field, message.get(field))
    return event


def _one_line(text: str) -> str:
    line = " ".join(text.split())[:MAX_ERROR_CHARS]
    return line.encode("utf-8", "backslashreplace").decode("utf-8")


def _end(code: int) -> NoReturn:
    flush_output()
    # Threads of the user's do not keep this process alive.
    os._exit(code)


class _Server:
    """The server's end of the socket: one JSON object per line in both directions."""

    def __init__(self, descriptor: int):
        # Not for the children of user code: the server waits for the end of this process alone.
        os.set_inheritable(descriptor, False)
        self._descriptor = descriptor
        self._messages: "queue.SimpleQueue[Dict[str, Any]]" = queue.SimpleQueue()

    def send(self, message: Dict[str, Any]) -> None:
        left = memoryview(json.dumps(message).encode("ascii") + b"\n")
        try:
            while left:
                left = left[os.write(self._descriptor, left) :]
        except OSError:
            _end(0)  # The server is gone.

    def listen(self) -> None:
        """Reads in a thread of its own: a condition that hangs must not outlive the server."""
        threading.Thread(target=self._read, name="aiflow-host", daemon=True).start()

    def next_message(self) -> Dict[str, Any]:
        return self._messages.get()

    def _read(self) -> None:
        try:
            with os.fdopen(self._descriptor, "rb", closefd=False) as lines:
                for line in lines:
                    message = json.loads(line)
                    message["id"], message["ask"], message["event"]
                    self._messages.put(message)
        except OSError:
            pass
        except BaseException as error:
            print_traceback(error)
            print(f"not understood: a message of the server ({error!r})", file=sys.stderr)
            _end(1)
        _end(0)
