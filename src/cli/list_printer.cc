#include "cli/list_printer.h"

#include "cli/command.h"

namespace aiflow::cli {

void AddListOptions(CLI::App& command, ListOptions& options) {
  constexpr int64_t kMaxLimit = 1'000'000'000;
  AddFormatOption(command, options.format);
  command.add_flag("--desc", options.newest_first, "The newest first");
  command.add_option("--limit", options.limit, "At most so many; 0: all")
      ->check(CLI::Range(int64_t{0}, kMaxLimit));
}

void AddFilterOption(CLI::App& command, const std::string& name, std::vector<std::string>& chosen,
                     const std::vector<std::string>& values, const std::string& help) {
  command.add_option("--" + name, chosen, help + "; several are separated by commas")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->transform(CLI::IsMember(values, CLI::ignore_case));
}

}  // namespace aiflow::cli
