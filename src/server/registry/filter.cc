#include "server/registry/filter.h"

#include <algorithm>
#include <utility>

namespace godwit::server {
namespace {

enum class Field { kDisplayName, kTags, kPublished };
enum class Comparison { kEqual, kNotEqual, kHas };

class All final : public Filter {
 public:
  explicit All(std::vector<std::unique_ptr<Filter>> parts) : parts_(std::move(parts)) {}
  bool Matches(const Model& model) const override {
    return std::all_of(parts_.begin(), parts_.end(),
                       [&](const auto& part) { return part->Matches(model); });
  }
  std::optional<std::string_view> ExactName() const override {
    for (const auto& part : parts_) {
      if (const auto name = part->ExactName()) return name;
    }
    return std::nullopt;
  }

 private:
  std::vector<std::unique_ptr<Filter>> parts_;
};

class Any final : public Filter {
 public:
  explicit Any(std::vector<std::unique_ptr<Filter>> parts) : parts_(std::move(parts)) {}
  bool Matches(const Model& model) const override {
    return std::any_of(parts_.begin(), parts_.end(),
                       [&](const auto& part) { return part->Matches(model); });
  }

 private:
  std::vector<std::unique_ptr<Filter>> parts_;
};

class Not final : public Filter {
 public:
  explicit Not(std::unique_ptr<Filter> part) : part_(std::move(part)) {}
  bool Matches(const Model& model) const override { return !part_->Matches(model); }

 private:
  std::unique_ptr<Filter> part_;
};

class Restriction final : public Filter {
 public:
  Restriction(Field field, Comparison comparison, std::string value, bool prefix)
      : field_(field), comparison_(comparison), value_(std::move(value)), prefix_(prefix) {}

  bool Matches(const Model& model) const override {
    return Compare(model) != (comparison_ == Comparison::kNotEqual);
  }
  std::optional<std::string_view> ExactName() const override {
    const bool exact =
        field_ == Field::kDisplayName && comparison_ == Comparison::kEqual && !prefix_;
    return exact ? std::optional<std::string_view>(value_) : std::nullopt;
  }

 private:
  bool Compare(const Model& model) const {
    switch (field_) {
      case Field::kDisplayName:
        return TextMatches(model.display_name, comparison_ == Comparison::kHas);
      case Field::kTags:
        return std::any_of(model.tags.begin(), model.tags.end(),
                           [&](const std::string& tag) { return TextMatches(tag, false); });
      case Field::kPublished:
        return (model.published != 0) == (value_ == "true");
    }
    return false;
  }

  bool TextMatches(const std::string& text, bool contains) const {
    if (prefix_) return text.starts_with(value_);
    return contains ? text.find(value_) != std::string::npos : text == value_;
  }

  Field field_;
  Comparison comparison_;
  std::string value_;
  bool prefix_;
};

// Recursive descent; offset_ is the next character.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<std::unique_ptr<Filter>> ParseAll() {
    SkipSpace();
    if (AtEnd()) return std::unique_ptr<Filter>(new All({}));
    GODWIT_ASSIGN_OR_RETURN(auto filter, ParseFilter(0));
    if (!AtEnd()) return Wrong("unexpected text");
    return filter;
  }

 private:
  using Parts = std::vector<std::unique_ptr<Filter>>;

  Result<std::unique_ptr<Filter>> ParseFilter(int depth) {
    if (depth > kDepthMax) return Wrong("parentheses are nested too deep");
    Parts parts;
    do {
      // A sequence: factors side by side, until AND, ')' or the end.
      do {
        GODWIT_ASSIGN_OR_RETURN(auto factor, ParseFactor(depth));
        parts.push_back(std::move(factor));
      } while (!AtEnd() && Peek() != ')' && !PeekWord("AND"));
    } while (TakeWord("AND"));
    if (parts.size() == 1) return std::move(parts.front());
    return std::unique_ptr<Filter>(new All(std::move(parts)));
  }

  Result<std::unique_ptr<Filter>> ParseFactor(int depth) {
    Parts parts;
    do {
      GODWIT_ASSIGN_OR_RETURN(auto term, ParseTerm(depth));
      parts.push_back(std::move(term));
    } while (TakeWord("OR"));
    if (parts.size() == 1) return std::move(parts.front());
    return std::unique_ptr<Filter>(new Any(std::move(parts)));
  }

