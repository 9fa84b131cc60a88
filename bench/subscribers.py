#!/usr/bin/env python3
"""Very many listeners: what they cost a server, and how late they hear.

    AIFLOW_BINARIES=build/release/bin PYTHONPATH=sdk/python .venv/bin/python bench/subscribers.py \\
        [--subscribers 1000] [--events 200] [--rate 20] [--value-bytes 200] [--slow 0]

Half of them are streams of `aiflow.v1.EventLog/Subscribe`, half are long polls of the frozen
`NotificationService/listAllEvents`. They live in processes of their own, each on connections of its
own. `--slow` of the streams read nothing until the end. Prints the server's memory without them, with
them idle and after the load, and how long events took from the call that sends them to each listener.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

BINARIES = pathlib.Path(os.environ.get("AIFLOW_BINARIES", "build/release/bin"))
PROCESSES = 4
CHANNELS = 25  # of one process: so many listeners share a connection as this makes


def memory_mib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise SystemExit(f"process {pid} has no memory any more")


def start_server(home):
    arguments = [str(BINARIES / "aiflow"), "standalone", "--home", str(home), "--stop-tasks"]
    for port in ("rpc", "notification", "http", "internal-rpc"):
        arguments += [f"--{port}-port", "0"]
    with open(home.parent / "server.out", "wb") as out:
        server = subprocess.Popen(arguments, stdout=out, stderr=out)
    end = time.monotonic() + 60
    while time.monotonic() < end and server.poll() is None:
        try:
            uri = json.loads((home / "server.json").read_text())["notification_uri"]
            return server, uri
        except (FileNotFoundError, ValueError):
            time.sleep(0.05)
    raise SystemExit(f"the server does not start: {(home.parent / 'server.out').read_text()}")


async def stream(stub, events, ready, late, slow):
    from ai_flow.rpc.protobuf import event_log_pb2

    call = stub.Subscribe(event_log_pb2.SubscribeRequest(from_now=True))
    ready()
    if slow is not None:
        await slow.wait()
    got = 0
    async for response in call:
        now = time.time()
        for event in response.events:
            if event.key == "bench":
                got += 1
                if slow is None:
                    late.append(now - float(event.value.split(" ", 1)[0]))
        if got >= events:
            break
    call.cancel()


async def poll(stub, events, ready, late, start):
    from notification_service.rpc.protobuf import notification_service_pb2

    got, offset = 0, start
    ready()
    while got < events:
        response = await stub.listAllEvents(notification_service_pb2.ListAllEventsRequest(
            start_offset=offset, timeout_seconds=30))
        now = time.time()
        for event in response.events:
            offset = event.offset
            if event.key == "bench":
                got += 1
                late.append(now - float(event.value.split(" ", 1)[0]))


async def listen(uri, number, slow_ones, events, start, ready_count, end):
    import grpc
    from ai_flow.rpc.protobuf import event_log_pb2_grpc
    from notification_service.rpc.protobuf import notification_service_pb2_grpc

    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_receive_message_length", -1)]
    channels = [grpc.aio.insecure_channel(uri, options=options) for _ in range(CHANNELS)]
    streams = [event_log_pb2_grpc.EventLogStub(channel) for channel in channels]
    polls = [notification_service_pb2_grpc.NotificationServiceStub(channel) for channel in channels]
    late = []
    slow = asyncio.Event()

    def ready():
        with ready_count.get_lock():
            ready_count.value += 1

    tasks = []
    for index in range(number):
        if index % 2 == 0:
            is_slow = index // 2 < slow_ones
            tasks.append(stream(streams[index % CHANNELS], events, ready, late,
                                slow if is_slow else None))
        else:
            tasks.append(poll(polls[index % CHANNELS], events, ready, late, start))
    gathered = asyncio.gather(*tasks)
    while not end.is_set():
        await asyncio.sleep(0.1)
    slow.set()
    await gathered
    for channel in channels:
        await channel.close()
    return late


def process(uri, number, slow_ones, events, start, ready_count, end, results):
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    results.put(asyncio.run(listen(uri, number, slow_ones, events, start, ready_count, end)))


def percentile(ordered, share):
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000


def run(options, home):
    server, uri = start_server(home)
    try:
        from notification_service.client.embedded_notification_client import (
            EmbeddedNotificationClient,
        )
        from notification_service.model.event import Event

        context = multiprocessing.get_context("spawn")
        ready, end, results = context.Value("i", 0), context.Event(), context.Queue()
        client = EmbeddedNotificationClient(uri, "bench", "bench")
        start = client.send_event(Event("start", "")).offset
        without = memory_mib(server.pid)
        workers = [context.Process(target=process, args=(
            uri, options.subscribers // PROCESSES, options.slow // PROCESSES, options.events, start,
            ready, end, results)) for _ in range(PROCESSES)]
        for worker in workers:
            worker.start()
        while ready.value < options.subscribers // PROCESSES * PROCESSES:
            time.sleep(0.1)
        time.sleep(3)  # until the last of them waits at the server
        idle = memory_mib(server.pid)
        most = idle
        padding = "x" * options.value_bytes
        begin = time.monotonic()
        for number in range(options.events):
            client.send_event(Event("bench", f"{time.time()} {padding}"))
            most = max(most, memory_mib(server.pid))
            time.sleep(max(0.0, begin + (number + 1) / options.rate - time.monotonic()))
        took = time.monotonic() - begin
        end.set()
        late = []
        for _ in workers:
            late += results.get(timeout=600)
        for worker in workers:
            worker.join()
        most = max(most, memory_mib(server.pid))
        client.close()
        late.sort()
        heard = options.subscribers - options.slow
        print(f"{options.subscribers} listeners ({options.slow} of them slow), {options.events} events "
              f"of {options.value_bytes} bytes in {took:.1f} s: {len(late)} deliveries to {heard}")
        print(f"memory of the server: {without:.0f} MiB without listeners, {idle:.0f} MiB with them "
              f"idle, {most:.0f} MiB at most")
        print(f"from the send to a listener: {percentile(late, 0.5):.0f} ms in the middle, "
              f"{percentile(late, 0.99):.0f} ms for 99 %, {late[-1] * 1000:.0f} ms at most")
    finally:
        server.terminate()
        server.wait(60)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--subscribers", type=int, default=1000)
    parser.add_argument("--events", type=int, default=200)
    parser.add_argument("--rate", type=float, default=20, help="events a second")
    parser.add_argument("--value-bytes", type=int, default=200)
    parser.add_argument("--slow", type=int, default=0, help="streams that read nothing until the end")
    options = parser.parse_args()
    if options.subscribers < PROCESSES or options.slow > options.subscribers // 2:
        parser.error(f"--subscribers is at least {PROCESSES}, --slow at most half of them")
    with tempfile.TemporaryDirectory() as folder:
        run(options, pathlib.Path(folder) / "home")
    return 0


if __name__ == "__main__":
    sys.exit(main())
