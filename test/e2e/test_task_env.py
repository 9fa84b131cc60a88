"""Files of secret variables (`env_file`) reach tasks of every kind, and nothing else; logs are bounded."""

import hashlib
import os
import re
import signal
import textwrap
import urllib.error
import urllib.request

import pytest

from aiflow_server import Server, wait_until

SECRET = "hunter22 of the e2e test"
KEY = "-----BEGIN KEY-----\nMIIEvQIBADANBgkq\n-----END KEY-----"
# Of the masked values, whatever a file must not hold.
WORDS = [word.encode() for word in (SECRET, "MIIEvQIBADANBgkq", "other/s3cret")]


@pytest.fixture
def server(tmp_path):
    with Server(tmp_path / "home") as running:
        yield running


def write_secrets(path, text, mode=0o600):
    # As a whole: a try reads the old or the new one.
    draft = path.with_suffix(".new")
    draft.write_text(text)
    draft.chmod(mode)
    draft.rename(path)
    return path


def upload(server, path, text):
    path.write_text(textwrap.dedent(text))
    server.cli("workflow", "upload", str(path))


def files_with_secrets(home):
    found = []
    for path in home.rglob("*"):
        if path.is_file() and not path.is_symlink():
            contents = path.read_bytes()
            found += [str(path) for word in WORDS if word in contents]
    return found


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


def runs(server, execution):
    return {run["task_name"]: run for run in server.rows("task-execution", "list", str(execution))}


def test_secrets_reach_tasks_of_every_kind_and_nothing_of_the_home(server, tmp_path):
    secrets = write_secrets(tmp_path / "secrets.env", f"""
        # what only the tasks may know
        export PASSWORD='{SECRET}'
        KEY="{KEY}"  # of several lines
        MODE=from-file
        """)
    write_secrets(tmp_path / "other.env", "OTHER='other/s3cret'\nPASSWORD=of the earlier file\n")
    both = f"['{{AIFLOW_HOME}}/../other.env', {str(secrets)!r}]"
    upload(server, tmp_path / "kinds.py", f"""
        import hashlib, os, sys, time
        from ai_flow.model.action import TaskAction
        from ai_flow.model.status import TaskStatus
        from ai_flow.model.workflow import Workflow
        from ai_flow.operators.bash import BashOperator
        from ai_flow.operators.python import PythonOperator

        def good():
            password = os.environ['PASSWORD']
            for letter in password:
                sys.stdout.write(letter)
                sys.stdout.flush()
            print(' in pieces', os.environ['MODE'], os.environ['KEY'], flush=True)
            print(hashlib.sha256(password.encode()).hexdigest())

        def bad():
            raise ValueError('cannot log in with ' + os.environ['PASSWORD'])

        with Workflow(name='kinds') as w:
            PythonOperator('good', good, env_file={both}, env={{'MODE': 'from-env'}})
            PythonOperator('bad', bad, env_file={str(secrets)!r})
            BashOperator('shell', 'echo "$PASSWORD|$OTHER" >&2; echo "$KEY" | head -2 | tail -1; '
                         'printf "%s" "{{\\\\"p\\\\":\\\\"$PASSWORD\\\\"}}" > $AIFLOW_OUTPUT',
                         env_file={both})
        """)
    upload(server, tmp_path / "flow.yaml", f"""
        name: flow
        tasks:
          plain: {{bash: 'echo "yaml $PASSWORD"; exit 3', env_file: {secrets}}}
        """)
    kinds = server.start_execution("kinds")
    flow = server.start_execution("flow")
    assert server.wait_for_end(kinds) == "FAILED"
    assert server.wait_for_end(flow) == "FAILED"

    good = server.cli("logs", str(kinds), "good").stdout
    assert good.startswith("*** in pieces from-env ***\n"), good
    assert digest(SECRET) in good
    assert server.cli("logs", str(kinds), "shell").stdout.startswith("***|***\n***\n")
    assert "cannot log in with ***" in server.cli("logs", str(kinds), "bad").stdout
    assert server.cli("logs", str(flow), "plain").stdout == "yaml ***\n"
    told = [server.cli("why", str(kinds)).stdout, server.cli("why", str(flow)).stdout,
            server.cli("task-execution", "list", str(kinds), "-o", "json").stdout,
            server.cli("workflow", "show", "kinds").stdout, server.cli("event", "list", "-A", "-o", "json").stdout,
            server.output(), server.log()]
    url = server.endpoints()["http_url"]
    with urllib.request.urlopen(f"{url}/metrics") as page:
        told.append(page.read().decode())
    assert "cannot log in with ***" in told[0] + told[2]
    assert not [text for text in told if any(word.decode() in text for word in WORDS)]
    assert files_with_secrets(server.home) == []


