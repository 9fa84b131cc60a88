"""The REST API of a real server, as a program with nothing but HTTP uses it."""

import base64
import hashlib
import http.client
import json
import os
import pathlib
import subprocess
import threading
import urllib.parse
import zipfile

import pytest

from aiflow_server import PATIENCE, Server, wait_until


class Rest:
    """Calls one server; JSON in, JSON out."""

    def __init__(self, server: Server):
        self.server = server

    def connect(self) -> http.client.HTTPConnection:
        address = urllib.parse.urlsplit(self.server.endpoints()["http_url"])
        return http.client.HTTPConnection(address.hostname, address.port, timeout=PATIENCE)

    def raw(self, method, path, body=None, **headers):
        """Status, headers and bytes of an answer."""
        connection = self.connect()
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        data = json.dumps(body).encode() if isinstance(body, (dict, list)) else body
        connection.request(method, "/api/v1" + path, data, names)
        answer = connection.getresponse()
        try:
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def call(self, method, path, body=None, status=200, **headers):
        got, _, data = self.raw(method, path, body, **headers)
        assert got == status, (method, path, got, data)
        return json.loads(data)

    def get(self, path, **kwargs):
        return self.call("GET", path, **kwargs)

    def post(self, path, body=None, **kwargs):
        return self.call("POST", path, {} if body is None else body, **kwargs)

    def stream(self, path, last_id=None):
        """(id, event, data) of each server-sent event, until the stream ends or breaks."""
        connection = self.connect()
        connection.request("GET", "/api/v1" + path, headers={
            "Accept": "text/event-stream", **({"Last-Event-ID": last_id} if last_id else {})})
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        assert answer.getheader("Content-Type") == "text/event-stream"
        try:
            event = {"id": None, "event": "message", "data": []}
            for line in answer:
                line = line.decode().rstrip("\n")
                if line.startswith(":"):
                    continue
                if line:
                    name, value = line.split(": ", 1) if ": " in line else (line.rstrip(":"), "")
                    if name == "data":
                        event["data"].append(value)
                    else:
                        event[name] = value
                elif event["data"]:
                    yield event["id"], event["event"], "\n".join(event["data"])
                    event = {"id": None, "event": "message", "data": []}
        finally:
            connection.close()


@pytest.fixture
def rest(server):
    return Rest(server)


def upload(rest, *specs):
    """Uploads specifications, as one JSON object per line."""
    header = {"header": {"workflows": [{"spec_json": json.dumps(spec)} for spec in specs]}}
    return rest.call("POST", "/workflows", json.dumps(header).encode() + b"\n")["workflows"]


def spec(name, *tasks):
    return {"version": 1, "namespace": "default", "name": name,
            "tasks": [{"operator": "bash", "rules": [], **task} for task in tasks]}


def finished(rest, execution):
    """The execution once it has finished, by its stream."""
    for _, event, data in rest.stream(f"/executions/{execution}/watch"):
        if event == "end":
            return rest.get(f"/executions/{execution}")
    raise AssertionError("the stream broke")


def test_a_workflow_is_uploaded_started_watched_and_read(rest):
    uploaded = upload(rest, spec("w", {"name": "make", "command": "mkdir -p out; echo one; echo two; printf abc > out/x.txt"}))
    assert [w["name"] for w in uploaded] == ["w"]
    started = rest.post("/namespaces/default/workflows/w/executions", Idempotency_Key="first")
    again = rest.post("/namespaces/default/workflows/w/executions", Idempotency_Key="first")
    assert started == again
    execution = started["execution_id"]
    assert finished(rest, execution)["status"] == "SUCCESS"
    assert len(rest.get("/executions")["executions"]) == 1

    runs = rest.get(f"/executions/{execution}/task-executions?statuses=SUCCESS")["task_executions"]
    assert [run["task_name"] for run in runs] == ["make"]
    assert rest.get(f"/executions/{execution}/task-executions?statuses=FAILED")["task_executions"] == []
    status, headers, log = rest.raw("GET", f"/executions/{execution}/tasks/make/log")
    assert (status, log) == (200, b"one\ntwo\n")
    assert headers["Content-Type"] == "text/plain; charset=utf-8"
    status, headers, part = rest.raw("GET", f"/executions/{execution}/tasks/make/log", Range="bytes=4-")
    assert (status, part, headers["Content-Range"]) == (206, b"two\n", "bytes 4-7/8")
    for asked, status, part in (("bytes=0-2", 206, b"one"), ("bytes=-4", 206, b"two\n"), ("bytes=5-900", 206, b"wo\n"),
                                ("bytes=-900", 206, b"one\ntwo\n"), ("bytes=0-1,3-4", 200, b"one\ntwo\n")):
        got = rest.raw("GET", f"/executions/{execution}/tasks/make/log", Range=asked)
        assert (got[0], got[2]) == (status, part), asked
    for asked in ("bytes=8-", "bytes=100-200", "bytes=-0", "bytes=5-4", "lines=1-2", "bytes=x"):
        assert rest.raw("GET", f"/executions/{execution}/tasks/make/log", Range=asked)[0] == 416, asked

    files = rest.get(f"/executions/{execution}/artifacts")["artifacts"]
    assert [(file["path"], file["size"]) for file in files] == [("out/x.txt", "3")]
    status, headers, data = rest.raw("GET", f"/executions/{execution}/artifacts/out/x.txt")
    assert (status, data) == (200, b"abc")
    # A page that a task wrote is not shown as one of the server's.
    assert headers["Content-Disposition"] == "attachment"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert rest.raw("GET", f"/executions/{execution}/artifacts/out/../../../secret")[0] == 400
    assert rest.raw("GET", f"/executions/{execution}/artifacts/nothing")[0] == 404

    causes = rest.get(f"/executions/{execution}/explain")
    assert causes["tasks"][0]["task_name"] == "make"
    rest.call("DELETE", f"/executions/{execution}")
    rest.call("GET", f"/executions/{execution}", status=404)


