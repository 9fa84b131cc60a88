"""The installed Flink and Spark, and a Flink cluster of one JobManager and one TaskManager."""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import urllib.request

import yaml
from aiflow_server import SOURCE, wait_until

TOOLS = pathlib.Path(os.environ.get("AIFLOW_REAL_TOOLS") or SOURCE / "build" / "real-tools")
FLINK = TOOLS / "flink" / "home"
SPARK = TOOLS / "spark" / "home"
JOBS = pathlib.Path(__file__).parent / "jobs"
# A JVM's start takes a minute on a busy machine of two cores.
PATIENCE = 600.0
ENDED = ("FINISHED", "FAILED", "CANCELED")


def why_not_installed():
    """None when the tools are there."""
    for name in ("flink", "spark"):
        if not (TOOLS / name / ".installed").is_file():
            return f"{name} is not in {TOOLS}: run scripts/setup --real-tools"
    if shutil.which("javac") is None:
        return "there is no javac: run scripts/setup --real-tools"
    return None


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def build_jobs(folder: pathlib.Path) -> pathlib.Path:
    classes = folder / "classes"
    subprocess.run(["javac", "-nowarn", "-cp", f"{FLINK}/lib/*", "-d", classes, JOBS / "Jobs.java"],
                   check=True, capture_output=True)
    jar = folder / "jobs.jar"
    subprocess.run(["jar", "cfe", jar, "Jobs", "-C", classes, "."], check=True)
    return jar


class FlinkCluster:
    """Use as a context manager: leaves no process behind."""

    def __init__(self, folder: pathlib.Path):
        self.conf = folder / "conf"
        self.savepoints = folder / "savepoints"
        self._folder = folder
        self._processes = []
        rpc, rest, blob, data, manager = free_ports(5)
        self.address = f"127.0.0.1:{rest}"
        shutil.copytree(FLINK / "conf", self.conf)
        settings = yaml.safe_load((self.conf / "config.yaml").read_text())
        local = {"bind-host": "127.0.0.1", "host": "127.0.0.1"}
        memory = {"process": {"size": "768m"}, "jvm-metaspace": {"size": "160m"}}
        settings.update({
            "blob": {"server": {"port": blob}},
            "rest": {"address": "127.0.0.1", "bind-address": "127.0.0.1", "port": rest},
            "jobmanager": {"rpc": {"address": "127.0.0.1", "port": rpc}, "bind-host": "127.0.0.1",
                           "memory": memory, "execution": {"failover-strategy": "region"}},
            "taskmanager": {**local, "data": {"port": data}, "rpc": {"port": manager},
                            "numberOfTaskSlots": 4,
                            "memory": {**memory, "managed": {"size": "32m"},
                                       "network": {"min": "32m", "max": "32m"}}},
            "state": {"savepoints": {"dir": self.savepoints.as_uri()}},
            "heartbeat": {"timeout": 180000},
            "io": {"tmp": {"dirs": str(folder / "tmp")}},
        })
        settings["env"]["java"]["opts"]["client"] = "-Xmx256m -XX:TieredStopAtLevel=1"
        (self.conf / "config.yaml").write_text(yaml.safe_dump(settings))
        (folder / "tmp").mkdir()
        self.env = {"FLINK_HOME": str(FLINK), "FLINK_CONF_DIR": str(self.conf),
                    "FLINK_LOG_DIR": str(folder / "log"), "PATH": os.environ["PATH"]}

    def __enter__(self):
        for script in ("jobmanager", "taskmanager"):
            with open(self._folder / f"{script}.out", "wb") as out:
                self._processes.append(subprocess.Popen(
                    [FLINK / "bin" / f"{script}.sh", "start-foreground"], stdout=out, stderr=out,
                    env={**os.environ, **self.env}, start_new_session=True))
        try:
            wait_until(lambda: (self.get("/overview") or {}).get("slots-total"),
                       "the Flink cluster has slots", PATIENCE)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc):
        for process in self._processes:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def get(self, path):
        """None when there is no answer."""
        try:
            with urllib.request.urlopen(f"http://{self.address}{path}", timeout=30) as reply:
                return json.load(reply)
        except OSError:
            return None

    def jobs(self) -> dict:
        """Job id -> state."""
        found = self.get("/jobs")
        assert found is not None, "the Flink cluster does not answer"
        return {job["id"]: job["status"] for job in found["jobs"]}