def test_a_log_beyond_its_bound_keeps_its_end_for_every_reader(tmp_path):
    with Server(tmp_path / "home", env={"AIFLOW__SERVER__TASK_LOG_MAX_BYTES": "1m"}) as server:
        upload(server, tmp_path / "flow.yaml", """
            name: flow
            tasks:
              t: {bash: 'seq -f "line %07g" 300000'}
            """)
        execution = server.start_execution("flow")
        assert server.wait_for_end(execution) == "SUCCESS"
        size = 300_000 * 13
        log, = (server.home / "attempts").rglob("log")
        assert log.stat().st_size == size
        if log.stat().st_blocks * 512 >= size:
            pytest.skip("the file system has no holes")
        first, rest = server.cli("logs", str(execution), "t").stdout.split("\n", 1)
        dropped = int(re.fullmatch(r"\[aiflow: the first (\d+) bytes of this log were dropped "
                                   r"\(task_log_max_bytes\)\]", first)[1])
        assert size - 1.25 * (1 << 20) < dropped <= size - (1 << 20)
        assert len(rest) == size - dropped and rest.endswith("line 0299999\nline 0300000\n")
        assert "\0" not in rest
        url = f"{server.endpoints()['http_url']}/api/v1/executions/{execution}/tasks/t/log"
        with urllib.request.urlopen(url) as answer:
            assert answer.headers["AIFlow-Dropped-Bytes"] == str(dropped)
            assert answer.read().decode() == rest
        with urllib.request.urlopen(f"{url}?begin_byte={size - 13}") as answer:
            assert answer.read() == b"line 0300000\n"
        # Places are those of the whole log, so that who goes on where it stopped misses nothing.
        def part(wanted):
            with urllib.request.urlopen(urllib.request.Request(url, headers={"Range": wanted})) as answer:
                assert answer.status == 206
                return answer.headers["Content-Range"], answer.read()
        assert part(f"bytes={size - 13}-") == (f"bytes {size - 13}-{size - 1}/{size}", b"line 0300000\n")
        assert part("bytes=0-")[0] == f"bytes {dropped}-{size - 1}/{size}"
        with pytest.raises(urllib.error.HTTPError, match="416"):
            part(f"bytes=0-{dropped - 1}")


def test_a_file_that_others_may_read_fails_the_try(server, tmp_path):
    secrets = write_secrets(tmp_path / "secrets.env", f"PASSWORD='{SECRET}'\n", mode=0o640)
    upload(server, tmp_path / "flow.yaml", f"""
        name: flow
        tasks:
          refused:
            bash: echo "it ran with $PASSWORD" | sha256sum
            env_file: {secrets}
            retries: 1000
            retry_delay: 100ms
        """)
    execution = server.start_execution("flow")
    wait_until(lambda: "chmod 600" in server.cli("why", str(execution)).stdout, "why says what to do")
    assert str(secrets) in server.cli("why", str(execution)).stdout
    secrets.chmod(0o600)
    assert server.wait_for_end(execution) == "SUCCESS"
    assert digest(f"it ran with {SECRET}\n") in server.cli("logs", str(execution), "refused").stdout
    assert files_with_secrets(server.home) == []


def test_a_rotated_value_counts_from_the_next_try_also_across_the_death_of_all(server, tmp_path):
    secrets = write_secrets(tmp_path / "secrets.env", f"PASSWORD='{SECRET}'\n")
    flag, go = tmp_path / "first", tmp_path / "go"
    upload(server, tmp_path / "flow.yaml", f"""
        name: flow
        tasks:
          t:
            bash: |
              printf %s "$PASSWORD" | sha256sum; echo "begin $PASSWORD"
              [ -e {flag} ] && exit 0
              touch {flag}
              while [ ! -e {go} ]; do sleep 0.02; done
              echo "end $PASSWORD"
              exit 9
            env_file: {secrets}
            retries: 1
        """)
    execution = server.start_execution("flow")
    wait_until(flag.exists, "the first try runs")
    write_secrets(secrets, "PASSWORD='other/s3cret'\n")
    # The first try, and what masks its log, live on alone.
    server.kill()
    os.kill(server.runner_pid(), signal.SIGKILL)
    go.touch()
    server.start()
    assert server.wait_for_end(execution) == "SUCCESS"
    logs = [server.cli("logs", str(execution), "t", "--try", str(n)).stdout for n in (1, 2)]
    assert logs[0] == f"{digest(SECRET)}  -\nbegin ***\nend ***\n"
    assert logs[1] == f"{digest('other/s3cret')}  -\nbegin ***\n"
    assert files_with_secrets(server.home) == []
