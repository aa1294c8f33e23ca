#include "tests/support/temporary_directory.h"

#include <stdlib.h>

#include <filesystem>
#include <system_error>

#include "gtest/gtest.h"

namespace curatord::testing_support {

TemporaryDirectory::TemporaryDirectory() {
  std::string path = testing::TempDir() + "/curator-server-XXXXXX";
  EXPECT_NE(mkdtemp(path.data()), nullptr);
  path_ = std::filesystem::canonical(path);
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace curatord::testing_support
