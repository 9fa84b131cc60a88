// Online learning: a stream that never ends feeds a training task through events, and better models
// are swapped into a predicting task that never stops. ../README.md tells the story and the files.
//
//   aiflow workflow upload build/release/bin/online_learning -f
//   examples/online_learning/data/digits.csv aiflow workflow-execution start online_learning
//   --watch
#include <unistd.h>

#include <algorithm>
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
using digits::AppendLine;
using digits::Cells;
using digits::Digit;
using digits::ReadLines;
using digits::Sample;
using digits::SoftmaxModel;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr size_t kHoldOut = 197;   // the last digits, which are never streamed
constexpr int kMaxHoursAhead = 2;  // the stream waits for the models rather than run away from them
constexpr int kTrainingPasses = 20;

std::string Setting(const char* name, const char* otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : text;
}
int WantedHours() { return std::atoi(Setting("ONLINE_LEARNING_HOURS", "8").c_str()); }
double SecondsPerHour() {
  return std::strtod(Setting("ONLINE_LEARNING_SECONDS_PER_HOUR", "1").c_str(), nullptr);
}

std::filesystem::path ModelFile(const TaskContext& context, int hour) {
  return context.working_dir() / "models" / ("model-" + std::to_string(hour) + ".csv");
}
int HourOfCause(const TaskContext& context) { return std::atoi(context.trigger().value.c_str()); }

/// Sends an event to this execution; repeating it changes nothing.
int Announce(TaskContext& context, const std::string& key, int hour, const std::string& id) {
  aiflow::SendOptions options;
  options.execution_id = context.execution_id();
  options.event_id = "execution-" + std::to_string(context.execution_id()) + "/" + id;
  const auto sent = context.events().Send(key, std::to_string(hour), options);
  return sent ? 0 : context.Fail(sent.error().message());
}

/// Whether the hours up to this one are validated, and what was better in them is deployed.
bool Learned(const TaskContext& context, int hour) {
  if (hour <= 0) return true;
  std::vector<std::string> validated = ReadLines(context.working_dir() / "validations.csv");
  if (validated.size() < static_cast<size_t>(hour)) return false;
  validated.resize(static_cast<size_t>(hour));
  const auto better = std::count_if(validated.begin(), validated.end(),
                                    [](const auto& line) { return line.ends_with(",1"); });
  const auto deployed = ReadLines(context.working_dir() / "deployments.csv");
  return deployed.size() >= static_cast<size_t>(better);
}

/// Replays one hour at its pace. What is in samples.csv is not written twice.
void ReplayHour(TaskContext& context, const std::vector<Digit>& all, int hour, int per_hour) {
  const auto file = context.working_dir() / "samples.csv";
  const auto written = static_cast<int>(ReadLines(file).size());
  const std::chrono::duration<double> pace(SecondsPerHour() / per_hour);
  const auto begin = steady_clock::now();
  for (int step = 0; step < per_hour && !context.stop_requested(); ++step) {
    const int index = (hour - 1) * per_hour + step;
    if (index >= written) {
      const Sample sample{hour, index, index * 3600 / per_hour, all[static_cast<size_t>(index)]};
      AppendLine(file, digits::FormatSample(sample));
    }
    const auto rest = begin + (step + 1) * pace - steady_clock::now();
    context.WaitFor(std::chrono::duration_cast<milliseconds>(rest));
  }
}

/// Replays the digits again and again, as a source does that goes back to its last checkpoint;
/// announces each hour that its watermark passes.
int Stream(TaskContext& context) {
  const std::vector<Digit> all = digits::LoadDigits(context.bundle_dir() / "digits.csv");
  const int wanted = WantedHours();
  const int per_hour = wanted <= 0 ? 0 : static_cast<int>((all.size() - kHoldOut) / wanted);
  if (all.size() <= kHoldOut || per_hour == 0) return context.Fail("digits.csv is too short");
  const auto ledger = context.working_dir() / "hours.csv";
  for (int hour = 1;; hour = hour % wanted + 1) {
    while (!Learned(context, hour - kMaxHoursAhead)) {
      if (context.WaitFor(milliseconds(20))) return 0;
    }
    ReplayHour(context, all, hour, per_hour);
    if (context.stop_requested()) return 0;
    if (ReadLines(ledger).size() < static_cast<size_t>(hour)) {
      AppendLine(ledger, std::to_string(hour) + "," + std::to_string(hour * per_hour));
    }
    const std::string id = "hour-" + std::to_string(hour);
    if (const int failed = Announce(context, "hour_complete", hour, id)) return failed;
    std::cout << "watermark passed hour " << hour << std::endl;
  }
}

/// Trains on everything up to the hour of the event that caused this run.
int Train(TaskContext& context) {
  const int hour = HourOfCause(context);
  if (hour <= 0) return context.Fail("the causing event carries no hour");
  const auto begin = steady_clock::now();
  const auto samples = digits::LoadSamples(context.working_dir() / "samples.csv", hour);
  std::filesystem::create_directories(context.working_dir() / "models");
  SoftmaxModel::Train(samples, kTrainingPasses).Save(ModelFile(context, hour));
  const std::chrono::duration<double> time = steady_clock::now() - begin;
  AppendLine(context.working_dir() / "trainings.csv",
             std::to_string(hour) + "," + std::to_string(samples.size()) + "," +
                 context.attempt_key() + "," + std::to_string(time.count()));
  std::cout << "trained hour " << hour << " on " << samples.size() << " digits" << std::endl;
  return 0;
}

