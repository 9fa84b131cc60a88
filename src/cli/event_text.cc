#include "cli/event_text.h"

#include "cli/text.h"

namespace aiflow::cli {

std::string EventText(const aiflow::v1::EventRecord& event) {
  return "key:" + Printable(event.key(), false) + ", value:" + Printable(event.value(), false) +
         ", namespace:" + event.namespace_() + ", sender:" + Printable(event.sender(), false) +
         ", create_time:" + std::to_string(event.create_time()) +
         ", offset:" + std::to_string(event.offset()) +
         ", context: " + Printable(event.context(), false);
}

}  // namespace aiflow::cli