def test_a_bundle_is_uploaded_in_pieces(rest, tmp_path):
    bundle = tmp_path / "b.zip"
    with zipfile.ZipFile(bundle, "w") as archive:
        archive.writestr("b/data.txt", "from the bundle")
    data = bundle.read_bytes()
    header = {"header": {"workflows": [{"spec_json": json.dumps(spec("b", {"name": "t", "command": "true"}))}],
                         "bundle_name": "b", "bundle_size": len(data),
                         "bundle_sha256": hashlib.sha256(data).hexdigest()}}
    lines = [json.dumps(header)] + [
        json.dumps({"bundle_chunk": base64.b64encode(data[i:i + 50]).decode()})
        for i in range(0, len(data), 50)]
    assert rest.call("POST", "/workflows", "\n".join(lines).encode())["workflows"][0]["name"] == "b"
    # Cut short: refused, and nothing of it is there.
    cut = rest.call("POST", "/workflows", "\n".join(lines[:-1]).replace('"b\\"', '"c\\"').encode(), status=400)
    assert cut["error"]["status"] == "INVALID_ARGUMENT"
    assert [w["name"] for w in rest.get("/workflows")["workflows"]] == ["b"]
    # Broken in the middle.
    broken = lines[0].encode() + b"\n{\"bundle_chunk\": 7"
    rest.call("POST", "/workflows", broken, status=400)


def test_lists_are_filtered_ordered_and_paged(rest):
    upload(rest, spec("good", {"name": "t", "command": "true"}), spec("bad", {"name": "t", "command": "false"}))
    ids = {}
    for name in ("good", "bad", "good", "bad", "good"):
        execution = rest.post(f"/namespaces/default/workflows/{name}/executions")["execution_id"]
        ids.setdefault(name, []).append(execution)
        finished(rest, execution)
    everything = sorted(ids["good"] + ids["bad"], key=int)

    def walk(query):
        seen, token = [], ""
        while True:
            page = rest.get(f"/executions?page_size=2&page_token={token}&{query}")
            assert len(page["executions"]) <= 2
            seen += [execution["id"] for execution in page["executions"]]
            token = page["next_page_token"]
            if not token:
                return seen

    assert walk("") == everything
    assert walk("order_by=id%20desc") == everything[::-1]
    assert walk("statuses=FAILED") == ids["bad"]
    assert walk("statuses=FAILED&statuses=SUCCESS&order_by=id%20desc") == everything[::-1]
    assert walk("namespace=default&name=good") == ids["good"]
    assert walk("run_types=EVENT") == []
    assert [w["name"] for w in rest.get("/workflows?name_contains=oo")["workflows"]] == ["good"]
    rest.call("GET", "/executions?statuses=WRONG", status=400)
    rest.call("GET", "/executions?namespace=default&name=none", status=404)


