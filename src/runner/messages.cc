#include "runner/messages.h"

#include <cstring>

namespace aiflow::runner {
namespace {

enum class Type : uint8_t {
  kHello = 1,
  kForget = 5,
  kQuit = 6,
  kWelcome = 128,
  kRefused = 129,
  kReport = 130,
};

constexpr size_t kLengthSize = 4;

class Writer {
 public:
  explicit Writer(uint8_t type) { frame_.assign(kLengthSize, '\0'), U8(type); }

  void U8(uint8_t value) { frame_.push_back(static_cast<char>(value)); }
  void U32(uint32_t value) { Bytes(value, 4); }
  void I64(int64_t value) { Bytes(static_cast<uint64_t>(value), 8); }
  void Text(std::string_view text) {
    U32(static_cast<uint32_t>(text.size()));
    frame_.append(text);
  }
  void Texts(const std::vector<std::string>& texts) {
    U32(static_cast<uint32_t>(texts.size()));
    for (const std::string& text : texts) Text(text);
  }
  std::string Finish() {
    const auto size = static_cast<uint32_t>(frame_.size() - kLengthSize);
    for (size_t i = 0; i < kLengthSize; ++i) frame_[i] = static_cast<char>(size >> (8 * i));
    return std::move(frame_);
  }

 private:
  void Bytes(uint64_t value, int count) {
    for (int i = 0; i < count; ++i) U8(static_cast<uint8_t>(value >> (8 * i)));
  }
  std::string frame_;
};

/// Reads fields; after the first that does not fit, everything is zero and ok() is false.
class Fields {
 public:
  explicit Fields(std::string_view bytes) : rest_(bytes) {}

