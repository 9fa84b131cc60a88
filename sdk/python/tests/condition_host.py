"""Plays the server for `python -m ai_flow.host serve-conditions`."""

import base64
import json
import os
import signal
import socket
import subprocess
import sys

import cloudpickle


def encoded(states):
    """Values as a server keeps them."""
    return {
        name: base64.b64encode(cloudpickle.dumps(value)).decode() for name, value in states.items()
    }


def decoded(states):
    return {
        name: None if value is None else cloudpickle.loads(base64.b64decode(value))
        for name, value in states.items()
    }


class ConditionHost:
    """One process and the socket to it."""

    def __init__(self, folder, log):
        self.folder = folder
        self.log = log
        self.states = {}
        self.process = None
        self._next_id = 0

    def start(self, path=None):
        """Starts it and returns its first message."""
        mine, its = socket.socketpair()
        mine.settimeout(60)
        command = [sys.executable, "-m", "ai_flow.host", "serve-conditions"]
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                command + ([str(path)] if path else []),
                cwd=str(self.folder),
                env=dict(os.environ, AIFLOW_HOST_FD=str(its.fileno())),
                pass_fds=[its.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        its.close()
        self._socket = mine
        self._lines = mine.makefile("rb")
        return self.read()

    def read(self):
        line = self._lines.readline()
        return json.loads(line) if line else None

    def write(self, message):
        self._socket.sendall(json.dumps(message).encode() + b"\n")

    def question(self, ask, key="key", value="", context="", offset=1, **members):
        self._next_id += 1
        event = {
            "key": key,
            "value": value,
            "context": context,
            "namespace": "default",
            "sender": "",
            "offset": offset,
            "create_time": 1000 + offset,
        }
        message = {"id": self._next_id, "ask": ask, "event": event, "states": self.states}
        message["context"] = dict(
            {"workflow_execution_id": 5, "snapshot_id": 2, "statuses": {}, "params": {}}, **members
        )
        return message

    def ask(self, ask=None, **event):
        """The answer to one question; states are kept from one to the next, as a server does."""
        message = self.question(ask or task_rule(), **event)
        self.write(message)
        answer = self.read()
        assert answer.pop("id") == message["id"]
        for name, value in answer.get("states", {}).items():
            self.states.pop(name, None)
            if value is not None:
                self.states[name] = value
        return answer

    def met(self, ask=None, **event):
        answer = self.ask(ask, **event)
        assert "error" not in answer, answer
        return answer["met"]

    def output(self):
        return self.log.read_text()

    def hang_up(self):
        self._lines.close()
        self._socket.close()

    def wait(self):
        return self.process.wait(60)

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)
        return self.wait()

    def close(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def task_rule(rule=0, question=0, task="task", workflow="flow", namespace="default"):
    return {
        "workflow": workflow,
        "namespace": namespace,
        "task": task,
        "rule": rule,
        "question": question,
    }


def trigger(rule, number=3, question=0, workflow="flow", namespace="default"):
    pickled = rule if isinstance(rule, bytes) else cloudpickle.dumps(rule)
    return {
        "trigger": number,
        "workflow": workflow,
        "namespace": namespace,
        "pickled": base64.b64encode(pickled).decode(),
        "question": question,
    }
