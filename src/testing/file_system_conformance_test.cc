#include "testing/file_system_conformance.h"

#include "testing/fault_file_system.h"
#include "testing/temp_directory.h"

namespace godwit::testing {
namespace {

class PosixUnderTest final : public FileSystemUnderTest {
 public:
  FileSystem& fs() override { return *fs_; }
  std::string folder() override { return directory_.path(); }

 private:
  TempDirectory directory_;
  std::unique_ptr<FileSystem> fs_ = NewPosixFileSystem();
};

class FaultUnderTest final : public FileSystemUnderTest {
 public:
  FileSystem& fs() override { return fs_; }
  std::string folder() override { return "/"; }

 private:
  FaultFileSystem fs_;
};

template <typename UnderTest>
std::unique_ptr<FileSystemUnderTest> Make() {
  return std::make_unique<UnderTest>();
}

INSTANTIATE_TEST_SUITE_P(Posix, FileSystemConformance, ::testing::Values(Make<PosixUnderTest>));
INSTANTIATE_TEST_SUITE_P(Fault, FileSystemConformance, ::testing::Values(Make<FaultUnderTest>));

}  // namespace
}  // namespace godwit::testing
