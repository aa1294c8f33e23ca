#ifndef TESTS_SUPPORT_TEMPORARY_DIRECTORY_H_
#define TESTS_SUPPORT_TEMPORARY_DIRECTORY_H_

#include <string>

namespace curatord::testing_support {

// A directory of its own, removed with all that is in it.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory();
  const std::string& path() const { return path_; }
  std::string StoreUrl() const { return "sqlite://" + path_ + "/store.db"; }

 private:
  std::string path_;
};

}  // namespace curatord::testing_support

#endif  // TESTS_SUPPORT_TEMPORARY_DIRECTORY_H_
