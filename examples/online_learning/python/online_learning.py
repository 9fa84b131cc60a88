"""Online learning: a stream feeds trainings through events, and better models go live while it runs.

stream    replays handwritten digits with event time, for ever. Each time its watermark passes an
          hour it sends `hour_complete`.
train     runs once for each hour, on all data up to that hour.
validate  follows each training. A model better than all before sends `model_validated`; when enough
          hours are validated it sends `enough_hours`.
deploy    puts a validated model where predict finds it and sends `model_deployed`.
predict   predicts every digit of the stream as it comes, and swaps models without stopping.

`enough_hours` stops stream and predict, and with them the execution, as a success. The files that
the tasks share are described in ../README.md.
"""

import itertools
import os
import threading
import time
from operator import mul
from pathlib import Path

from ai_flow.model.action import TaskAction
from ai_flow.model.internal.contexts import get_runtime_task_context
from ai_flow.model.operator import AIFlowOperator
from ai_flow.model.workflow import Workflow
from ai_flow.notification.notification_client import AIFlowNotificationClient, ListenerProcessor
from ai_flow.operators.python import PythonOperator

# Set them where the workflow is uploaded; the tasks get them from there.
SETTINGS = {
    "ONLINE_LEARNING_HOURS": os.environ.get("ONLINE_LEARNING_HOURS", "8"),
    "ONLINE_LEARNING_SECONDS_PER_HOUR": os.environ.get("ONLINE_LEARNING_SECONDS_PER_HOUR", "1"),
}
HOURS = int(SETTINGS["ONLINE_LEARNING_HOURS"])
SECONDS_PER_HOUR = float(SETTINGS["ONLINE_LEARNING_SECONDS_PER_HOUR"])

MAX_HOURS_AHEAD = 2  # the stream waits for the models rather than run away from them
VALIDATION_ROWS = 197  # the last rows of the data set, which are never streamed
EPOCHS = 5
DIGITS = range(10)

WORK = Path(os.environ.get("AIFLOW_WORKING_DIR", "."))
SAMPLES, PREDICTIONS = WORK / "samples.csv", WORK / "predictions.csv"
HOURS_SEEN, TRAININGS = WORK / "hours.csv", WORK / "trainings.csv"
VALIDATIONS, DEPLOYMENTS = WORK / "validations.csv", WORK / "deployments.csv"
DEPLOYED_MODEL = WORK / "deployed_model.csv"


# The data: (pixels, label) for each image.


def data_set():
    rows = (Path(__file__).parent / "digits.csv").read_text().split()
    values = [[int(value) for value in row.split(",")] for row in rows]
    return [(value[:64], value[64]) for value in values]


def append(path, *fields):
    """One line, in one write, on disk when this returns."""
    with open(path, "a") as file:
        file.write(",".join(str(field) for field in fields) + "\n")
        file.flush()
        os.fsync(file.fileno())


def lines(path):
    if not path.exists():
        return []
    return [line.split(",") for line in path.read_text().splitlines()]


def samples(up_to_hour):
    for hour, _, _, label, *pixels in lines(SAMPLES):
        if int(hour) <= up_to_hour:
            yield [int(pixel) for pixel in pixels], int(label)


# The model: an averaged perceptron, ten rows of 64 weights and a bias.


def scores(model, pixels):
    return [sum(map(mul, weights, pixels)) + weights[64] for weights in model]


def predicted(model, pixels):
    found = scores(model, pixels)
    return found.index(max(found))


def trained(examples):
    model = [[0.0] * 65 for _ in DIGITS]
    total = [[0.0] * 65 for _ in DIGITS]
    steps = 1
    for _ in range(EPOCHS):
        for pixels, label in examples:
            guess = predicted(model, pixels)
            if guess != label:
                for digit, sign in ((label, 1.0), (guess, -1.0)):
                    for position, value in enumerate(pixels + [1]):
                        model[digit][position] += sign * value
                        total[digit][position] += sign * value * steps
            steps += 1
    return [
        [weight - sums / steps for weight, sums in zip(weights, summed)]
        for weights, summed in zip(model, total)
    ]


def model_path(hour):
    return WORK / "models" / f"model-{hour}.csv"


