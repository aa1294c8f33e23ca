#include "cli/config_file.h"

#include <sys/stat.h>

#include <cstdlib>
#include <string>

#include "absl/strings/str_cat.h"
#include "cli/exit_code.h"
#include "cli/files.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace curator::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kExample[] = R"(apiVersion: curatorctl/v1
current-context: lab
defaults: {output: wide, timeout: 10s, color: never}
contexts:
  lab:
    endpoints: [10.0.1.5, "10.0.1.6:7835", "[fd00::7]:7835"]
    ca:
      sha256: "41ab"
      file: lab/ca.pem
      trusted: {at: 2026-10-02T09:12:00Z, via: prompt}
    credential: {cert-file: lab/owner.pem, key-file: /abs/owner-key.pem}
    protected: true
    accept-unproven: true
)";

class TemporaryFolder {
 public:
  TemporaryFolder() {
    char name[] = "/tmp/curatorctl-test.XXXXXX";
    path_ = mkdtemp(name);
  }
  ~TemporaryFolder() {
    [[maybe_unused]] const int result = std::system(absl::StrCat("rm -rf ", path_).c_str());
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

TEST(ConfigFile, ReadsTheDocumentedShape) {
  const absl::StatusOr<ConfigFile> file = ConfigFile::Parse("/etc/c/config.yaml", kExample);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_THAT(file->warnings(), IsEmpty());
  EXPECT_EQ(file->config().current_context, "lab");
  EXPECT_EQ(file->config().defaults.output, "wide");
  const Context* lab = file->FindContext("lab");
  ASSERT_NE(lab, nullptr);
  EXPECT_THAT(lab->endpoints, ElementsAre("10.0.1.5", "10.0.1.6:7835", "[fd00::7]:7835"));
  EXPECT_EQ(lab->ca_sha256, "41ab");
  EXPECT_EQ(lab->trusted->via, "prompt");
  EXPECT_EQ(lab->trusted->at, "2026-10-02T09:12:00Z");
  EXPECT_TRUE(lab->is_protected);
  EXPECT_TRUE(lab->accept_unproven);
  EXPECT_EQ(file->Resolve(lab->ca_file), "/etc/c/lab/ca.pem");
  EXPECT_EQ(file->Resolve(lab->key_file), "/abs/owner-key.pem");
}

TEST(ConfigFile, WarnsOfUnknownKeysWithTheirLine) {
  const absl::StatusOr<ConfigFile> file =
      ConfigFile::Parse("f", "curent-context: lab\ncontexts:\n  lab:\n    endpoint: [a]\n");
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_THAT(file->warnings(),
              ElementsAre("f:1: unknown key \"curent-context\" in the file (ignored)",
                          "f:4: unknown key \"endpoint\" in contexts.lab (ignored)"));
}

TEST(ConfigFile, NamesTheLineOfAWrongType) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"contexts:\n  lab:\n    endpoints: one\n", "f:3: contexts.lab.endpoints must be a list"},
      {"contexts:\n  lab:\n    endpoints: [[a]]\n", "f:3: contexts.lab.endpoints must be a list"},
      {"contexts:\n  lab: 3\n", "f:2: contexts.lab must be a mapping"},
      {"contexts: 3\n", "f:1: contexts must be a mapping"},
      {"defaults: [a]\n", "f:1: defaults must be a mapping"},
      {"contexts:\n  lab:\n    protected: maybe\n", "f:3: contexts.lab.protected must be true"},
      {"contexts:\n  lab:\n    ca:\n      sha256: [a]\n", "f:4: contexts.lab.ca.sha256 must be"},
      {"apiVersion: curatorctl/v9\n", "f:1: apiVersion must be curatorctl/v1"},
      {"contexts:\n  ../up: {}\n", "f:2: \"../up\" cannot be a context's name"},
      {"a: b: c\n", "f:1:"},
      {"[1, 2]\n", "f:1: the file must be a mapping"},
      {"just words\n", "f:1: the file must be a mapping"},
  };
  for (const auto& [text, message] : cases) {
    const absl::StatusOr<ConfigFile> file = ConfigFile::Parse("f", text);
    ASSERT_FALSE(file.ok()) << text;
    EXPECT_EQ(ExitCodeOf(file.status()), ExitCode::kUsage);
    EXPECT_THAT(DescribeError(file.status()).message, HasSubstr(message));
  }
}

TEST(ConfigFile, AnEmptyFileIsFine) {
  for (const char* text : {"", "---\n", "# nothing\n", "contexts:\n"}) {
    EXPECT_TRUE(ConfigFile::Parse("f", text).ok()) << text;
  }
}

