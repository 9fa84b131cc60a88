"""S3BlobManager and OssBlobManager without a server, or with one that misbehaves."""

import hashlib
import logging
import sys

import pytest
from http_server_for_test import HttpServer

from ai_flow.blob_manager import transfer
from ai_flow.blob_manager.impl.oss_blob_manager import OssBlobManager
from ai_flow.blob_manager.impl.s3_blob_manager import S3BlobManager
from ai_flow.common.exception.exceptions import AIFlowConfigException, AIFlowException

SECRET = "a-very-secret-key"
S3 = {
    "endpoint_url": "http://127.0.0.1:9",
    "region_name": "us-east-1",
    "bucket_name": "bucket",
    "access_key_id": "the-id",
    "secret_access_key": SECRET,
}
OSS = {
    "endpoint": "oss-cn-hangzhou.aliyuncs.com",
    "bucket": "bucket",
    "access_key_id": "the-id",
    "access_key_secret": SECRET,
    "root_directory": "/team/blobs/",
}


@pytest.fixture(autouse=True)
def quick(monkeypatch, tmp_path):
    """No waits, and nothing of the machine's own settings."""
    monkeypatch.setattr(transfer.time, "sleep", lambda _: None)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE")
    for name in (*names, "OSS_ACCESS_KEY_ID", "OSS_ACCESS_KEY_SECRET", "OSS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)


def blob(tmp_path, text="text", name="flow.zip"):
    path = tmp_path / name
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize(
    "manager, config, extra", [(S3BlobManager, S3, "s3"), (OssBlobManager, OSS, "oss")]
)
def test_a_missing_library_is_an_error_that_names_the_extra(monkeypatch, manager, config, extra):
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(AIFlowConfigException, match=rf"pip install 'aiflow\[{extra}\]'"):
        manager(config)


@pytest.mark.parametrize(
    "change, error",
    [
        ({"bucket_name": None}, "S3BlobManager needs bucket_name"),
        ({"secret_access_key": None}, "has access_key_id but no secret_access_key"),
        ({"access_key_id": ""}, "has secret_access_key but no access_key_id"),
        ({"access_key_id": "", "secret_access_key": "", "session_token": "t"}, "session_token but"),
        ({"bucket": "b"}, "has no setting 'bucket'; it has access_key_id"),
        ({"endpoint_url": "127.0.0.1:9000"}, "endpoint_url must be http://HOST"),
        ({"endpoint_url": f"http://u:{SECRET}@h"}, "must not hold a user or password"),
        ({"root_directory": "a/../b"}, "is no folder's name"),
        ({"service_name": "no-such"}, "Unknown service"),
        ({"config": {"no_such": 1}}, "no_such"),
        ({"config": "x"}, "config must be a mapping"),
    ],
)
def test_a_wrong_setting_of_s3_is_named(change, error):
    with pytest.raises(AIFlowConfigException, match=error) as caught:
        S3BlobManager({**S3, **change})
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "change, error",
    [
        ({"bucket": None}, "OssBlobManager needs bucket"),
        ({"endpoint": None}, "OssBlobManager needs endpoint"),
        ({"access_key_id": None}, "OssBlobManager needs access_key_id"),
        ({"access_key_secret": None}, "OssBlobManager needs access_key_secret"),
        ({"endpoint": "ftp://x"}, "endpoint must be http"),
        ({"bucket_name": "b"}, "has no setting 'bucket_name'"),
    ],
)
def test_a_wrong_setting_of_oss_is_named(change, error):
    with pytest.raises(AIFlowConfigException, match=error):
        OssBlobManager({**OSS, **change})


def test_the_credentials_of_oss_may_be_in_files_or_the_environment(monkeypatch, tmp_path):
    config = {key: value for key, value in OSS.items() if not key.startswith("access_key")}
    monkeypatch.setenv("OSS_ACCESS_KEY_ID", "the-id")
    monkeypatch.setenv("OSS_ACCESS_KEY_SECRET", SECRET)
    OssBlobManager(config)
    monkeypatch.delenv("OSS_ACCESS_KEY_SECRET")
    path = tmp_path / "secret"
    path.write_text(SECRET)
    path.chmod(0o600)
    OssBlobManager({**config, "access_key_secret_file": str(path)})


def test_without_credentials_the_error_says_where_they_are_looked_for(tmp_path):
    config = {k: v for k, v in S3.items() if k not in ("access_key_id", "secret_access_key")}
    with pytest.raises(AIFlowConfigException, match="environment variables"):
        S3BlobManager(config).upload(blob(tmp_path))


@pytest.mark.parametrize("root", ["", "team/blobs"])
@pytest.mark.parametrize("uri", ["../x", "team/blobs/../x", "team/blobsother/../x", "/x", "a/", ""])
def test_s3_refuses_uris_that_lead_elsewhere(tmp_path, root, uri):
    manager = S3BlobManager({**S3, "root_directory": root})
    with pytest.raises(AIFlowException, match="is not"):
        manager.download(uri, str(tmp_path))


