#include "testing/fault_points.h"

namespace godwit::testing {
namespace {

class CountedFile final : public File {
 public:
  CountedFile(std::unique_ptr<File> file, FaultPoints& points, std::string path)
      : file_(std::move(file)), points_(points), path_(std::move(path)) {}

  Result<size_t> ReadAt(uint64_t offset, std::span<std::byte> out) override {
    GODWIT_RETURN_IF_ERROR(Count("read"));
    return file_->ReadAt(offset, out);
  }
  Status WriteAt(uint64_t offset, std::span<const std::byte> data) override {
    GODWIT_RETURN_IF_ERROR(Count("write"));
    return file_->WriteAt(offset, data);
  }
  Status Truncate(uint64_t size_bytes) override {
    GODWIT_RETURN_IF_ERROR(Count("resize"));
    return file_->Truncate(size_bytes);
  }
  Result<uint64_t> Size() override {
    GODWIT_RETURN_IF_ERROR(Count("examine"));
    return file_->Size();
  }
  Result<FileInfo> Info() override {
    GODWIT_RETURN_IF_ERROR(Count("examine"));
    return file_->Info();
  }
  Status Sync() override {
    GODWIT_RETURN_IF_ERROR(Count("sync"));
    return file_->Sync();
  }
  int descriptor() const override { return file_->descriptor(); }

 private:
  Status Count(const char* verb) const {
    return points_.Count(StatusCode::kIo, std::string(verb) + " " + path_);
  }

  const std::unique_ptr<File> file_;
  FaultPoints& points_;
  const std::string path_;
};

class CountedFileSystem final : public FileSystem {
 public:
  CountedFileSystem(FileSystem& fs, FaultPoints& points) : fs_(fs), points_(points) {}

  Result<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) override {
    GODWIT_RETURN_IF_ERROR(Count("open", path));
    GODWIT_ASSIGN_OR_RETURN(auto file, fs_.Open(path, mode));
    return std::unique_ptr<File>(std::make_unique<CountedFile>(std::move(file), points_, path));
  }
  Status Rename(const std::string& from, const std::string& to) override {
    GODWIT_RETURN_IF_ERROR(Count("rename", from));
    return fs_.Rename(from, to);
  }
  Status Remove(const std::string& path) override {
    GODWIT_RETURN_IF_ERROR(Count("remove", path));
    return fs_.Remove(path);
  }
  Status CreateDirectories(const std::string& path) override {
    GODWIT_RETURN_IF_ERROR(Count("create folder", path));
    return fs_.CreateDirectories(path);
  }
  Status RemoveDirectory(const std::string& path) override {
    GODWIT_RETURN_IF_ERROR(Count("remove folder", path));
    return fs_.RemoveDirectory(path);
  }
  Result<std::vector<std::string>> List(const std::string& path) override {
    GODWIT_RETURN_IF_ERROR(Count("list", path));
    return fs_.List(path);
  }
  Result<FileInfo> Stat(const std::string& path) override {
    GODWIT_RETURN_IF_ERROR(Count("examine", path));
    return fs_.Stat(path);
  }
  Status Touch(const std::string& path) override {
    GODWIT_RETURN_IF_ERROR(Count("touch", path));
    return fs_.Touch(path);
  }
  Status SyncDirectory(const std::string& path) override {
    GODWIT_RETURN_IF_ERROR(Count("sync", path));
    return fs_.SyncDirectory(path);
  }
  Result<std::unique_ptr<FileLock>> Lock(const std::string& path, LockMode mode) override {
    GODWIT_RETURN_IF_ERROR(Count("lock", path));
    return fs_.Lock(path, mode);
  }
  Result<std::unique_ptr<FileLock>> TryLock(const std::string& path, LockMode mode) override {
    GODWIT_RETURN_IF_ERROR(Count("lock", path));
    return fs_.TryLock(path, mode);
  }
  Result<uint64_t> FreeBytes(const std::string& path) override {
    GODWIT_RETURN_IF_ERROR(Count("examine", path));
    return fs_.FreeBytes(path);
  }

 private:
  Status Count(const char* verb, const std::string& path) const {
    return points_.Count(StatusCode::kIo, std::string(verb) + " " + path);
  }

  FileSystem& fs_;
  FaultPoints& points_;
};

class CountedSink final : public HttpSink {
 public:
  CountedSink(HttpSink& sink, FaultPoints& points, std::string url)
      : sink_(sink), points_(points), url_(std::move(url)) {}
  Status OnResponse(const HttpResponse& response) override {
    GODWIT_RETURN_IF_ERROR(points_.Count(StatusCode::kUnavailable, "receive from " + url_));
    return sink_.OnResponse(response);
  }
  Status OnData(std::span<const std::byte> data) override {
    GODWIT_RETURN_IF_ERROR(points_.Count(StatusCode::kUnavailable, "receive from " + url_));
    return sink_.OnData(data);
  }

 private:
  HttpSink& sink_;
  FaultPoints& points_;
  const std::string url_;
};

class CountedHttpClient final : public HttpClient {
 public:
  CountedHttpClient(HttpClient& http, FaultPoints& points) : http_(http), points_(points) {}
  Result<HttpResponse> Send(const HttpRequest& request, HttpSink* sink,
                            const std::atomic<bool>* cancelled) override {
    GODWIT_RETURN_IF_ERROR(points_.Count(StatusCode::kUnavailable, "connect to " + request.url));
    if (sink == nullptr) return http_.Send(request, nullptr, cancelled);
    CountedSink counted(*sink, points_, request.url);
    return http_.Send(request, &counted, cancelled);
  }

 private:
  HttpClient& http_;
  FaultPoints& points_;
};

}  // namespace

void FaultPoints::FailAt(uint64_t n, FaultSpan span) {
  const std::lock_guard lock(mutex_);
  count_ = 0;
  fail_at_ = n;
  span_ = span;
  reached_ = false;
}

void FaultPoints::FailNothing() { FailAt(UINT64_MAX, FaultSpan::kOnce); }

uint64_t FaultPoints::count() const {
  const std::lock_guard lock(mutex_);
  return count_;
}

bool FaultPoints::reached() const {
  const std::lock_guard lock(mutex_);
  return reached_;
}

Status FaultPoints::Count(StatusCode code, const std::string& what) {
  const std::lock_guard lock(mutex_);
  const uint64_t number = count_++;
  const bool fails = span_ == FaultSpan::kOnce ? number == fail_at_ : number >= fail_at_;
  if (!fails) return Status::Ok();
  reached_ = true;
  return Status(code, what + ": a fault that the test made");
}

std::unique_ptr<FileSystem> NewFaultPointFileSystem(FileSystem& fs, FaultPoints& points) {
  return std::make_unique<CountedFileSystem>(fs, points);
}

std::unique_ptr<HttpClient> NewFaultPointHttpClient(HttpClient& http, FaultPoints& points) {
  return std::make_unique<CountedHttpClient>(http, points);
}

}  // namespace godwit::testing
