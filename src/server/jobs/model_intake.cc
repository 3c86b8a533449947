#include "server/jobs/model_intake.h"

#include <sys/mman.h>

#include <algorithm>

#include "protocol/json.h"

namespace godwit::server {
namespace {

// A blob's bytes: mapped where the file has a descriptor, else read.
class BlobBytes {
 public:
  ~BlobBytes() {
    if (mapping_ != nullptr) munmap(mapping_, size_);
  }
  BlobBytes() = default;
  BlobBytes(const BlobBytes&) = delete;
  BlobBytes& operator=(const BlobBytes&) = delete;

  Status Open(File& file) {
    GODWIT_ASSIGN_OR_RETURN(const uint64_t size, file.Size());
    size_ = static_cast<size_t>(size);
    if (size_ == 0) return Status::Ok();
    if (file.descriptor() >= 0) {
      void* mapping = mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file.descriptor(), 0);
      if (mapping != MAP_FAILED) {
        mapping_ = mapping;
        return Status::Ok();
      }
    }
    copy_.resize(size_);
    return file.ReadAt(0, copy_).status();
  }

  std::span<const std::byte> span() const {
    if (mapping_ != nullptr) return {static_cast<const std::byte*>(mapping_), size_};
    return copy_;
  }

 private:
  void* mapping_ = nullptr;
  size_t size_ = 0;
  std::vector<std::byte> copy_;
};

Json TensorList(const tflite::Subgraph& graph, const std::vector<int32_t>& indices) {
  Json list = Json::Array();
  for (const int32_t index : indices) {
    if (list.items().size() == kStructureListMax) break;
    if (index < 0) continue;
    const tflite::Tensor& tensor = graph.tensors[static_cast<size_t>(index)];
    Json shape = Json::Array();
    const auto& dimensions = tensor.shape_signature.empty() ? tensor.shape : tensor.shape_signature;
    for (const int32_t dimension : dimensions) shape.Add(dimension);
    list.Add(Json::Object({{"name", tensor.name},
                           {"type", tflite::TensorTypeName(tensor.type)},
                           {"shape", std::move(shape)}}));
  }
  return list;
}

Json NameList(const std::vector<tflite::SignatureTensor>& tensors) {
  Json list = Json::Array();
  for (const tflite::SignatureTensor& tensor : tensors) {
    if (list.items().size() == kStructureListMax) break;
    list.Add(tensor.name);
  }
  return list;
}

}  // namespace

std::string StructureJson(const tflite::Model& model) {
  Json operators = Json::Array();
  for (const tflite::OperatorUse& use : model.operator_uses) {
    if (operators.items().size() == kStructureListMax) break;
    operators.Add(Json::Object({{"name", use.name},
                                {"version", use.version},
                                {"custom", use.custom},
                                {"count", static_cast<int64_t>(use.count)}}));
  }
  Json signatures = Json::Array();
  for (const tflite::Signature& signature : model.signatures) {
    if (signatures.items().size() == kStructureListMax) break;
    signatures.Add(Json::Object({{"key", signature.key},
                                 {"inputs", NameList(signature.inputs)},
                                 {"outputs", NameList(signature.outputs)}}));
  }
  Json structure = Json::Object({{"operators", std::move(operators)}});
  if (!model.subgraphs.empty()) {
    const tflite::Subgraph& graph = model.subgraphs.front();
    structure.Set("inputs", TensorList(graph, graph.inputs));
    structure.Set("outputs", TensorList(graph, graph.outputs));
  }
  structure.Set("signatures", std::move(signatures));
  return structure.Serialize();
}

Result<PendingFile> ModelIntake::Find(int64_t project_number, const StorageUri& uri) {
  GODWIT_ASSIGN_OR_RETURN(const Object object,
                          objects_.Find(project_number, uri.bucket, uri.object_name));
  return PendingFile{object.Uri(), object.digest, object.size_bytes};
}

Result<SubmittedFile> ModelIntake::Validate(const PendingFile& pending) {
  GODWIT_ASSIGN_OR_RETURN(const std::shared_ptr<File> file, objects_.blobs().Open(pending.digest));
  BlobBytes bytes;
  GODWIT_RETURN_IF_ERROR(bytes.Open(*file));
  if (bytes.span().size() != pending.size_bytes) {
    return Status(StatusCode::kDataLoss,
                  "the blob " + pending.digest.ToHex() + " is not as long as it was");
  }
  SubmittedFile submitted;
  submitted.source_uri = pending.source_uri;
  const auto model = tflite::ReadModel(bytes.span());
  if (!model.ok()) {
    logger_.Info("file is no valid model",
                 {{"uri", submitted.source_uri}, {"reason", model.status().message()}});
    submitted.validation_error = "Invalid flatbuffer format";
    return submitted;
  }
  submitted.digest = pending.digest;
  submitted.size_bytes = pending.size_bytes;
  submitted.structure = StructureJson(*model);
  return submitted;
}

}  // namespace godwit::server
