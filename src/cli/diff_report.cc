#include "cli/diff_report.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "cli/text_format.h"
#include "digest/digest.h"

namespace godwit::cli {
namespace {

using tflite::ContractChange;
using tflite::TensorChange;
using Kind = ContractChange::Kind;

constexpr size_t kTensorsShown = 10;
constexpr size_t kGraphsShown = 8;

uint64_t Distance(uint64_t a, uint64_t b) { return a > b ? a - b : b - a; }

// "+2.8 kB (+30.2 %)"; empty when nothing changed.
std::string GrowthText(uint64_t before, uint64_t after) {
  if (before == after) return "";
  const std::string sign = after > before ? "+" : "-";
  std::string text = sign + FormatBytes(Distance(before, after));
  if (before == 0) return text;
  const double percent =
      100 * static_cast<double>(Distance(before, after)) / static_cast<double>(before);
  return text + " (" + sign + FormatFixed(percent, 1) + " %)";
}

std::string Change(const std::string& before, const std::string& after) {
  return before == after ? before : before + " -> " + after;
}

const tflite::Tensor* TensorAt(const DiffSide& side, uint32_t graph, int32_t index) {
  if (index < 0) return nullptr;
  return &side.opened.model.subgraphs[graph].tensors[static_cast<size_t>(index)];
}

// How many bytes of a download this change is the cause of.
uint64_t WeightOf(const TensorChange& change) {
  return change.bytes_changed ? *change.bytes_changed
                              : std::max(change.bytes_before, change.bytes_after);
}

std::vector<std::string> ChangedParts(const TensorChange& change) {
  std::vector<std::string> parts;
  if (change.before < 0) return {"added"};
  if (change.after < 0) return {"removed"};
  if (change.data) parts.push_back("weights");
  if (change.type) parts.push_back("type");
  if (change.shape) parts.push_back("shape");
  if (change.quantization) parts.push_back("quantization");
  if (change.name) parts.push_back("name");
  return parts;
}

std::string Joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

// "input 0 'image'" and "is gone": what a change says, for a table of two columns.
std::string ContractText(const ContractChange& change) {
  const auto arrow = [&](const char* what) { return what + change.before + " -> " + change.after; };
  switch (change.kind) {
    case Kind::kMissing:
      return "is gone";
    case Kind::kAdded:
      // Of signatures and operators the name says all.
      return change.after.empty() || change.after.starts_with('\'') ? "is new"
                                                                    : "is new: " + change.after;
    case Kind::kRenamed:
      return "is now called " + change.after;
    case Kind::kMoved:
      return "is now " + change.after;
    case Kind::kType:
      return arrow("type ");
    case Kind::kShape:
      return arrow("shape ");
    case Kind::kQuantization:
      return arrow("quantization ");
    case Kind::kLabels:
      return arrow("labels: ");
    case Kind::kNormalization:
      return arrow("normalization ");
    case Kind::kRuntimeVersion:
      return (change.before.empty() ? "unknown" : change.before) + " -> " +
             (change.after.empty() ? "unknown" : change.after);
  }
  return "";
}

class Text {
 public:
  Text(Console& console, const DiffFindings& findings) : console_(console), found_(findings) {}

  void Verdict() {
    const std::string before = Printable(found_.before.name);
    const std::string after = Printable(found_.after.name);
    if (found_.diff.same_file) {
      return console_.Print(
          console_.Styled(Style::kGreen, before + " and " + after + " are the same file") + "\n");
    }
    const bool breaks = tflite::Breaks(found_.contract);
    const std::string verdict =
        breaks ? after + " breaks an app written for " + before + ":"
               : "an app written for " + before + " keeps working with " + after;
    console_.Print(console_.Styled(breaks ? Style::kRed : Style::kGreen, verdict) + "\n");
    Contract(true);
    if (breaks && HasHarmless()) Title("Without harm to it");
    Contract(false);
    for (const DiffSide* side : {&found_.before, &found_.after}) {
      if (side->metadata_fault.empty()) continue;
      console_.Note(console_.StyledNote(Style::kYellow, "godwit:") +
                    " labels and normalization of " + Printable(side->name) +
                    " were not compared: " + Printable(side->metadata_fault));
    }
  }

