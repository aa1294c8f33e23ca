#include "cli/settings.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "cli/exit_code.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace curator::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::string kPinA(64, 'a');
const std::string kPinB(64, 'b');

ConfigFile File() {
  return *ConfigFile::Parse("/c/config.yaml",
                            absl::StrCat("current-context: lab\n"
                                         "defaults: {timeout: 10s, output: wide, color: never}\n"
                                         "contexts:\n"
                                         "  lab:\n"
                                         "    endpoints: [from-file]\n"
                                         "    ca: {sha256: ",
                                         kPinA,
                                         ", file: lab/ca.pem}\n"
                                         "    credential: {cert-file: o.pem, key-file: k.pem}\n"
                                         "  other: {endpoints: [other-host]}\n"));
}

absl::StatusOr<Settings> Resolve(const GlobalFlags& flags, const Environment& environment = {},
                                 const ConfigFile& file = File()) {
  return ResolveSettings(flags, environment, {"/c/config.yaml", "flag --config"}, file);
}

TEST(Settings, ComeFromTheBuiltInValuesLast) {
  const absl::StatusOr<Settings> settings = Resolve({}, {}, ConfigFile());
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_EQ(settings->timeout.value, absl::Seconds(30));
  EXPECT_EQ(settings->timeout.origin, "built in");
  EXPECT_EQ(settings->connect_timeout.value, absl::Seconds(5));
  EXPECT_EQ(settings->output.value.format, Format::kTable);
  EXPECT_TRUE(settings->endpoints.value.empty());
  EXPECT_EQ(settings->endpoints.origin, "not set");
}

TEST(Settings, ComeFromContextAndDefaultsOfTheFile) {
  const absl::StatusOr<Settings> settings = Resolve({});
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_THAT(settings->endpoints.value, ElementsAre("from-file"));
  EXPECT_EQ(settings->endpoints.origin, "context lab");
  EXPECT_EQ(settings->ca.value.file, "/c/lab/ca.pem");
  EXPECT_EQ(settings->ca.value.sha256, kPinA);
  EXPECT_EQ(settings->credential.value.key_file, "/c/k.pem");
  EXPECT_EQ(settings->timeout.value, absl::Seconds(10));
  EXPECT_EQ(settings->timeout.origin, "defaults of /c/config.yaml");
  EXPECT_EQ(settings->output.value.format, Format::kWide);
}

TEST(Settings, EnvironmentOverridesTheFile) {
  Environment environment;
  environment.variables = {{"CURATORCTL_ENDPOINTS", "e1, e2"}, {"CURATORCTL_TIMEOUT", "5s"},
                           {"CURATORCTL_OUTPUT", "json"},      {"CURATORCTL_CA_SHA256", kPinB},
                           {"CURATORCTL_CERT_FILE", "c"},      {"CURATORCTL_KEY_FILE", "k"},
                           {"CURATORCTL_NO_INPUT", "1"}};
  const absl::StatusOr<Settings> settings = Resolve({}, environment);
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_THAT(settings->endpoints.value, ElementsAre("e1", "e2"));
  EXPECT_EQ(settings->timeout.value, absl::Seconds(5));
  EXPECT_EQ(settings->timeout.origin, "environment CURATORCTL_TIMEOUT");
  EXPECT_EQ(settings->output.value.format, Format::kJson);
  EXPECT_EQ(settings->credential.value.certificate_file, "c");
  EXPECT_TRUE(settings->no_input.value);
  // The pin of another origin does not meet the context's file.
  EXPECT_EQ(settings->ca.value.sha256, kPinB);
  EXPECT_EQ(settings->ca.value.file, "");
}

TEST(Settings, FlagsOverrideTheEnvironment) {
  Environment environment;
  environment.variables = {
      {"CURATORCTL_ENDPOINTS", "e1"}, {"CURATORCTL_TIMEOUT", "5s"}, {"CURATORCTL_CONTEXT", "lab"}};
  GlobalFlags flags;
  flags.endpoints = {"f1,f2", "f3"};
  flags.timeout = "0";
  flags.context = "other";
  flags.ca_sha256 = absl::StrCat("SHA256:", std::string(64, 'B'));
  const absl::StatusOr<Settings> settings = Resolve(flags, environment);
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_THAT(settings->endpoints.value, ElementsAre("f1", "f2", "f3"));
  EXPECT_EQ(settings->timeout.value, absl::InfiniteDuration());
  EXPECT_EQ(settings->context_name.value, "other");
  EXPECT_EQ(settings->ca.value.sha256, kPinB);
  EXPECT_EQ(settings->ca.origin, "flag --ca-sha256");
}

TEST(Settings, ACertificateIsNotUsedWithAnotherClustersCa) {
  GlobalFlags flags;
  flags.ca_sha256 = kPinB;
  EXPECT_TRUE(Resolve(flags)->credential.value.empty());
  flags.ca_sha256 = kPinA;
  EXPECT_FALSE(Resolve(flags)->credential.value.empty());
}

