"""`python -m ai_flow.host run-task FILE`: docs/formats/task-environment.md."""

import signal

import pytest

HEAD = """
import os, sys, threading, time
from ai_flow.model.internal.contexts import get_runtime_task_context
from ai_flow.model.operator import AIFlowOperator
from ai_flow.model.workflow import Workflow
from ai_flow.operators.bash import BashOperator
from ai_flow.operators.python import PythonOperator
"""


def function(body):
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    flow = "with Workflow('flow') as w:\n    PythonOperator('task', run)\n"
    return f"{HEAD}\ndef run():\n{lines}\n{flow}"


def operator(body):
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    flow = "with Workflow('flow') as w:\n    Own('task')\n"
    return f"{HEAD}\nclass Own(AIFlowOperator):\n{lines}\n{flow}"


def test_success_is_exit_code_0_and_a_result(host, workflow_file):
    code, output = host.run(workflow_file(function("print('hello')\nreturn 'ignored'")))
    assert (code, output) == (0, "hello\n")
    assert host.result == ["0"]


def test_an_exception_is_exit_code_1_with_its_reason(host, workflow_file):
    code, output = host.run(workflow_file(function("raise ValueError('bad\\ninput')")))
    assert code == 1
    assert host.result == ["1", "ValueError: bad input"]
    assert "Traceback" in output and "raise ValueError" in output


@pytest.mark.parametrize(
    "argument, code, result",
    [
        ("", 0, ["0"]),
        ("0", 0, ["0"]),
        ("3", 3, ["3", "SystemExit: 3"]),
        ("256", 1, ["1", "SystemExit: 256"]),
        ("-1", 255, ["255", "SystemExit: -1"]),
        ("'gone'", 1, ["1", "SystemExit: gone"]),
    ],
)
def test_sys_exit_decides_like_in_a_program(host, workflow_file, argument, code, result):
    """A forerunner lost the status of such a task."""
    found, _ = host.run(workflow_file(function(f"sys.exit({argument})")))
    assert (found, host.result) == (code, result)


@pytest.mark.parametrize(
    "statement, reason",
    [
        ("raise NonRetriableError('bad input')", "NonRetriableError: bad input"),
        ("raise Own('mine') from ValueError('cause')", "Own: mine"),
        ("sys.exit(100)", "SystemExit: 100"),
    ],
)
def test_an_error_that_is_not_to_be_tried_again_is_exit_code_100(
    host, workflow_file, statement, reason
):
    body = "from ai_flow.common.exception.exceptions import NonRetriableError\n"
    body += f"class Own(NonRetriableError):\n    pass\n{statement}"
    code, _ = host.run(workflow_file(function(body)))
    assert code == 100
    assert host.result == ["100", reason]


def test_start_and_await_termination_make_one_task(host, workflow_file):
    text = operator(
        "def start(self, context):\n    print('start', context.task_execution_key)\n"
        "def await_termination(self, context, timeout=None):\n"
        "    print('await', context.workflow.name)\n    raise RuntimeError('late')"
    )
    code, output = host.run(workflow_file(text))
    assert code == 1
    assert output.startswith("start 7_task_2\nawait flow\n")
    assert host.result == ["1", "RuntimeError: late"]


def test_the_runtime_context_tells_the_causing_event(host, workflow_file, tmp_path):
    context_file = tmp_path / "context"
    context_file.write_text('{"workflow_execution_id": 7}')
    text = function(
        "context = get_runtime_task_context()\nevent = context.trigger_event\n"
        "print(context.workflow.name, context.task_execution_key.seq_num)\n"
        "print(event.key, event.value, event.offset, event.context, event.sender, event.create_time)"
    )
    code, output = host.run(
        workflow_file(text),
        AIFLOW_EVENT_KEY="hour_complete",
        AIFLOW_EVENT_VALUE="3",
        AIFLOW_EVENT_OFFSET="42",
        AIFLOW_EVENT_SENDER="importer",
        AIFLOW_EVENT_CREATE_TIME="1700000000123",
        AIFLOW_EVENT_CONTEXT_FILE=context_file,
    )
    assert code == 0
    assert output == 'flow 2\nhour_complete 3 42 {"workflow_execution_id": 7} importer 1700000000123\n'


