"""HDFSBlobManager with a server that misbehaves; the real one is in test/blob_managers."""

import json

import pytest
from http_server_for_test import HttpServer

from ai_flow.blob_manager import transfer
from ai_flow.blob_manager.impl.hdfs_blob_manager import HDFSBlobManager
from ai_flow.common.exception.exceptions import AIFlowConfigException, AIFlowException

HDFS = {"hdfs_url": "http://127.0.0.1:9", "hdfs_user": "me", "root_directory": "/blob/"}


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(transfer.time, "sleep", lambda _: None)


def remote(kind, message="no"):
    return json.dumps({"RemoteException": {"exception": kind, "message": message}}).encode()


class NameNode:
    """Sends data to itself; `failures` are answered first."""

    def __init__(self, *failures):
        self.files = {}
        self.failures = list(failures)

    def __call__(self, method, target, headers, body):
        path, _, query = target.partition("?")
        path = path[len("/webhdfs/v1") :]
        if self.failures:
            failure = self.failures.pop(0)
            if failure is not None:
                return failure
        operation = query.split("&")[0]
        if operation in ("op=CREATE", "op=OPEN") and "data=1" not in query:
            where = f"http://{headers['Host']}{target}&data=1"
            return 307, {"Location": where}, b""
        if operation == "op=CREATE":
            self.files[path] = body
            return 201, {}, b""
        if operation == "op=RENAME":
            self.files[self.destination(query)] = self.files.pop(path)
            return 200, {}, b""
        if operation == "op=DELETE":
            return 200, {}, json.dumps({"boolean": self.files.pop(path, None) is not None}).encode()
        if path not in self.files:
            return 404, {}, remote("FileNotFoundException", f"File {path} not found.\n\tat x")
        return 200, {}, self.files[path]

    @staticmethod
    def destination(query):
        (found,) = [part for part in query.split("&") if part.startswith("destination=")]
        return found[len("destination=") :].replace("%2F", "/")


def blob(tmp_path, text="text", name="flow.zip"):
    path = tmp_path / name
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize(
    "change, error",
    [
        ({"hdfs_url": None}, "HDFSBlobManager needs hdfs_url"),
        ({"hdfs_url": "hdfs://host:8020"}, "hdfs_url must be http://HOST"),
        ({"hdfs_url": "http://a:1;b:2"}, "hdfs_url must be http://HOST"),
        ({"hdfs_url": "http://me:secret@host"}, "must not hold a user or password"),
        ({"root_directory": None}, "HDFSBlobManager needs root_directory"),
        ({"root_directory": "blob"}, "is not the absolute path"),
        ({"root_directory": "/a/../b"}, "is not the absolute path"),
        ({"root_directory": "/"}, "is not the absolute path"),
        ({"root": "/blob"}, "has no setting 'root'"),
    ],
)
def test_a_wrong_setting_is_named(change, error):
    with pytest.raises(AIFlowConfigException, match=error):
        HDFSBlobManager({**HDFS, **change})


@pytest.mark.parametrize("uri", ["/blob/../x", "/blobother/x", "/x", "blob/x", "/blob", "/blob/"])
def test_uris_that_lead_elsewhere_are_refused(tmp_path, uri):
    with pytest.raises(AIFlowException, match="is not inside /blob"):
        HDFSBlobManager(HDFS).download(uri, str(tmp_path))


def test_a_blob_comes_back_and_a_newer_one_replaces_it(tmp_path):
    node = NameNode()
    with HttpServer(node) as server:
        manager = HDFSBlobManager({**HDFS, "hdfs_url": server.url})
        assert manager.upload(blob(tmp_path, "old", "a b.zip")) == "/blob/a b.zip"
        uri = manager.upload(blob(tmp_path, "new", "a b.zip"))
        assert open(manager.download(uri, str(tmp_path / "local"))).read() == "new"
        assert all("user.name=me" in target for _, target in server.requests)
    assert list(node.files) == ["/blob/a%20b.zip"]


