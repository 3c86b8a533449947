// Several processes on one store, on the real disk with the kernel's locks.
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "device/model_store.h"
#include "testing/temp_directory.h"

namespace godwit {
namespace {

const std::string kOldBytes(20'000, 'o');
const std::string kNewBytes(30'000, 'n');

class SharedStore : public ::testing::Test {
 protected:
  std::unique_ptr<ModelStore> Open() {
    auto store = ModelStore::Open(*fs_, *clock_, logger_, JoinPath(directory_.path(), "store"),
                                  "http://h", "p", "a");
    return store.ok() ? std::move(*store) : nullptr;
  }

  // Retries while another process has the model, as the client does.
  static bool Put(ModelStore& store, std::string_view bytes) {
    while (true) {
      const auto download = store.OpenPartial("face", DigestOf(bytes), bytes.size());
      if (download.status().code() == StatusCode::kUnavailable) {
        sched_yield();
        continue;
      }
      if (!download.ok()) return false;
      const auto rest = bytes.substr(static_cast<size_t>((*download)->size_bytes()));
      return (*download)->Append(std::as_bytes(std::span(rest))).ok() &&
             (*download)->Commit({}).ok();
    }
  }

  // Runs body in a process of its own; 0 is its exit status when body returns true.
  static pid_t Fork(const std::function<bool()>& body) {
    const pid_t child = fork();
    if (child == 0) _exit(body() ? 0 : 1);
    return child;
  }
  static bool Succeeded(pid_t child) {
    int status = 0;
    return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }

  const testing::TempDirectory directory_;
  const std::unique_ptr<FileSystem> fs_ = NewPosixFileSystem();
  const std::unique_ptr<Clock> clock_ = NewSystemClock();
  NullLogger logger_;
};

TEST_F(SharedStore, LetsTheNextProcessResumeWhenOneIsKilledInADownload) {
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const Digest digest = DigestOf(std::string_view(kNewBytes));
  const pid_t child = Fork([&] {
    const auto store = Open();
    const auto download = store->OpenPartial("face", digest, kNewBytes.size());
    const auto part = std::string_view(kNewBytes).substr(0, 10'000);
    if (!(*download)->Append(std::as_bytes(std::span(part))).ok()) return false;
    if (write(ready[1], "!", 1) != 1) return false;
    while (true) pause();
  });
  char byte = 0;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  const auto store = Open();
  EXPECT_EQ(store->OpenPartial("face", digest, kNewBytes.size()).status().code(),
            StatusCode::kUnavailable);
  ASSERT_EQ(kill(child, SIGKILL), 0);
  EXPECT_FALSE(Succeeded(child));
  {
    const auto download = store->OpenPartial("face", digest, kNewBytes.size());
    ASSERT_TRUE(download.ok()) << download.status().ToString();
    EXPECT_EQ((*download)->resumed_bytes(), 10'000u);
  }
  EXPECT_TRUE(Put(*store, kNewBytes));
  close(ready[0]);
  close(ready[1]);
}

// Processes replace one model again and again, open the store for the first time all at once,
// and collect garbage; a reader that takes no lock sees a whole model each time.
TEST_F(SharedStore, IsReadWithoutLocksWhileOthersReplaceTheModel) {
  pid_t children[16];
  for (size_t i = 0; i < std::size(children); ++i) {
    children[i] = Fork([&, i] {
      const auto store = Open();
      for (size_t round = 0; store != nullptr && round < 3; ++round) {
        if (!Put(*store, (i + round) % 2 == 0 ? kOldBytes : kNewBytes)) return false;
        if (!store->CollectGarbage().ok()) return false;
        if (!store->SetPinned("face", round == 1).ok()) return false;
        const auto report = store->Verify();
        if (report.ok() && !report->dropped.empty()) return false;
      }
      return store != nullptr;
    });
  }
  const auto store = Open();
  ASSERT_NE(store, nullptr);
  size_t running = std::size(children);
  size_t reads = 0;
  while (running > 0) {
    int status = 0;
    if (waitpid(-1, &status, WNOHANG) > 0) {
      --running;
      EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    const auto model = store->Find("face");
    ASSERT_TRUE(model.ok()) << model.status().ToString();
    if (!model->has_value()) continue;
    const auto bytes = ReadWholeFile(*fs_, (*model)->path, 1 << 20);
    ASSERT_TRUE(bytes.ok()) << bytes.status().ToString();
    ASSERT_TRUE(*bytes == kOldBytes || *bytes == kNewBytes);
    ++reads;
  }
  EXPECT_GT(reads, 0u);
}

}  // namespace
}  // namespace godwit
