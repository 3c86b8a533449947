#include "http/range.h"

#include <charconv>

namespace godwit {
namespace {

std::string_view TrimBlanks(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Reads and removes leading digits. nullopt when there are none, or more than 64 bits hold.
std::optional<uint64_t> TakeNumber(std::string_view* text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc()) return std::nullopt;
  text->remove_prefix(static_cast<size_t>(end - text->data()));
  return value;
}

bool Take(std::string_view* text, char c) {
  if (text->empty() || text->front() != c) return false;
  text->remove_prefix(1);
  return true;
}

// Removes "bytes" (any case) and what must follow it.
bool TakeUnit(std::string_view* text, char separator) {
  constexpr std::string_view kUnit = "bytes";
  if (text->size() < kUnit.size()) return false;
  for (size_t i = 0; i < kUnit.size(); ++i) {
    if (((*text)[i] | 0x20) != kUnit[i]) return false;
  }
  text->remove_prefix(kUnit.size());
  return Take(text, separator);
}

}  // namespace

RangeDecision DecideRange(std::string_view range_header, uint64_t total_bytes) {
  const RangeDecision whole;
  const RangeDecision unsatisfiable{RangeOutcome::kUnsatisfiable, {}};
  std::string_view text = TrimBlanks(range_header);
  if (!TakeUnit(&text, '=')) return whole;
  text = TrimBlanks(text);
  // Several ranges would need a multipart answer; a server may ignore them (RFC 9110, 14.2).
  if (text.find(',') != std::string_view::npos) return whole;

  if (Take(&text, '-')) {  // The last n bytes.
    const std::optional<uint64_t> count = TakeNumber(&text);
    if (!count || !text.empty()) return whole;
    if (*count == 0 || total_bytes == 0) return unsatisfiable;
    const uint64_t first = *count >= total_bytes ? 0 : total_bytes - *count;
    return {RangeOutcome::kPart, {first, total_bytes - 1}};
  }

  const std::optional<uint64_t> first = TakeNumber(&text);
  if (!first || !Take(&text, '-')) return whole;
  uint64_t last = UINT64_MAX;
  if (!text.empty()) {
    const std::optional<uint64_t> number = TakeNumber(&text);
    if (!number || !text.empty() || *number < *first) return whole;
    last = *number;
  }
  if (*first >= total_bytes) return unsatisfiable;
  if (last >= total_bytes) last = total_bytes - 1;
  return {RangeOutcome::kPart, {*first, last}};
}

std::optional<ContentRange> ParseContentRange(std::string_view text) {
  text = TrimBlanks(text);
  if (!TakeUnit(&text, ' ')) return std::nullopt;
  ContentRange range;
  if (!Take(&text, '*')) {
    range.first = TakeNumber(&text);
    if (!range.first || !Take(&text, '-')) return std::nullopt;
    if (!Take(&text, '*')) {
      range.last = TakeNumber(&text);
      if (!range.last || *range.last < *range.first) return std::nullopt;
    }
  }
  if (!Take(&text, '/')) return std::nullopt;
  if (!Take(&text, '*')) {
    range.total_bytes = TakeNumber(&text);
    if (!range.total_bytes) return std::nullopt;
    if (range.last && *range.last >= *range.total_bytes) return std::nullopt;
    if (range.first && *range.first > *range.total_bytes) return std::nullopt;
  }
  if (!text.empty()) return std::nullopt;
  return range;
}

std::string FormatContentRange(const ByteRange& range, uint64_t total_bytes) {
  return "bytes " + std::to_string(range.first) + "-" + std::to_string(range.last) + "/" +
         std::to_string(total_bytes);
}

}  // namespace godwit
