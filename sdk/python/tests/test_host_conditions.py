"""`python -m ai_flow.host serve-conditions`: docs/formats/host-protocol.md."""

import base64
import json
import os
import pickle
import signal
import subprocess
import sys

import cloudpickle
import pytest
from condition_host import decoded, encoded, task_rule, trigger

HEAD = """
import os, sys, threading, time
from ai_flow.model.action import TaskAction
from ai_flow.model.condition import Condition
from ai_flow.model.internal.conditions import *
from ai_flow.model.rule import WorkflowRule
from ai_flow.model.state import StateDescriptor, ValueStateDescriptor
from ai_flow.model.workflow import Workflow
from ai_flow.operators.bash import BashOperator
"""


def condition(body):
    """A workflow file whose task has one rule with a condition of its own."""
    lines = "".join(f"        {line}\n" for line in body.splitlines())
    return (
        f"{HEAD}\nclass Own(Condition):\n    def is_met(self, event, context):\n{lines}\n"
        f"with Workflow('flow') as w:\n    BashOperator('task', 'true').action_on_condition("
        f"TaskAction.START, Own(['key']))\n"
    )


COUNTER = """\
state = context.get_state(ValueStateDescriptor('count'))
count = (state.value() or 0) + 1
state.update(count)
return count % 3 == 0
"""


def test_the_first_message_says_that_it_is_ready(condition_host, workflow_file):
    assert condition_host.start(workflow_file(condition("return True"))) == {
        "ready": True,
        "language": "python",
        "sdk_version": "0.1.0",
        "protocol": 1,
    }


def test_it_answers_question_after_question(condition_host, workflow_file):
    condition_host.start(workflow_file(condition("return event.value == 'yes'")))
    assert condition_host.ask(value="yes") == {"met": True, "states": {}}
    assert condition_host.ask(value="no") == {"met": False, "states": {}}


def test_what_is_true_counts_as_met(condition_host, workflow_file):
    condition_host.start(workflow_file(condition("return event.value")))
    assert condition_host.ask(value="something")["met"] is True
    assert condition_host.ask(value="")["met"] is False


def test_the_event_has_all_its_fields(condition_host, workflow_file):
    body = "print(event.key, event.value, event.context, event.offset, event.create_time)\n"
    body += "print(event.namespace, repr(event.sender), type(event).__name__)\nreturn True"
    condition_host.start(workflow_file(condition(body)))
    condition_host.met(value="v", context='{"a": 1}', offset=42)
    assert condition_host.output() == "key v {\"a\": 1} 42 1042\ndefault '' Event\n"


def test_state_is_kept_between_questions(condition_host, workflow_file):
    condition_host.start(workflow_file(condition(COUNTER)))
    answers = [condition_host.ask(offset=n) for n in range(1, 5)]
    assert [answer["met"] for answer in answers] == [False, False, True, False]
    assert [decoded(answer["states"]) for answer in answers] == [{"count": n} for n in range(1, 5)]


def test_state_belongs_to_the_scope_that_the_server_names(condition_host, workflow_file):
    """The host keeps nothing itself: another execution begins without state."""
    condition_host.start(workflow_file(condition(COUNTER)))
    condition_host.ask()
    condition_host.states = {}
    assert decoded(condition_host.ask()["states"]) == {"count": 1}


def test_state_is_any_picklable_value_also_of_a_class_of_the_file(condition_host, workflow_file):
    body = (
        "state = context.get_state(ValueStateDescriptor('box'))\n"
        "if state.value() is None:\n    state.update(Box(event.value))\n    return False\n"
        "assert type(state.value()) is Box\n"
        "return state.value().content == event.value\n"
    )
    text = condition(body).replace(
        "class Own", "class Box:\n    def __init__(self, c):\n        self.content = c\n\nclass Own"
    )
    condition_host.start(workflow_file(text))
    assert not condition_host.met(value="x")
    assert condition_host.met(value="x")
    # A host that was started anew reads it as well.
    condition_host.close()
    condition_host.start(condition_host.folder / "flow.py")
    assert condition_host.met(value="x")


