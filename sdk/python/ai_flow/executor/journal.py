"""What a plug-in knows of its attempts, durably."""

import enum
import queue
import sqlite3
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Callable, List, NamedTuple, Optional, Tuple, TypeVar

from ai_flow.executor.attempt import Attempt

SCHEMA_VERSION = 1
MAX_BATCH = 256
PAGE_ATTEMPTS = 1000
# A message of gRPC has 4 MiB unless both sides agree on more; an output has up to 64 KiB.
PAGE_BYTES = 2 * 1024 * 1024

_SCHEMA = """
CREATE TABLE plugin (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE attempt (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  key TEXT NOT NULL UNIQUE,
  token TEXT NOT NULL,
  phase INTEGER NOT NULL,
  stop_grace REAL,
  body TEXT NOT NULL,
  handle TEXT NOT NULL DEFAULT '',
  status INTEGER NOT NULL DEFAULT 1,
  exit_code INTEGER NOT NULL DEFAULT 0,
  reason TEXT NOT NULL DEFAULT '',
  output BLOB NOT NULL DEFAULT x'',
  final_failure INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX attempt_phase ON attempt (phase);
"""
_COLUMNS = (
    "id, key, token, phase, stop_grace, body, handle,"
    " status, exit_code, reason, output, final_failure"
)

T = TypeVar("T")


class Phase(enum.IntEnum):
    CLAIMED = 1  # nothing else may ever start it; whether it was is unknown
    SUBMITTED = 2  # its handle is known
    ENDED = 3
    FORGOTTEN = 4  # to be removed from the platform, then from here


class Status(enum.IntEnum):
    """As in the protocol."""

    ACCEPTED = 1
    RUNNING = 2
    SUCCESS = 3
    FAILED = 4
    STOPPED = 5