TEST(Settings, LeadersWithoutProofAreBelievedWhereFlagOrContextSaySo) {
  EXPECT_FALSE(Resolve({})->accept_unproven.value);
  EXPECT_EQ(Resolve({})->accept_unproven.origin, "built in");
  ConfigFile file = File();
  file.config().contexts["lab"].accept_unproven = true;
  EXPECT_TRUE(Resolve({}, {}, file)->accept_unproven.value);
  EXPECT_EQ(Resolve({}, {}, file)->accept_unproven.origin, "context lab");
  GlobalFlags flags;
  flags.ca_sha256 = kPinB;  // what is said of one cluster is not said of another
  EXPECT_FALSE(Resolve(flags, {}, file)->accept_unproven.value);
  flags.accept_unproven = true;
  EXPECT_EQ(Resolve(flags, {}, file)->accept_unproven.origin, "flag --accept-unproven");
}

TEST(Settings, TheCacheIsTheContextsOrThatOfTheEndpoints) {
  Environment environment;
  environment.variables = {{"HOME", "/h"}};
  EXPECT_EQ(Resolve({}, environment)->cache_path, "/h/.cache/curatorctl/lab.json");
  environment.variables["XDG_CACHE_HOME"] = "/x";
  EXPECT_EQ(Resolve({}, environment)->cache_path, "/x/curatorctl/lab.json");
  EXPECT_EQ(Resolve({}, {})->cache_path, "");
  EXPECT_EQ(Resolve({}, environment, ConfigFile())->cache_path, "");

  GlobalFlags flags;
  flags.endpoints = {"from-file"};
  EXPECT_EQ(Resolve(flags, environment)->cache_path, "/x/curatorctl/lab.json");
  flags.endpoints = {"a", "b"};
  const std::string of_both = Resolve(flags, environment)->cache_path;
  EXPECT_THAT(of_both, ::testing::StartsWith("/x/curatorctl/@"));
  EXPECT_EQ(Resolve(flags, environment, ConfigFile())->cache_path, of_both);
  flags.endpoints = {"a"};
  EXPECT_NE(Resolve(flags, environment)->cache_path, of_both);
}

TEST(Settings, AContextThatDoesNotExistIsKnownAsSuch) {
  GlobalFlags flags;
  flags.context = "nope";
  const absl::StatusOr<Settings> settings = Resolve(flags);
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_FALSE(settings->context.has_value());
  EXPECT_TRUE(settings->context_is_explicit);
}

TEST(Settings, BadValuesAreUsageErrors) {
  const auto code = [](const GlobalFlags& flags) { return ExitCodeOf(Resolve(flags).status()); };
  GlobalFlags flags;
  flags.timeout = "soon";
  EXPECT_EQ(code(flags), ExitCode::kUsage);
  flags = {};
  flags.timeout = "-1s";
  EXPECT_EQ(code(flags), ExitCode::kUsage);
  flags = {};
  flags.ca_sha256 = "41ab";
  EXPECT_EQ(code(flags), ExitCode::kUsage);
  flags = {};
  flags.color = "pink";
  EXPECT_EQ(code(flags), ExitCode::kUsage);
  flags = {};
  flags.certificate_file = "c";
  EXPECT_EQ(code(flags), ExitCode::kUsage);
}

TEST(Settings, AnEmptyEndpointIsNotSkipped) {
  for (const std::vector<std::string>& endpoints :
       {std::vector<std::string>{""}, std::vector<std::string>{"a", " "}}) {
    GlobalFlags flags;
    flags.endpoints = endpoints;
    EXPECT_EQ(ExitCodeOf(Resolve(flags).status()), ExitCode::kUsage);
  }
}

TEST(Settings, ColorFollowsTerminalAndConventions) {
  GlobalFlags flags;
  flags.color = "auto";
  Environment environment;
  environment.variables = {{"TERM", "xterm"}};
  EXPECT_FALSE(Resolve(flags, environment)->color);
  environment.stdout_is_terminal = true;
  EXPECT_TRUE(Resolve(flags, environment)->color);
  environment.variables["TERM"] = "dumb";
  EXPECT_FALSE(Resolve(flags, environment)->color);
  environment.variables["CLICOLOR_FORCE"] = "1";
  EXPECT_TRUE(Resolve(flags, environment)->color);
  environment.variables["NO_COLOR"] = "1";
  EXPECT_FALSE(Resolve(flags, environment)->color);
  flags.color = "always";
  EXPECT_TRUE(Resolve(flags, environment)->color);
}

TEST(Settings, TheConfigFileIsTheFirstOfFlagEnvironmentXdgAndHome) {
  Environment environment;
  EXPECT_EQ(ExitCodeOf(ConfigPath({}, environment).status()), ExitCode::kUsage);
  environment.variables["HOME"] = "/h";
  EXPECT_EQ(ConfigPath({}, environment)->value, "/h/.config/curatorctl/config.yaml");
  environment.variables["XDG_CONFIG_HOME"] = "/x";
  EXPECT_EQ(ConfigPath({}, environment)->value, "/x/curatorctl/config.yaml");
  environment.variables["CURATORCTL_CONFIG"] = "/e.yaml";
  EXPECT_EQ(ConfigPath({}, environment)->value, "/e.yaml");
  GlobalFlags flags;
  flags.config = "/f.yaml";
  EXPECT_EQ(ConfigPath(flags, environment)->value, "/f.yaml");
  EXPECT_THAT(ConfigPath(flags, environment)->origin, HasSubstr("--config"));
}

}  // namespace
}  // namespace curator::cli
