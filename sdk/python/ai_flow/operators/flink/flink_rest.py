"""Flink's REST interface: the state of a job, and its end."""

import json
import time
import urllib.error
import urllib.request
from typing import Any, Dict, Optional
from urllib.parse import quote

from ai_flow.operators.flink.flink_jobs import (
    ClusterUnreachable,
    FlinkJobs,
    FlinkRefusal,
    SavepointFailed,
)
from ai_flow.operators.tool.failure_reason import root_cause

# Of one request.
TIMEOUT_SECONDS = 30.0
MAX_REPLY_BYTES = 16 << 20
_SAVEPOINT_POLL_SECONDS = 0.5


class RestJobs(FlinkJobs):
    """Asks a cluster that has an address. Stateless; thread-safe."""

    def __init__(self, address: str):
        self._base = f"http://{address}"
        # Without the proxies of the environment: the address is that of the cluster itself.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def __str__(self) -> str:
        return f"the Flink cluster at {self._base}"

    def state(self, job_id: str) -> Optional[str]:
        try:
            reply = self._call("GET", f"/jobs/{quote(job_id)}/status")
        except _NotFound:
            return None
        return str(reply.get("status"))

    def failure(self, job_id: str) -> Optional[str]:
        try:
            reply = self._call("GET", f"/jobs/{quote(job_id)}/exceptions?maxExceptions=1")
        except (_NotFound, FlinkRefusal):
            return None
        history = reply.get("exceptionHistory") or {}
        entries = history.get("entries") or []
        trace = entries[0].get("stacktrace") if entries else None
        trace = trace or reply.get("root-exception")
        return root_cause(trace) if trace else None

    def cancel(self, job_id: str) -> None:
        try:
            self._call("PATCH", f"/jobs/{quote(job_id)}?mode=cancel")
        except _NotFound:
            pass

    def stop_with_savepoint(self, job_id: str, deadline: float) -> str:
        started = self._call("POST", f"/jobs/{quote(job_id)}/stop", {"drain": False})
        path = f"/jobs/{quote(job_id)}/savepoints/{quote(str(started.get('request-id')))}"
        while True:
            reply = self._call("GET", path)
            if (reply.get("status") or {}).get("id") == "COMPLETED":
                break
            if time.monotonic() > deadline:
                raise SavepointFailed("it takes longer than the stop may (option `stop_grace`)")
            time.sleep(_SAVEPOINT_POLL_SECONDS)
        operation = reply.get("operation") or {}
        if operation.get("location"):
            return str(operation["location"])
        cause = operation.get("failure-cause") or {}
        raise SavepointFailed(root_cause(str(cause.get("stack-trace") or cause)) or "no reason")

    def _call(
        self, method: str, path: str, body: Optional[Dict[str, Any]] = None
    ) -> Dict[str, Any]:
        request = urllib.request.Request(
            self._base + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "Accept": "application/json"},
        )
        try:
            with self._opener.open(request, timeout=TIMEOUT_SECONDS) as reply:
                return self._parsed(reply.read(MAX_REPLY_BYTES + 1))
        except urllib.error.HTTPError as error:
            with error:
                said = _message(error.read(MAX_REPLY_BYTES))
            if error.code == 404:
                raise _NotFound(said) from None
            if error.code >= 500 and error.code != 501:
                # Also while a cluster starts, or elects its leader.
                raise ClusterUnreachable(f"{self} answers {error.code}: {said}") from None
            raise FlinkRefusal(f"{self} answers {error.code}: {said}") from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            raise ClusterUnreachable(f"{self} does not answer: {reason}") from None

    def _parsed(self, content: bytes) -> Dict[str, Any]:
        if len(content) > MAX_REPLY_BYTES:
            raise ValueError(f"a reply of more than {MAX_REPLY_BYTES} bytes")
        found = json.loads(content) if content else {}
        if not isinstance(found, dict):
            raise ValueError("a reply that is no JSON object; is it a Flink cluster?")
        return found


class _NotFound(FlinkRefusal):
    """The cluster knows no such job, or no such savepoint."""


def _message(content: bytes) -> str:
    try:
        errors = json.loads(content).get("errors") or []
        text = "\n".join(str(error) for error in errors)
    except (ValueError, AttributeError):
        text = content[:500].decode("utf-8", "replace")
    return root_cause(text) or "no reason"
