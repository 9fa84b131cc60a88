// Online learning: a stream that never ends feeds a training task through events; better models are
// swapped into a predicting task that never stops. See ../README.md.
//
//   aiflow workflow upload build/release/bin/online_learning -f
//   examples/online_learning/data/digits.csv aiflow workflow-execution start online_learning
//   --watch
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>

#include "aiflow/main.h"
#include "digits.h"
#include "softmax_model.h"

namespace {

using aiflow::TaskContext;
using digits::Digit;
using digits::Sample;
using digits::SoftmaxModel;
using std::chrono::milliseconds;

constexpr size_t kStreamed = 1500;  // digits replayed; the rest is the hold-out set
constexpr int kDigitsPerHour = 250;
constexpr int kDigitsPerArrival = 25;
constexpr int kTrainingPasses = 20;

double Setting(const char* name, double otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtod(text, nullptr);
}

int WantedHours() { return static_cast<int>(Setting("ONLINE_LEARNING_HOURS", 6)); }

std::filesystem::path ModelFile(const TaskContext& context, int hour) {
  return context.working_dir() / "models" / ("model-" + std::to_string(hour) + ".csv");
}

/// The hour that begins a ledger line.
int HourOf(const std::string& line) { return std::atoi(line.c_str()); }

int LastHour(const std::filesystem::path& ledger) {
  int hour = 0;
  for (const std::string& line : digits::ReadLines(ledger)) hour = HourOf(line);
  return hour;
}

/// Sends an event to this execution; repeating it changes nothing.
int Announce(TaskContext& context, const std::string& key, int value, const std::string& id) {
  aiflow::SendOptions options;
  options.execution_id = context.execution_id();
  options.event_id = std::to_string(context.execution_id()) + "-" + id;
  const auto sent = context.events().Send(key, std::to_string(value), options);
  if (!sent) return context.Fail(sent.error().message());
  std::cout << key << " " << value << " sent at offset " << sent->offset << std::endl;
  return 0;
}

/// Replays the digits for ever; announces each hour that its watermark has passed.
int Stream(TaskContext& context) {
  std::vector<Digit> all = digits::LoadDigits(context.bundle_dir() / "digits.csv");
  if (all.size() <= kStreamed) return context.Fail("digits.csv is missing or short");
  all.resize(kStreamed);
  const milliseconds pause(static_cast<int64_t>(Setting("ONLINE_LEARNING_HOUR_SECONDS", 1.0) *
                                                1000 * kDigitsPerArrival / kDigitsPerHour));
  const auto ledger = context.working_dir() / "hours.log";
  size_t next = 0;
  for (int hour = 1;; ++hour) {
    for (int arrived = 0; arrived < kDigitsPerHour; arrived += kDigitsPerArrival) {
      std::string lines;
      for (int i = 0; i < kDigitsPerArrival; ++i, next = (next + 1) % all.size()) {
        lines += (lines.empty() ? "" : "\n") + digits::FormatSample(Sample{hour, all[next]});
      }
      digits::AppendLine(context.working_dir() / "stream.csv", lines);
      if (context.WaitFor(pause)) return 0;
    }
    digits::AppendLine(ledger, std::to_string(hour));
    const std::string id = "hour-" + std::to_string(hour);
    if (const int failed = Announce(context, "hour_complete", hour, id)) return failed;
  }
}

/// Trains on everything up to the hour that caused this run.
int Train(TaskContext& context) {
  const int hour = std::atoi(context.trigger().value.c_str());
  if (hour <= 0) return context.Fail("the causing event carries no hour");
  const auto samples = digits::LoadStream(context.working_dir() / "stream.csv", hour);
  std::filesystem::create_directories(context.working_dir() / "models");
  SoftmaxModel::Train(samples, kTrainingPasses).Save(ModelFile(context, hour));
  digits::AppendLine(
      context.working_dir() / "trainings.log",
      std::to_string(hour) + "," + context.attempt_key() + "," + std::to_string(samples.size()));
  std::cout << "trained hour " << hour << " on " << samples.size() << " digits" << std::endl;
  return 0;
}

/// Compares each model that was not validated yet with the best one before it.
int Validate(TaskContext& context) {
  const std::vector<Digit> all = digits::LoadDigits(context.bundle_dir() / "digits.csv");
  const std::vector<Digit> hold_out(all.begin() + std::min(kStreamed, all.size()), all.end());
  const auto ledger = context.working_dir() / "validations.log";
  double best = 0;
  size_t validated = 0;
  for (const std::string& line : digits::ReadLines(ledger)) {
    best = std::max(best, std::strtod(line.substr(line.find(',') + 1).c_str(), nullptr));
    ++validated;
  }
  const auto trainings = digits::ReadLines(context.working_dir() / "trainings.log");
  for (; validated < trainings.size(); ++validated) {
    const int hour = HourOf(trainings[validated]);
    const auto model = SoftmaxModel::Load(ModelFile(context, hour));
    if (!model) return context.Fail("model of hour " + std::to_string(hour) + " cannot be read");
    const double accuracy = model->Accuracy(hold_out);
    std::cout << "hour " << hour << ": accuracy " << accuracy << ", best before " << best
              << std::endl;
    if (accuracy > best) {
      const std::string id = "validated-" + std::to_string(hour);
      if (const int failed = Announce(context, "model_validated", hour, id)) return failed;
    }
    digits::AppendLine(
        ledger, std::to_string(hour) + "," + std::to_string(accuracy) + "," + std::to_string(best));
    best = std::max(best, accuracy);
  }
  const int wanted = WantedHours();
  if (validated < static_cast<size_t>(wanted)) return 0;
  return Announce(context, "enough_hours", wanted, "enough");
}

/// Makes a validated model the one that predicts.
int Deploy(TaskContext& context) {
  const int hour = std::atoi(context.trigger().value.c_str());
  digits::AppendLine(context.working_dir() / "deployments.log",
                     std::to_string(hour) + "," + context.attempt_key());
  return Announce(context, "model_deployed", hour, "deployed-" + std::to_string(hour));
}

/// Predicts each digit as it arrives, with the newest deployed model, until it is stopped.
int Predict(TaskContext& context) {
  std::atomic<int> deployed = LastHour(context.working_dir() / "deployments.log");
  auto subscription =
      context.events().Listen({.keys = {"model_deployed"}, .execution_id = context.execution_id()},
                              [&deployed](const aiflow::ReceivedEvent& event) {
                                deployed = std::atoi(event.value.c_str());
                              });
  if (!subscription) return context.Fail(subscription.error().message());

  std::ifstream arrivals;
  std::optional<SoftmaxModel> model;
  int model_hour = 0;
  bool stopping = false;
  for (std::string rest, line;;) {
    if (!arrivals.is_open()) arrivals.open(context.working_dir() / "stream.csv");
    if (const int hour = deployed; hour != model_hour) {
      model = SoftmaxModel::Load(ModelFile(context, hour));
      model_hour = model ? hour : model_hour;
      std::cout << "model of hour " << model_hour << " in use" << std::endl;
    }
    std::string out;
    while (std::getline(arrivals, line)) {
      rest += line;
      if (arrivals.eof()) break;  // not a whole line yet
      if (const auto sample = digits::ParseSample(std::exchange(rest, ""))) {
        const int prediction = model ? model->Predict(sample->digit) : 0;
        out += (out.empty() ? "" : "\n") + std::to_string(sample->hour) + "," +
               std::to_string(sample->digit.label) + "," + std::to_string(prediction) + "," +
               std::to_string(model_hour) + "," + std::to_string(getpid());
      }
    }
    arrivals.clear();
    if (!out.empty()) digits::AppendLine(context.working_dir() / "predictions.csv", out);
    if (stopping) return 0;  // everything that arrived before the stop is predicted
    stopping = context.WaitFor(milliseconds(20));
  }
}

}  // namespace

int main(int argc, char** argv) {
  aiflow::Workflow flow("online_learning");
  aiflow::FunctionTask stream(flow, "stream", Stream);
  aiflow::FunctionTask predict(flow, "predict", Predict);
  aiflow::FunctionTask train(flow, "train", Train);
  aiflow::FunctionTask validate(flow, "validate", Validate);
  aiflow::FunctionTask deploy(flow, "deploy", Deploy);

  train.StartOn("hour_complete").OnAlive(aiflow::OnAlive::kQueue);
  validate.StartAfter({train}).OnAlive(aiflow::OnAlive::kQueue);
  deploy.StartOn("model_validated").OnAlive(aiflow::OnAlive::kQueue);
  stream.StopOn("enough_hours");
  predict.StopOn("enough_hours");
  return aiflow::Main(argc, argv, {&flow});
}
