#include "inference/own_folders.h"

#include <dlfcn.h>
#include <unistd.h>

#include <array>
#include <string_view>

namespace godwit {
namespace {

std::string FolderOf(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string(".") : std::string(path.substr(0, slash));
}

// The folder of the program itself; empty where the system does not tell.
std::string ProgramFolder() {
  std::array<char, 4096> path;
  const ssize_t length = readlink("/proc/self/exe", path.data(), path.size());
  if (length <= 0 || static_cast<size_t>(length) >= path.size()) return {};
  return FolderOf(std::string_view(path.data(), static_cast<size_t>(length)));
}

// The folder of the library or program that holds this code.
std::string CodeFolder() {
  Dl_info info = {};
  if (dladdr(reinterpret_cast<const void*>(&CodeFolder), &info) == 0 || info.dli_fname == nullptr) {
    return {};
  }
  return FolderOf(info.dli_fname);
}

}  // namespace

std::vector<std::string> OwnFolders() {
  std::vector<std::string> folders;
  for (std::string folder : {CodeFolder(), ProgramFolder()}) {
    if (!folder.empty()) folders.push_back(std::move(folder));
  }
  return folders;
}

}  // namespace godwit