class Refused(Exception):
    """The call has no effect. `code` is the name of a gRPC status code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Row:
    id: int
    key: str
    token: str
    phase: int
    stop_grace: Optional[float]  # not None: it was asked to stop
    body: str  # the attempt as JSON, without secrets; empty when it never came
    handle: str
    status: int
    exit_code: int
    reason: str
    output: bytes
    final_failure: int

    @property
    def attempt(self) -> Attempt:
        return Attempt.from_json(self.body) if self.body else Attempt(self.key, self.token)


class Ending(NamedTuple):
    status: Status
    exit_code: int = 0
    reason: str = ""
    output: bytes = b""
    final_failure: bool = False


class Journal:
    """The SQLite file `journal.db`. Thread-safe: one thread of its own does everything, in the
    order of the calls, as many as are waiting in one transaction; a call returns when that is on
    disk.

    Every call takes `then`, which is called with the result in that thread, after the commit and
    before anything later is looked at: so what others do about it is in the order of the commits.
    It must not block. Failures of the disk are raised as sqlite3.Error, and nothing has changed.
    """

    def __init__(self, path: str) -> None:
        """Raises sqlite3.Error, and Refused when the file is of a newer plug-in."""
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA_VERSION:
            raise Refused(
                "FAILED_PRECONDITION",
                f"{path} has version {version}, this plug-in knows {SCHEMA_VERSION}:"
                " use a newer one",
            )
        if version == 0:
            self._db.executescript(
                f"BEGIN; {_SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
            )
        self._queue: "queue.Queue[_Call]" = queue.Queue()
        threading.Thread(target=self._loop, name="aiflow-journal", daemon=True).start()

    # ---- What is kept of the server.

    def home_id(self) -> str:
        """Of the server whose attempts these are; empty: there was none yet."""
        return self._do(lambda: self._get("home_id"))

    def open(self, epoch: int, home_id: str) -> None:
        """A server says hello. Refused: it was replaced, or it is another one than ever before."""

        def act() -> None:
            known = self._get("home_id")
            if known and home_id and known != home_id:
                raise Refused(
                    "FAILED_PRECONDITION",
                    f"this state directory belongs to the home {known}, not to {home_id}",
                )
            if home_id:
                self._set("home_id", home_id)

        self._do(act, epoch=epoch)

    def check_epoch(self, epoch: int, then: Callable[[None], None]) -> None:
        self._do(lambda: None, then, epoch=epoch)

    # ---- Attempts.

    def claim(
        self,
        epoch: int,
        attempt: Attempt,
        refusal: str,
        limit: int,
        then: Callable[[Tuple[Row, bool]], None],
    ) -> None:
        """Makes the attempt ours, unless it is; with a `refusal` it has failed at once. `then`
        hears whether it was new. Refused: claimed with another token, or `limit` are alive
        already."""

        def act() -> Tuple[Row, bool]:
            rows = self._select("key = ?", attempt.key)
            if rows:
                return rows[0], False
            if not refusal:
                alive = self._db.execute(
                    "SELECT count(*) FROM attempt WHERE phase < ?", (Phase.ENDED,)
                ).fetchone()[0]
                if alive >= limit:
                    raise Refused("RESOURCE_EXHAUSTED", f"{alive} attempts are alive, the limit")
            self._insert(attempt.key, attempt.token, Phase.CLAIMED, attempt.to_json())
            if refusal:
                self._end(attempt.key, Ending(Status.FAILED, 1, refusal))
            return self._row(attempt.key), True

        self._do(act, then, epoch=epoch)

    def stop(
        self, epoch: int, key: str, token: str, grace: float, then: Callable[[Row], None]
    ) -> None:
        """Notes that it was asked to stop, unless it was claimed with another token; one that was
        never claimed is claimed as stopped."""

        def act() -> Row:
            rows = self._select("key = ?", key)
            if not rows:
                self._insert(key, token, Phase.CLAIMED, "")
                self._end(key, Ending(Status.STOPPED, 0, "stopped before it ran"))
            elif rows[0].token == token and rows[0].phase < Phase.ENDED:
                self._db.execute("UPDATE attempt SET stop_grace = ? WHERE key = ?", (grace, key))
            return self._row(key)

        self._do(act, then, epoch=epoch)

    def submitted(self, key: str, handle: str, status: Status, then: Callable[[Row], None]) -> None:
        def act() -> Row:
            self._db.execute(
                "UPDATE attempt SET phase = ?, handle = ?, status = ? WHERE key = ?",
                (Phase.SUBMITTED, handle, status, key),
            )
            return self._row(key)

        self._do(act, then)

    def running(self, key: str, then: Callable[[Optional[Row]], None]) -> None:
        """It runs now; None: it did already, or has ended."""

        def act() -> Optional[Row]:
            changed = self._db.execute(
                "UPDATE attempt SET status = ? WHERE key = ? AND status = ?",
                (Status.RUNNING, key, Status.ACCEPTED),
            ).rowcount
            return self._row(key) if changed else None

        self._do(act, then)

    def ended(self, key: str, ending: Ending, then: Callable[[Row], None]) -> None:
        """The first end counts; it is what `then` hears."""

        def act() -> Row:
            if self._row(key).phase < Phase.ENDED:
                self._end(key, ending)
            return self._row(key)

        self._do(act, then)

    def forget(self, epoch: int, keys: List[str], then: Callable[[List[Row]], None]) -> None:
        """Of these attempts nothing is listed any more. Those that have not ended stay; `then`
        hears the others."""

        def act() -> List[Row]:
            rows = []
            for key in keys:
                self._db.execute(
                    "UPDATE attempt SET phase = ? WHERE key = ? AND phase = ?",
                    (Phase.FORGOTTEN, key, Phase.ENDED),
                )
                rows += self._select("key = ? AND phase = ?", key, Phase.FORGOTTEN)
            return rows

        self._do(act, then, epoch=epoch)

    def remove(self, key: str) -> None:
        """Nothing is left of a forgotten attempt."""
        self._do(
            lambda: self._db.execute(
                "DELETE FROM attempt WHERE key = ? AND phase = ?", (key, Phase.FORGOTTEN)
            )
        )

    def page(self, epoch: int, after: int, size: int) -> Tuple[List[Row], bool]:
        """Attempts in the order of their claims, and whether there are more."""

        def act() -> Tuple[List[Row], bool]:
            rows: List[Row] = []
            taken = 0
            cursor = self._db.execute(
                f"SELECT {_COLUMNS} FROM attempt WHERE id > ? AND phase < ? ORDER BY id",
                (after, Phase.FORGOTTEN),
            )
            for values in cursor:
                row = Row(*values)
                taken += len(row.output) + 4 * len(row.reason) + 2048
                if rows and (len(rows) >= min(size, PAGE_ATTEMPTS) or taken > PAGE_BYTES):
                    return rows, True
                rows.append(row)
            return rows, False

        return self._do(act, epoch=epoch)

    def unfinished(self) -> List[Row]:
        """What a plug-in that begins has to go on with: alive, or forgotten and not removed."""
        return self._do(lambda: self._select("phase != ?", Phase.ENDED))

    # ---- Inside a transaction.

    def _fence(self, epoch: int) -> None:
        highest = int(self._get("epoch") or 0)
        if epoch < highest:
            raise Refused(
                "ABORTED", f"epoch {epoch} is below {highest}: another server has taken over"
            )
        if epoch > highest:
            self._set("epoch", str(epoch))

    def _get(self, name: str) -> str:
        found = self._db.execute("SELECT value FROM plugin WHERE name = ?", (name,)).fetchone()
        return str(found[0]) if found else ""

    def _set(self, name: str, value: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO plugin VALUES (?, ?)", (name, value))

    def _select(self, where: str, *values: object) -> List[Row]:
        cursor = self._db.execute(
            f"SELECT {_COLUMNS} FROM attempt WHERE {where} ORDER BY id", values
        )
        return [Row(*found) for found in cursor]

    def _row(self, key: str) -> Row:
        return self._select("key = ?", key)[0]

    def _insert(self, key: str, token: str, phase: Phase, body: str) -> None:
        self._db.execute(
            "INSERT INTO attempt (key, token, phase, body) VALUES (?, ?, ?, ?)",
            (key, token, phase, body),
        )

    def _end(self, key: str, ending: Ending) -> None:
        self._db.execute(
            "UPDATE attempt SET phase = ?, status = ?, exit_code = ?, reason = ?, output = ?,"
            " final_failure = ? WHERE key = ?",
            (Phase.ENDED, *ending[:4], int(ending.final_failure), key),
        )

    # ---- The thread.

    def _do(
        self,
        act: Callable[[], T],
        then: Optional[Callable[[T], None]] = None,
        epoch: Optional[int] = None,
    ) -> T:
        """With an `epoch`: refused when it is too low; a higher one is kept even if `act`
        refuses."""
        call = _Call(act, then, epoch, Future())
        self._queue.put(call)
        result: T = call.future.result()
        return result

    def _loop(self) -> None:
        while True:
            batch = [self._queue.get()]
            while len(batch) < MAX_BATCH and not self._queue.empty():
                batch.append(self._queue.get())
            self._commit(batch)

    def _commit(self, batch: List["_Call"]) -> None:
        done = []
        try:
            self._db.execute("BEGIN IMMEDIATE")
            for call in batch:
                try:
                    if call.epoch is not None:
                        self._fence(call.epoch)
                    self._db.execute("SAVEPOINT one")
                    done.append((call, call.act()))
                except Refused as refused:
                    if self._db.in_transaction and refused.code != "ABORTED":
                        self._db.execute("ROLLBACK TO one")
                    call.future.set_exception(refused)
            self._db.execute("COMMIT")
        except Exception as error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            for call in batch:
                if not call.future.done():
                    call.future.set_exception(error)
            return
        for call, result in done:
            try:
                if call.then is not None:
                    call.then(result)
                call.future.set_result(result)
            except Exception as error:
                call.future.set_exception(error)


@dataclass(frozen=True)
class _Call:
    act: Callable[[], Any]
    then: Optional[Callable[[Any], None]]
    epoch: Optional[int]
    future: "Future[Any]"