def test_a_large_value_comes_by_file(host, workflow_file, tmp_path):
    value_file = tmp_path / "value"
    value_file.write_text("v" * 100_000)
    text = function("print(len(get_runtime_task_context().trigger_event.value))")
    code, output = host.run(
        workflow_file(text), AIFLOW_EVENT_KEY="key", AIFLOW_EVENT_VALUE_FILE=value_file
    )
    assert (code, output) == (0, "100000\n")


def test_a_task_without_a_cause_has_no_event(host, workflow_file):
    text = function("assert get_runtime_task_context().trigger_event is None")
    assert host.run(workflow_file(text))[0] == 0


@pytest.mark.parametrize(
    "settings, reason",
    [
        ({"task": "tusk"}, "has no task 'tusk'"),
        ({"workflow": "flaw"}, "no workflow default.flaw"),
        ({"AIFLOW_NAMESPACE": "team"}, "no workflow team.flow"),
    ],
)
def test_an_unknown_task_is_a_failure(host, workflow_file, settings, reason):
    code, output = host.run(workflow_file(function("pass")), **settings)
    assert code == 2
    assert reason in output
    assert host.result[0] == "2" and reason in host.result[1]


def test_a_bare_operator_is_a_failure(host, workflow_file):
    text = HEAD + "from ai_flow.model.operator import Operator\nwith Workflow('flow') as w:\n"
    code, output = host.run(workflow_file(text + "    Operator('task')\n"))
    assert code == 2
    assert "nothing to run" in host.result[1]


def test_a_file_that_cannot_be_imported_is_a_failure_with_its_place(host, workflow_file):
    path = workflow_file("import no_such_module\n")
    code, output = host.run(path)
    assert code == 2
    assert "Traceback" in output
    assert "flow.py:1: ModuleNotFoundError: No module named 'no_such_module'" in host.result[1]


def test_output_reaches_the_log_line_by_line(host, workflow_file):
    process = host.start(workflow_file(function("print('line')\nthreading.Event().wait()")))
    assert process.stdout.readline() == "line\n"
    process.kill()
    process.communicate()


def test_log_records_are_output(host, workflow_file):
    text = operator("def start(self, context):\n    self.log.info('told')")
    code, output = host.run(workflow_file(text))
    assert code == 0 and "INFO: told" in output


def test_exit_handlers_and_threads_finish_before_the_result(host, workflow_file):
    text = function(
        "import atexit\n"
        "result = os.environ['AIFLOW_RESULT_FILE']\n"
        "atexit.register(lambda: print('exit handler', os.path.exists(result)))\n"
        "def late():\n    time.sleep(0.2)\n    print('thread', os.path.exists(result))\n"
        "threading.Thread(target=late).start()"
    )
    code, output = host.run(workflow_file(text))
    assert (code, host.result) == (0, ["0"])
    assert output == "thread False\nexit handler False\n"


def stop_when(process, line):
    """Waits for the line, then asks for a stop like the server; returns exit code and the rest."""
    for found in process.stdout:
        if found == line + "\n":
            break
    process.send_signal(signal.SIGTERM)
    rest, _ = process.communicate(timeout=60)
    return process.returncode, rest


def test_sigterm_calls_the_stop_hook_then_the_process_ends(host, workflow_file):
    text = operator(
        "def start(self, context):\n    print('ready')\n    time.sleep(600)\n"
        "def stop(self, context):\n    print('stop', context.task_execution_key)"
    )
    code, rest = stop_when(host.start(workflow_file(text)), "ready")
    assert (code, rest) == (143, "stop 7_task_2\n")
    assert host.result == ["143", "stopped"]


def test_a_task_that_ends_by_its_stop_hook_is_stopped(host, workflow_file):
    text = operator(
        "def start(self, context):\n"
        "    self.go = threading.Event()\n    self.end = threading.Event()\n"
        "    print('ready')\n    self.go.wait()\n    print('cleaned up')\n    self.end.set()\n"
        "def stop(self, context):\n    self.go.set()\n    self.end.wait()"
    )
    code, rest = stop_when(host.start(workflow_file(text)), "ready")
    assert (code, rest) == (143, "cleaned up\n")
    assert host.result == ["143", "stopped"]


def test_the_stop_hook_may_use_what_the_interrupted_code_holds(host, workflow_file):
    """With the hook inside the signal handler this would wait for itself for ever."""
    text = operator(
        "def start(self, context):\n    self.lock = threading.Lock()\n    with self.lock:\n"
        "        print('ready')\n        time.sleep(1)\n    threading.Event().wait()\n"
        "def stop(self, context):\n    with self.lock:\n        print('has the lock')"
    )
    code, rest = stop_when(host.start(workflow_file(text)), "ready")
    assert (code, rest) == (143, "has the lock\n")


