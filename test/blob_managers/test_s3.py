"""S3BlobManager and OssBlobManager against moto, which checks signatures and permissions."""

import functools
import os

import pytest
import shared_checks as checks
from ai_flow.blob_manager.impl.oss_blob_manager import OssBlobManager
from ai_flow.blob_manager.impl.s3_blob_manager import S3BlobManager
from ai_flow.common.exception.exceptions import AIFlowException


def s3_config(s3, **changes):
    return {
        "service_name": "s3",
        "endpoint_url": s3["url"],
        "region_name": s3["region"],
        "bucket_name": s3["bucket"],
        "access_key_id": s3["access_key_id"],
        "secret_access_key": s3["secret_access_key"],
        "config": {"read_timeout": 1},
        **changes,
    }


def make_s3(config):
    return S3BlobManager(config)


@pytest.fixture
def make(s3):
    return functools.partial(make_s3, s3_config(s3))


@pytest.fixture
def through_proxy(s3, before_s3):
    return S3BlobManager(s3_config(s3, endpoint_url=before_s3.said["url"]))


@pytest.mark.parametrize("root, prefix", [(None, ""), ("/team/blobs", "team/blobs/")])
def test_a_blob_goes_there_and_back(s3, blob, tmp_path, root, prefix):
    manager = S3BlobManager(s3_config(s3, root_directory=root))
    uri = checks.goes_there_and_back(manager, blob, tmp_path)
    assert uri == prefix + "a b+ü%41.zip"


def test_a_root_keeps_other_objects_of_the_bucket_out(s3, blob, tmp_path):
    uri = S3BlobManager(s3_config(s3)).upload(blob(b"of others", "secret"))
    manager = S3BlobManager(s3_config(s3, root_directory="team"))
    with pytest.raises(AIFlowException, match="'secret' is not inside team"):
        manager.download(uri, str(tmp_path))


def test_a_replaced_blob_is_never_stale(make, blob, tmp_path):
    checks.is_never_stale(make(), blob, tmp_path)


def test_many_processes_see_whole_files(make, blob, tmp_path):
    checks.many_processes_see_whole_files(make, blob, tmp_path)


@pytest.mark.parametrize(
    "harm, error", [*checks.HARM, ({"fault": "damage"}, "(?i)checksum|SHA-256 is another")]
)
def test_harm_ends_in_an_error(through_proxy, before_s3, blob, tmp_path, harm, error):
    checks.harm_ends_in_an_error(through_proxy, before_s3, blob, tmp_path, harm, error)


@pytest.mark.parametrize(
    "harm", [{"fault": "truncate", "bytes": 9}, {"fault": "close"}, {"fault": "damage"}]
)
def test_harm_that_passes_is_survived(through_proxy, before_s3, blob, tmp_path, harm):
    checks.harm_that_passes_is_survived(through_proxy, before_s3, blob, tmp_path, harm)


def test_uploads_survive_harm_that_passes(through_proxy, before_s3, blob, tmp_path):
    checks.uploads_survive_harm_that_passes(through_proxy, before_s3, blob, tmp_path)


@pytest.mark.parametrize(
    "change, error",
    [
        ({"secret_access_key": "wrong"}, "SignatureDoesNotMatch.*check the access key"),
        ({"access_key_id": "AKIAWRONGWRONGWRONG0"}, "InvalidAccessKeyId.*check the access key"),
        ({"bucket_name": "no-such-bucket"}, "NoSuchBucket"),
    ],
)
def test_what_is_refused_is_told_without_secrets(s3, blob, tmp_path, caplog, change, error):
    manager = S3BlobManager(s3_config(s3, **change))
    for attempt in (lambda: manager.upload(blob(b"x")), lambda: manager.download("x", str(tmp_path))):
        with pytest.raises(AIFlowException, match=error) as caught:
            attempt()
        told = str(caught.value) + caplog.text
        assert "tries" not in told
        for secret in ("wrong", s3["secret_access_key"], s3["access_key_id"], "AKIAWRONG"):
            assert secret not in told


def test_who_may_only_read_cannot_upload(s3, make, blob, tmp_path):
    uri = make().upload(blob(b"text"))
    keys = {key: s3[f"read_only_{key}"] for key in ("access_key_id", "secret_access_key")}
    reader = S3BlobManager(s3_config(s3, **keys))
    assert open(reader.download(uri, str(tmp_path)), "rb").read() == b"text"
    with pytest.raises(AIFlowException, match="AccessDenied") as caught:
        reader.upload(blob(b"x"))
    assert caught.value.code == "PERMISSION_DENIED"


def test_a_blob_that_is_not_there_is_told_as_such(make, tmp_path):
    with pytest.raises(AIFlowException, match="there is no blob missing.zip") as caught:
        make().download("missing.zip", str(tmp_path))
    assert caught.value.code == "NOT_FOUND" and os.listdir(tmp_path) == []


def test_credentials_may_be_in_the_files_of_the_aws_tools(s3, blob, tmp_path, monkeypatch):
    path = tmp_path / "credentials"
    path.write_text(
        f"[default]\naws_access_key_id = {s3['access_key_id']}\n"
        f"aws_secret_access_key = {s3['secret_access_key']}\n"
    )
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(path))
    config = s3_config(s3, access_key_id=None, secret_access_key=None)
    assert S3BlobManager(config).upload(blob(b"x", "by-file")) == "by-file"


def test_oss_asks_with_the_bucket_in_the_host(s3, before_s3, blob, tmp_path):
    """The name of the host exists nowhere: the proxy of the tests leads it to the server."""
    proxies = {"http": before_s3.said["url"]}
    manager = OssBlobManager(
        {
            "endpoint": "http://s3.test",
            "bucket": s3["bucket"],
            "access_key_id": s3["access_key_id"],
            "access_key_secret": s3["secret_access_key"],
            "root_directory": "team",
            "config": {"proxies": proxies},
        }
    )
    uri = checks.goes_there_and_back(manager, blob, tmp_path, "flow.zip")
    assert uri == f"{s3['bucket']}.s3.test/team/flow.zip"
    # It is where a client with the bucket in the path finds it.
    found = S3BlobManager(s3_config(s3)).download("team/flow.zip", str(tmp_path))
    assert open(found, "rb").read() == checks.content(1)