/// Compares one model with the best one before it. 0 when all went well.
int ValidateModel(TaskContext& context, int hour, const std::vector<Digit>& hold_out,
                  double* best) {
  const auto model = SoftmaxModel::Load(ModelFile(context, hour));
  if (!model) return context.Fail("model of hour " + std::to_string(hour) + " cannot be read");
  const double accuracy = model->Accuracy(hold_out);
  const bool better = accuracy > *best;
  if (better) {
    *best = accuracy;
    const std::string id = "validated-" + std::to_string(hour);
    if (const int failed = Announce(context, "model_validated", hour, id)) return failed;
  }
  AppendLine(context.working_dir() / "validations.csv",
             std::to_string(hour) + "," + std::to_string(accuracy) + "," + (better ? "1" : "0"));
  std::cout << "model of hour " << hour << ": accuracy " << accuracy
            << (better ? ", better" : ", no better") << std::endl;
  return 0;
}

/// Validates every model that was trained and not validated yet, oldest first.
int Validate(TaskContext& context) {
  std::vector<Digit> hold_out = digits::LoadDigits(context.bundle_dir() / "digits.csv");
  if (hold_out.size() < kHoldOut) return context.Fail("digits.csv is too short");
  hold_out.erase(hold_out.begin(), hold_out.end() - kHoldOut);
  const auto done = ReadLines(context.working_dir() / "validations.csv");
  double best = 0;
  for (const std::string& line : done) {
    best = std::max(best, std::strtod(Cells(line).at(1).c_str(), nullptr));
  }
  const auto trainings = ReadLines(context.working_dir() / "trainings.csv");
  for (size_t i = done.size(); i < trainings.size(); ++i) {
    const int hour = std::atoi(trainings[i].c_str());
    if (const int failed = ValidateModel(context, hour, hold_out, &best)) return failed;
  }
  const int wanted = WantedHours();
  if (trainings.size() < static_cast<size_t>(wanted)) return 0;
  return Announce(context, "enough_hours", wanted, "enough-hours");
}

/// Makes a validated model the one that predicts.
int Deploy(TaskContext& context) {
  const int hour = HourOfCause(context);
  const auto model = SoftmaxModel::Load(ModelFile(context, hour));
  if (!model) return context.Fail("model of hour " + std::to_string(hour) + " cannot be read");
  model->Save(context.working_dir() / "deployed_model.csv");
  AppendLine(context.working_dir() / "deployments.csv",
             std::to_string(hour) + "," + context.attempt_key());
  std::cout << "deployed the model of hour " << hour << std::endl;
  return Announce(context, "model_deployed", hour, "deployed-" + std::to_string(hour));
}

/// Predicts digits in the order of their arrival; swaps its model while it runs.
class Predictor {
 public:
  explicit Predictor(TaskContext& context)
      : context_(context),
        out_(context.working_dir() / "predictions.csv"),
        done_(ReadLines(out_).size()) {}

  void Use(int hour) {
    if (hour == model_hour_) return;
    auto model = SoftmaxModel::Load(ModelFile(context_, hour));
    if (!model) return;
    model_ = std::move(model);
    model_hour_ = hour;
    std::cout << "process " << getpid() << " now predicts with the model of hour " << hour
              << std::endl;
  }

  /// Predicts everything that has arrived since the last call.
  void PredictArrivals() {
    if (!in_.is_open()) in_.open(context_.working_dir() / "samples.csv");
    for (std::string line; std::getline(in_, line);) {
      partial_ += line;
      if (in_.eof()) break;  // not a whole line yet
      if (const auto sample = digits::ParseSample(std::exchange(partial_, ""))) Predict(*sample);
    }
    in_.clear();
  }

 private:
  void Predict(const Sample& sample) {
    if (static_cast<size_t>(sample.index) < done_) return;  // by the run before this one
    const int prediction = model_ ? model_->Predict(sample.digit) : 0;
    AppendLine(out_, std::to_string(sample.hour) + "," + std::to_string(sample.index) + "," +
                         std::to_string(sample.digit.label) + "," + std::to_string(prediction) +
                         "," + std::to_string(model_hour_) + "," + std::to_string(getpid()));
  }

  TaskContext& context_;
  const std::filesystem::path out_;
  const size_t done_;
  std::ifstream in_;
  std::string partial_;
  std::optional<SoftmaxModel> model_;
  int model_hour_ = 0;  // until the first model is there, every digit is guessed to be a 0
};

int Predict(TaskContext& context) {
  std::atomic<int> deployed = 0;
  auto subscription =
      context.events().Listen({.keys = {"model_deployed"}, .execution_id = context.execution_id()},
                              [&deployed](const aiflow::ReceivedEvent& event) {
                                deployed = std::atoi(event.value.c_str());
                              });
  if (!subscription) return context.Fail(subscription.error().message());
  Predictor predictor(context);
  for (const auto& line : ReadLines(context.working_dir() / "deployments.csv")) {
    predictor.Use(std::atoi(line.c_str()));  // those of before this run
  }
  for (bool stopping = false;; stopping = context.WaitFor(milliseconds(20))) {
    if (const int hour = deployed.exchange(0)) predictor.Use(hour);
    predictor.PredictArrivals();
    if (stopping) return 0;  // everything that arrived before the stop is predicted
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

  // The settings of the uploading shell travel with the workflow.
  for (aiflow::Task* task :
       {static_cast<aiflow::Task*>(&stream), static_cast<aiflow::Task*>(&validate)}) {
    task->Env("ONLINE_LEARNING_HOURS", Setting("ONLINE_LEARNING_HOURS", "8"));
    task->Env("ONLINE_LEARNING_SECONDS_PER_HOUR", Setting("ONLINE_LEARNING_SECONDS_PER_HOUR", "1"));
  }
  return aiflow::Main(argc, argv, {&flow});
}
