// BlobSink: takes a model's bytes off the network and into its partial download.
#pragma once

#include <cstdint>
#include <string>

#include "device/data_budget.h"
#include "device/model_store.h"
#include "http/http_client.h"

namespace godwit {

// For one request that asked for the bytes from partial.size_bytes() on. Not thread-safe.
class BlobSink final : public HttpSink {
 public:
  BlobSink(PartialDownload& partial, std::string expected_hash, uint64_t expected_size_bytes,
           DataAllowance* allowance, std::atomic<uint64_t>& bytes_done)
      : partial_(partial),
        expected_hash_(std::move(expected_hash)),
        expected_size_bytes_(expected_size_bytes),
        allowance_(allowance),
        bytes_done_(bytes_done) {}

  // kModelHashMismatch when the answer's head already shows that this is not the announced
  // file, or not the part that was asked for. A 200 to a request for a part starts again.
  Status OnResponse(const HttpResponse& response) override;
  // kConditionsUnmet when the day's data is used up.
  Status OnData(std::span<const std::byte> data) override;

  // Of the file, over the network.
  uint64_t bytes_received() const { return bytes_received_; }

  // What arrived when the status was no success.
  const std::string& error_body() const { return error_body_; }

 private:
  Status CheckLength(const HttpResponse& response, uint64_t expected) const;
  Status CheckPart(const HttpResponse& response) const;

  PartialDownload& partial_;
  const std::string expected_hash_;
  const uint64_t expected_size_bytes_;
  DataAllowance* const allowance_;  // Null: no budget counts these bytes.
  std::atomic<uint64_t>& bytes_done_;
  bool is_file_ = false;
  uint64_t bytes_received_ = 0;
  std::string error_body_;
  size_t error_bytes_ = 0;
};

}  // namespace godwit