@pytest.mark.parametrize(
    "uri",
    [
        "other.oss-cn-hangzhou.aliyuncs.com/team/blobs/x",
        "bucket.oss-cn-hangzhou.aliyuncs.com.evil/team/blobs/x",
        "bucket.oss-cn-hangzhou.aliyuncs.com/team/blobs/../x",
        "bucket.oss-cn-hangzhou.aliyuncs.com/team/blobsother/x",
        "bucket.oss-cn-hangzhou.aliyuncs.com/x",
        "x",
    ],
)
def test_oss_refuses_uris_that_lead_elsewhere(tmp_path, uri):
    with pytest.raises(AIFlowException, match="is not inside"):
        OssBlobManager(OSS).download(uri, str(tmp_path))


def test_the_file_must_exist(tmp_path):
    for manager in (S3BlobManager(S3), OssBlobManager(OSS)):
        with pytest.raises(AIFlowException, match="missing: no such file"):
            manager.upload(str(tmp_path / "missing"))


def test_a_refused_connection_is_tried_again_up_to_the_limit(tmp_path):
    with pytest.raises(AIFlowException, match="given up after 5 tries") as caught:
        S3BlobManager(S3).download("x", str(tmp_path))
    assert caught.value.code == "UNAVAILABLE" and SECRET not in str(caught.value)


def error_of(code, message):
    return f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()


def test_what_a_server_refuses_is_told_once_and_without_secrets(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    text = error_of("SignatureDoesNotMatch", f"the key {SECRET} of the-id is wrong")
    with HttpServer(lambda *_: (403, {}, text)) as server:
        manager = S3BlobManager({**S3, "endpoint_url": server.url})
        with pytest.raises(AIFlowException, match="SignatureDoesNotMatch the key .* of ") as caught:
            manager.upload(blob(tmp_path))
        assert len(server.requests) == 1
    assert caught.value.code == "PERMISSION_DENIED" and "check the access key" in str(caught.value)
    assert caught.value.__suppress_context__
    for secret in (SECRET, "the-id"):
        assert secret not in str(caught.value) + caplog.text


def test_a_blob_that_is_not_there_is_told_as_such(tmp_path):
    with HttpServer(lambda *_: (404, {}, error_of("NoSuchKey", "none"))) as server:
        manager = S3BlobManager({**S3, "endpoint_url": server.url})
        with pytest.raises(AIFlowException, match="there is no blob x in bucket bucket") as caught:
            manager.download("x", str(tmp_path))
    assert caught.value.code == "NOT_FOUND"


def test_a_busy_server_is_asked_again(tmp_path, caplog):
    answers = [(503, {}, error_of("SlowDown", "busy")), (200, {}, b"text")]
    with HttpServer(lambda *_: answers.pop(0)) as server:
        manager = S3BlobManager({**S3, "endpoint_url": server.url})
        path = manager.download("x", str(tmp_path))
        assert open(path).read() == "text" and len(server.requests) == 2
    assert "SlowDown busy; trying again" in caplog.text


@pytest.mark.parametrize("cut", [0, 1, 99_999])
def test_a_truncated_body_is_an_error_and_leaves_nothing(tmp_path, cut):
    folder = tmp_path / "local"
    with HttpServer(lambda *_: (200, {}, b"x" * 100_000, cut)) as server:
        manager = S3BlobManager({**S3, "endpoint_url": server.url})
        with pytest.raises(AIFlowException, match="given up after 5 tries"):
            manager.download("x", str(folder))
        assert len(server.requests) == 5
    assert list(folder.iterdir()) == []


def test_bytes_that_are_not_the_stored_ones_are_an_error(tmp_path):
    digest = {"x-amz-meta-aiflow-sha256": hashlib.sha256(b"text").hexdigest()}
    answers = [(200, digest, b"next"), (200, digest, b"text"), *[(200, digest, b"next")] * 5]
    with HttpServer(lambda *_: answers.pop(0)) as server:
        manager = S3BlobManager({**S3, "endpoint_url": server.url})
        assert open(manager.download("x", str(tmp_path))).read() == "text"
        with pytest.raises(AIFlowException, match="its SHA-256 is another"):
            manager.download("x", str(tmp_path))
    assert (tmp_path / "x").read_text() == "text"


def test_oss_has_the_bucket_in_the_host_and_no_checksums_in_chunks(tmp_path):
    seen = []

    def answer(method, target, headers, body):
        seen.append((method, target, dict(headers.items()), body))
        return 200, {}, b""

    # The server is the client's HTTP proxy, as the name of the host exists nowhere.
    with HttpServer(answer) as proxy:
        config = {"proxies": {"http": proxy.url}}
        settings = {**OSS, "endpoint": "http://oss-cn-hangzhou.aliyuncs.com", "config": config}
        uri = OssBlobManager(settings).upload(blob(tmp_path))
    assert uri == "bucket.oss-cn-hangzhou.aliyuncs.com/team/blobs/flow.zip"
    ((method, target, headers, body),) = seen
    assert method == "PUT" and body == b"text"
    assert target == "http://bucket.s3.oss-cn-hangzhou.aliyuncs.com/team/blobs/flow.zip"
    assert "/cn-hangzhou/s3/aws4_request" in headers["Authorization"]
    assert "aws-chunked" not in str(headers) and "Content-MD5" in headers