def write_model(path, model):
    """Complete or not at all."""
    path.parent.mkdir(exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    temporary.write_text("".join(",".join(map(repr, weights)) + "\n" for weights in model))
    os.replace(temporary, path)


def read_model(path):
    return [[float(weight) for weight in weights] for weights in lines(path)]


def hour_of_causing_event():
    return int(get_runtime_task_context().trigger_event.value)


def learned(hour):
    """Whether the hours up to this one are validated, and what was better in them is deployed."""
    validated = lines(VALIDATIONS)[: max(hour, 0)]
    better = sum(int(flag) for _, _, flag in validated)
    return len(validated) >= hour and len(lines(DEPLOYMENTS)) >= better


# The tasks.


class Streaming(AIFlowOperator):
    """A loop that ends between two steps when the task is stopped, never in the middle of one."""

    def __init__(self, name, **options):
        super().__init__(name, **options)
        self.stopping = threading.Event()
        self.ended = threading.Event()

    def start(self, context):
        try:
            with AIFlowNotificationClient() as events:
                self.run(events)
        finally:
            self.ended.set()

    def stop(self, context):
        self.stopping.set()
        self.ended.wait()


class Stream(Streaming):
    """Replays the data again and again, as a source does that goes back to its last checkpoint: what
    is in samples.csv is not written twice, and `event_id` makes a repeated hour harmless."""

    def run(self, events):
        data = data_set()[:-VALIDATION_ROWS]
        per_hour = len(data) // HOURS
        for _ in itertools.count():
            for hour in range(1, HOURS + 1):
                while not self.stopping.is_set() and not learned(hour - MAX_HOURS_AHEAD):
                    self.stopping.wait(0.02)
                self.replay(data[: hour * per_hour], hour, per_hour)
                if self.stopping.is_set():
                    return
                if str(hour) not in {line[0] for line in lines(HOURS_SEEN)}:
                    append(HOURS_SEEN, hour, hour * per_hour)
                events.send_event("hour_complete", str(hour), event_id=f"hour-{hour}")
                print(f"watermark passed hour {hour}")

    def replay(self, data, hour, per_hour):
        written = len(lines(SAMPLES))
        begin, pace = time.monotonic(), SECONDS_PER_HOUR / per_hour
        for step in range(per_hour):
            index = (hour - 1) * per_hour + step
            if index >= written:
                pixels, label = data[index]
                event_time = index * 3600 // per_hour
                with open(SAMPLES, "a") as file:
                    file.write(",".join(map(str, [hour, index, event_time, label] + pixels)) + "\n")
            if self.stopping.wait(max(0.0, begin + (step + 1) * pace - time.monotonic())):
                return


def train():
    hour, begin = hour_of_causing_event(), time.monotonic()
    examples = list(samples(up_to_hour=hour))
    write_model(model_path(hour), trained(examples))
    attempt = os.environ.get("AIFLOW_ATTEMPT_KEY", "")
    append(TRAININGS, hour, len(examples), attempt, round(time.monotonic() - begin, 3))
    print(f"trained hour {hour} on {len(examples)} digits")


def validate():
    """Validates every model that has been trained and not validated, oldest first."""
    data = data_set()[-VALIDATION_ROWS:]
    done = lines(VALIDATIONS)
    best = max((float(accuracy) for _, accuracy, _ in done), default=0.0)
    known = {hour for hour, _, _ in done}
    with AIFlowNotificationClient() as events:
        for hour in [hour for hour, *_ in lines(TRAININGS) if hour not in known]:
            model = read_model(model_path(hour))
            hits = sum(predicted(model, pixels) == label for pixels, label in data)
            accuracy = round(hits / len(data), 4)
            better = accuracy > best
            if better:
                best = accuracy
                events.send_event("model_validated", hour, event_id=f"validated-{hour}")
            append(VALIDATIONS, hour, accuracy, int(better))
            print(
                f"model of hour {hour}: accuracy {accuracy}, {'better' if better else 'no better'}"
            )
        if len(lines(VALIDATIONS)) >= HOURS:
            events.send_event("enough_hours", str(HOURS), event_id="enough-hours")


def deploy():
    hour = hour_of_causing_event()
    write_model(DEPLOYED_MODEL, read_model(model_path(hour)))
    append(DEPLOYMENTS, hour, os.environ.get("AIFLOW_ATTEMPT_KEY", ""))
    with AIFlowNotificationClient() as events:
        events.send_event("model_deployed", str(hour), event_id=f"deployed-{hour}")
    print(f"deployed the model of hour {hour}")


class Predict(Streaming, ListenerProcessor):
    """Until the first model is there, every digit is guessed to be a 0."""

    def run(self, events):
        self.live = (0, [[0.0] * 65 for _ in DIGITS])
        listener = events.register_listener(self, ["model_deployed"])
        for hour, _ in lines(DEPLOYMENTS)[-1:]:
            self.live = (int(hour), read_model(DEPLOYED_MODEL))
        position, done = 0, len(lines(PREDICTIONS))
        while True:
            last_round = self.stopping.is_set()
            rows, position = self.new_rows(position)
            for hour, index, _, label, *pixels in rows:
                if int(index) >= done:
                    self.predict(hour, index, label, [int(pixel) for pixel in pixels])
            if last_round:
                break
            self.stopping.wait(0.02)
        events.unregister_listener(listener)

    def new_rows(self, position):
        """The lines that are complete, and where the next one begins."""
        if not SAMPLES.exists():
            return [], position
        with open(SAMPLES) as file:
            file.seek(position)
            text = file.read()
        complete = text[: text.rfind("\n") + 1]
        return [line.split(",") for line in complete.splitlines()], position + len(complete)

    def predict(self, hour, index, label, pixels):
        model_hour, model = self.live
        with open(PREDICTIONS, "a") as file:
            fields = [hour, index, label, predicted(model, pixels), model_hour, os.getpid()]
            file.write(",".join(map(str, fields)) + "\n")

    def process(self, deployed):
        hour = int(deployed[-1].value)
        self.live = (hour, read_model(model_path(hour)))
        print(f"process {os.getpid()} now predicts with the model of hour {hour}")


with Workflow(name="online_learning") as workflow:
    stream = Stream("stream", env=SETTINGS)
    predict = Predict("predict", env=SETTINGS)
    training = PythonOperator("train", train, on_alive="queue", env=SETTINGS)
    validation = PythonOperator("validate", validate, on_alive="queue", env=SETTINGS)
    deployment = PythonOperator("deploy", deploy, on_alive="queue", env=SETTINGS)

    training.action_on_event_received(TaskAction.START, "hour_complete")
    validation.start_after(training)
    deployment.action_on_event_received(TaskAction.START, "model_validated")
    for streaming in (stream, predict):
        streaming.action_on_event_received(TaskAction.STOP, "enough_hours")
