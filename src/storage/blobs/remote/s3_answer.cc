#include "storage/blobs/remote/s3_answer.h"

#include <curl/curl.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <ctime>
#include <optional>

namespace aiflow::remote {
namespace {

constexpr size_t kMaxErrorText = 300;

struct Element {
  std::string_view text;  // between its tags
  size_t end = 0;         // behind it
};

std::optional<Element> Find(std::string_view xml, std::string_view name, size_t from) {
  const std::string open = "<" + std::string(name) + ">";
  const std::string close = "</" + std::string(name) + ">";
  const size_t begin = xml.find(open, from);
  if (begin == std::string_view::npos) return std::nullopt;
  const size_t end = xml.find(close, begin);
  if (end == std::string_view::npos) return std::nullopt;
  return Element{xml.substr(begin + open.size(), end - begin - open.size()), end + close.size()};
}

std::string Resolved(std::string_view text) {
  struct Reference {
    std::string_view name;
    char value;
  };
  constexpr Reference kKnown[] = {{"&amp;", '&'}, {"&lt;", '<'},    {"&gt;", '>'},  {"&quot;", '"'},
                                  {"&#34;", '"'}, {"&apos;", '\''}, {"&#39;", '\''}};
  std::string resolved;
  for (size_t i = 0; i < text.size();) {
    const auto known = std::find_if(std::begin(kKnown), std::end(kKnown), [&](const Reference& r) {
      return text.substr(i).starts_with(r.name);
    });
    resolved += known == std::end(kKnown) ? text[i] : known->value;
    i += known == std::end(kKnown) ? 1 : known->name.size();
  }
  return resolved;
}

/// 2009-10-12T17:50:30.000Z; 0 when it is something else.
std::time_t ParseIsoTime(const std::string& text) {
  std::tm time{};
  if (std::sscanf(text.c_str(), "%d-%d-%dT%d:%d:%d", &time.tm_year, &time.tm_mon, &time.tm_mday,
                  &time.tm_hour, &time.tm_min, &time.tm_sec) != 6) {
    return 0;
  }
  time.tm_year -= 1900;
  time.tm_mon -= 1;
  return timegm(&time);
}

std::time_t ServerTime(const HttpAnswer& answer) {
  const std::time_t date = curl_getdate(answer.Header("date").c_str(), nullptr);
  return date > 0 ? date : std::time(nullptr);
}

/// 0 for what is unknown or in the future: then it counts as young.
Millis Age(const HttpAnswer& answer, std::time_t modified) {
  if (modified <= 0) return Millis(0);
  return std::max(Millis(0), Millis(std::chrono::seconds(ServerTime(answer) - modified)));
}

}  // namespace

std::string XmlText(std::string_view xml, std::string_view name) {
  const auto found = Find(xml, name, 0);
  return found.has_value() ? Resolved(found->text) : std::string();
}

Result<S3Page> ParseS3Page(const HttpAnswer& answer) {
  const std::string_view xml = answer.body;
  if (xml.find("<ListBucketResult") == std::string_view::npos ||
      xml.find("</ListBucketResult>") == std::string_view::npos) {
    return Error(Code::kUnavailable, "its answer is no list of a bucket; is it an S3 endpoint?");
  }
  S3Page page;
  size_t at = 0;
  while (const auto contents = Find(xml, "Contents", at)) {
    at = contents->end;
    ObjectInfo object;
    object.name = XmlText(contents->text, "Key");
    const std::string size = XmlText(contents->text, "Size");
    std::from_chars(size.data(), size.data() + size.size(), object.size);
    object.age = Age(answer, ParseIsoTime(XmlText(contents->text, "LastModified")));
    page.objects.push_back(std::move(object));
  }
  if (XmlText(xml, "IsTruncated") == "true") page.next = XmlText(xml, "NextContinuationToken");
  return page;
}

std::string DescribeS3Error(const HttpAnswer& answer) {
  std::string text = "HTTP " + std::to_string(answer.status);
  const std::string code = XmlText(answer.body, "Code");
  if (!code.empty()) text += ", " + code + ": " + XmlText(answer.body, "Message");
  std::replace_if(
      text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
  if (text.size() > kMaxErrorText) text.resize(kMaxErrorText);
  return text;
}

Millis AgeOf(const HttpAnswer& answer, const std::string& modified) {
  return Age(answer, curl_getdate(modified.c_str(), nullptr));
}

}  // namespace aiflow::remote