  void Sizes() {
    Title("Size");
    Table table({{""}, {"before", Align::kRight}, {"after", Align::kRight}, {"change"}});
    const uint64_t old_bytes = found_.before.opened.file.bytes().size();
    const uint64_t new_bytes = found_.after.opened.file.bytes().size();
    table.AddRow(
        {"file", FormatBytes(old_bytes), FormatBytes(new_bytes), GrowthText(old_bytes, new_bytes)});
    const auto& before = found_.diff.sizes_before;
    const auto& after = found_.diff.sizes_after;
    const size_t graphs = std::max(before.size(), after.size());
    for (size_t i = 0; i < std::min(graphs, kGraphsShown); ++i) {
      const tflite::SubgraphSize was = i < before.size() ? before[i] : tflite::SubgraphSize();
      const tflite::SubgraphSize is = i < after.size() ? after[i] : tflite::SubgraphSize();
      const std::string graph = graphs == 1 ? "" : "graph " + std::to_string(i) + " ";
      table.AddRow({graph + "weights", FormatBytes(was.constant_bytes),
                    FormatBytes(is.constant_bytes),
                    GrowthText(was.constant_bytes, is.constant_bytes)});
      CountRow(table, graph + "operators", was.operators, is.operators);
      CountRow(table, graph + "tensors", was.tensors, is.tensors);
    }
    Indented(table.Render());
  }

  void Operators() {
    if (found_.diff.operators.empty()) return;
    Title("Operators");
    Table table({{"name"}, {"before", Align::kRight}, {"after", Align::kRight}, {"change"}});
    for (const tflite::OperatorChange& change : found_.diff.operators) {
      std::string what = change.count_before == 0 ? "new" : change.count_after == 0 ? "gone" : "";
      if (what.empty() && change.version_before != change.version_after) {
        what = "version " + std::to_string(change.version_before) + " -> " +
               std::to_string(change.version_after);
      }
      table.AddRow({Printable(change.name) + (change.custom ? " (custom)" : ""),
                    FormatCount(change.count_before), FormatCount(change.count_after), what});
    }
    Indented(table.Render());
  }

  void Tensors(TensorList list) {
    if (found_.diff.tensors.empty()) return;
    Title("Tensors");
    console_.Print("  " + TotalsText() + "\n");
    std::vector<const TensorChange*> sorted;
    for (const TensorChange& change : found_.diff.tensors) {
      if (list == TensorList::kAll || WeightOf(change) > 0) sorted.push_back(&change);
    }
    if (sorted.empty()) return;
    std::stable_sort(sorted.begin(), sorted.end(),
                     [](const auto* a, const auto* b) { return WeightOf(*a) > WeightOf(*b); });
    const size_t shown =
        list == TensorList::kAll ? sorted.size() : std::min(sorted.size(), kTensorsShown);
    std::vector<std::vector<std::string>> rows;
    for (size_t i = 0; i < shown; ++i) rows.push_back(TensorRow(*sorted[i]));
    ShortenNames(rows);
    Table table({{"bytes", Align::kRight}, {"change"}, {"tensor"}, {"name"}});
    for (std::vector<std::string>& row : rows) table.AddRow(std::move(row));
    Indented(table.Render());
    if (shown < found_.diff.tensors.size()) {
      console_.Print("  " + FormatCount(found_.diff.tensors.size() - shown) +
                     " more: add --tensors\n");
    }
  }

  // A file may differ in what the reader does not read.
  void Nothing() {
    if (found_.diff.same_file || !found_.diff.operators.empty() || !found_.diff.tensors.empty()) {
      return;
    }
    console_.Print(
        "\nOperators, tensors and weights are the same; the files differ in operators' options, "
        "metadata or order.\n");
  }

 private:
  bool HasHarmless() const {
    return std::any_of(found_.contract.begin(), found_.contract.end(),
                       [](const ContractChange& change) { return !change.breaks; });
  }

  void Contract(bool breaking) {
    Table table({{""}, {""}});
    for (const ContractChange& change : found_.contract) {
      if (change.breaks != breaking) continue;
      table.AddRow({Printable(change.where), Printable(ContractText(change))});
    }
    if (table.empty()) return;
    const std::string text = table.Render();
    Indented(text.substr(text.find('\n') + 1));  // It has no titles.
  }