  uint8_t U8() { return static_cast<uint8_t>(Bytes(1)); }
  uint32_t U32() { return static_cast<uint32_t>(Bytes(4)); }
  int64_t I64() { return static_cast<int64_t>(Bytes(8)); }
  std::string Text() {
    const size_t size = U32();
    if (size > rest_.size()) return Fail(), std::string();
    std::string text(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return text;
  }
  /// A count of things of at least 4 bytes each.
  uint32_t Count() {
    const uint32_t count = U32();
    if (count > rest_.size() / 4) return Fail(), 0;
    return count;
  }
  std::vector<std::string> Texts() {
    std::vector<std::string> texts(Count());
    for (std::string& text : texts) text = Text();
    return texts;
  }
  [[nodiscard]] bool complete() const { return ok_ && rest_.empty(); }

 private:
  uint64_t Bytes(size_t count) {
    if (rest_.size() < count) return Fail(), 0;
    uint64_t value = 0;
    for (size_t i = 0; i < count; ++i) {
      value |= static_cast<uint64_t>(static_cast<unsigned char>(rest_[i])) << (8 * i);
    }
    rest_.remove_prefix(count);
    return value;
  }
  void Fail() { ok_ = false, rest_ = {}; }

  std::string_view rest_;
  bool ok_ = true;
};

std::string Encode(const Hello& hello) {
  Writer out(static_cast<uint8_t>(Type::kHello));
  out.U32(hello.version), out.I64(hello.epoch);
  return out.Finish();
}
std::string Encode(const AttemptCommand& command) {
  Writer out(static_cast<uint8_t>(command.verb));
  out.Text(command.attempt), out.Text(command.dir), out.Text(command.token);
  out.I64(command.epoch), out.I64(command.stop_grace_ms);
  out.U8(command.signal_group ? 1 : 0), out.U8(command.seen_running ? 1 : 0);
  out.I64(command.log_max_bytes);
  out.Text(command.refusal), out.Text(command.working_dir);
  out.Texts(command.argv), out.Texts(command.env);
  out.U32(static_cast<uint32_t>(command.files.size()));
  for (const auto& [variable, contents] : command.files) out.Text(variable), out.Text(contents);
  out.Texts(command.secrets);
  return out.Finish();
}
std::string Encode(const Forget& forget) {
  Writer out(static_cast<uint8_t>(Type::kForget));
  out.Text(forget.attempt);
  return out.Finish();
}
std::string Encode(const Quit& quit) {
  Writer out(static_cast<uint8_t>(Type::kQuit));
  out.U8(quit.kill ? 1 : 0);
  return out.Finish();
}
std::string Encode(const Welcome& welcome) {
  Writer out(static_cast<uint8_t>(Type::kWelcome));
  out.U32(welcome.version), out.I64(welcome.pid);
  return out.Finish();
}
std::string Encode(const Refused& refused) {
  Writer out(static_cast<uint8_t>(Type::kRefused));
  out.U32(refused.version), out.I64(refused.highest_epoch), out.Text(refused.text);
  return out.Finish();
}
std::string Encode(const Report& report) {
  Writer out(static_cast<uint8_t>(Type::kReport));
  out.Text(report.attempt), out.Text(report.token), out.U8(report.status);
  out.I64(report.pid), out.U32(static_cast<uint32_t>(report.exit_code)), out.Text(report.reason);
  return out.Finish();
}

AttemptCommand DecodeCommand(Verb verb, Fields& in) {
  AttemptCommand command;
  command.verb = verb;
  command.attempt = in.Text(), command.dir = in.Text(), command.token = in.Text();
  command.epoch = in.I64(), command.stop_grace_ms = in.I64();
  command.signal_group = in.U8() != 0, command.seen_running = in.U8() != 0;
  command.log_max_bytes = in.I64();
  command.refusal = in.Text(), command.working_dir = in.Text();
  command.argv = in.Texts(), command.env = in.Texts();
  command.files.resize(in.Count());
  for (auto& [variable, contents] : command.files) variable = in.Text(), contents = in.Text();
  command.secrets = in.Texts();
  return command;
}

Report DecodeReport(Fields& in) {
  Report report;
  report.attempt = in.Text(), report.token = in.Text(), report.status = in.U8();
  report.pid = in.I64(), report.exit_code = static_cast<int32_t>(in.U32());
  report.reason = in.Text();
  return report;
}

std::optional<Message> DecodeBody(uint8_t type, Fields& in) {
  switch (type) {
    case static_cast<uint8_t>(Type::kHello): {
      Hello hello;
      hello.version = in.U32(), hello.epoch = in.I64();
      return hello;
    }
    case static_cast<uint8_t>(Verb::kStart):
    case static_cast<uint8_t>(Verb::kAdopt):
    case static_cast<uint8_t>(Verb::kStop): return DecodeCommand(static_cast<Verb>(type), in);
    case static_cast<uint8_t>(Type::kForget): return Forget{in.Text()};
    case static_cast<uint8_t>(Type::kQuit): return Quit{in.U8() != 0};
    case static_cast<uint8_t>(Type::kWelcome): {
      Welcome welcome;
      welcome.version = in.U32(), welcome.pid = in.I64();
      return welcome;
    }
    case static_cast<uint8_t>(Type::kRefused): {
      Refused refused;
      refused.version = in.U32(), refused.highest_epoch = in.I64(), refused.text = in.Text();
      return refused;
    }
    case static_cast<uint8_t>(Type::kReport): return DecodeReport(in);
    default: return std::nullopt;
  }
}

}  // namespace

std::string EncodeMessage(const Message& message) {
  return std::visit([](const auto& body) { return Encode(body); }, message);
}

char* MessageReader::Reserve(size_t size) {
  if (taken_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + taken_, filled_ - taken_);
    filled_ -= taken_;
    taken_ = 0;
  }
  if (buffer_.size() < filled_ + size) buffer_.resize(filled_ + size);
  return buffer_.data() + filled_;
}

void MessageReader::Commit(size_t size) { filled_ += size; }

Result<std::optional<Message>> MessageReader::Next() {
  const std::string_view bytes(buffer_.data() + taken_, filled_ - taken_);
  if (bytes.size() < kLengthSize) return std::nullopt;
  uint32_t size = 0;
  for (size_t i = 0; i < kLengthSize; ++i) {
    size |= static_cast<uint32_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
  }
  if (size == 0 || size > kMaxMessage) {
    return Error(Code::kInvalidArgument, "message of " + std::to_string(size) + " bytes");
  }
  if (bytes.size() < kLengthSize + size) return std::nullopt;
  const auto type = static_cast<uint8_t>(bytes[kLengthSize]);
  Fields fields(bytes.substr(kLengthSize + 1, size - 1));
  std::optional<Message> message = DecodeBody(type, fields);
  if (!message || !fields.complete()) {
    return Error(Code::kInvalidArgument, "message of type " + std::to_string(type) + " is damaged");
  }
  taken_ += kLengthSize + size;
  return message;
}

}  // namespace aiflow::runner
