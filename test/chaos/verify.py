"""What must be true when everything has come to rest."""

import collections

INIT, QUEUED, RUNNING, SUCCESS, FAILED, STOPPING, STOPPED = range(7)
NAMES = ["INIT", "QUEUED", "RUNNING", "SUCCESS", "FAILED", "STOPPING", "STOPPED", "RETRYING"]
EXECUTION_SUCCESS = 2
CHAIN = [f"link{n}" for n in range(5)] + [f"fan{n}" for n in range(4)] + ["join"]
# By design of the load: what a run of the task may end with.
ENDS = collections.defaultdict(lambda: {SUCCESS}, {
    "failing": {FAILED},
    "stream": {STOPPED},
    "beating": {STOPPED},
    "restarted": {STOPPED},
    "stopped": {SUCCESS, STOPPED},
})
ONE_RUN_PER_EVENT = {"counted": "tick", "beaten": "beat", "failing": "fail"}


def at_rest(server) -> str:
    """What is still going on; empty: nothing but what goes on until it is stopped."""
    rows = server.query("select task_name, count(*) n from task_execution where status in "
                        "(0, 1, 2, 5, 7) and not (status = 2 and task_name in "
                        "('stream', 'beating', 'restarted')) group by task_name")
    busy = [f"{row['n']} x {row['task_name']}" for row in rows]
    if server.query("select 1 from outbox"):
        busy.append("outbox")
    if server.query("select 1 from task where pending_starts is not null"):
        busy.append("pending starts")
    return ", ".join(busy)


class Ledger:
    """Begin and end lines by attempt key: lists of pids."""

    def __init__(self, path):
        self.begins = collections.defaultdict(list)
        self.ends = collections.defaultdict(list)
        self.damaged = []
        for line in path.read_text().splitlines():
            words = line.split()
            if len(words) != 3 or words[0] not in ("begin", "end"):
                self.damaged.append(line)
            else:
                lines = self.begins if words[0] == "begin" else self.ends
                lines[words[1]].append(int(words[2]))


class Verifier:
    """Compares with what was expected. `problems`: one line each."""

    def __init__(self, server, load_execution: int, ledger_path, events: list):
        self.server = server
        self.load_execution = load_execution
        self.ledger = Ledger(ledger_path)
        self.events = {event.offset: event for event in events}
        self.runs = server.query("select * from task_execution order by id")
        self.executions = {row["id"]: row for row in server.query("select * from execution")}
        self.problems = []

    def expect(self, condition, problem: str):
        if not condition:
            self.problems.append(problem)

    def check(self, acknowledged: dict, started: dict):
        self.check_log(acknowledged)
        self.check_starts(started)
        self.check_chains()
        self.check_load()
        for run in self.runs:
            self.check_run(run)
        self.check_ledger()
        letters = self.server.query("select id, error from dead_letter")
        self.expect(not letters, f"failed events, although none kills a server: {letters[:3]}")

    @staticmethod
    def key_of(run) -> str:
        return f"{run['execution_id']}-{run['task']}-{run['sequence']}-{run['try_number']}"

    def runs_of(self, execution: int, task: str = None) -> list:
        return [run for run in self.runs if run["execution_id"] == execution
                and task in (None, run["task_name"])]

    def check_log(self, acknowledged: dict):
        offsets = sorted(self.events)
        self.expect(offsets == list(range(1, len(offsets) + 1)),
                    f"log: {len(offsets)} events, offsets {offsets[:1]}..{offsets[-1:]}: not dense")
        found = collections.Counter((event.key, event.value) for event in self.events.values())
        for event_id, (key, value, offset) in acknowledged.items():
            event = self.events.get(offset)
            self.expect(event is not None and (event.key, event.value) == (key, value),
                        f"event {event_id}: acknowledged with offset {offset}, where there is "
                        f"{event and (event.key, event.value)}")
            self.expect(found[(key, value)] == 1,
                        f"event {event_id}: {found[(key, value)]} times in the log")

    def check_starts(self, started: dict):
        twice = [n for n in collections.Counter(started.values()).values() if n > 1]
        self.expect(not twice, "two requests were answered with the same execution")
        self.expect(set(started.values()) == set(self.executions),
                    f"executions: acknowledged {sorted(set(started.values()) ^ set(self.executions))} "
                    "differ from what is there")

    def check_chains(self):
        for execution, row in self.executions.items():
            if execution == self.load_execution:
                continue
            names = collections.Counter(run["task_name"] for run in self.runs_of(execution))
            self.expect(names == collections.Counter(CHAIN),
                        f"execution {execution}: runs {dict(names)}, expected each of the chain once")
            self.expect(row["status"] == EXECUTION_SUCCESS,
                        f"execution {execution}: status {row['status']}, not SUCCESS")

    def check_load(self):
        for task, key in ONE_RUN_PER_EVENT.items():
            causes = sorted(run["cause_offset"] for run in self.runs_of(self.load_execution, task))
            events = sorted(e.offset for e in self.events.values() if e.key == key)
            missing, extra = self.difference(events, causes)
            self.expect(not missing and not extra,
                        f"{task}: events without a run {missing[:5]}, runs too many {extra[:5]}")
        failed = len(self.runs_of(self.load_execution, "failing"))
        after = len(self.runs_of(self.load_execution, "after_failing"))
        self.expect(failed == after, f"after_failing: {after} runs after {failed} failures")
        again = sum(1 for event in self.events.values() if event.key == "again")
        # The first run began with the execution.
        restarts = sum(1 + run["coalesced"]
                       for run in self.runs_of(self.load_execution, "restarted")) - 1
        self.expect(again == restarts, f"restarted: {restarts} restarts by {again} events")
        for task in ("stream", "beating"):
            runs = self.runs_of(self.load_execution, task)
            self.expect(len(runs) == 1, f"{task}: {len(runs)} runs")

    @staticmethod
    def difference(wanted: list, found: list):
        a, b = collections.Counter(wanted), collections.Counter(found)
        return sorted((a - b).elements()), sorted((b - a).elements())

    def check_run(self, run):
        key, name, status = self.key_of(run), run["task_name"], run["status"]
        what = f"attempt {key} ({name}, {NAMES[status]}, reason {run['reason']!r})"
        begins, ends = self.ledger.begins.get(key, []), self.ledger.ends.get(key, [])
        self.expect(run["try_number"] == 1, f"{what}: more than one try")
        self.expect(status in ENDS[name], f"{what}: expected {[NAMES[s] for s in ENDS[name]]}")
        self.expect(len(begins) <= 1, f"{what}: began {len(begins)} times, pids {begins}")
        if status in (SUCCESS, FAILED):
            self.expect(len(begins) == 1 and len(ends) == 1,
                        f"{what}: {len(begins)} begin and {len(ends)} end lines")
            self.expect(begins == ends or len(begins) != 1,
                        f"{what}: begun by {begins}, ended by {ends}")

    def check_ledger(self):
        known = {self.key_of(run) for run in self.runs}
        for key, pids in self.ledger.begins.items():
            self.expect(key in known, f"attempt {key}: ran (pids {pids}), but is not known")
            self.expect(len(pids) == 1, f"attempt {key}: began {len(pids)} times, pids {pids}")
        self.expect(not self.ledger.damaged, f"ledger: damaged lines {self.ledger.damaged[:3]}")
