// `godwit inspect`: what a model file holds, without running it.
#include <algorithm>
#include <map>

#include "cli/commands.h"
#include "cli/model_file.h"
#include "cli/text_format.h"
#include "digest/digest.h"

namespace godwit::cli {
namespace {

constexpr size_t kTensorsShown = 20;
constexpr size_t kBarWidth = 24;

struct SizedTensor {
  const tflite::Tensor* tensor;
  uint64_t bytes;
};

// The constant tensors, largest first. A buffer that several tensors share counts once.
std::vector<SizedTensor> TensorsBySize(const tflite::Model& model) {
  std::map<uint32_t, SizedTensor> by_buffer;
  for (const tflite::Subgraph& subgraph : model.subgraphs) {
    for (const tflite::Tensor& tensor : subgraph.tensors) {
      if (tensor.buffer_bytes > 0) {
        by_buffer.try_emplace(tensor.buffer_index, SizedTensor{&tensor, tensor.buffer_bytes});
      }
    }
  }
  std::vector<SizedTensor> sorted;
  for (const auto& [index, sized] : by_buffer) sorted.push_back(sized);
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.bytes > b.bytes; });
  return sorted;
}

std::string DescribeQuantization(const tflite::Quantization& quantization) {
  if (quantization.scale.empty()) return "";
  if (quantization.scale.size() > 1) {
    return "per channel (" + std::to_string(quantization.scale.size()) + ")";
  }
  const int64_t zero = quantization.zero_point.empty() ? 0 : quantization.zero_point.front();
  return "(q - " + std::to_string(zero) + ") * " + FormatFixed(quantization.scale.front(), 6);
}

Json TensorJson(const tflite::Tensor& tensor) {
  Json shape = Json::Array();
  for (const int32_t size : tflite::ShapeOf(tensor)) shape.Add(Json(size));
  Json json = Json::Object({{"name", Json(tensor.name)},
                            {"type", Json(tflite::TensorTypeName(tensor.type))},
                            {"shape", shape}});
  if (!tensor.quantization.scale.empty()) {
    Json scale = Json::Array();
    Json zero_point = Json::Array();
    for (const float value : tensor.quantization.scale) scale.Add(Json(double{value}));
    for (const int64_t value : tensor.quantization.zero_point) zero_point.Add(Json(value));
    json.Set("scale", scale).Set("zeroPoint", zero_point);
  }
  return json;
}

Json TensorsJson(const tflite::Subgraph& subgraph, const std::vector<int32_t>& indices) {
  Json list = Json::Array();
  for (const int32_t index : indices) {
    if (index >= 0) list.Add(TensorJson(subgraph.tensors[static_cast<size_t>(index)]));
  }
  return list;
}

Json SignatureJson(const tflite::Model& model, const tflite::Signature& signature) {
  const tflite::Subgraph& subgraph = model.subgraphs[signature.subgraph_index];
  const auto side = [&](const std::vector<tflite::SignatureTensor>& tensors) {
    Json list = Json::Array();
    for (const tflite::SignatureTensor& item : tensors) {
      Json tensor = TensorJson(subgraph.tensors[item.tensor_index]);
      list.Add(tensor.Set("name", Json(item.name)));
    }
    return list;
  };
  return Json::Object({{"key", Json(signature.key)},
                       {"inputs", side(signature.inputs)},
                       {"outputs", side(signature.outputs)}});
}

