#include "libclient/client/exposed_files.h"

#include <sys/stat.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "curator/node_agent.h"

namespace curator {
namespace {

constexpr mode_t kOfOthers = S_IRWXG | S_IRWXO;

}  // namespace

std::vector<std::string> ExposedFilesOf(const std::vector<std::string>& paths) {
  std::vector<std::string> sentences;
  for (const std::string& path : paths) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0 || (status.st_mode & kOfOthers) == 0) continue;
    const bool writable = (status.st_mode & (S_IWGRP | S_IWOTH)) != 0;
    sentences.push_back(absl::StrFormat("%s can be %s by others (mode %04o): chmod %s %s", path,
                                        writable ? "written" : "read", status.st_mode & 07777,
                                        S_ISDIR(status.st_mode) ? "700" : "600", path));
  }
  return sentences;
}

std::vector<std::string> ExposedFiles(const std::string& data_dir) {
  return ExposedFilesOf({data_dir, absl::StrCat(data_dir, "/node.key"),
                         absl::StrCat(data_dir, "/join.key"),
                         absl::StrCat(data_dir, "/unlock.key")});
}

}  // namespace curator
