// `godwit run`: a model on pictures or tensors.
#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>

#include "cli/commands.h"
#include "cli/device_client.h"
#include "cli/model_input.h"
#include "cli/text_format.h"

namespace godwit::cli {
namespace {

constexpr size_t kBarWidth = 20;
constexpr size_t kValuesShown = 12;

struct Label {
  size_t index = 0;
  float score = 0;
  std::string name;
};

struct Answer {
  std::string picture;                     // Empty: from --input.
  std::vector<Label> top;                  // Empty: the output is no list of scores.
  std::vector<std::vector<float>> values;  // By output; empty for one that holds no numbers.
};

// True for [n] and [1, ..., 1, n]: one score for each class.
bool IsScores(const TensorInfo& output) {
  if (output.shape.empty() || output.shape.back() < 2) return false;
  return std::all_of(output.shape.begin(), output.shape.end() - 1,
                     [](int32_t size) { return size == 1; });
}

std::vector<Label> TopLabels(const std::vector<float>& scores, size_t count,
                             const tflite::ModelMetadata& metadata) {
  std::vector<size_t> order(scores.size());
  std::iota(order.begin(), order.end(), size_t{0});
  count = std::min(count, order.size());
  std::partial_sort(
      order.begin(), order.begin() + static_cast<ptrdiff_t>(count), order.end(),
      [&](size_t a, size_t b) { return scores[a] != scores[b] ? scores[a] > scores[b] : a < b; });
  std::vector<Label> top;
  for (size_t i = 0; i < count; ++i) {
    Label label{order[i], scores[order[i]], "#" + std::to_string(order[i])};
    if (!metadata.output_labels.empty() && label.index < metadata.output_labels[0].size()) {
      label.name = metadata.output_labels[0][label.index];
    }
    top.push_back(std::move(label));
  }
  return top;
}

Result<Answer> RunOnce(Interpreter& interpreter, const std::vector<std::vector<std::byte>>& inputs,
                       size_t top) {
  std::vector<std::span<const std::byte>> spans(inputs.begin(), inputs.end());
  Answer answer;
  GODWIT_RETURN_IF_ERROR(interpreter.Run(spans, {}).WithContext("run the model"));
  const auto outputs = interpreter.outputs();
  for (size_t i = 0; i < outputs.size(); ++i) {
    auto values = Dequantize(outputs[i], interpreter.output_data(i));
    answer.values.push_back(values.ok() ? std::move(values).value() : std::vector<float>());
  }
  if (outputs.size() == 1 && IsScores(outputs[0])) {
    answer.top = TopLabels(answer.values[0], top, interpreter.metadata());
  }
  return answer;
}

Json AnswerJson(const Answer& answer, const Interpreter& interpreter) {
  Json json = Json::Object();
  if (!answer.picture.empty()) json.Set("image", Json(answer.picture));
  Json top = Json::Array();
  for (const Label& label : answer.top) {
    top.Add(Json::Object({{"label", Json(label.name)},
                          {"index", Json(uint64_t{label.index})},
                          {"score", Json(double{label.score})}}));
  }
  if (!answer.top.empty()) json.Set("top", top);
  Json outputs = Json::Array();
  for (size_t i = 0; i < answer.values.size(); ++i) {
    const TensorInfo& info = interpreter.outputs()[i];
    Json shape = Json::Array();
    for (const int32_t size : info.shape) shape.Add(Json(size));
    Json values = Json::Array();
    for (const float value : answer.values[i]) values.Add(Json(double{value}));
    outputs.Add(Json::Object({{"name", Json(info.name)},
                              {"type", Json(tflite::TensorTypeName(info.type))},
                              {"shape", shape},
                              {"values", values}}));
  }
  return json.Set("outputs", outputs);
}

// "98.21 %" for a probability, "7.314" for a score without bounds.
std::string ScoreText(const Answer& answer, const Label& label) {
  const auto& scores = answer.values[0];
  const bool probabilities = std::all_of(
      scores.begin(), scores.end(), [](float score) { return score >= 0 && score <= 1.0001F; });
  if (probabilities) return FormatFixed(double{label.score} * 100, 2) + " %";
  return FormatFixed(label.score, 3);
}

std::string BarText(Context& context, const Label& label) {
  if (!context.console.out_is_terminal() || label.score < 0 || label.score > 1.0001F) return "";
  return context.console.Styled(Style::kCyan, Bar(label.score, kBarWidth));
}

void PrintTop(Context& context, const Answer& answer) {
  Table table({{"LABEL"}, {"SCORE", Align::kRight}, {""}});
  for (const Label& label : answer.top) {
    table.AddRow({Printable(label.name), ScoreText(answer, label), BarText(context, label)});
  }
  context.console.Print(table.Render());
}

void PrintValues(Context& context, const Answer& answer, const Interpreter& interpreter) {
  for (size_t i = 0; i < answer.values.size(); ++i) {
    const TensorInfo& info = interpreter.outputs()[i];
    std::string line = Printable(info.name) + "  " + tflite::TensorTypeName(info.type) + " [";
    for (size_t d = 0; d < info.shape.size(); ++d) {
      line += (d == 0 ? "" : ", ") + std::to_string(info.shape[d]);
    }
    line += "]\n ";
    const auto& values = answer.values[i];
    for (size_t v = 0; v < std::min(values.size(), kValuesShown); ++v) {
      line += " " + FormatFixed(values[v], 6);
    }
    if (values.size() > kValuesShown) {
      line += " … " + FormatCount(values.size() - kValuesShown) + " more (all of them: --json)";
    }
    context.console.Print(line + "\n");
  }
}

void PrintRows(Context& context, const std::vector<Answer>& answers) {
  Table table({{"PICTURE"}, {"LABEL"}, {"SCORE", Align::kRight}, {""}});
  for (const Answer& answer : answers) {
    const Label& best = answer.top.front();
    table.AddRow({Printable(answer.picture), Printable(best.name), ScoreText(answer, best),
                  BarText(context, best)});
  }
  context.console.Print(table.Render());
}

// The model's file, and the device whose it is, if it is any's.
struct FoundModel {
  std::string path;
  std::unique_ptr<DeviceClient> device;
  Model model;
};

// The argument itself, or what the address gets.
Result<FoundModel> FindModelFile(Context& context, const RunOptions& options) {
  if (context.fs.Stat(options.model).ok()) return FoundModel{options.model, nullptr, {}};
  if (options.model.find('/') != std::string::npos || options.model.ends_with(".tflite")) {
    return Status(StatusCode::kNotFound,
                  "there is no file '" + options.model +
                      "', so nothing was run; check the path, or give a model's name");
  }
  GODWIT_ASSIGN_OR_RETURN(auto device, DeviceClient::Open(context, {.store = options.store}));
  GODWIT_ASSIGN_OR_RETURN(const Model model,
                          device->Get(options.model, DownloadType::kLocalModelUpdateInBackground));
  device->FinishUpdate(model);
  return FoundModel{model.path, std::move(device), model};
}

// Counts the load of a model of the device's, so that one that ends this program twice is left.
Result<std::unique_ptr<Interpreter>> Load(const FoundModel& found,
                                          const InterpreterOptions& options) {
  if (found.device == nullptr) return Interpreter::Open(found.path, options);
  Client& client = found.device->client();
  const Status begun = client.BeginLoad(found.model);
  if (begun.code() == StatusCode::kQuarantined) return begun;
  auto interpreter = Interpreter::Open(found.path, options);
  if (begun.ok()) client.EndLoad(found.model);
  return interpreter;
}

Result<std::vector<Answer>> RunOnPictures(Context& context, Interpreter& interpreter,
                                          const RunOptions& options) {
  if (interpreter.inputs().size() != 1) {
    return Status(StatusCode::kFailedPrecondition,
                  "the model takes " + std::to_string(interpreter.inputs().size()) +
                      " inputs, so a picture is not enough; give each by --input");
  }
  const auto scale = ChoosePixelScale(options.mean, options.std, interpreter.metadata());
  std::vector<Answer> answers;
  for (const std::string& path : options.images) {
    const TensorInfo& input = interpreter.inputs()[0];
    GODWIT_ASSIGN_OR_RETURN(const Image image, LoadImageFor(path, input));
    if (options.show && !context.json) {
      context.console.Print(
          DrawImage(image, static_cast<uint32_t>(std::min<size_t>(context.console.width(), 96))));
    }
    std::vector<std::vector<std::byte>> inputs(1);
    GODWIT_ASSIGN_OR_RETURN(inputs[0], PixelsToInput(image, scale, input));
    GODWIT_ASSIGN_OR_RETURN(Answer answer, RunOnce(interpreter, inputs, options.top));
    answer.picture = path;
    answers.push_back(std::move(answer));
  }
  return answers;
}

Result<std::vector<Answer>> RunOnTensors(Interpreter& interpreter, const RunOptions& options) {
  const size_t wanted = interpreter.inputs().size();
  if (options.inputs.size() != wanted) {
    std::string names;
    for (const TensorInfo& input : interpreter.inputs()) {
      names += (names.empty() ? "" : ", ") + input.name;
    }
    return Status(StatusCode::kInvalidArgument,
                  "the model takes " + std::to_string(wanted) +
                      (wanted == 1 ? " input (" : " inputs (") + names + ") and got " +
                      std::to_string(options.inputs.size()) +
                      "; give --input FILE for each, in this order, or --image FILE");
  }
  std::vector<std::vector<std::byte>> inputs;
  for (size_t i = 0; i < wanted; ++i) {
    GODWIT_ASSIGN_OR_RETURN(std::vector<std::byte> bytes,
                            LoadTensorFor(options.inputs[i], interpreter, i));
    inputs.push_back(std::move(bytes));
  }
  std::vector<Answer> answers(1);
  GODWIT_ASSIGN_OR_RETURN(answers[0], RunOnce(interpreter, inputs, options.top));
  return answers;
}

}  // namespace

Status RunModelOnInput(Context& context, const RunOptions& options) {
  if (!options.inputs.empty() && !options.images.empty()) {
    return Status(StatusCode::kInvalidArgument, "give either --input or --image, not both");
  }
  GODWIT_ASSIGN_OR_RETURN(const FoundModel found, FindModelFile(context, options));
  NoteLogger logger(context.console);
  InterpreterOptions interpreter_options;
  interpreter_options.library_path = options.runtime;
  interpreter_options.threads = options.threads;
  interpreter_options.logger = &logger;
  GODWIT_ASSIGN_OR_RETURN(const auto interpreter, Load(found, interpreter_options));
  logger.Show();
  GODWIT_ASSIGN_OR_RETURN(const std::vector<Answer> answers,
                          options.images.empty() ? RunOnTensors(*interpreter, options)
                                                 : RunOnPictures(context, *interpreter, options));
  if (context.json) {
    Json results = Json::Array();
    for (const Answer& answer : answers) results.Add(AnswerJson(answer, *interpreter));
    context.console.PrintJson(Json::Object({{"model", Json(found.path)}, {"results", results}}));
  } else if (answers.size() > 1 && !answers.front().top.empty()) {
    PrintRows(context, answers);
  } else {
    for (const Answer& answer : answers) {
      if (answer.top.empty()) {
        PrintValues(context, answer, *interpreter);
      } else {
        PrintTop(context, answer);
      }
    }
  }
  return Status::Ok();
}

}  // namespace godwit::cli