def test_a_value_that_was_changed_in_place_is_kept_only_when_updated(condition_host, workflow_file):
    body = (
        "state = context.get_state(ValueStateDescriptor('list'))\n"
        "state.value().append(1)\n"
        "if event.value == 'keep':\n    state.update(state.value() + [2])\n"
        "return True\n"
    )
    condition_host.start(workflow_file(condition(body)))
    condition_host.states = encoded({"list": []})
    assert condition_host.ask()["states"] == {}
    assert decoded(condition_host.ask(value="keep")["states"]) == {"list": [2]}


def test_clear_works(condition_host, workflow_file):
    body = (
        "state = context.get_state(ValueStateDescriptor('s'))\n"
        "other = context.get_state(ValueStateDescriptor('never there'))\n"
        "state.clear()\nother.clear()\n"
        "return state.value() is None and other.value() is None\n"
    )
    condition_host.start(workflow_file(condition(body)))
    condition_host.states = encoded({"s": 1, "untouched": 2})
    assert condition_host.ask() == {"met": True, "states": {"s": None}}


def test_a_state_that_gets_its_old_value_again_is_not_sent(condition_host, workflow_file):
    body = (
        "state = context.get_state(ValueStateDescriptor('s'))\n"
        "before = state.value()\nstate.clear()\nstate.update(before)\nreturn True"
    )
    condition_host.start(workflow_file(condition(body)))
    condition_host.states = encoded({"s": {"a": 1}})
    assert condition_host.ask()["states"] == {}


def test_the_limit_of_a_state_is_a_clear_error(condition_host, workflow_file):
    body = (
        "context.get_state(ValueStateDescriptor('s')).update(b'x' * int(event.value))\nreturn True"
    )
    condition_host.start(workflow_file(condition(body)))
    assert condition_host.met(value="1000000")
    answer = condition_host.ask(value=str(1 << 20))
    assert set(answer) == {"error"}
    assert answer["error"].startswith("AIFlowException: state 's' has 10485")
    assert answer["error"].endswith("bytes, the limit is 1048576")


def test_other_descriptors_are_refused(condition_host, workflow_file):
    body = (
        "class Other(StateDescriptor):\n    state_type = 'list'\n"
        "context.get_state(Other('s'))\nreturn True"
    )
    condition_host.start(workflow_file(condition(body)))
    error = condition_host.ask()["error"]
    assert error.startswith("AIFlowException: Other describes no state that is kept here")


def test_a_state_that_cannot_be_read_any_more_is_an_error(condition_host, workflow_file):
    body = "context.get_state(ValueStateDescriptor('s')).value()\nreturn True"
    condition_host.start(workflow_file(condition(body)))
    condition_host.states = {"s": base64.b64encode(b"no pickle").decode()}
    assert "state 's' cannot be read any more" in condition_host.ask()["error"]


def test_task_statuses_are_those_as_of_the_event(condition_host, workflow_file):
    body = (
        "from ai_flow.model.status import TaskStatus\n"
        "assert context.get_task_status('never ran') is None\n"
        "return context.get_task_status('other') is TaskStatus.SUCCESS"
    )
    condition_host.start(workflow_file(condition(body)))
    assert condition_host.met(statuses={"other": "SUCCESS", "task": "RUNNING"})
    assert not condition_host.met(statuses={"other": "FAILED"})


def test_the_status_of_a_task_that_is_not_there_is_none_and_told_once(
    condition_host, workflow_file
):
    body = "return context.get_task_status('tsak') is None"
    condition_host.start(workflow_file(condition(body)))
    assert condition_host.met() and condition_host.met()
    told = condition_host.log.read_text()
    assert told.count("has no task 'tsak'") == 1
    assert "so that its status is always None; did you mean 'task'?" in told


def test_the_context_knows_workflow_execution_and_params(condition_host, workflow_file):
    body = (
        "from ai_flow.model.internal.contexts import WorkflowExecutionContext\n"
        "assert isinstance(context, WorkflowExecutionContext)\n"
        "assert context.workflow.name == 'flow' and list(context.workflow.tasks) == ['task']\n"
        "print(context.workflow_execution.id, context.workflow_execution.status)\n"
        "return context.params['day'] == event.value"
    )
    condition_host.start(workflow_file(condition(body)))
    assert condition_host.met(value="monday", params={"day": "monday", "n": 1})
    assert condition_host.output() == "5 WorkflowStatus.RUNNING\n"


