#include "server/jobs/model_intake.h"

#include <sys/mman.h>

#include <algorithm>
#include <iterator>

#include "protocol/json.h"
#include "tflite/golden_file.h"

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

// Builds the structure's parts while there is room for them.
class StructureWriter {
 public:
  Json Operators(const std::vector<tflite::OperatorUse>& uses) {
    return List(uses, [&](const tflite::OperatorUse& use) {
      return Json::Object({{"name", Name(use.name)},
                           {"version", use.version},
                           {"custom", use.custom},
                           {"count", static_cast<int64_t>(use.count)}});
    });
  }

  Json Tensors(const tflite::Subgraph& graph, const std::vector<int32_t>& indices) {
    std::vector<int32_t> present;
    std::copy_if(indices.begin(), indices.end(), std::back_inserter(present),
                 [](int32_t index) { return index >= 0; });
    return List(present, [&](int32_t index) {
      const tflite::Tensor& tensor = graph.tensors[static_cast<size_t>(index)];
      return Json::Object(
          {{"name", Name(tensor.name)},
           {"type", tflite::TensorTypeName(tensor.type)},
           {"shape", List(tflite::ShapeOf(tensor), [](int32_t size) { return Json(size); })}});
    });
  }

  Json Signatures(const std::vector<tflite::Signature>& signatures) {
    return List(signatures, [&](const tflite::Signature& signature) {
      return Json::Object({{"key", Name(signature.key)},
                           {"inputs", Names(signature.inputs)},
                           {"outputs", Names(signature.outputs)}});
    });
  }

 private:
  // The most that an entry takes without its names and lists.
  static constexpr size_t kEntryBytes = 96;
  // The longest form of a byte in JSON is a \u escape.
  static constexpr size_t kNameBytes = 6;

  template <typename Item, typename Describe>
  Json List(const std::vector<Item>& items, Describe describe) {
    Json list = Json::Array();
    for (const Item& item : items) {
      if (list.items().size() == kStructureListMax || room_ < kEntryBytes) break;
      room_ -= kEntryBytes;
      list.Add(describe(item));
    }
    return list;
  }

  Json Names(const std::vector<tflite::SignatureTensor>& tensors) {
    return List(tensors, [&](const tflite::SignatureTensor& tensor) { return Name(tensor.name); });
  }

  Json Name(const std::string& name) {
    size_t size = std::min({name.size(), kStructureNameMaxBytes, room_ / kNameBytes});
    // Not within a character of UTF-8.
    while (size > 0 && size < name.size() && (static_cast<unsigned char>(name[size]) >> 6) == 2) {
      --size;
    }
    room_ -= size * kNameBytes;
    return Json(name.substr(0, size));
  }

  size_t room_ = kStructureMaxBytes - 4 * kEntryBytes;  // But for the names of the lists.
};

}  // namespace

std::string StructureJson(const tflite::Model& model) {
  StructureWriter writer;
  Json structure = Json::Object({{"operators", writer.Operators(model.operator_uses)}});
  if (!model.subgraphs.empty()) {
    const tflite::Subgraph& graph = model.subgraphs.front();
    structure.Set("inputs", writer.Tensors(graph, graph.inputs));
    structure.Set("outputs", writer.Tensors(graph, graph.outputs));
  }
  structure.Set("signatures", writer.Signatures(model.signatures));
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

Result<Golden> ModelIntake::ValidateGolden(const PendingFile& pending) {
  if (pending.size_bytes > tflite::kGoldenFileMaxBytes) {
    return Status(StatusCode::kInvalidArgument,
                  "the golden file has more than " + std::to_string(tflite::kGoldenFileMaxBytes) +
                      " bytes, so it was not taken; give fewer or smaller inputs");
  }
  GODWIT_ASSIGN_OR_RETURN(const std::shared_ptr<File> file, objects_.blobs().Open(pending.digest));
  BlobBytes bytes;
  GODWIT_RETURN_IF_ERROR(bytes.Open(*file));
  GODWIT_RETURN_IF_ERROR(tflite::ParseGoldenFile(bytes.span()).status().WithContext("golden file"));
  return Golden{pending.digest, pending.size_bytes};
}

}  // namespace godwit::server