  Result<std::unique_ptr<Filter>> ParseTerm(int depth) {
    const bool negated = TakeWord("NOT") || Take('-');
    std::unique_ptr<Filter> part;
    if (Take('(')) {
      GODWIT_ASSIGN_OR_RETURN(part, ParseFilter(depth + 1));
      if (!Take(')')) return Wrong("')' is missing");
    } else {
      GODWIT_ASSIGN_OR_RETURN(part, ParseRestriction());
    }
    if (!negated) return part;
    return std::unique_ptr<Filter>(new Not(std::move(part)));
  }

  Result<std::unique_ptr<Filter>> ParseRestriction() {
    const std::string_view name = TakeName();
    Field field;
    if (name == "display_name" || name == "displayName") {
      field = Field::kDisplayName;
    } else if (name == "tags") {
      field = Field::kTags;
    } else if (name == "state.published") {
      field = Field::kPublished;
    } else {
      return Wrong("a field is expected: display_name, tags or state.published");
    }
    GODWIT_ASSIGN_OR_RETURN(const Comparison comparison, ParseComparison());
    GODWIT_ASSIGN_OR_RETURN(std::string value, ParseValue());
    if (field == Field::kPublished && value != "true" && value != "false") {
      return Wrong("state.published is true or false");
    }
    const size_t star = value.find('*');
    const bool prefix = star != std::string::npos;
    if (prefix && star + 1 != value.size()) return Wrong("'*' may only end a value");
    if (prefix) value.pop_back();
    return std::unique_ptr<Filter>(new Restriction(field, comparison, std::move(value), prefix));
  }

  Result<Comparison> ParseComparison() {
    if (Take(':')) return Comparison::kHas;
    if (Take('=')) return Comparison::kEqual;
    if (text_.substr(offset_).starts_with("!=")) {
      offset_ += 2;
      SkipSpace();
      return Comparison::kNotEqual;
    }
    return Wrong("'=', '!=' or ':' is expected");
  }

  Result<std::string> ParseValue() {
    if (!AtEnd() && (Peek() == '"' || Peek() == '\'')) {
      const size_t end = text_.find(Peek(), offset_ + 1);
      if (end == std::string_view::npos) return Wrong("the closing quote is missing");
      std::string value(text_.substr(offset_ + 1, end - offset_ - 1));
      offset_ = end + 1;
      SkipSpace();
      return value;
    }
    const size_t start = offset_;
    while (!AtEnd() && !IsSpace(Peek()) && Peek() != ')' && Peek() != '(') ++offset_;
    if (offset_ == start) return Wrong("a value is expected");
    std::string value(text_.substr(start, offset_ - start));
    SkipSpace();
    return value;
  }

  std::string_view TakeName() {
    const size_t start = offset_;
    while (!AtEnd() && (std::isalnum(static_cast<unsigned char>(Peek())) != 0 || Peek() == '_' ||
                        Peek() == '.')) {
      ++offset_;
    }
    const std::string_view name = text_.substr(start, offset_ - start);
    SkipSpace();
    return name;
  }

  bool Take(char c) {
    if (AtEnd() || Peek() != c) return false;
    ++offset_;
    SkipSpace();
    return true;
  }

  // True before the keyword, when a space, a parenthesis or the end follows it.
  bool PeekWord(std::string_view word) const {
    const std::string_view rest = text_.substr(offset_);
    if (!rest.starts_with(word)) return false;
    return rest.size() == word.size() || IsSpace(rest[word.size()]) || rest[word.size()] == '(';
  }

  bool TakeWord(std::string_view word) {
    if (!PeekWord(word)) return false;
    offset_ += word.size();
    SkipSpace();
    return true;
  }

  void SkipSpace() {
    while (!AtEnd() && IsSpace(Peek())) ++offset_;
  }
  static bool IsSpace(char c) { return c == ' ' || c == '\t'; }
  bool AtEnd() const { return offset_ == text_.size(); }
  char Peek() const { return text_[offset_]; }

  Status Wrong(std::string_view what) const {
    return Status(StatusCode::kInvalidArgument,
                  "filter, at character " + std::to_string(offset_ + 1) + ": " + std::string(what));
  }

  static constexpr int kDepthMax = Filter::kDepthMax;
  std::string_view text_;
  size_t offset_ = 0;
};

}  // namespace

Result<std::unique_ptr<Filter>> Filter::Parse(std::string_view text) {
  if (text.size() > kBytesMax) {
    return Status(StatusCode::kInvalidArgument,
                  "the filter is longer than " + std::to_string(kBytesMax) + " bytes");
  }
  return Parser(text).ParseAll();
}

}  // namespace godwit::server
