// ObjectStore: buckets, as Cloud Storage has them, as names over blobs.
#pragma once

#include <functional>
#include <shared_mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "server/blob/blob_store.h"
#include "server/db/database.h"
#include "server/storage/object.h"

namespace godwit::server {

// Thread-safe; everything blocks on the disk. A bucket comes into being with its first object
// and belongs to the project that wrote it: to any other it is kPermissionDenied.
class ObjectStore {
 public:
  // All must outlive the store.
  ObjectStore(Database& db, BlobStore& blobs, const Clock& clock)
      : db_(db), blobs_(blobs), clock_(clock) {}

  BlobStore& blobs() { return blobs_; }

  // Makes the uploaded bytes a blob and gives it the name. kDataLoss when a declared hash does
  // not match (the name is then unchanged), kFailedPrecondition when the precondition fails.
  Result<Object> Finish(const ObjectWrite& write, BlobUpload& upload);

  // The same of an upload that may have become a blob already (then `upload` is null), and `also`
  // in the transaction that gives the name. kNotFound when there is neither.
  using AlsoWrite = std::function<Status(SqlConnection&, const Object&)>;
  Result<Object> FinishSealed(const ObjectWrite& write, const BlobDescriptor& blob,
                              BlobUpload* upload, const AlsoWrite& also);

  // Gives the source's blob another name, in one step; what `write` leaves empty is as in the
  // source. kNotFound when there is no such source.
  enum class CopyMode { kKeepSource, kMove };
  Result<Object> Copy(const ObjectSource& source, ObjectWrite write, CopyMode mode);

  static constexpr size_t kComposeMax = 32;  // Cloud Storage's.
  // Makes an object of the sources' bytes, one after another. kInvalidArgument for none or more
  // than kComposeMax.
  Result<Object> Compose(const std::vector<ObjectSource>& sources, const ObjectWrite& write);

  // kNotFound when there is no such object.
  Result<Object> Find(int64_t project_number, const std::string& bucket, const std::string& name);
  Status Delete(int64_t project_number, const ObjectSource& object);
  // Changes content type and metadata as `edit` does with the object that is there.
  Result<Object> Edit(int64_t project_number, const ObjectSource& object,
                      const std::function<Status(Object*)>& edit);
  // In the order of names. kInvalidArgument for a limit outside 1 to 1000.
  Result<ObjectPage> List(int64_t project_number, const std::string& bucket,
                          const ObjectQuery& query);

  // kAlreadyExists when the project has it.
  Result<Bucket> CreateBucket(int64_t project_number, const std::string& bucket);
  Result<Bucket> FindBucket(int64_t project_number, const std::string& bucket);
  // kAlreadyExists (Cloud Storage's 409) when it is not empty.
  Status DeleteBucket(int64_t project_number, const std::string& bucket);
  // The first thousand.
  Result<std::vector<Bucket>> ListBuckets(int64_t project_number);

  // Held shared from the moment that bytes become a blob until a row refers to it; held
  // exclusively while the collector decides that no row does.
  std::shared_mutex& reference_mutex() { return reference_mutex_; }

 private:
  // REQUIRES: reference_mutex_ is held.
  Result<Object> FinishHeld(const ObjectWrite& write, BlobUpload& upload);
  Result<Object> Name(const ObjectWrite& write, const BlobDescriptor& blob, const AlsoWrite& also);

  Database& db_;
  BlobStore& blobs_;
  const Clock& clock_;
  std::shared_mutex reference_mutex_;
};

}  // namespace godwit::server