def test_an_exception_is_an_answer_and_changes_no_state(condition_host, workflow_file):
    body = (
        "context.get_state(ValueStateDescriptor('s')).update(1)\n"
        "if event.value == 'bad':\n    raise ValueError('no\\ngood \\ud800')\nreturn True"
    )
    condition_host.start(workflow_file(condition(body)))
    assert condition_host.ask(value="bad") == {"error": "ValueError: no good \\ud800"}
    assert decoded(condition_host.ask(value="good")["states"]) == {"s": 1}
    assert "Traceback" in condition_host.output() and "raise ValueError" in condition_host.output()


@pytest.mark.parametrize(
    "body, error",
    [
        ("sys.exit(3)", "SystemExit: 3"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("def f(): f()\nf()", "RecursionError: maximum recursion depth exceeded"),
    ],
)
def test_nothing_that_a_condition_raises_ends_the_host(condition_host, workflow_file, body, error):
    condition_host.start(
        workflow_file(
            condition(f"if event.value:\n    {body}\nreturn True".replace("\nf()", "\n    f()"))
        )
    )
    assert condition_host.ask(value="x")["error"].startswith(error)
    assert condition_host.met()


def test_output_goes_to_the_log_and_never_into_the_protocol(condition_host, workflow_file):
    body = (
        "import logging, subprocess\n"
        "print('printed')\nos.write(1, b'written\\n')\nsubprocess.run(['echo', 'by a child'])\n"
        "print('to stderr', file=sys.stderr)\nlogging.getLogger('mine').info('logged')\n"
        "return True"
    )
    condition_host.start(workflow_file("print('while it was loaded')\n" + condition(body)))
    assert condition_host.ask() == {"met": True, "states": {}}
    for text in ("while it was", "printed", "written", "by a child", "to stderr", "INFO: logged"):
        assert text in condition_host.output()


def test_children_do_not_get_the_socket(condition_host, workflow_file):
    body = (
        "import subprocess\n"
        "assert 'AIFLOW_HOST_FD' not in os.environ\n"
        "out = subprocess.run(['ls', '-l', '/proc/self/fd'], stdout=subprocess.PIPE,\n"
        "                     close_fds=False, text=True).stdout\n"
        "return 'socket' not in out"
    )
    condition_host.start(workflow_file(condition(body)))
    assert condition_host.met()


def test_the_file_is_loaded_once(condition_host, workflow_file):
    condition_host.start(workflow_file("print('loaded')\n" + condition("return True")))
    for _ in range(3):
        condition_host.met()
    assert condition_host.output() == "loaded\n"


NESTED = (
    HEAD
    + """
class Own(Condition):
    def __init__(self, name, *keys):
        super().__init__(list(keys) or ['key'])
        self.name = name

    def is_met(self, event, context):
        print(self.name)
        return True


class OwnEvent(SingleEventCondition):
    def is_met(self, event, context):
        print('own event', super().is_met(event, context))
        return True


with Workflow('flow') as w:
    first = BashOperator('first', 'true')
    task = BashOperator('task', 'true')
    task.start_after(first)
    task.action_on_condition(TaskAction.START, MeetAllCondition('all', [
        SingleEventCondition('key'),
        MeetAnyCondition([Own('a'), MeetAnyCondition([OwnEvent('key', value='v'), Own('b')])]),
        Own('c'),
    ]))
    task.action_on_condition(TaskAction.STOP, Own('d'))
with Workflow('flow', namespace='team') as other:
    BashOperator('task', 'true').action_on_condition(TaskAction.START, Own('e'))
"""
)


def test_a_leaf_is_found_by_its_place(condition_host, workflow_file):
    condition_host.start(workflow_file(NESTED))
    places = [(1, 0), (1, 1), (1, 2), (1, 3), (2, 0)]
    for rule, question in places:
        assert condition_host.met(task_rule(rule, question))
    assert condition_host.met(task_rule(namespace="team"))
    assert condition_host.output().split("\n") == ["a", "own event False", "b", "c", "d", "e", ""]


@pytest.mark.parametrize(
    "ask, error",
    [
        (task_rule(0, 0), "rule 0 has 0 conditions of its own, and was asked for number 0"),
        (task_rule(1, 4), "rule 1 has 4 conditions of its own, and was asked for number 4"),
        (task_rule(3, 0), "workflow 'flow', task 'task', rule 3 does not exist"),
        (task_rule(0, 0, task="tusk"), "workflow 'flow', task 'tusk', rule 0 does not exist"),
        (task_rule(0, 0, workflow="flaw"), "no workflow default.flaw"),
        ({"workflow": "flow"}, "KeyError"),
    ],
)
def test_a_place_that_the_file_does_not_have_is_an_error(condition_host, workflow_file, ask, error):
    condition_host.start(workflow_file(NESTED))
    assert error in condition_host.ask(ask)["error"]
    assert condition_host.met(task_rule(1, 0))


def test_built_in_conditions_work_inside_ones_own(condition_host, workflow_file):
    text = (
        HEAD
        + """
class Both(MeetAllCondition):
    def is_met(self, event, context):
        return super().is_met(event, context) and event.value != 'never'

with Workflow('flow') as w:
    task = BashOperator('task', 'true')
    task.action_on_condition(TaskAction.START, Both('both', [
        SingleEventCondition('a'),
        MeetAnyCondition([SingleEventCondition('b', value='2'), SingleEventCondition('c')]),
    ]))
"""
    )
    condition_host.start(workflow_file(text))
    events = [("b", "2"), ("b", "1"), ("a", ""), ("c", ""), ("c", ""), ("a", "")]
    met = [condition_host.met(key=key, value=value) for key, value in events]
    assert met == [False, False, False, True, False, True]
    assert decoded(condition_host.states) == {"both": [False, False]}


def test_a_file_that_cannot_be_loaded_is_the_first_message(condition_host, workflow_file):
    message = condition_host.start(workflow_file("import no_such_module\n"))
    assert set(message) == {"error"}
    assert "flow.py:1: ModuleNotFoundError: No module named 'no_such_module'" in message["error"]
    assert condition_host.read() is None
    assert condition_host.wait() == 1
    assert "Traceback" in condition_host.output()


def test_sigterm_ends_it_also_when_the_file_handles_it(condition_host, workflow_file):
    text = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    condition_host.start(workflow_file(text + condition("time.sleep(600)")))
    condition_host.write(condition_host.question(task_rule()))
    assert condition_host.terminate() == -signal.SIGTERM


def test_it_ends_with_its_server(condition_host, workflow_file):
    text = "threading.Thread(target=threading.Event().wait).start()\n"
    condition_host.start(workflow_file(condition("return True") + text))
    condition_host.hang_up()
    assert condition_host.wait() == 0


def test_a_condition_that_hangs_does_not_outlive_the_server(condition_host, workflow_file):
    condition_host.start(workflow_file(condition("while True:\n    pass")))
    condition_host.write(condition_host.question(task_rule()))
    condition_host.hang_up()
    assert condition_host.wait() == 0


def test_a_message_that_it_does_not_understand_ends_it(condition_host, workflow_file):
    condition_host.start(workflow_file(condition("return True")))
    condition_host.write(["no question"])
    assert condition_host.wait() == 1
    assert "not understood" in condition_host.output()


def test_without_a_server_it_says_so(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "ai_flow.host", "serve-conditions"],
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert done.returncode == 2 and "AIFLOW_HOST_FD is not set" in done.stderr


# Triggers: their rules are pickled.


def pickled_rule(source, expression, module=None, folder=None):
    """The pickled rule that a client makes of `expression`, in a process of its own."""
    code = HEAD + "import base64, cloudpickle\n"
    code += source if module is None else f"from {module} import *\n"
    code += f"sys.stdout.write(base64.b64encode(cloudpickle.dumps({expression})).decode())\n"
    if module is not None:
        (folder / f"{module}.py").write_text(HEAD + source)
    environment = dict(os.environ)
    environment["PYTHONPATH"] = os.pathsep.join([p for p in sys.path if p] + [str(folder or ".")])
    done = subprocess.run(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, env=environment, check=True
    )
    return base64.b64decode(done.stdout)


OWN = "class Own(Condition):\n    def is_met(self, event, context):\n"


def own(body):
    return OWN + "".join(f"        {line}\n" for line in body.splitlines())


def test_a_trigger_brings_its_rule(condition_host):
    """Its class is nowhere in the bundle: it was defined in the client's main program."""
    body = (
        "from ai_flow.model.internal.contexts import WorkflowContext\n"
        "assert isinstance(context, WorkflowContext)\n"
        "assert (context.namespace, context.workflow.name) == ('default', 'flow')\n"
        "assert context.get_task_status('task') is None\n"
    )
    rule = pickled_rule(own(body + COUNTER), "WorkflowRule(Own(['key']))")
    assert condition_host.start()["ready"] is True
    assert [condition_host.met(trigger(rule)) for _ in range(4)] == [False, False, True, False]
    assert decoded(condition_host.states) == {"count": 4}


def test_a_trigger_may_use_the_modules_of_the_bundle(condition_host):
    source = own("return event.value == 'yes'")
    expression = "WorkflowRule(MeetAnyCondition([SingleEventCondition('x'), Own(['key'])]))"
    rule = pickled_rule(source, expression, module="mine", folder=condition_host.folder)
    assert b"mine" in rule
    condition_host.start()
    assert condition_host.met(trigger(rule), value="yes")
    assert not condition_host.met(trigger(rule), value="no")


def test_triggers_and_rules_of_tasks_share_a_host(condition_host, workflow_file):
    rule = pickled_rule(own("return len(context.workflow.tasks) == 2"), "WorkflowRule(Own(['k']))")
    condition_host.start(workflow_file(NESTED))
    assert condition_host.met(trigger(rule))
    assert condition_host.met(task_rule(1, 0))
    assert "conditions of its own" in condition_host.ask(trigger(rule, question=1))["error"]


def test_each_trigger_keeps_its_rule_loaded(condition_host):
    rule = pickled_rule(
        own("self.n = getattr(self, 'n', 0) + 1\nprint(event.value, self.n)\nreturn True"),
        "WorkflowRule(Own(['key']))",
    )
    condition_host.start()
    for number in (1, 2, 1):
        condition_host.met(trigger(rule, number), value=str(number))
    assert condition_host.output() == "1 1\n2 1\n1 2\n"


@pytest.mark.parametrize(
    "pickled, error",
    [
        (b"no pickle", "the pickled rule cannot be read here"),
        (pickle.dumps([1]), "the pickled rule is a list, not a WorkflowRule"),
        (b"cno_such_module\nname\n.", "ModuleNotFoundError"),
    ],
)
def test_a_rule_that_cannot_be_read_is_an_error(condition_host, pickled, error):
    condition_host.start()
    assert error in condition_host.ask(trigger(pickled))["error"]
    assert condition_host.process.poll() is None


def compile_rule(folder, pickled):
    (folder / "rule.bin").write_bytes(pickled)
    return subprocess.run(
        [sys.executable, "-m", "ai_flow.host", "compile-rule", "rule.bin"],
        cwd=str(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_rule_of_an_old_client_is_compiled_outside_the_server(condition_host):
    source = own("return True")
    expression = "WorkflowRule(MeetAnyCondition([SingleEventCondition('x'), Own(['key'])]))"
    rule = pickled_rule(source, expression, module="mine", folder=condition_host.folder)
    done = compile_rule(condition_host.folder, rule)
    assert done.returncode == 0, done.stderr
    spec = json.loads(done.stdout)
    assert spec["condition"] == {
        "type": "any_of",
        "conditions": [
            {"type": "event", "key": "x"},
            {"type": "custom", "name": "Own", "event_keys": ["key"]},
        ],
    }
    assert spec["params"] == {} and spec["host"]["language"] == "python"


def test_a_rule_without_the_attributes_of_this_version_is_read(condition_host):
    from ai_flow.model.internal.conditions import SingleEventCondition
    from ai_flow.model.rule import WorkflowRule

    rule = WorkflowRule(SingleEventCondition("a"))
    del rule.params, rule.condition.filters, rule.condition.scope
    done = compile_rule(condition_host.folder, cloudpickle.dumps(rule))
    assert json.loads(done.stdout) == {
        "condition": {"type": "event", "key": "a"},
        "params": {},
        "host": None,
    }


def test_a_rule_that_cannot_be_compiled_is_one_paragraph(condition_host):
    done = compile_rule(condition_host.folder, b"no pickle")
    assert (done.returncode, done.stdout) == (1, "")
    assert "cannot be read here" in done.stderr and done.stderr.count("\n") == 1
