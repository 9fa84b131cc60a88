"""The protocol's server side: executor_plugin.proto over the Supervisor."""

import logging
import sqlite3
import threading
from queue import SimpleQueue
from typing import Any, Callable, Iterator, Optional, TypeVar

import notification_service.rpc  # noqa: F401  (before grpc)

# isort: split
import grpc

from ai_flow.executor.attempt import Attempt, Command
from ai_flow.executor.journal import Journal, Refused, Row
from ai_flow.executor.plugin import ExecutorPlugin
from ai_flow.executor.supervisor import Supervisor
from ai_flow.rpc.protobuf import executor_plugin_pb2 as pb

PROTOCOL_VERSION = 1
# A server that does not read is cut off, and lists when it comes back.
MAX_WAITING_REPORTS = 10_000
PAGE_SIZE = 100
MAX_BATCH_BYTES = 1024 * 1024

log = logging.getLogger("ai_flow.executor")
T = TypeVar("T")
Reports = SimpleQueue[Any]


class Stream:
    """What the server's Watch hears. There is one at a time: a later one takes the place of an
    earlier one. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reports: Optional[Reports] = None

    def replace(self, reports: Optional[Reports]) -> None:
        with self._lock:
            if self._reports is not None:
                self._reports.put(None)
            self._reports = reports

    def publish(self, report: Any) -> None:
        with self._lock:
            if self._reports is None:
                return
            self._reports.put(report)
            if self._reports.qsize() > MAX_WAITING_REPORTS:
                # It does not read: it watches and lists again.
                self._reports.put(None)
                self._reports = None


class PluginService:
    """The methods of the service. Thread-safe."""

    def __init__(
        self, plugin: ExecutorPlugin, journal: Journal, supervisor: Supervisor, stream: Stream
    ) -> None:
        self._plugin = plugin
        self._journal = journal
        self._supervisor = supervisor
        self._stream = stream

    def Open(self, request: Any, context: Any) -> Any:
        def open_it() -> Any:
            if request.protocol_version < PROTOCOL_VERSION:
                raise Refused(
                    "FAILED_PRECONDITION",
                    f"the server speaks version {request.protocol_version} of the protocol,"
                    f" this plug-in {PROTOCOL_VERSION}",
                )
            self._journal.open(request.epoch, request.home_id)
            self._plugin.home_id = request.home_id
            return pb.OpenResponse(
                protocol_version=PROTOCOL_VERSION,
                description=self._plugin.description or type(self._plugin).__name__,
                masks_secrets=self._plugin.masks_secrets,
            )

        return self._answer(context, open_it)

    def Start(self, request: Any, context: Any) -> Any:
        def start() -> Any:
            sent = request.attempt
            self._check_key(sent.key)
            command = Command(tuple(sent.argv), dict(sent.env), dict(sent.files))
            self._supervisor.start(request.epoch, _attempt(sent), command, sent.refusal)
            return pb.StartResponse()

        return self._answer(context, start)

    def Stop(self, request: Any, context: Any) -> Any:
        def stop() -> Any:
            self._check_key(request.key)
            grace = request.stop_grace_ms / 1000
            self._supervisor.stop(request.epoch, request.key, request.token, grace)
            return pb.StopResponse()

        return self._answer(context, stop)

    def Forget(self, request: Any, context: Any) -> Any:
        def forget() -> Any:
            self._supervisor.forget(request.epoch, list(request.keys))
            return pb.ForgetResponse()

        return self._answer(context, forget)

    def List(self, request: Any, context: Any) -> Any:
        def list_them() -> Any:
            if request.page_token and not request.page_token.isdigit():
                raise Refused("INVALID_ARGUMENT", "that is no page token of this plug-in")
            if not 0 <= request.page_size <= 1000:
                raise Refused("INVALID_ARGUMENT", "page_size is from 0 to 1000")
            rows, more = self._journal.page(
                request.epoch, int(request.page_token or 0), request.page_size or PAGE_SIZE
            )
            reports = [self.report(row) for row in rows]
            token = str(rows[-1].id) if more else ""
            return pb.ListResponse(reports=reports, next_page_token=token)

        return self._answer(context, list_them)

    def Watch(self, request: Any, context: Any) -> Iterator[Any]:
        reports: Reports = SimpleQueue()

        def watch() -> None:
            # In the journal's order: what is committed later is heard.
            self._journal.check_epoch(request.epoch, lambda _: self._stream.replace(reports))

        self._answer(context, watch)
        if not context.add_callback(lambda: reports.put(None)):
            return
        yield pb.WatchResponse()
        while True:
            batch = pb.WatchResponse()
            report = reports.get()
            while report is not None:
                batch.reports.append(report)
                if reports.empty() or batch.ByteSize() > MAX_BATCH_BYTES:
                    break
                report = reports.get()
            if batch.reports:
                yield batch
            if report is None:
                return

    def report(self, row: Row) -> Any:
        report = pb.Report(
            key=row.key,
            token=row.token,
            status=row.status,
            handle=row.handle,
            exit_code=row.exit_code,
            reason=row.reason,
            output=row.output,
            final_failure=bool(row.final_failure),
        )
        if row.handle:
            try:
                report.pid = self._plugin.pid(row.handle)
            except Exception as error:
                log.warning("attempt %s: pid: %r", row.key, error)
        return report

    @staticmethod
    def _check_key(key: str) -> None:
        if not key or len(key) > 80 or not set(key) <= set("0123456789-"):
            raise Refused("INVALID_ARGUMENT", "an attempt key is of 1 to 80 digits and dashes")

    @staticmethod
    def _answer(context: Any, act: Callable[[], T]) -> T:
        try:
            return act()
        except Refused as refused:
            context.abort(getattr(grpc.StatusCode, refused.code), str(refused))
        except sqlite3.Error as error:
            context.abort(grpc.StatusCode.UNAVAILABLE, f"cannot keep its state: {error}")
        raise AssertionError  # abort raises


def _attempt(sent: Any) -> Attempt:
    return Attempt(
        key=sent.key,
        token=sent.token,
        namespace=sent.workflow_namespace,
        workflow=sent.workflow,
        task=sent.task,
        working_dir=sent.working_dir,
        bundle_dir=sent.bundle_dir,
        attempt_dir=sent.attempt_dir,
        log_path=sent.log_path,
        log_max_bytes=sent.log_max_bytes,
        stop_grace=sent.stop_grace_ms / 1000,
        signal_group=sent.signal_group,
        has_secrets=bool(sent.secrets),
        secrets=tuple(sent.secrets),
    )
