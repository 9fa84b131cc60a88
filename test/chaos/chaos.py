"""Exactly once, with real processes: a mixed load on a real server, while server and runner are killed,
frozen and started again at random; then everything is compared with what was promised.

    scripts/chaos --minutes 5 --seed 7
    scripts/chaos --tamper KIND     breaks a promise from outside; must find violations: exit code 1
"""

import argparse
import json
import os
import pathlib
import random
import shutil
import sys
import tempfile
import time

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "test/e2e"))
sys.path.insert(0, str(pathlib.Path(__file__).parent))

from ai_flow.rpc.protobuf import event_log_pb2, event_log_pb2_grpc  # noqa: E402
from kills import Chaos  # noqa: E402
from load import Producer, Starter  # noqa: E402
from notification_service.rpc.channel import open_channel  # noqa: E402
from tamper import TAMPERS  # noqa: E402
from verify import Verifier, at_rest  # noqa: E402
from world import ChaosServer, start_time, wait_until  # noqa: E402

PRODUCERS = 2
REST_SECONDS = 180.0
STREAMS = ("stream", "beating")


class Run:
    def __init__(self, options, directory: pathlib.Path):
        self.options = options
        self.directory = directory
        self.ledger = directory / "ledger"
        self.ledger.touch()
        self.server = ChaosServer(directory / "home")
        self.server.env["CHAOS_LEDGER"] = str(self.ledger)
        self.chaos = Chaos(options.seed, self.server, lambda: self.nudger.send("tick"))
        self.streams = {}
        self.problems = []

    def execute(self):
        self.server.start()
        self.server.cli("workflow", "upload", str(pathlib.Path(__file__).parent /
                                                  "chaos_workflows.py"))
        self.open_load()
        self.disturb()
        self.settle()
        self.compare()
        self.end()

    def open_load(self):
        seed = self.options.seed
        self.starter = Starter(seed, self.server.rpc_uri, 1.0)
        self.load = self.starter.start_execution("chaos_load")
        self.producers = [Producer(f"producer{n}", seed, self.server.notification_uri, 0.25)
                          for n in range(PRODUCERS)]
        self.nudger = Producer("nudger", seed, self.server.notification_uri, 1.0)
        self.streams = wait_until(self.stream_processes, "the streams run")
        for client in (self.starter, *self.producers):
            client.start()

    def stream_processes(self) -> dict:
        """Key -> (pid, start time) of the streams' leaders; nothing until all are there."""
        tasks = {row["task"] for row in self.server.query(
            "select task from task_execution where execution_id = ? and task_name in (?, ?)",
            self.load, *STREAMS)}
        found = {}
        for pid, key in self.server.task_processes():
            try:
                if os.getsid(pid) == pid and int(key.split("-")[1]) in tasks and \
                        int(key.split("-")[0]) == self.load:
                    found[key] = (pid, start_time(pid))
            except ProcessLookupError:
                continue
        return found if len(found) == len(STREAMS) else {}

    def disturb(self):
        end = time.monotonic() + self.options.minutes * 60
        while time.monotonic() < end:
            self.chaos.step()
        if self.options.tamper is not None:
            self.server.kill()
            TAMPERS[self.options.tamper](self)
            self.server.start()

    def settle(self):
        """Everything that was asked for has happened; what does not end by itself is stopped."""
        for client in (self.starter, *self.producers):
            client.finish()
        self.await_rest()
        self.check_streams()
        self.nudger.send("finish")
        wait_until(lambda: not self.server.query(
            "select 1 from task_execution where status in (0, 1, 2, 5, 7)"),
            "the streams are stopped", REST_SECONDS)
        self.server.cli("workflow-execution", "stop", str(self.load))

    def await_rest(self):
        end = time.monotonic() + REST_SECONDS
        while busy := at_rest(self.server):
            if time.monotonic() > end:
                self.problems.append(f"no rest within {REST_SECONDS:.0f} s: {busy}")
                return
            time.sleep(0.3)

    def check_streams(self):
        now = {key: (pid, start_time(pid)) for key, (pid, _) in self.streams.items()}
        if now != self.streams:
            self.problems.append(f"streams: were {self.streams}, are {now} (pid, start time)")

    def all_events(self) -> list:
        """The whole log, internal events included."""
        (lease,) = self.server.query("select committed from lease")
        stub = event_log_pb2_grpc.EventLogStub(open_channel(self.server.notification_uri))
        request = event_log_pb2.SubscribeRequest(include_internal=True)
        events = []
        for response in stub.Subscribe(request, timeout=60):
            events += response.events
            if events and events[-1].offset >= lease["committed"]:
                return events

    def compare(self):
        self.events = self.all_events()
        acknowledged = {}
        for producer in (self.nudger, *self.producers):
            acknowledged.update(producer.acknowledged)
        self.acknowledged = acknowledged
        for event_id in random.Random(self.options.seed).sample(
                sorted(self.nudger.acknowledged), min(10, len(self.nudger.acknowledged))):
            self.nudger.repeat(event_id)
        beats = self.directory / "beats"
        for line in beats.read_text().splitlines() if beats.exists() else []:
            number, offset = line.split()
            acknowledged[f"beat-{number}"] = ("beat", number, int(offset))
        verifier = Verifier(self.server, self.load, self.ledger, self.events)
        self.runs = len(verifier.runs)
        verifier.check(acknowledged, self.starter.started)
        self.problems += verifier.problems

    def end(self):
        """Stops the server, and looks for anything it left."""
        if self.server.process.poll() is None:
            self.server.terminate()
        self.server.start("--stop-tasks")
        self.server.terminate()
        try:
            wait_until(lambda: not self.server.processes() and not self.server.find_runner(),
                       "no process is left", 30)
        except AssertionError:
            self.problems.append(f"processes left: tasks {self.server.processes()}, "
                                 f"runner {self.server.find_runner()}")

    def clean_up(self):
        """Ends every process of this run, whatever has happened."""
        process = self.server.process
        if process is not None and process.poll() is None:
            process.kill()
            process.wait()
        if process is not None:
            self.server.signal_runner(9)
            for pid in self.server.processes():
                try:
                    os.kill(pid, 9)
                except ProcessLookupError:
                    pass

    def report(self):
        kills = sum(self.chaos.counts.values())
        retries = sum(c.retries for c in (self.starter, self.nudger, *self.producers))
        print(f"seed {self.options.seed}: {kills} disturbances "
              f"{json.dumps(self.chaos.counts, sort_keys=True)}\n"
              f"{len(self.events)} events in the log, {len(self.acknowledged)} acknowledged to the "
              f"producers ({retries} retries), {self.runs} task runs, "
              f"{len(self.starter.started)} executions, {self.server.starts} server starts")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=1.0, help="of chaos")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--tamper", choices=sorted(TAMPERS), help="break a promise from outside")
    options = parser.parse_args()
    directory = pathlib.Path(tempfile.mkdtemp(prefix="aiflow-chaos-"))
    run = Run(options, directory)
    try:
        run.execute()
        run.report()
    except AssertionError as error:
        run.problems.append(str(error))
    finally:
        run.clean_up()
    if run.problems:
        print(f"seed {options.seed}: {len(run.problems)} violations; home {directory}/home")
        for problem in run.problems[:25]:
            print(f"  {problem}")
        (directory / "disturbances").write_text("\n".join(run.chaos.history) + "\n")
        print(f"all disturbances: {directory}/disturbances; the last:", *run.chaos.history[-8:],
              sep="\n  ")
        return 1
    shutil.rmtree(directory, ignore_errors=True)
    print("no violation")
    return 0


if __name__ == "__main__":
    sys.exit(main())