TEST(ConfigFile, WritesWhatItReadAndKeepsUnknownKeys) {
  absl::StatusOr<ConfigFile> file =
      ConfigFile::Parse("f", absl::StrCat(kExample, "future: {a: 1}\n"));
  ASSERT_TRUE(file.ok()) << file.status();
  const absl::StatusOr<ConfigFile> again = ConfigFile::Parse("f", file->Text());
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->Text(), file->Text());
  EXPECT_THAT(file->Text(), HasSubstr("future"));
  EXPECT_EQ(again->FindContext("lab")->endpoints, file->FindContext("lab")->endpoints);
  EXPECT_EQ(again->FindContext("lab")->trusted->via, "prompt");
  EXPECT_TRUE(again->FindContext("lab")->is_protected);
  EXPECT_TRUE(again->FindContext("lab")->accept_unproven);
  EXPECT_EQ(again->config().defaults.timeout, "10s");
}

TEST(ConfigFile, RemovesWhatIsGone) {
  absl::StatusOr<ConfigFile> file = ConfigFile::Parse("f", kExample);
  ASSERT_TRUE(file.ok()) << file.status();
  file->config().contexts.erase("lab");
  file->config().current_context.clear();
  file->config().contexts["new"].endpoints = {"h"};
  const absl::StatusOr<ConfigFile> again = ConfigFile::Parse("f", file->Text());
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->FindContext("lab"), nullptr);
  EXPECT_NE(again->FindContext("new"), nullptr);
  EXPECT_EQ(again->config().current_context, "");
}

TEST(ConfigFile, SavesPrivatelyIntoFoldersOfItsOwn) {
  const TemporaryFolder folder;
  const std::string path = absl::StrCat(folder.path(), "/a/b/config.yaml");
  absl::StatusOr<ConfigFile> file = ConfigFile::Load(path);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_FALSE(file->exists());
  file->config().contexts["lab"].endpoints = {"h"};
  ASSERT_TRUE(file->Save().ok());
  struct stat info = {};
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
  ASSERT_EQ(stat(absl::StrCat(folder.path(), "/a").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700U);
  EXPECT_NE(ConfigFile::Load(path)->FindContext("lab"), nullptr);
}

TEST(Files, CreateFileReplacesNothingAndLeavesNothingBehind) {
  const TemporaryFolder folder;
  const std::string path = absl::StrCat(folder.path(), "/key");
  ASSERT_TRUE(CreateFile(path, "one", 0600).ok());
  EXPECT_TRUE(absl::IsAlreadyExists(CreateFile(path, "two", 0600)));
  EXPECT_EQ(*ReadFile(path), "one");
  ASSERT_TRUE(WriteFileAtomically(path, "three", 0600).ok());
  EXPECT_EQ(*ReadFile(path), "three");
  EXPECT_EQ(std::system(absl::StrCat("test $(ls -A ", folder.path(), " | wc -l) = 1").c_str()), 0);
}

TEST(Files, AreWrittenThroughLinksAndDevicesStay) {
  const TemporaryFolder folder;
  const std::string path = absl::StrCat(folder.path(), "/real");
  const std::string link = absl::StrCat(folder.path(), "/link");
  ASSERT_TRUE(WriteFileAtomically(path, "one", 0600).ok());
  ASSERT_EQ(symlink("real", link.c_str()), 0);
  ASSERT_TRUE(WriteFileAtomically(link, "two", 0600).ok());
  EXPECT_EQ(*ReadFile(path), "two");
  struct stat info = {};
  ASSERT_EQ(lstat(link.c_str(), &info), 0);
  EXPECT_TRUE(S_ISLNK(info.st_mode));

  const std::string pipe = absl::StrCat(folder.path(), "/pipe");
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_FALSE(WriteFileAtomically(pipe, "three", 0600).ok());
  ASSERT_EQ(lstat(pipe.c_str(), &info), 0);
  EXPECT_TRUE(S_ISFIFO(info.st_mode));
}

TEST(ContextName, IsAlsoAFolderName) {
  for (const char* name : {"lab", "a.b", "L-1_x"}) EXPECT_TRUE(CheckContextName(name).ok()) << name;
  for (const char* name : {"", ".", "..", "-x", "a/b", "a b", ".hidden"}) {
    EXPECT_FALSE(CheckContextName(name).ok()) << name;
  }
}

}  // namespace
}  // namespace curator::cli
