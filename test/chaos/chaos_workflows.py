"""The load of the chaos test. Each task appends `begin KEY PID` to a ledger as its first act and
`end KEY PID` as its last: each in one write with O_APPEND."""

import os
import threading

from ai_flow.model.action import TaskAction
from ai_flow.model.operator import AIFlowOperator
from ai_flow.model.status import TaskStatus
from ai_flow.model.workflow import Workflow
from ai_flow.notification.notification_client import AIFlowNotificationClient
from ai_flow.operators.bash import BashOperator

# Known where the workflows are uploaded; the tasks get it from there.
LEDGER = {"CHAOS_LEDGER": os.environ.get("CHAOS_LEDGER", "")}
BEAT_SECONDS = 0.3


def note(name, *words):
    """A line in one of the files beside the ledger."""
    path = os.path.join(os.path.dirname(os.environ["CHAOS_LEDGER"]), name)
    with open(path, "ab", buffering=0) as file:
        file.write((" ".join(str(word) for word in words) + "\n").encode())


def bash(name, command="", code=0, **options):
    line = '{} $AIFLOW_ATTEMPT_KEY $$" >>"$CHAOS_LEDGER"'
    text = '\n'.join(['echo "' + line.format("begin"), command, 'echo "' + line.format("end"),
                      f"exit {code}"])
    return BashOperator(name, text, env=LEDGER, **options)


class Beating(AIFlowOperator):
    """A stream that sends numbered events, and notes each one that was acknowledged."""

    def __init__(self, name):
        super().__init__(name, env=LEDGER)
        self.stopping = threading.Event()
        self.ended = threading.Event()

    def start(self, context):
        note("ledger", "begin", os.environ["AIFLOW_ATTEMPT_KEY"], os.getpid())
        try:
            with AIFlowNotificationClient() as events:
                number = 0
                while not self.stopping.wait(BEAT_SECONDS):
                    number += 1
                    sent = events.send_event("beat", str(number), event_id=f"beat-{number}")
                    note("beats", number, sent.offset)
        finally:
            self.ended.set()

    def stop(self, context):
        self.stopping.set()
        self.ended.wait()


# Ends by itself: a chain of tasks, a fan-out, and the join of it.
with Workflow(name="chaos_chain") as chain:
    links = [bash(f"link{number}", ":") for number in range(5)]
    for before, after in zip(links, links[1:]):
        after.start_after(before)
    fan = [bash(f"fan{number}", f"sleep 0.0{number}") for number in range(4)]
    for task in fan:
        task.start_after(links[-1])
    join = bash("join")
    join.start_after(fan)

# Runs for as long as the test: driven by the producer's events.
with Workflow(name="chaos_load", keep_open=True) as load:
    stream = bash("stream", "while :; do sleep 0.2; done")
    beating = Beating("beating")

    counted = bash("counted", "sleep 0.01", on_alive="queue", max_pending_starts=100000)
    counted.action_on_event_received(TaskAction.START, "tick")
    beaten = bash("beaten", on_alive="queue", max_pending_starts=100000)
    beaten.action_on_event_received(TaskAction.START, "beat")
    failing = bash("failing", code=3, on_alive="queue", max_pending_starts=100000)
    failing.action_on_event_received(TaskAction.START, "fail")
    after_failing = bash("after_failing", on_alive="queue", max_pending_starts=100000)
    after_failing.action_on_task_status(TaskAction.START, {failing: TaskStatus.FAILED})

    restarted = bash("restarted", "sleep 1000")
    restarted.action_on_event_received(TaskAction.RESTART, "again")
    stopped = bash("stopped", "sleep 2")
    stopped.action_on_event_received(TaskAction.START, "go")
    stopped.action_on_event_received(TaskAction.STOP, "halt")

    for task in (stream, beating, restarted):
        task.action_on_event_received(TaskAction.STOP, "finish")
