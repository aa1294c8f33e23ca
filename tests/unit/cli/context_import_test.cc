// Importing the folder of the existing tool: all of it, or nothing.
#include <sys/stat.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "cli/commands/context.h"
#include "cli/exit_code.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/cli/credential_files.h"

namespace curator::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class QuietTerminal final : public Terminal {
 public:
  bool CanAsk() const override { return false; }
  bool StdoutIsTerminal() const override { return false; }
  absl::StatusOr<std::string> Ask(absl::string_view) override { return std::string(); }
  void Note(absl::string_view text) override { absl::StrAppend(&notes, text, "\n"); }
  void Progress(absl::string_view) override {}
  std::string notes;
};

class ContextImport : public ::testing::Test {
 protected:
  std::string ConfigPathOfTest() const { return home_.folder() + "/curatorctl/config.yaml"; }

  absl::StatusOr<CommandResult> Import(GlobalFlags flags, const std::string& name = "lab") {
    absl::StatusOr<ConfigFile> file = ConfigFile::Load(ConfigPathOfTest());
    Session session(*ResolveSettings(flags, {}, {ConfigPathOfTest(), "flag --config"}, *file),
                    *file, terminal_, interruption_);
    ContextImportArgs args;
    args.name = name;
    args.folder = folder_;
    args.flags = flags;
    return ContextImportCommand(session, args);
  }
  absl::StatusOr<CommandResult> Import() {
    GlobalFlags flags;
    flags.endpoints = {"10.0.0.1,10.0.0.2"};
    return Import(flags);
  }
  // Fails with this code, in three parts, and leaves nothing behind.
  void ExpectFailure(ExitCode code) {
    const absl::Status status = Import().status();
    EXPECT_EQ(ExitCodeOf(status), code) << status;
    if (status.ok()) return;
    const Error error = DescribeError(status);
    EXPECT_THAT(error.message, Not(IsEmpty()));
    EXPECT_THAT(error.cause, Not(IsEmpty()));
    EXPECT_THAT(error.hints, Not(IsEmpty()));
    EXPECT_NE(access((home_.folder() + "/curatorctl").c_str(), F_OK), 0);
  }

  const CredentialFiles home_;
  const CredentialFiles files_;
  const CredentialFiles others_;
  std::string folder_ = files_.folder();
  QuietTerminal terminal_;
  Interruption interruption_;
};

TEST_F(ContextImport, CopiesTheFilesAndPinsTheCa) {
  const absl::StatusOr<CommandResult> result = Import();
  ASSERT_TRUE(result.ok()) << result.status();
  const absl::StatusOr<ConfigFile> file = ConfigFile::Load(ConfigPathOfTest());
  ASSERT_TRUE(file.ok()) << file.status();
  const Context* context = file->FindContext("lab");
  ASSERT_NE(context, nullptr);
  EXPECT_THAT(context->endpoints, ElementsAre("10.0.0.1", "10.0.0.2"));
  EXPECT_EQ(context->ca_sha256, files_.ca().sha256());
  ASSERT_TRUE(context->trusted.has_value());
  EXPECT_EQ(context->trusted->via, "import");
  EXPECT_EQ(file->config().current_context, "lab");
  const std::string key = file->Resolve(context->key_file);
  EXPECT_EQ(*ReadFile(key), *ReadFile(files_.path("owner-key.pem")));
  struct stat info = {};
  ASSERT_EQ(stat(key.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
  EXPECT_TRUE(
      Identity::FromPem(*ReadFile(file->Resolve(context->certificate_file)), *ReadFile(key)).ok());
  EXPECT_EQ(ExitCodeOf(Import().status()), ExitCode::kRefused);  // it exists now
}

TEST_F(ContextImport, TakesTheOwnerKeyAsTheOtherToolWritesIt) {
  const absl::StatusOr<OwnerKey> key = GenerateOwnerKey();
  ASSERT_TRUE(key.ok());
  files_.Write("owner-key.pem", key->private_key_pem);
  ExpectFailure(ExitCode::kNoCredentials);  // owner.pem is of another key
}

TEST_F(ContextImport, EachBadFileHasItsOwnExitCode) {
  folder_ = home_.path("no-such-folder");
  ExpectFailure(ExitCode::kNotFound);
  folder_ = files_.folder();
  const std::string good_key = *ReadFile(files_.path("owner-key.pem"));
  const std::string good_certificate = *ReadFile(files_.path("owner.pem"));

  files_.Write("owner-key.pem", "nonsense");
  ExpectFailure(ExitCode::kNoCredentials);
  files_.Write("owner-key.pem", *ReadFile(others_.path("owner-key.pem")));
  ExpectFailure(ExitCode::kNoCredentials);  // not the key of owner.pem
  files_.Write("owner-key.pem", good_key);

  files_.Write("owner.pem", "nonsense");
  ExpectFailure(ExitCode::kNoCredentials);
  unlink(files_.path("owner.pem").c_str());
  ExpectFailure(ExitCode::kNoCredentials);
  files_.Write("owner.pem", good_certificate);

  files_.Write("ca.pem", *ReadFile(others_.path("ca.pem")));
  ExpectFailure(ExitCode::kUntrusted);  // did not sign owner.pem
  files_.Write("ca.pem", "nonsense");
  ExpectFailure(ExitCode::kUntrusted);
  unlink(files_.path("ca.pem").c_str());
  ExpectFailure(ExitCode::kUntrusted);
}

TEST_F(ContextImport, BelievesNobodyWithoutProofByItself) {
  ASSERT_TRUE(Import().ok());
  EXPECT_FALSE(ConfigFile::Load(ConfigPathOfTest())->FindContext("lab")->accept_unproven);
  EXPECT_THAT(terminal_.notes, HasSubstr("--accept-unproven"));

  terminal_.notes.clear();
  GlobalFlags flags;
  flags.endpoints = {"10.0.0.1"};
  flags.accept_unproven = true;
  ASSERT_TRUE(Import(flags, "existing").ok());
  EXPECT_TRUE(ConfigFile::Load(ConfigPathOfTest())->FindContext("existing")->accept_unproven);
  EXPECT_THAT(terminal_.notes, Not(HasSubstr("--accept-unproven")));
}

TEST_F(ContextImport, NeedsAnEndpoint) {
  EXPECT_EQ(ExitCodeOf(Import(GlobalFlags()).status()), ExitCode::kUsage);
}

TEST_F(ContextImport, ADryRunWritesNothing) {
  GlobalFlags flags;
  flags.endpoints = {"10.0.0.1"};
  flags.dry_run = true;
  EXPECT_TRUE(Import(flags).ok());
  EXPECT_NE(access(ConfigPathOfTest().c_str(), F_OK), 0);
}

}  // namespace
}  // namespace curator::cli