def test_namespaces_pools_schedules_and_triggers_have_their_resources(rest):
    rest.post("/namespaces", {"name": "team", "properties": {"a": "b"}})
    rest.call("PATCH", "/namespaces/team", {"properties": {"c": "d"}})
    assert rest.get("/namespaces/team")["properties"] == {"c": "d"}
    rest.post("/namespaces", {"name": "team"}, status=409)
    rest.call("PUT", "/pools/gpu", {"slots": 2})
    assert "gpu" in [pool["name"] for pool in rest.get("/pools")["pools"]]
    upload(rest, spec("w", {"name": "t", "command": "true"}))
    workflow = "/namespaces/default/workflows/w"
    schedule = rest.post(workflow + "/schedules", {"expression": "cron@0 3 * * *"})
    rest.post(f"/schedules/{schedule['id']}/pause")
    assert rest.get(f"/schedules/{schedule['id']}")["paused"] is True
    rest.call("DELETE", f"/schedules/{schedule['id']}")
    condition = json.dumps({"type": "event", "key": "go"})
    trigger = rest.post(workflow + "/triggers", {"condition_json": condition})
    rest.post("/events", {"key": "go", "namespace": "default"})
    wait_until(lambda: rest.get("/executions?run_types=EVENT")["executions"], "the trigger fires")
    rest.call("DELETE", f"/triggers/{trigger['id']}")
    assert rest.get(workflow + "/triggers")["triggers"] == []
    rest.call("DELETE", "/pools/gpu")
    rest.call("DELETE", "/namespaces/team")
    rest.call("GET", "/namespaces/team", status=404)


def test_a_log_is_followed_while_it_grows(rest, tmp_path):
    go = tmp_path / "go"
    upload(rest, spec("w", {"name": "t", "command":
        f"echo first; printf '\\377bad\\n'; until [ -e {go} ]; do sleep 0.05; done; echo last"}))
    execution = rest.post("/namespaces/default/workflows/w/executions")["execution_id"]
    wait_until(lambda: rest.get(f"/executions/{execution}/task-executions?statuses=RUNNING")["task_executions"],
               "it runs")
    lines = []
    for place, event, data in rest.stream(f"/executions/{execution}/tasks/t/log?follow=true"):
        if event == "end":
            break
        lines.append((place, data))
        if any("bad" in text for _, text in lines):
            go.touch()
    text = "\n".join(data for _, data in lines)
    assert text == "first\n\ufffdbad\nlast"
    assert lines[-1][0] == str(len(b"first\n\xffbad\nlast\n"))
    # From the place of the first line on.
    rest_of_it = [data for _, event, data in rest.stream(
        f"/executions/{execution}/tasks/t/log", last_id="6") if event != "end"]
    assert "\n".join(rest_of_it) == "\ufffdbad\nlast"


def test_a_reader_of_events_misses_and_repeats_nothing_across_kills_of_the_server(rest, server):
    seen, last = [], None
    total = 60
    for key in range(20):
        rest.post("/events", {"key": "k", "value": str(key)}, Idempotency_Key=f"e{key}")
    for part in range(1, 4):
        try:
            for place, event, data in rest.stream("/events/stream?keys=k", last_id=last):
                if event != "message":
                    break
                last = place
                seen.append(int(json.loads(data)["value"]))
                if len(seen) == 20 * part:
                    break
        except (http.client.IncompleteRead, ConnectionError):
            pass
        if part < 3:
            server.kill()
            server.start()
            for key in range(20 * part, 20 * part + 20):
                # Twice, as a client that lost the answer would.
                rest.post("/events", {"key": "k", "value": str(key)}, Idempotency_Key=f"e{key}")
                rest.post("/events", {"key": "k", "value": str(key)}, Idempotency_Key=f"e{key}")
    assert seen == list(range(total))


def test_an_event_without_a_namespace_is_one_of_the_default(rest, server):
    stored = rest.post("/events", {"key": "plain"}, Idempotency_Key="once")["event"]
    assert stored["namespace"] == "default"
    assert [e["key"] for e in rest.get("/events?namespace=default&key=plain")["events"]] == ["plain"]
    # The key of REST and the id of the command line are one.
    again = server.cli("event", "send", "plain", "", "--id", "once").stdout
    assert f"offset:{stored['offset']}," in again
    assert '"plain"' in server.cli("event", "list", "plain", "-o", "json").stdout


def test_a_request_that_is_not_understood_says_what_was_perhaps_meant(rest):
    refused = rest.post("/namespaces/default/workflows/w/executions", {"params": {"a": 1}}, status=400)
    assert "did you mean params_json?" in refused["error"]["message"]
    rest.post("/namespaces", {"name": "n"}, Idempotency_Key="k")
    refused = rest.post("/namespaces", {"name": "m"}, Idempotency_Key="k", status=409)
    assert "was used for another request" in refused["error"]["message"]