Json ModelJson(const ModelFile& opened, const std::string& sha256) {
  const tflite::Model& model = opened.model;
  Json operators = Json::Array();
  for (const tflite::OperatorUse& use : model.operator_uses) {
    operators.Add(Json::Object({{"name", Json(use.name)},
                                {"version", Json(use.version)},
                                {"custom", Json(use.custom)},
                                {"count", Json(int64_t{use.count})}}));
  }
  Json signatures = Json::Array();
  for (const auto& signature : model.signatures) signatures.Add(SignatureJson(model, signature));
  Json constants = Json::Array();
  for (const SizedTensor& sized : TensorsBySize(model)) {
    Json tensor = TensorJson(*sized.tensor);
    constants.Add(tensor.Set("sizeBytes", Json(sized.bytes)));
  }
  Json json = Json::Object({{"sizeBytes", Json(uint64_t{opened.file.bytes().size()})},
                            {"sha256", Json(sha256)},
                            {"schemaVersion", Json(int64_t{model.schema_version})},
                            {"description", Json(model.description)},
                            {"runtimeVersion", Json(model.runtime_version)},
                            {"subgraphs", Json(uint64_t{model.subgraphs.size()})},
                            {"operators", operators}});
  if (!model.subgraphs.empty()) {
    const tflite::Subgraph& main = model.subgraphs.front();
    json.Set("inputs", TensorsJson(main, main.inputs));
    json.Set("outputs", TensorsJson(main, main.outputs));
  }
  return json.Set("signatures", signatures).Set("constants", constants);
}

class Report {
 public:
  Report(Console& console, const ModelFile& opened) : console_(console), opened_(opened) {}

  void Head(const std::string& path, const std::string& sha256) {
    const tflite::Model& model = opened_.model;
    size_t tensors = 0;
    size_t operators = 0;
    for (const auto& subgraph : model.subgraphs) {
      tensors += subgraph.tensors.size();
      operators += subgraph.operators.size();
    }
    console_.Print(console_.Styled(Style::kBold, Printable(path)) + "\n");
    Line("size", FormatBytes(opened_.file.bytes().size()) + " (" +
                     FormatCount(opened_.file.bytes().size()) + " bytes)");
    Line("sha256", sha256);
    if (!model.description.empty()) Line("description", model.description);
    if (!model.runtime_version.empty()) Line("needs runtime", model.runtime_version);
    Line("holds", Plural(operators, "operator") + ", " + Plural(tensors, "tensor") + ", " +
                      Plural(model.subgraphs.size(), "subgraph"));
    const auto metadata = tflite::ReadMetadata(opened_.file.bytes());
    if (!metadata.ok()) Line("metadata", "damaged: " + metadata.status().message());
    if (metadata.ok() && !metadata->name.empty()) Line("name", metadata->name);
    if (metadata.ok() && !metadata->output_labels.empty() &&
        !metadata->output_labels.front().empty()) {
      Line("labels", FormatCount(metadata->output_labels.front().size()));
    }
  }

  void InputsAndOutputs() {
    if (opened_.model.subgraphs.empty()) return;
    const tflite::Subgraph& main = opened_.model.subgraphs.front();
    Tensors("Inputs", main, main.inputs);
    Tensors("Outputs", main, main.outputs);
  }

  void Signatures() {
    if (opened_.model.signatures.empty()) return;
    Title("Signatures");
    for (const tflite::Signature& signature : opened_.model.signatures) {
      const auto names = [](const std::vector<tflite::SignatureTensor>& tensors) {
        std::string text;
        for (const auto& tensor : tensors) text += (text.empty() ? "" : ", ") + tensor.name;
        return text;
      };
      console_.Print("  " +
                     Printable(signature.key + "(" + names(signature.inputs) + ") -> (" +
                               names(signature.outputs) + ")") +
                     "\n");
    }
  }

  void Operators() {
    uint64_t most = 1;
    for (const auto& use : opened_.model.operator_uses) most = std::max<uint64_t>(most, use.count);
    Title("Operators");
    Table table({{"name"}, {"version", Align::kRight}, {"count", Align::kRight}, {BarTitle()}});
    for (const tflite::OperatorUse& use : opened_.model.operator_uses) {
      table.AddRow({Printable(use.name) + (use.custom ? " (custom)" : ""),
                    std::to_string(use.version), FormatCount(use.count), BarCell(use.count, most)});
    }
    PrintIndented(table.Render());
  }

