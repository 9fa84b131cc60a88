"""The process of a plug-in: what the server gives it, its lock, its lifeline, its socket."""

import fcntl
import json
import logging
import os
import signal
import sqlite3
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, NoReturn

from ai_flow.executor.journal import Journal, Refused
from ai_flow.executor.plugin import ExecutorPlugin

# How long an earlier process may take to go.
LOCK_SECONDS = 30
# Calls of gRPC that run at the same time, streams of servers that are gone included.
MAX_CALLS = 16
# A request has at most 3 MiB, an answer 2 MiB and a report.
MAX_MESSAGE_BYTES = 4 * 1024 * 1024
# What the system takes as the path of a socket.
MAX_SOCKET_BYTES = 107

log = logging.getLogger("ai_flow.executor")


def serve(plugin: ExecutorPlugin, make_journal: Callable[[str], Journal] = Journal) -> NoReturn:
    """Serves until the server goes. See ExecutorPlugin.main."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="[%(asctime)s] %(levelname)s: %(message)s"
    )
    socket = _setting("AIFLOW_EXECUTOR_SOCKET")
    plugin.name = _setting("AIFLOW_EXECUTOR_NAME")
    plugin.state_dir = os.path.abspath(_setting("AIFLOW_EXECUTOR_STATE_DIR"))
    plugin.config = _config(os.environ.get("AIFLOW_EXECUTOR_CONFIG") or "{}")
    threading.Thread(target=_end_with_server, name="aiflow-lifeline", daemon=True).start()
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    signal.signal(signal.SIGINT, lambda *_: os._exit(0))
    lock = _lock(plugin.state_dir)
    try:
        plugin.open()
    except (ValueError, OSError) as error:
        _give_up(2, f"executor {plugin.name}: {error}")
    try:
        journal = make_journal(os.path.join(plugin.state_dir, "journal.db"))
    except (sqlite3.Error, Refused) as error:
        _give_up(1, f"executor {plugin.name}: journal.db in {plugin.state_dir}: {error}")
    plugin.home_id = journal.home_id()
    server = _listen(plugin, journal, socket)
    server.wait_for_termination()
    os.close(lock)
    os._exit(1)


def _listen(plugin: ExecutorPlugin, journal: Journal, socket: str) -> Any:
    # Only now: gRPC takes long to import, and the lock and the configuration come first.
    from ai_flow.executor.service import PluginService, Stream

    # isort: split
    import grpc

    from ai_flow.executor.supervisor import Supervisor
    from ai_flow.rpc.protobuf import executor_plugin_pb2_grpc as pb_grpc

    stream = Stream()
    supervisor = Supervisor(plugin, journal, lambda row: stream.publish(service.report(row)))
    service = PluginService(plugin, journal, supervisor, stream)
    server = grpc.server(
        ThreadPoolExecutor(MAX_CALLS, thread_name_prefix="aiflow-rpc"),
        options=[
            ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
            ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
        ],
    )
    pb_grpc.add_ExecutorPluginServicer_to_server(service, server)
    living = supervisor.recover()
    try:
        if os.path.lexists(socket):
            os.unlink(socket)
        before = os.umask(0o077)
        if not server.add_insecure_port("unix:" + _short(socket)):
            raise OSError(f"cannot listen on {socket}")
        server.start()
        os.umask(before)
    except (OSError, RuntimeError) as error:
        _give_up(1, f"executor {plugin.name}: {error}")
    log.info("executor %s: serving, %d attempts live", plugin.name, living)
    return server


def _short(socket: str) -> str:
    """A path of at most MAX_SOCKET_BYTES that leads to the socket from this process."""
    if len(os.fsencode(socket)) <= MAX_SOCKET_BYTES:
        return socket
    folder = os.open(os.path.dirname(socket) or ".", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    return f"/proc/self/fd/{folder}/{os.path.basename(socket)}"


def _setting(name: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        _give_up(
            2,
            f"{name} is not set: this program is an executor plug-in, which an AIFlow server starts"
            " (see executors: in aiflow_server.yaml)",
        )
    return value


def _config(text: str) -> Any:
    try:
        value = json.loads(text)
    except ValueError as error:
        _give_up(2, f"AIFLOW_EXECUTOR_CONFIG is no JSON: {error}")
    if not isinstance(value, dict):
        _give_up(2, "AIFLOW_EXECUTOR_CONFIG is no JSON object")
    return value


def _lock(state_dir: str) -> int:
    """Waits until an earlier process has gone: there is one of these, as long as the lock is
    held."""
    path = os.path.join(state_dir, "lock")
    try:
        os.makedirs(state_dir, mode=0o700, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        _give_up(1, f"cannot open {path}: {error}")

    def too_long(*_: object) -> NoReturn:
        holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
        _give_up(
            1, f"{path} is held by another plug-in process (pid {holder}) since {LOCK_SECONDS} s"
        )

    signal.signal(signal.SIGALRM, too_long)
    signal.alarm(LOCK_SECONDS)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    signal.alarm(0)
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode("ascii"), 0)
    return descriptor


def _end_with_server() -> None:
    try:
        while os.read(0, 4096):
            pass
    except OSError:
        pass
    os._exit(0)


def _give_up(code: int, message: str) -> NoReturn:
    try:
        os.write(2, f"{message}\n".encode("utf-8", "replace"))
    finally:
        os._exit(code)