def test_a_durable_consumer_goes_on_behind_its_cursor(rest, server):
    assert rest.post("/consumers", {"name": "of/audit"})["cursor"] == "0"
    for key in range(3):
        rest.post("/events", {"key": f"k{key}"})

    def next_event():
        for _, _, data in rest.stream("/events/stream?consumer=of%2Faudit"):
            return json.loads(data)

    first = next_event()
    assert first["key"] == "k0" and next_event() == first, "nothing was committed"
    moved = rest.post("/consumers/of%2Faudit/commit", {"offset": first["offset"]})
    assert moved["cursor"] == first["offset"] and moved["lag"] == "2"
    server.kill()
    server.start()
    assert next_event()["key"] == "k1"
    assert [consumer["name"] for consumer in rest.get("/consumers")["consumers"]] == ["of/audit"]
    rest.call("DELETE", "/consumers/of%2Faudit")
    assert rest.get("/consumers")["consumers"] == []
    rest.call("POST", "/consumers/of%2Faudit/commit", {"offset": "1"}, status=404)


def test_changes_of_all_executions_are_told_and_taken_up_again(rest, server):
    upload(rest, spec("one", {"name": "t", "command": "true"}), spec("two", {"name": "t", "command": "true"}))
    offset = rest.get("/server")["committed_offset"]

    def run(name):
        execution = rest.post(f"/namespaces/default/workflows/{name}/executions")["execution_id"]
        finished(rest, execution)
        return execution

    def told(path, last_id=None, until=None):
        """Latest status of each execution, until that of `until` is SUCCESS."""
        latest = {}
        for place, event, data in rest.stream(path, last_id=last_id):
            if event != "message":
                return latest, event, json.loads(data)
            change = json.loads(data)
            latest[change["execution_id"]] = change.get("execution", {}).get("status", "deleted")
            if latest.get(until) == "SUCCESS":
                return latest, event, place
        raise AssertionError("the stream broke")

    first, second = run("one"), run("two")
    latest, _, place = told(f"/executions/stream?after_offset={offset}", until=second)
    assert latest == {first: "SUCCESS", second: "SUCCESS"}
    latest, _, _ = told(f"/executions/stream?after_offset={offset}&namespace=default&name=one", until=first)
    assert latest == {first: "SUCCESS"}
    third = run("one")
    latest, _, _ = told("/executions/stream", last_id=place, until=third)
    assert latest[third] == "SUCCESS" and first not in latest
    # What a server saw before it died it does not know: the reader is told, and not left waiting.
    server.kill()
    server.start()
    status, _, answer = rest.raw("GET", f"/executions/stream?after_offset={offset}")
    assert status == 400 and b"OUT_OF_RANGE" in answer
    rest.call("GET", "/executions/stream?namespace=default&name=none", status=404)


def test_many_readers_hold_up_neither_each_other_nor_requests(rest, server):
    readers, counts, failures = [], [0] * 40, []

    def read(number):
        try:
            for _, event, _ in rest.stream("/events/stream?keys=k&from_now=true"):
                counts[number] += event == "message"
                if counts[number] == 5:
                    return
        except Exception as error:  # noqa: BLE001: told by the main thread
            failures.append(error)

    for number in range(40):
        readers.append(threading.Thread(target=read, args=(number,)))
        readers[-1].start()
    # Which of them listen already is not told, so events go on until all have had theirs.
    def all_told():
        rest.post("/events", {"key": "k"})
        return all(count >= 5 for count in counts) or failures
    wait_until(all_told, "all readers were told")
    for reader in readers:
        reader.join(PATIENCE)
    assert not failures


@pytest.mark.skipif(subprocess.run(
    [os.environ["AIFLOW_PYTHON"], "-c", "import schemathesis"], capture_output=True).returncode != 0,
    reason="schemathesis is not installed: it needs Python 3.10")
def test_requests_made_from_the_document_find_no_fault(rest, server, tmp_path):
    url = server.endpoints()["http_url"]
    upload(rest, spec("w", {"name": "t", "command": "true"}))
    finished(rest, rest.post("/namespaces/default/workflows/w/executions")["execution_id"])
    checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
    done = subprocess.run(
        [os.environ["AIFLOW_PYTHON"], "-m", "schemathesis.cli", "run", f"{url}/api/v1/openapi.json",
         "--exclude-path-regex", "/stream$|/watch$", "--exclude-operation-id", "UploadWorkflows",
         "--phases", "coverage,fuzzing", "--checks", checks, "--max-examples", "3",
         "--seed", "1", "--request-timeout", "30", "--continue-on-failure", "--no-color"],
        cwd=tmp_path, capture_output=True, text=True, timeout=600,
        env={**os.environ, "HYPOTHESIS_STORAGE_DIRECTORY": str(tmp_path / "hypothesis")})
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert pathlib.Path(server.home).exists() and rest.get("/server")["version"]