  void Constants() {
    const std::vector<SizedTensor> tensors = TensorsBySize(opened_.model);
    if (tensors.empty()) return;
    uint64_t total = 0;
    for (const SizedTensor& sized : tensors) total += sized.bytes;
    Title("Constant tensors by size (" + FormatBytes(total) + " in " + FormatCount(tensors.size()) +
          ")");
    Table table(
        {{"bytes", Align::kRight}, {"share", Align::kRight}, {BarTitle()}, {"tensor"}, {"name"}});
    const auto row = [&](uint64_t bytes, const std::string& what, const std::string& name) {
      const double share = static_cast<double>(bytes) / static_cast<double>(total);
      table.AddRow({FormatBytes(bytes), FormatFixed(share * 100, 1) + " %",
                    BarCell(bytes, tensors.front().bytes), what, name});
    };
    const size_t shown = std::min(tensors.size(), kTensorsShown);
    for (size_t i = 0; i < shown; ++i) {
      row(tensors[i].bytes, tflite::DescribeTensor(*tensors[i].tensor),
          NameCell(tensors[i].tensor->name));
    }
    if (shown < tensors.size()) {
      uint64_t rest = 0;
      for (size_t i = shown; i < tensors.size(); ++i) rest += tensors[i].bytes;
      row(rest, FormatCount(tensors.size() - shown) + " more", "");
    }
    PrintIndented(table.Render());
  }

 private:
  static std::string Plural(size_t count, const char* noun) {
    return FormatCount(count) + " " + noun + (count == 1 ? "" : "s");
  }

  void Line(const char* name, const std::string& value) {
    console_.Print("  " + PadRight(name, 14) + Printable(value) + "\n");
  }

  void Title(const std::string& title) {
    console_.Print("\n" + console_.Styled(Style::kBold, title) + "\n");
  }

  void PrintIndented(const std::string& text) {
    size_t start = 0;
    while (start < text.size()) {
      const size_t end = text.find('\n', start);
      console_.Print("  " + text.substr(start, end - start) + "\n");
      start = end + 1;
    }
  }

  void Tensors(const char* title, const tflite::Subgraph& subgraph,
               const std::vector<int32_t>& indices) {
    Title(title);
    for (const int32_t index : indices) {
      if (index < 0) continue;
      const tflite::Tensor& tensor = subgraph.tensors[static_cast<size_t>(index)];
      const std::string quantization = DescribeQuantization(tensor.quantization);
      console_.Print("  " + Printable(tensor.name) + "  " + tflite::DescribeTensor(tensor) +
                     (quantization.empty() ? "" : "  " + quantization) + "\n");
    }
  }

  // Bars are for eyes: a file or a pipe gets none.
  std::string BarTitle() const { return ""; }
  std::string BarCell(uint64_t value, uint64_t most) const {
    if (!console_.out_is_terminal()) return "";
    return Bar(static_cast<double>(value) / static_cast<double>(most), kBarWidth);
  }

  // Converters make names of hundreds of letters; on a terminal they must not wrap the table.
  std::string NameCell(const std::string& name) const {
    std::string text = Printable(name);
    constexpr size_t kOtherColumns = 72;
    const size_t room = std::max<size_t>(console_.width(), kOtherColumns + 16) - kOtherColumns;
    if (console_.out_is_terminal() && text.size() > room) text = text.substr(0, room - 1) + "…";
    return text;
  }

  Console& console_;
  const ModelFile& opened_;
};

}  // namespace

Status RunInspect(Context& context, const InspectOptions& options) {
  GODWIT_ASSIGN_OR_RETURN(const ModelFile opened, OpenModelFile(options.file));
  const std::string sha256 = DigestOf(opened.file.bytes()).ToHex();
  if (context.json) {
    context.console.PrintJson(ModelJson(opened, sha256));
    return Status::Ok();
  }
  Report report(context.console, opened);
  report.Head(options.file, sha256);
  report.InputsAndOutputs();
  report.Signatures();
  report.Operators();
  report.Constants();
  return Status::Ok();
}

}  // namespace godwit::cli