def test_the_active_one_of_several_name_nodes_is_found(tmp_path):
    standby = (403, {}, remote("StandbyException", "not here"))
    with HttpServer(lambda *_: standby) as other, HttpServer(NameNode()) as active:
        manager = HDFSBlobManager({**HDFS, "hdfs_url": f"{other.url};{active.url}"})
        manager.upload(blob(tmp_path))
        assert len(other.requests) == 2 and len(active.requests) == 3


def test_what_may_pass_is_tried_again(tmp_path):
    failures = [(503, {}, b""), None, (500, {}, remote("RemoteException"))]
    node = NameNode(*failures)
    with HttpServer(node) as server:
        uri = HDFSBlobManager({**HDFS, "hdfs_url": server.url}).upload(blob(tmp_path))
    assert node.files == {uri: b"text"}


def test_a_refusal_is_told_once_in_one_line(tmp_path):
    text = remote("AccessControlException", "Permission denied: user=me\n\tat a.b(C.java:1)")
    with HttpServer(lambda *_: (403, {}, text)) as server:
        manager = HDFSBlobManager({**HDFS, "hdfs_url": server.url})
        with pytest.raises(AIFlowException) as caught:
            manager.download("/blob/x", str(tmp_path))
        assert len(server.requests) == 1
    assert str(caught.value) == "AccessControlException: Permission denied: user=me"
    assert caught.value.code == "PERMISSION_DENIED"


def test_a_blob_that_is_not_there_is_told_as_such(tmp_path):
    with HttpServer(NameNode()) as server:
        manager = HDFSBlobManager({**HDFS, "hdfs_url": server.url})
        with pytest.raises(AIFlowException, match="File /blob/x not found") as caught:
            manager.download("/blob/x", str(tmp_path))
    assert caught.value.code == "NOT_FOUND" and list(tmp_path.iterdir()) == []


def test_a_truncated_body_is_an_error_and_leaves_nothing(tmp_path):
    def answer(method, target, headers, body):
        if "data=1" in target:
            return 200, {}, b"x" * 1000, 999
        return 307, {"Location": f"http://{headers['Host']}{target}&data=1"}, b""

    with HttpServer(answer) as server:
        manager = HDFSBlobManager({**HDFS, "hdfs_url": server.url})
        with pytest.raises(AIFlowException, match="999 of 1000 bytes came .given up after 5"):
            manager.download("/blob/x", str(tmp_path))
        assert len(server.requests) == 10
    assert list(tmp_path.iterdir()) == []


def test_a_gateway_that_cannot_replace_is_told_and_leaves_nothing(tmp_path):
    node = NameNode(None, None, (200, {}, b'{"boolean": false}'))
    with HttpServer(node) as server:
        manager = HDFSBlobManager({**HDFS, "hdfs_url": server.url})
        with pytest.raises(AIFlowException, match="cannot rename over a file"):
            manager.upload(blob(tmp_path))
    assert node.files == {}


def test_what_is_no_webhdfs_is_told(tmp_path):
    with HttpServer(lambda *_: (200, {}, b"welcome")) as server:
        manager = HDFSBlobManager({**HDFS, "hdfs_url": server.url})
        with pytest.raises(AIFlowException, match="this is no WebHDFS"):
            manager.upload(blob(tmp_path))


def test_a_server_that_says_nothing_is_given_up(tmp_path):
    import socket

    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        manager = HDFSBlobManager({**HDFS, "hdfs_url": url, "timeout": 0.05})
        with pytest.raises(AIFlowException, match="timed out .given up after 5 tries"):
            manager.download("/blob/x", str(tmp_path))


def test_a_full_disk_is_not_blamed_on_the_server(tmp_path):
    class Full:
        name = "the file"

        def write(self, _):
            raise OSError(28, "No space left on device")

    with HttpServer(NameNode()) as server:
        manager = HDFSBlobManager({**HDFS, "hdfs_url": server.url})
        uri = manager.upload(blob(tmp_path))
        with pytest.raises(AIFlowException, match="the file cannot be written: .*No space left"):
            manager._hdfs.open(uri, Full())
