#include "inference/error_text.h"

#include <algorithm>
#include <cstdio>

namespace godwit {

void ErrorText::Report(void* user_data, const char* format, va_list arguments) {
  auto* const self = static_cast<ErrorText*>(user_data);
  const size_t room = self->text_.size() - self->size_;
  if (room < 2) return;
  const int length = vsnprintf(self->text_.data() + self->size_, room, format, arguments);
  if (length <= 0) return;
  self->size_ += std::min(static_cast<size_t>(length), room - 1);
  if (self->size_ < self->text_.size()) self->text_[self->size_++] = '\n';
}

std::string ErrorText::Take() {
  std::string text = WithoutSourcePaths(std::string_view(text_.data(), size_));
  size_ = 0;
  while (text.ends_with('\n') || text.ends_with('.')) text.pop_back();
  size_t at = 0;
  while ((at = text.find('\n', at)) != std::string::npos) text.replace(at, 1, "; ");
  return text.empty() ? "the library gave no reason" : text;
}

std::string WithoutSourcePaths(std::string_view text) {
  std::string cleaned;
  while (!text.empty()) {
    const size_t end = std::min(text.find_first_of(" \n"), text.size());
    std::string_view word = text.substr(0, end);
    const bool source = word.find(".cc") != std::string_view::npos ||
                        word.find(".h:") != std::string_view::npos ||
                        word.find(".c:") != std::string_view::npos;
    if (source) word.remove_prefix(word.rfind('/') + 1);  // npos + 1 is 0.
    cleaned.append(word);
    if (end < text.size()) cleaned.push_back(text[end]);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return cleaned;
}

}  // namespace godwit
