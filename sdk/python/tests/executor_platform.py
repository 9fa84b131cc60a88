"""A plug-in of a platform that is a directory, for tests: each attempt is a file there, which the
test ends. It kills itself where the environment variable CRASH_AT says.

    KEY         the attempt was accepted; one line for each time
    KEY.end     JSON of the outcome, written by the test
    KEY.cancel  cancel was called; one line for each time
    fail-NAME   the method raises as long as the file is there
"""

import json
import os
import pathlib
import signal
import time

from ai_flow.executor import AttemptLost, ExecutorPlugin, NotStarted, Outcome
from ai_flow.executor import supervisor as supervisor_module
from ai_flow.executor.journal import Journal
from ai_flow.executor.serve import serve


def crash(point):
    if os.environ.get("CRASH_AT") == point:
        os.kill(os.getpid(), signal.SIGKILL)


class CrashingJournal(Journal):
    @staticmethod
    def _after(point, then):
        def act(result):
            crash(point)
            then(result)

        return act

    def claim(self, epoch, attempt, refusal, limit, then):
        crash("claim.before")
        super().claim(epoch, attempt, refusal, limit, self._after("claim.after", then))

    def stop(self, epoch, key, token, grace, then):
        crash("stop.before")
        super().stop(epoch, key, token, grace, self._after("stop.after", then))

    def submitted(self, key, handle, status, then):
        crash("submitted.before")
        super().submitted(key, handle, status, self._after("submitted.after", then))

    def ended(self, key, ending, then):
        crash("ended.before")
        super().ended(key, ending, self._after("ended.after", then))

    def forget(self, epoch, keys, then):
        crash("forget.before")
        super().forget(epoch, keys, self._after("forget.after", then))


class Platform(ExecutorPlugin):
    description = "platform of the tests 1.0"
    max_attempts = 20

    def open(self):
        self.folder = pathlib.Path(self.config["folder"])
        self.masks_secrets = bool(self.config.get("masks"))
        self.running_when_submitted = not self.config.get("queues")
        if self.config.get("wrong"):
            raise ValueError("wrong: unknown setting")

    def _trouble(self, name):
        path = self.folder / ("fail-" + name)
        if path.exists():
            text = path.read_text()
            error = {"NotStarted": NotStarted, "AttemptLost": AttemptLost}.get(text, RuntimeError)
            raise error(text + " of the platform")

    def _note(self, name):
        with open(self.folder / name, "a") as file:
            file.write("x\n")

    def submit(self, attempt, command):
        crash("submit.before")
        self._trouble("submit")
        while (self.folder / "hold-submit").exists():
            time.sleep(0.005)
        self._note(attempt.key)
        attempt.log.write("submitted " + " ".join(command.argv) + "\n")
        crash("submit.accepted")
        self._trouble("accepted")
        return "platform/" + attempt.key

    def find(self, attempt):
        self._trouble("find")
        return "platform/" + attempt.key if (self.folder / attempt.key).exists() else None

    def wait(self, attempt, handle):
        assert handle == "platform/" + attempt.key
        end = self.folder / (attempt.key + ".end")
        while not end.exists():
            if (self.folder / (attempt.key + ".runs")).exists():
                attempt.report_running()
            self._trouble("wait")
            time.sleep(0.005)
        said = json.loads(end.read_text())
        attempt.log.write(said.pop("log", ""))
        said["output"] = said.get("output", "").encode()
        return Outcome(**said)

    def cancel(self, attempt, handle, grace):
        crash("cancel.before")
        self._trouble("cancel")
        self._note(attempt.key + ".cancel")
        if not (self.folder / "deaf").exists():
            text = json.dumps({"exit_code": 143, "reason": f"cancelled within {grace:g} s"})
            end = self.folder / (attempt.key + ".end")
            if not end.exists():
                (self.folder / (attempt.key + ".draft")).write_text(text)
                os.replace(self.folder / (attempt.key + ".draft"), end)
        crash("cancel.after")

    def forget(self, attempt, handle):
        self._trouble("forget")
        (self.folder / attempt.key).unlink(missing_ok=True)


if __name__ == "__main__":
    defaults = supervisor_module.Supervisor.__init__.__defaults__
    supervisor_module.Supervisor.__init__.__defaults__ = (0.01, 0.05)
    serve(Platform(), CrashingJournal)
