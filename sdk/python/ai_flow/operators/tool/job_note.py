"""What a task has submitted to a cluster, noted where the next try finds it."""

import hashlib
import json
import os
import re
from dataclasses import asdict, dataclass
from typing import List, Optional

VERSION = 1
# A note is far smaller; what is larger is none.
MAX_NOTE_BYTES = 64 << 10


@dataclass
class JobNote:
    """A job that was submitted, or is about to be."""

    job: str
    """Its id at the cluster."""
    sequence: int
    """The run of the task that submitted it (AIFLOW_SEQUENCE_NUMBER)."""
    command: str
    """`command_digest` of what was submitted."""
    cluster: Optional[str] = None
    """The YARN application that it runs in, if any."""
    ended: bool = False
    """A task has seen the end of it and told the server."""
    savepoint: Optional[str] = None
    """Where a stop has left its state."""


def command_digest(command: List[str]) -> str:
    """Tells two commands apart without keeping what they hold, which may be secret."""
    return hashlib.sha256("\0".join(command).encode("utf-8", "surrogatepass")).hexdigest()


class JobNotes:
    """The note of one task of one workflow execution, a file in the execution's working directory.
    One run of a task is alive at a time, so nobody else writes it. Written before the job is
    submitted: atomic, synced."""

    def __init__(self, path: Optional[str]):
        """Without a path nothing is kept."""
        self._path = path

    @classmethod
    def of_this_task(cls) -> "JobNotes":
        """That of the task which this process runs; of no task, when a server did not start it."""
        folder = os.environ.get("AIFLOW_WORKING_DIR")
        task = os.environ.get("AIFLOW_TASK")
        if not folder or not task or "/" in task:
            return cls(None)
        return cls(os.path.join(folder, ".aiflow", "jobs", f"{task}.json"))

    def read(self) -> Optional[JobNote]:
        """None when there is none. ValueError, with the path, when it cannot be understood."""
        if self._path is None:
            return None
        try:
            with open(self._path, encoding="utf-8") as file:
                text = file.read(MAX_NOTE_BYTES + 1)
        except FileNotFoundError:
            return None
        try:
            found = json.loads(text)
            if found.pop("version") != VERSION:
                raise ValueError("it is of another version")
            note = JobNote(**found)
            if not re.fullmatch(r"[\w.-]{1,200}", note.job):
                raise ValueError("the id of its job is impossible")
            return note
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ValueError(
                f"{self._path} does not tell which job this task has submitted: {error}; see at "
                f"the cluster whether it runs, then remove the file"
            ) from None

    def write(self, note: JobNote) -> None:
        if self._path is None:
            return
        folder = os.path.dirname(self._path)
        os.makedirs(folder, exist_ok=True)
        temporary = f"{self._path}.tmp"
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump({"version": VERSION, **asdict(note)}, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, self._path)
        directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
