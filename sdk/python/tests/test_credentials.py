"""Who calls is told by a token, which goes nowhere else."""

import os
from concurrent import futures

import grpc
import pytest

from notification_service.rpc.connection import open_channel
from notification_service.rpc.credentials import (
    CredentialsError,
    is_local,
    open_with_credentials,
    read_credentials,
)

METHOD = "/test.Echo/Metadata"


class MetadataOfCalls(grpc.GenericRpcHandler):
    def __init__(self):
        self.authorizations = []

    def service(self, handler_call_details):
        metadata = dict(handler_call_details.invocation_metadata)
        self.authorizations.append(metadata.get("authorization"))
        return grpc.unary_unary_rpc_method_handler(lambda request, context: request)


@pytest.fixture
def calls(tmp_path):
    handler = MetadataOfCalls()
    server = grpc.server(futures.ThreadPoolExecutor(1), handlers=(handler,))
    handler.port = server.add_insecure_port("127.0.0.1:0")
    handler.unix = f"unix:{tmp_path}/s.sock"
    server.add_insecure_port(handler.unix)
    server.start()
    yield handler
    server.stop(None)


def secret(path, text, mode=0o600):
    path.write_text(text)
    path.chmod(mode)
    return str(path)


def test_a_token_of_the_environment_comes_with_every_call(calls, monkeypatch):
    for address in (f"127.0.0.1:{calls.port}", calls.unix):
        with open_channel(address) as channel:
            assert channel.unary_unary(METHOD)(b"x", timeout=20) == b"x"
        monkeypatch.setenv("AIFLOW_TOKEN", "aiflow_1")
        with open_channel(address) as channel:
            assert channel.unary_unary(METHOD)(b"x", timeout=20, wait_for_ready=True) == b"x"
        monkeypatch.delenv("AIFLOW_TOKEN")
    assert calls.authorizations == [None, "Bearer aiflow_1"] * 2


def test_a_token_file_and_the_file_of_settings(tmp_path, monkeypatch):
    home = tmp_path / "aiflow_home"
    home.mkdir()
    secret(home / "aiflow_client.yaml", "server_address: h:1\ntoken: of-yaml\ntls: true\n")
    assert read_credentials().token == "of-yaml"
    assert read_credentials().tls
    monkeypatch.setenv("AIFLOW_TLS", "false")
    monkeypatch.setenv("AIFLOW_TOKEN_FILE", secret(tmp_path / "token", "of-file\n"))
    assert read_credentials().token == "of-file"
    assert not read_credentials().tls


def test_what_a_task_has_for_its_notification_server_is_for_that_address_alone(tmp_path, monkeypatch):
    (tmp_path / "ca").write_text("CA")
    monkeypatch.setenv("AIFLOW_TOKEN", "of-the-user")
    monkeypatch.setenv("AIFLOW_NOTIFICATION_URI", "a:1, host:2")
    monkeypatch.setenv("AIFLOW_NOTIFICATION_TOKEN_FILE", secret(tmp_path / "token", "of-the-task\n"))
    monkeypatch.setenv("AIFLOW_NOTIFICATION_TLS_CA", str(tmp_path / "ca"))
    own = read_credentials("host:2")
    assert (own.token, own.tls, own.ca) == ("of-the-task", True, b"CA")
    for other in ("host:22", "127.0.0.1:2", ""):
        credentials = read_credentials(other)
        assert (credentials.token, credentials.tls) == ("of-the-user", False)


def test_secrets_that_others_may_read_are_refused_and_not_told(tmp_path, monkeypatch):
    home = tmp_path / "aiflow_home"
    home.mkdir()
    path = secret(home / "aiflow_client.yaml", "token: hidden\n", 0o644)
    with pytest.raises(CredentialsError, match="chmod 600") as refused:
        read_credentials()
    assert path in str(refused.value) and "hidden" not in str(refused.value)
    secret(home / "aiflow_client.yaml", "token: [hidden\n")
    with pytest.raises(CredentialsError) as refused:
        read_credentials()
    assert "hidden" not in str(refused.value)
    os.remove(path)
    monkeypatch.setenv("AIFLOW_TOKEN", "two hidden")
    with pytest.raises(CredentialsError) as refused:
        read_credentials()
    assert "hidden" not in str(refused.value)
    monkeypatch.setenv("AIFLOW_TOKEN", "hidden")
    assert "hidden" not in repr(read_credentials())


def test_no_token_goes_over_the_network_in_the_clear(monkeypatch):
    for local in ("127.0.0.1:1", "localhost:1", "[::1]:1", "unix:/s.sock"):
        assert is_local(local), local
    for remote in ("10.0.0.1:1", "host:1", "[fe80::1]:1", "localhost.org:1", "127.org:1"):
        assert not is_local(remote), remote
    monkeypatch.setenv("AIFLOW_TOKEN", "t")
    intercepted = type(open_with_credentials("127.0.0.1:1", []))
    assert not isinstance(open_with_credentials("10.0.0.1:1", []), intercepted)
    monkeypatch.setenv("AIFLOW_TLS", "true")
    assert isinstance(open_with_credentials("10.0.0.1:1", []), intercepted)


def test_settings_that_contradict_each_other_are_refused(monkeypatch):
    monkeypatch.setenv("AIFLOW_TLS", "yes")
    with pytest.raises(CredentialsError):
        read_credentials()
    monkeypatch.setenv("AIFLOW_TLS", "true")
    monkeypatch.setenv("AIFLOW_TLS_KEY", "/k")
    with pytest.raises(CredentialsError):
        read_credentials()
    monkeypatch.delenv("AIFLOW_TLS_KEY")
    monkeypatch.setenv("AIFLOW_TLS_CA", "/nowhere/ca")
    with pytest.raises(CredentialsError, match="/nowhere/ca"):
        read_credentials()
