#include <cstring>

#include "digest/digest.h"

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace godwit {
namespace {

constexpr uint32_t kPolynomial = 0x82f63b78;  // Castagnoli's, bits reversed.

constexpr std::array<uint32_t, 256> MakeTable() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < table.size(); ++i) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ (value & 1 ? kPolynomial : 0);
    table[i] = value;
  }
  return table;
}

constexpr std::array<uint32_t, 256> kTable = MakeTable();

uint32_t ExtendByTable(uint32_t crc, const std::byte* data, size_t size) {
  for (size_t i = 0; i < size; ++i) {
    crc = kTable[(crc ^ std::to_integer<uint32_t>(data[i])) & 0xff] ^ crc >> 8;
  }
  return crc;
}

using Extend = uint32_t (*)(uint32_t, const std::byte*, size_t);

#if defined(__x86_64__)
// The instruction is chosen at run time: the package must also start on a CPU without it.
__attribute__((target("sse4.2"))) uint32_t ExtendBySse42(uint32_t crc, const std::byte* data,
                                                         size_t size) {
  uint64_t wide = crc;
  for (; size >= 8; data += 8, size -= 8) {
    uint64_t word;
    std::memcpy(&word, data, sizeof word);
    wide = _mm_crc32_u64(wide, word);
  }
  crc = static_cast<uint32_t>(wide);
  for (; size > 0; ++data, --size) crc = _mm_crc32_u8(crc, std::to_integer<uint8_t>(*data));
  return crc;
}

Extend ChooseExtend() { return __builtin_cpu_supports("sse4.2") ? ExtendBySse42 : ExtendByTable; }
#else
Extend ChooseExtend() { return ExtendByTable; }
#endif

}  // namespace

uint32_t Crc32c(uint32_t crc, std::span<const std::byte> data) {
  static const Extend extend = ChooseExtend();
  return ~extend(~crc, data.data(), data.size());
}

uint32_t Crc32cByTable(uint32_t crc, std::span<const std::byte> data) {
  return ~ExtendByTable(~crc, data.data(), data.size());
}

}  // namespace godwit
