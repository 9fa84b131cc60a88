"""The commands of the README, in its order, on a real server."""

import re
import shlex

from aiflow_server import SOURCE, wait_until

README = (SOURCE / "README.md").read_text()
# These run until they are ended.
ENDLESS = ("aiflow standalone", "aiflow event listen")


def commands():
    for block in re.findall(r"```bash\n(.*?)```", README, re.DOTALL):
        for line in block.splitlines():
            if line.startswith("aiflow ") and not line.startswith(ENDLESS):
                yield shlex.split(line, comments=True)[1:]


def test_each_command_does_what_it_says(server, monkeypatch):
    monkeypatch.chdir(SOURCE)
    done = [server.cli(*command) for command in commands()]
    assert len(done) >= 10
    assert "I am the 1st task" in "".join(command.stdout for command in done)
    assert "7 executions" in "".join(command.stdout for command in done)

    def by_trigger():
        return [row for row in server.rows("workflow-execution", "list", "quickstart_workflow")
                if row["run_type"] == "EVENT" and row["status"] == "SUCCESS"]

    wait_until(by_trigger, "the trigger has started an execution")