  static void CountRow(Table& table, const std::string& name, uint64_t before, uint64_t after) {
    const std::string sign = after > before ? "+" : "-";
    table.AddRow({name, FormatCount(before), FormatCount(after),
                  before == after ? "" : sign + FormatCount(Distance(before, after))});
  }

  std::string TotalsText() const {
    const tflite::TensorTotals totals = tflite::SumTensorChanges(found_.diff);
    std::vector<std::string> parts;
    const auto add = [&](uint32_t count, const char* what) {
      if (count > 0) parts.push_back(FormatCount(count) + " " + what);
    };
    add(totals.added, "added");
    add(totals.removed, "removed");
    add(totals.data_changed, "with other weights");
    if (totals.bytes_changed > 0) parts.back() += " (" + FormatBytes(totals.bytes_changed) + ")";
    add(totals.type_changed, "with another type");
    add(totals.shape_changed, "with another shape");
    add(totals.quantization_changed, "quantized otherwise");
    add(totals.renamed, "renamed");
    return Joined(parts);
  }

  std::vector<std::string> TensorRow(const TensorChange& change) const {
    const tflite::Tensor* before = TensorAt(found_.before, change.subgraph, change.before);
    const tflite::Tensor* after = TensorAt(found_.after, change.subgraph, change.after);
    const tflite::Tensor& first = before != nullptr ? *before : *after;
    const tflite::Tensor& last = after != nullptr ? *after : *before;
    const std::string tensor =
        change.shape
            ? Change(tflite::DescribeTensor(first), tflite::DescribeTensor(last))
            : Change(tflite::TensorTypeName(first.type), tflite::TensorTypeName(last.type)) + " " +
                  tflite::ShapeText(last);
    return {BytesText(change), Joined(ChangedParts(change)), tensor,
            Printable(Change(first.name, last.name))};
  }

  static std::string BytesText(const TensorChange& change) {
    if (!change.bytes_changed) {
      return (change.bytes_after < change.bytes_before ? "-" : "+") +
             FormatBytes(Distance(change.bytes_before, change.bytes_after));
    }
    if (*change.bytes_changed == 0) return "";
    return FormatBytes(*change.bytes_changed) + " of " + FormatBytes(change.bytes_before);
  }

  // Converters make names of hundreds of letters; on a terminal they must not wrap the table.
  void ShortenNames(std::vector<std::vector<std::string>>& rows) const {
    if (!console_.out_is_terminal()) return;
    constexpr size_t kNameMin = 16;
    size_t widths[3] = {};
    for (const auto& row : rows) {
      for (size_t i = 0; i < std::size(widths); ++i) {
        widths[i] = std::max(widths[i], DisplayWidth(row[i]));
      }
    }
    const size_t others = widths[0] + widths[1] + widths[2] + 8;  // And the gaps.
    const size_t room = std::max(console_.width(), others + kNameMin) - others;
    for (auto& row : rows) {
      std::string& name = row.back();
      if (name.size() <= room) continue;
      size_t end = room - 1;
      while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xC0) == 0x80) --end;  // UTF-8.
      name = name.substr(0, end) + "…";
    }
  }

  void Title(const std::string& title) {
    console_.Print("\n" + console_.Styled(Style::kBold, title) + "\n");
  }

  void Indented(const std::string& text) {
    size_t start = 0;
    while (start < text.size()) {
      const size_t end = text.find('\n', start);
      console_.Print("  " + text.substr(start, end - start) + "\n");
      start = end + 1;
    }
  }

  Console& console_;
  const DiffFindings& found_;
};

Json SideJson(const DiffSide& side) {
  return Json::Object({{"name", Json(side.name)},
                       {"sha256", Json(DigestOf(side.opened.file.bytes()).ToHex())},
                       {"sizeBytes", Json(uint64_t{side.opened.file.bytes().size()})}});
}

Json ContractJson(const std::vector<ContractChange>& contract) {
  Json list = Json::Array();
  for (const ContractChange& change : contract) {
    list.Add(Json::Object({{"kind", Json(tflite::ContractChangeName(change.kind))},
                           {"breaks", Json(change.breaks)},
                           {"where", Json(change.where)},
                           {"before", Json(change.before)},
                           {"after", Json(change.after)}}));
  }
  return list;
}

