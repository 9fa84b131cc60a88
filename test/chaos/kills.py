"""What the chaos test does to server and runner. After each step the server is running again."""

import random
import signal
import time

KILL, STOP, CONTINUE = signal.SIGKILL, signal.SIGSTOP, signal.SIGCONT


class Chaos:
    """`counts`: how often each step was taken; `history`: lines for people."""

    def __init__(self, seed: int, server, nudge):
        self.random = random.Random(f"chaos-{seed}")
        self.server = server
        self.nudge = nudge  # makes something happen now: the next kill hits its phases
        self.counts = {}
        self.history = []

    # The kinds of steps and their weights.
    STEPS = {
        "kill_server": 4,
        "kill_runner": 4,
        "kill_both": 4,
        "kill_starting_server": 2,
        "freeze_server": 1,
        "freeze_runner": 2,
        "kill_server_under_frozen_runner": 1,
        "kill_runner_under_frozen_server": 1,
        "end_server": 1,
    }

    def step(self):
        time.sleep(self.random.expovariate(1 / 0.5))
        name = self.random.choices(list(self.STEPS), list(self.STEPS.values()))[0]
        self.counts[name] = self.counts.get(name, 0) + 1
        if self.random.random() < 0.6:
            # Within an append, a commit, a claim, a result: whatever happens that soon.
            self.nudge()
            time.sleep(self.random.choice((0, 0.02, 0.1)) * self.random.random())
        now = time.time()
        clock = time.strftime('%H:%M:%S', time.gmtime(now))
        self.history.append(f"{clock}.{int(now * 1000) % 1000:03} "
                            f"{name} (server {self.server.process.pid}, "
                            f"runner {self.server.find_runner()})")
        getattr(self, name)()
        self.back()

    def back(self):
        """The server as it is at rest: running and ready."""
        if self.server.process.poll() is not None:
            self.server.spawn()
        self.server.await_ready()

    def pause(self, longest: float):
        time.sleep(self.random.random() * longest)

    def outage(self):
        self.pause(self.random.choice((0, 0.05, 1.0)))

    def kill_server(self):
        self.server.kill()
        self.outage()

    def kill_runner(self):
        self.server.signal_runner(KILL)

    def kill_both(self):
        if self.random.random() < 0.5:
            self.server.signal_runner(KILL)
            self.server.kill()
        else:
            self.server.kill()
            self.pause(0.02)
            self.server.signal_runner(KILL)
        self.outage()

    def kill_starting_server(self):
        self.server.kill()
        for _ in range(self.random.randint(1, 4)):
            self.server.spawn()
            self.pause(0.25)
            if self.random.random() < 0.3:
                self.server.signal_runner(KILL)
            self.server.kill()
        self.outage()

    def freeze_server(self):
        self.server.signal(STOP)
        self.pause(2)
        self.server.signal(CONTINUE)

    def freeze_runner(self):
        self.server.signal_runner(STOP)
        self.pause(2)
        self.server.signal_runner(CONTINUE)

    def kill_server_under_frozen_runner(self):
        self.server.signal_runner(STOP)
        self.pause(0.3)
        self.server.kill()
        self.server.spawn()
        self.pause(1.5)
        self.server.signal_runner(CONTINUE)

    def kill_runner_under_frozen_server(self):
        self.server.signal(STOP)
        self.pause(0.3)
        self.server.signal_runner(KILL)
        self.pause(1)
        self.server.signal(CONTINUE)

    def end_server(self):
        self.server.terminate()
        self.outage()
