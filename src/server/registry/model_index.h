// ModelIndex: models in an order, cheap to copy and to change.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "server/registry/model.h"

namespace godwit::server {

// A sorted set of models in chunks. Copies share their chunks, and a change copies one of them, so
// that a registry of 100,000 models has a new snapshot after each write in some microseconds.
// Order::KeyOf(model) is a tuple that is unique among the models; it may point into the model.
// As thread-safe as a std::vector.
template <typename Order>
class ModelIndex {
 public:
  using Key = decltype(Order::KeyOf(std::declval<const Model&>()));

  ModelIndex() = default;
  explicit ModelIndex(std::vector<ModelPointer> models) : size_(models.size()) {
    std::sort(models.begin(), models.end(), [](const ModelPointer& a, const ModelPointer& b) {
      return Order::KeyOf(*a) < Order::KeyOf(*b);
    });
    for (size_t at = 0; at < models.size(); at += kChunkMax / 2) {
      const auto first = models.begin() + static_cast<std::ptrdiff_t>(at);
      const size_t count = std::min(models.size() - at, kChunkMax / 2);
      chunks_.push_back(
          std::make_shared<const Chunk>(first, first + static_cast<std::ptrdiff_t>(count)));
    }
  }

  class Iterator {
   public:
    Iterator(const ModelIndex& index, size_t chunk, size_t place)
        : index_(&index), chunk_(chunk), place_(place) {}
    const ModelPointer& operator*() const { return (*index_->chunks_[chunk_])[place_]; }
    Iterator& operator++() {
      if (++place_ == index_->chunks_[chunk_]->size()) {
        ++chunk_;
        place_ = 0;
      }
      return *this;
    }
    bool operator==(const Iterator& other) const {
      return chunk_ == other.chunk_ && place_ == other.place_;
    }

   private:
    const ModelIndex* index_;
    size_t chunk_;
    size_t place_;
  };

  Iterator begin() const { return {*this, 0, 0}; }
  Iterator end() const { return {*this, chunks_.size(), 0}; }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  // The first model whose key is not below `key`; end() when there is none.
  Iterator LowerBound(const Key& key) const {
    // No chunk is empty, so its last model says whether the key is behind it.
    const auto chunk = std::lower_bound(
        chunks_.begin(), chunks_.end(), key,
        [](const auto& c, const Key& wanted) { return Order::KeyOf(*c->back()) < wanted; });
    if (chunk == chunks_.end()) return end();
    return {*this, static_cast<size_t>(chunk - chunks_.begin()), PlaceIn(**chunk, key)};
  }

  // Null when there is none.
  ModelPointer Find(const Key& key) const {
    const Iterator found = LowerBound(key);
    return found != end() && Order::KeyOf(**found) == key ? *found : nullptr;
  }

  // REQUIRES: no model has its key.
  void Insert(ModelPointer model) {
    const Key key = Order::KeyOf(*model);
    ++size_;
    if (chunks_.empty()) {
      chunks_.push_back(std::make_shared<const Chunk>(1, std::move(model)));
      return;
    }
    const size_t at = ChunkFor(key);
    auto chunk = std::make_shared<Chunk>(*chunks_[at]);
    chunk->insert(chunk->begin() + static_cast<std::ptrdiff_t>(PlaceIn(*chunk, key)),
                  std::move(model));
    if (chunk->size() > kChunkMax) {
      const auto middle = chunk->begin() + kChunkMax / 2;
      auto upper = std::make_shared<const Chunk>(middle, chunk->end());
      chunk->erase(middle, chunk->end());
      chunks_.insert(chunks_.begin() + static_cast<std::ptrdiff_t>(at) + 1, std::move(upper));
    }
    chunks_[at] = std::move(chunk);
  }

  // REQUIRES: the model with this key is there.
  void Erase(const Key& key) {
    const size_t at = ChunkFor(key);
    auto chunk = std::make_shared<Chunk>(*chunks_[at]);
    chunk->erase(chunk->begin() + static_cast<std::ptrdiff_t>(PlaceIn(*chunk, key)));
    --size_;
    if (chunk->empty()) {
      chunks_.erase(chunks_.begin() + static_cast<std::ptrdiff_t>(at));
    } else {
      chunks_[at] = std::move(chunk);
    }
  }

 private:
  // About the square root of the number of models that we aim at: a change copies one chunk and
  // the list of chunks.
  static constexpr size_t kChunkMax = 256;
  using Chunk = std::vector<ModelPointer>;

  // Where the key is, or would go: the last chunk takes what is behind all.
  size_t ChunkFor(const Key& key) const {
    const auto chunk = std::lower_bound(
        chunks_.begin(), chunks_.end() - 1, key,
        [](const auto& c, const Key& wanted) { return Order::KeyOf(*c->back()) < wanted; });
    return static_cast<size_t>(chunk - chunks_.begin());
  }
  static size_t PlaceIn(const Chunk& chunk, const Key& key) {
    const auto place = std::lower_bound(
        chunk.begin(), chunk.end(), key,
        [](const ModelPointer& model, const Key& wanted) { return Order::KeyOf(*model) < wanted; });
    return static_cast<size_t>(place - chunk.begin());
  }

  std::vector<std::shared_ptr<const Chunk>> chunks_;  // None is empty.
  size_t size_ = 0;
};

}  // namespace godwit::server
