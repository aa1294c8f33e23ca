// The command line proves that the public headers are enough.
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "gtest/gtest.h"

namespace {

TEST(Includes, CommandLineUsesPublicHeadersOnly) {
  const std::filesystem::path root = CURATOR_SOURCE_DIR;
  int files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root / "cli")) {
    const std::string extension = entry.path().extension();
    if (extension != ".cc" && extension != ".h") continue;
    ++files;
    std::ifstream in(entry.path());
    std::string line;
    while (std::getline(in, line)) {
      absl::string_view rest = absl::StripLeadingAsciiWhitespace(line);
      if (!absl::ConsumePrefix(&rest, "#include ")) continue;
      const std::vector<std::string> parts = absl::StrSplit(rest, absl::ByAnyChar("\"<>"));
      ASSERT_GE(parts.size(), 2u) << line;
      const std::string& header = parts[1];
      // What our programs share and is no part of the library.
      if (absl::StartsWith(header, "libclient/process/")) continue;
      for (const char* inside : {"libclient/", "server/", "proto/", "metropolis/", "tests/", "grpc",
                                 "curator/v1/", "google/"}) {
        EXPECT_FALSE(absl::StartsWith(header, inside)) << entry.path() << " includes " << header;
      }
      // "curator/x.h" must be one of those in libclient/include.
      if (absl::StartsWith(header, "curator/")) {
        EXPECT_TRUE(std::filesystem::exists(root / "libclient/include" / header)) << header;
      }
      EXPECT_FALSE(extension == ".h" && absl::StartsWith(header, "CLI/")) << entry.path();
    }
  }
  EXPECT_GT(files, 20);
}

}  // namespace
