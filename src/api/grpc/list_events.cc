#include "api/grpc/list_events.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "api/grpc/event_records.h"
#include "api/page_token.h"

namespace aiflow::api {
namespace {

constexpr size_t kMaxPageBytes = 4 << 20;
/// A page looks at no more events than this, however few of them match.
constexpr Offset kMaxLookedAt = 1'000'000;
/// How many offsets a step backward covers, at first and at most.
constexpr Offset kFirstWindow = 256;
constexpr Offset kLastWindow = 65'536;

/// Gathers the events of a page.
class EventPage {
 public:
  EventPage(const EventKinds& kinds, size_t most, v1::ListEventsResponse* response)
      : kinds_(kinds), most_(most), response_(response) {}

  [[nodiscard]] bool full() const {
    return static_cast<size_t>(response_->events_size()) >= most_ || bytes_ >= kMaxPageBytes;
  }
  [[nodiscard]] size_t room() const {
    return most_ - static_cast<size_t>(response_->events_size());
  }
  [[nodiscard]] bool Tells(const Event& event) const { return kinds_.Has(event.kind); }
  static size_t BytesOf(const Event& event) {
    return event.key.size() + event.value.size() + event.context.size();
  }
  void Add(Event event) {
    if (!Tells(event)) return;
    bytes_ += BytesOf(event);
    ToProto(std::move(event), response_->add_events());
  }

 private:
  const EventKinds& kinds_;
  const size_t most_;
  v1::ListEventsResponse* const response_;
  size_t bytes_ = 0;
};

/// Returns the offset behind which the next page begins; 0 at the end.
Result<Offset> Forward(const LogService& log, EventFilter filter, EventPage* page) {
  const Offset last = filter.until;
  const bool far = filter.after < last && last - filter.after > kMaxLookedAt;
  const Offset end = far ? filter.after + kMaxLookedAt : last;
  filter.until = end;
  while (!page->full() && filter.after < end) {
    const auto events = log.ListSome(filter, kMaxPageSize, kMaxPageBytes);
    if (!events.has_value()) return Error(events.error());
    if (events->empty()) {
      filter.after = end;
      break;
    }
    for (const Event& event : *events) {
      if (page->full()) break;
      page->Add(event);
      filter.after = event.offset;
    }
    filter.refuse_gap = false;
  }
  return filter.after >= last ? 0 : filter.after;
}

/// Returns the offset before which the next page begins; 0 at the end.
Result<Offset> Backward(const LogService& log, EventFilter filter, EventPage* page) {
  const Offset stop = filter.after;
  Offset before = filter.until + 1;
  Offset looked_at = 0;
  Offset window = kFirstWindow;
  while (!page->full() && before > stop + 1 && looked_at < kMaxLookedAt) {
    Offset floor = std::max(stop, before - 1 - window);  // all above it has been looked at
    filter.after = floor;
    filter.until = before - 1;
    // All of the window, in pieces, as it is read forward.
    std::vector<Event> found;  // that the page tells, as many as it may still take
    size_t bytes = 0;
    while (filter.after < filter.until) {
      auto events = log.ListSome(filter, kMaxPageSize, kMaxPageBytes);
      if (!events.has_value()) return Error(events.error());
      if (events->empty()) break;
      filter.after = events->back().offset;
      for (Event& event : *events) {
        if (!page->Tells(event)) continue;
        bytes += EventPage::BytesOf(event);
        found.push_back(std::move(event));
      }
      // Only the last ones fill the page.
      size_t beyond = 0;
      while (found.size() - beyond > page->room() || bytes > 2 * kMaxPageBytes) {
        bytes -= EventPage::BytesOf(found[beyond++]);
      }
      if (beyond > 0) {
        floor = found[beyond - 1].offset;
        found.erase(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(beyond));
      }
    }
    for (auto event = found.rbegin(); event != found.rend() && !page->full(); ++event) {
      const Offset offset = event->offset;
      page->Add(std::move(*event));
      if (page->full()) floor = offset - 1;
    }
    looked_at += before - 1 - floor;
    before = floor + 1;
    window = std::min(window * 2, kLastWindow);
  }
  return before > stop + 1 ? before : 0;
}

}  // namespace

Status ListEvents(const LogService& log, const v1::ListEventsRequest& request,
                  v1::ListEventsResponse* response) {
  const Result<bool> descending = IsDescending("offset", request.order_by());
  if (!descending.has_value()) return descending.error();
  const std::string list = *descending ? "events-" : "events";
  const Result<Page> asked = PageOf(list, request.page_size(), request.page_token());
  if (!asked.has_value()) return asked.error();
  const Result<EventKinds> kinds = EventKinds::Of(request.kinds(), request.include_internal());
  if (!kinds.has_value()) return kinds.error();
  if (request.after_offset() < 0 || request.until_offset() < 0 || request.begin_time() < 0) {
    return {Code::kInvalidArgument, "after_offset, until_offset and begin_time cannot be negative"};
  }

  EventFilter filter;
  filter.key = request.key();
  filter.ns = request.namespace_();
  filter.match_ns = true;
  filter.sender = request.sender();
  filter.include_internal = kinds->internal();
  filter.after = request.after_offset();
  filter.refuse_gap = filter.after > 0;
  filter.until = log.head();
  if (request.until_offset() > 0) filter.until = std::min(filter.until, request.until_offset());
  if (request.begin_time() > 0) {
    const Result<Offset> from = log.OffsetBefore(Millis(request.begin_time()));
    if (!from.has_value()) return from.error();
    filter.after = std::max(filter.after, *from);
  }
  EventPage page(*kinds, static_cast<size_t>(asked->limit - 1), response);
  Result<Offset> next = Offset{0};
  if (*descending) {
    if (asked->after > 0) filter.until = std::min(filter.until, asked->after - 1);
    filter.after = std::max(filter.after, log.first() - 1);
    filter.refuse_gap = false;
    next = Backward(log, filter, &page);
  } else {
    if (asked->after > filter.after) {
      filter.after = asked->after;
      filter.refuse_gap = true;  // a reader slower than the removal of old events is told
    }
    next = Forward(log, filter, &page);
  }
  if (!next.has_value()) return next.error();
  if (*next > 0) response->set_next_page_token(TokenAfter(list, *next));
  return Status::Ok();
}

}  // namespace aiflow::api