def test_a_stop_unwinds_the_function_and_no_except_swallows_it(host, workflow_file):
    text = function(
        "try:\n    print('ready')\n    while True:\n        try:\n            time.sleep(600)\n"
        "        except Exception:\n            print('swallowed')\n"
        "finally:\n    print('finally')"
    )
    code, rest = stop_when(host.start(workflow_file(text)), "ready")
    assert (code, rest) == (143, "finally\n")
    assert host.result == ["143", "stopped"]


@pytest.mark.parametrize("hook", ["", "def stop(self, context):\n    print('hook')"])
def test_a_stop_reaches_a_main_thread_that_is_entering_a_blocking_call(host, workflow_file, hook):
    """The handler of a signal that another thread takes interrupts nothing in the main thread."""
    text = operator(
        "def start(self, context):\n    import signal\n"
        "    def signal_itself():\n"
        "        time.sleep(0.2)\n"
        "        signal.pthread_kill(threading.get_ident(), signal.SIGTERM)\n"
        "    threading.Thread(target=signal_itself).start()\n"
        "    time.sleep(600)\n" + hook
    )
    process = host.start(workflow_file(text))
    rest, _ = process.communicate(timeout=60)
    assert (process.returncode, rest) == (143, "hook\n" if hook else "")
    assert host.result == ["143", "stopped"]


def test_a_signal_to_a_forked_process_does_not_stop_the_task(host, workflow_file):
    text = function(
        "import signal\nchild = os.fork()\nif child == 0:\n"
        "    signal.signal(signal.SIGTERM, lambda *_: os._exit(3))\n"
        "    print('ready', flush=True)\n    time.sleep(600)\n"
        "time.sleep(0.5)\nos.kill(child, signal.SIGTERM)\n"
        "_, status = os.waitpid(child, 0)\ntime.sleep(0.3)\n"
        "print(os.waitstatus_to_exitcode(status))"
    )
    code, output = host.run(workflow_file(text))
    assert (code, output) == (0, "ready\n3\n")


def test_a_stop_hook_that_fails_still_ends_the_task(host, workflow_file):
    text = operator(
        "def start(self, context):\n    print('ready')\n    time.sleep(600)\n"
        "def stop(self, context):\n    raise RuntimeError('hook')"
    )
    code, rest = stop_when(host.start(workflow_file(text)), "ready")
    assert code == 143 and "RuntimeError: hook" in rest


def test_the_process_waits_for_its_stop_hook(host, workflow_file):
    """The work ends early in the hook, which then has something to clean up."""
    text = operator(
        "def start(self, context):\n"
        "    self.go = threading.Event()\n    print('ready')\n    self.go.wait()\n"
        "def stop(self, context):\n"
        "    self.go.set()\n    time.sleep(0.5)\n    print('cleaned up')"
    )
    code, rest = stop_when(host.start(workflow_file(text)), "ready")
    assert (code, rest) == (143, "cleaned up\n")


def test_a_stop_hook_may_use_the_children_of_the_task(host, workflow_file):
    """SIGTERM goes to the leader only, so the child still answers its hook."""
    text = operator(
        "def start(self, context):\n    import subprocess\n"
        "    self.child = subprocess.Popen(['cat'], stdin=subprocess.PIPE)\n"
        "    print('ready')\n"
        "def await_termination(self, context, timeout=None):\n    self.child.wait()\n"
        "def stop(self, context):\n"
        "    self.child.communicate(b'last words\\n')\n    print('stopped it')"
    )
    code, rest = stop_when(host.start(workflow_file(text)), "ready")
    assert (code, rest) == (143, "last words\nstopped it\n")


def test_a_bash_subclass_stops_at_once(host, workflow_file):
    """In a forerunner the stop waited for a lock of the interrupted code: 60 seconds."""
    text = HEAD + "class Own(BashOperator):\n    pass\nwith Workflow('flow') as w:\n"
    text += "    Own('task', 'echo ready; sleep 600')\n"
    process = host.start(workflow_file(text))
    for line in process.stdout:
        if "ready" in line:
            break
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=10)
    assert process.returncode == 143


def test_run_task_without_a_server_says_so(host, workflow_file):
    code, output = host.run(workflow_file(function("pass")), task="")
    assert code == 2 and "AIFLOW_TASK is not set" in output
