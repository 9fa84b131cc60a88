#include "aiflow/main.h"

#include <iostream>
#include <string_view>

#include "verbs.h"

namespace aiflow {
namespace {

constexpr int kUsageError = 2;

int Help(const char* program, const Workflows& workflows) {
  std::cout << program << " defines these workflows:\n";
  for (const Workflow* flow : workflows) {
    std::cout << "  " << flow->spec().ns << "." << flow->spec().name << " ("
              << flow->spec().tasks.size() << " tasks)\n";
  }
  std::cout << "Check it:   aiflow workflow validate " << program << "\n"
            << "Upload it:  aiflow workflow upload " << program << "\n";
  return 0;
}

}  // namespace

int Main(int argc, char** argv, std::initializer_list<const Workflow*> workflows) {
  const Workflows all(workflows);
  const std::string_view verb = argc > 1 ? argv[1] : "";
  if (verb == "--aiflow-compile") return Compile(all);
  if (verb == "--aiflow-run-task") RunTask(all);
  if (verb == "--aiflow-serve-conditions") return ServeConditions(all);
  if (verb.empty() || verb == "--help" || verb == "-h") return Help(argv[0], all);
  std::cerr << "error: unknown argument " << verb << "; try --help\n";
  return kUsageError;
}

}  // namespace aiflow
