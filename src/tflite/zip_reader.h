// Takes one file out of a zip archive of unknown origin, such as the label files that TFLite
// Metadata appends to a model.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace godwit::tflite {

// The entry `name` of the zip that ends `data` (anything may stand before it), unpacked and
// checked against its CRC-32. kNotFound when there is no zip or no such entry; kDataLoss when
// the archive is damaged, encrypted or packed by another method than stored or deflate;
// kOutOfRange when the entry is longer than bytes_max. Linear in data.size() + bytes_max.
Result<std::string> ReadZipEntry(std::span<const std::byte> data, std::string_view name,
                                 uint32_t bytes_max);

}  // namespace godwit::tflite