Json OperatorsJson(const std::vector<tflite::OperatorChange>& changes) {
  const auto use = [](uint32_t count, int32_t version) {
    if (count == 0) return Json();
    return Json::Object({{"count", Json(int64_t{count})}, {"version", Json(version)}});
  };
  Json list = Json::Array();
  for (const tflite::OperatorChange& change : changes) {
    list.Add(Json::Object({{"name", Json(change.name)},
                           {"custom", Json(change.custom)},
                           {"before", use(change.count_before, change.version_before)},
                           {"after", use(change.count_after, change.version_after)}}));
  }
  return list;
}

Json SubgraphsJson(const std::vector<tflite::SubgraphSize>& sizes) {
  Json list = Json::Array();
  for (const tflite::SubgraphSize& size : sizes) {
    list.Add(Json::Object({{"operators", Json(size.operators)},
                           {"tensors", Json(size.tensors)},
                           {"weightBytes", Json(size.constant_bytes)}}));
  }
  return list;
}

Json TotalsJson(const tflite::TensorTotals& totals) {
  return Json::Object({{"added", Json(int64_t{totals.added})},
                       {"removed", Json(int64_t{totals.removed})},
                       {"renamed", Json(int64_t{totals.renamed})},
                       {"typeChanged", Json(int64_t{totals.type_changed})},
                       {"shapeChanged", Json(int64_t{totals.shape_changed})},
                       {"quantizationChanged", Json(int64_t{totals.quantization_changed})},
                       {"weightsChanged", Json(int64_t{totals.data_changed})},
                       {"weightBytesChanged", Json(totals.bytes_changed)}});
}

Json TensorsJson(const DiffFindings& findings) {
  const auto tensor_json = [](const tflite::Tensor* tensor) {
    if (tensor == nullptr) return Json();
    Json shape = Json::Array();
    for (const int32_t size : tflite::ShapeOf(*tensor)) shape.Add(Json(size));
    return Json::Object({{"name", Json(tensor->name)},
                         {"type", Json(tflite::TensorTypeName(tensor->type))},
                         {"shape", shape},
                         {"weightBytes", Json(tensor->buffer_bytes)}});
  };
  Json list = Json::Array();
  for (const TensorChange& change : findings.diff.tensors) {
    Json parts = Json::Array();
    for (const std::string& part : ChangedParts(change)) parts.Add(Json(part));
    Json json = Json::Object(
        {{"subgraph", Json(int64_t{change.subgraph})},
         {"changes", parts},
         {"before", tensor_json(TensorAt(findings.before, change.subgraph, change.before))},
         {"after", tensor_json(TensorAt(findings.after, change.subgraph, change.after))}});
    if (change.bytes_changed) json.Set("bytesChanged", Json(*change.bytes_changed));
    list.Add(std::move(json));
  }
  return list;
}

}  // namespace

void PrintDiff(Console& console, const DiffFindings& findings, TensorList tensors) {
  Text text(console, findings);
  text.Verdict();
  if (findings.diff.same_file) return;
  text.Sizes();
  text.Operators();
  text.Tensors(tensors);
  text.Nothing();
}

Json DiffJson(const DiffFindings& findings, TensorList tensors) {
  Json json = Json::Object(
      {{"before",
        SideJson(findings.before).Set("subgraphs", SubgraphsJson(findings.diff.sizes_before))},
       {"after",
        SideJson(findings.after).Set("subgraphs", SubgraphsJson(findings.diff.sizes_after))},
       {"sameFile", Json(findings.diff.same_file)},
       {"breaks", Json(tflite::Breaks(findings.contract))},
       {"contract", ContractJson(findings.contract)},
       {"operators", OperatorsJson(findings.diff.operators)},
       {"tensors", TotalsJson(tflite::SumTensorChanges(findings.diff))}});
  if (tensors == TensorList::kAll) json.Set("tensorChanges", TensorsJson(findings));
  return json;
}

std::string ContractLine(const ContractChange& change) {
  return change.where + ": " + ContractText(change);
}

}  // namespace godwit::cli
