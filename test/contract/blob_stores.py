"""Runs blob_store_contract_test with real servers of S3 and WebHDFS.

    python blob_stores.py PROGRAM [ARGUMENT]...

A server that is not installed (`scripts/setup --real-tools`) is left out, and the program skips what
needs it; with AIFLOW_REQUIRE_REAL_TOOLS=1 that is an error.
"""

import contextlib
import json
import os
import pathlib
import select
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import urllib.parse

SERVERS = pathlib.Path(__file__).resolve().parent.parent / "blob_servers"
NOT_INSTALLED = 3
PATIENCE = 300.0  # seconds for a JVM on a busy machine


@contextlib.contextmanager
def serve(name: str):
    """What the server says about itself; None when it is not installed."""
    process = subprocess.Popen([sys.executable, str(SERVERS / f"{name}.py")], text=True,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        ready, _, _ = select.select([process.stdout], [], [], PATIENCE)
        if not ready:
            raise SystemExit(f"{name} did not start within {PATIENCE:.0f} s")
        line = process.stdout.readline()
        if line:
            yield json.loads(line)
        elif process.wait(10) == NOT_INSTALLED:
            if os.environ.get("AIFLOW_REQUIRE_REAL_TOOLS") == "1":
                raise SystemExit(f"{name} is required, and not installed")
            print(f"blob_stores.py: {name} is left out: it is not installed", flush=True)
            yield None
        else:
            raise SystemExit(f"{name} did not start")
    finally:
        process.stdin.close()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()


def forward(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for end in (source, target):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


def serve_tls(url: str, folder: str) -> dict:
    """TLS before a server, with a certificate of our own; ends with this process."""
    certificate, key = f"{folder}/certificate.pem", f"{folder}/key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                    "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    listener = socket.create_server(("127.0.0.1", 0))
    behind = urllib.parse.urlsplit(url)

    def serve_one(plain: socket.socket) -> None:
        with contextlib.suppress(OSError):
            client = context.wrap_socket(plain, server_side=True)
            server = socket.create_connection((behind.hostname, behind.port))
            threading.Thread(target=forward, args=(server, client), daemon=True).start()
            forward(client, server)

    def serve_all() -> None:
        while True:
            plain, _ = listener.accept()
            threading.Thread(target=serve_one, args=(plain,), daemon=True).start()

    threading.Thread(target=serve_all, daemon=True).start()
    return {"AIFLOW_TEST_S3_TLS_URL": f"https://localhost:{listener.getsockname()[1]}",
            "AIFLOW_TEST_S3_CA_FILE": certificate}


def s3_variables(server: dict) -> dict:
    """With the bucket in the host, the name of the host leads to loopback by the URL of a proxy."""
    return {
        "AIFLOW_TEST_S3_URL": server["url"],
        "AIFLOW_TEST_S3_BUCKET": server["bucket"],
        "AIFLOW_TEST_S3_REGION": server["region"],
        "AWS_ACCESS_KEY_ID": server["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": server["secret_access_key"],
        # s3.test and what is below it; everything else goes straight there.
        "AIFLOW_TEST_S3_HOST_URL": "http://s3.test",
        "http_proxy": server["url"],
        "no_proxy": "127.0.0.1,localhost",
    }


def hdfs_variables(server: dict) -> dict:
    return {
        "AIFLOW_TEST_WEBHDFS_URL": server["url"],
        "AIFLOW_TEST_WEBHDFS_USER": server["user"],
        "AIFLOW_TEST_WEBHDFS_ROOT": server["root"],
    }


def main() -> int:
    variables = dict(os.environ)
    with (serve("s3_server") as s3, serve("hdfs_server") as hdfs,
          tempfile.TemporaryDirectory() as folder):
        if s3:
            variables.update(s3_variables(s3))
            variables.update(serve_tls(s3["url"], folder))
        if hdfs:
            variables.update(hdfs_variables(hdfs))
            host = urllib.parse.urlsplit(hdfs["url"]).hostname
            variables["no_proxy"] = f"{variables.get('no_proxy', '')},{host}"
        return subprocess.run(sys.argv[1:], env=variables, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
