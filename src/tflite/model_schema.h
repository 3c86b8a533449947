// The fields of TensorFlow Lite's schema (version 3) and of its metadata schema (1.x) that this
// module reads: each table's fields by their place in it.
#pragma once

namespace godwit::tflite {

namespace model_schema {
enum Field {
  kVersion = 0,
  kOperatorCodes = 1,
  kSubgraphs = 2,
  kDescription = 3,
  kBuffers = 4,
  kMetadata = 6,
  kSignatureDefs = 7,
};
}  // namespace model_schema

namespace operator_code_schema {
enum Field { kOldBuiltinCode = 0, kCustomCode = 1, kVersion = 2, kBuiltinCode = 3 };
}  // namespace operator_code_schema

namespace subgraph_schema {
enum Field { kTensors = 0, kInputs = 1, kOutputs = 2, kOperators = 3, kName = 4 };
}  // namespace subgraph_schema

namespace tensor_schema {
enum Field {
  kShape = 0,
  kType = 1,
  kBuffer = 2,
  kName = 3,
  kQuantization = 4,
  kIsVariable = 5,
  kSparsity = 6,
  kShapeSignature = 7,
};
}  // namespace tensor_schema

namespace quantization_schema {
enum Field {
  kMin = 0,
  kMax = 1,
  kScale = 2,
  kZeroPoint = 3,
  kDetails = 5,
  kQuantizedDimension = 6,
};
}  // namespace quantization_schema

namespace sparsity_schema {
enum Field { kTraversalOrder = 0, kBlockMap = 1, kDimensions = 2 };
}  // namespace sparsity_schema

namespace operator_schema {
enum Field {
  kOpcodeIndex = 0,
  kInputs = 1,
  kOutputs = 2,
  kBuiltinOptions = 4,
  kCustomOptions = 5,
  kMutatingVariableInputs = 7,
  kIntermediates = 8,
  kLargeOptionsOffset = 9,
  kLargeOptionsSize = 10,
  kBuiltinOptions2 = 12,
};
}  // namespace operator_schema

namespace buffer_schema {
enum Field { kData = 0, kOffset = 1, kSize = 2 };
}  // namespace buffer_schema

namespace metadata_schema {
enum Field { kName = 0, kBuffer = 1 };
}  // namespace metadata_schema

namespace signature_schema {
enum Field { kInputs = 0, kOutputs = 1, kKey = 2, kSubgraphIndex = 4 };
}  // namespace signature_schema

namespace signature_tensor_schema {
enum Field { kName = 0, kTensorIndex = 1 };
}  // namespace signature_tensor_schema

// The metadata schema, whose root is ModelMetadata.
namespace model_metadata_schema {
enum Field { kName = 0, kDescription = 1, kSubgraphs = 3 };
}  // namespace model_metadata_schema

namespace subgraph_metadata_schema {
enum Field { kInputs = 2, kOutputs = 3 };
}  // namespace subgraph_metadata_schema

namespace tensor_metadata_schema {
enum Field { kProcessUnits = 4, kAssociatedFiles = 6 };
}  // namespace tensor_metadata_schema

namespace process_unit_schema {
enum Field { kOptionsType = 0, kOptions = 1 };
constexpr int kNormalizationOptions = 1;
}  // namespace process_unit_schema

namespace normalization_schema {
enum Field { kMean = 0, kStd = 1 };
}  // namespace normalization_schema

namespace associated_file_schema {
enum Field { kName = 0, kType = 2 };
constexpr int kAxisLabels = 2;
constexpr int kValueLabels = 3;
}  // namespace associated_file_schema

}  // namespace godwit::tflite
