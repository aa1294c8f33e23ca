#include "server/config.h"

#include <cstdio>
#include <fstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/explained.h"
#include "server/store/etcd_url.h"
#include "tests/support/temporary_directory.h"

namespace curatord {
namespace {

using testing::HasSubstr;

RunSettings Minimal() {
  RunSettings settings;
  settings.data_dir = "/var/lib/curator";
  settings.listen = "10.0.0.1";
  return settings;
}

// The error, which must be of usage and say what to do.
std::string UsageErrorOf(const absl::Status& status) {
  EXPECT_EQ(ExitCodeOf(status), 2) << status;
  const std::string text = ExplainedText(status);
  EXPECT_THAT(text, HasSubstr("  do:    "));
  return text;
}

std::string RefusalOf(const RunSettings& flags) {
  absl::StatusOr<RunConfig> config = MakeRunConfig(flags, {});
  EXPECT_FALSE(config.ok());
  return config.ok() ? "" : UsageErrorOf(config.status());
}

TEST(RunConfig, HasDefaultsForAllButDirectoryAndAddress) {
  absl::StatusOr<RunConfig> config = MakeRunConfig(Minimal(), {});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->data_dir, "/var/lib/curator");
  EXPECT_EQ(config->store_url, "sqlite:///var/lib/curator/store.db");
  EXPECT_EQ(config->listen_address, "10.0.0.1:7835");
  EXPECT_EQ(config->advertise_host, "10.0.0.1");
  EXPECT_EQ(config->advertise_port, 7835);
  EXPECT_EQ(config->lease_ttl, absl::Seconds(10));
  EXPECT_EQ(config->log_level, LogLevel::kInfo);
}

TEST(RunConfig, ServesMetricsOnlyWhereAnAddressWithAPortIsGiven) {
  EXPECT_EQ(MakeRunConfig(Minimal(), {})->metrics_listen, absl::nullopt);
  RunSettings settings = Minimal();
  for (const char* good : {"127.0.0.1:9835", "[::1]:7835", "0.0.0.0:7835"}) {
    settings.metrics_listen = good;
    absl::StatusOr<RunConfig> config = MakeRunConfig(settings, {});
    ASSERT_TRUE(config.ok()) << config.status();
    EXPECT_EQ(config->metrics_listen->ToString(), good);
  }
  for (const char* bad : {"127.0.0.1", "::1", "fd00::7835", ":9835", "127.0.0.1:x"}) {
    settings.metrics_listen = bad;
    EXPECT_THAT(RefusalOf(settings), HasSubstr("--metrics-listen")) << bad;
  }
}

TEST(RunConfig, TakesFlagsOverFileOverDefaults) {
  RunSettings file = Minimal();
  file.lease_ttl = "20s";
  file.log_level = "debug";
  file.store = "sqlite:///file.db";
  RunSettings flags;
  flags.listen = "10.0.0.2:7000";
  flags.lease_ttl = "5s";
  absl::StatusOr<RunConfig> config = MakeRunConfig(flags, file);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->listen_address, "10.0.0.2:7000");
  EXPECT_EQ(config->lease_ttl, absl::Seconds(5));
  EXPECT_EQ(config->log_level, LogLevel::kDebug);
  EXPECT_EQ(config->store_url, "sqlite:///file.db");
  EXPECT_EQ(config->data_dir, "/var/lib/curator");
}

TEST(RunConfig, NeedsADataDirectoryAndAnAddress) {
  RunSettings flags = Minimal();
  flags.data_dir.reset();
  EXPECT_THAT(RefusalOf(flags), HasSubstr("--data-dir"));
  flags = Minimal();
  flags.listen.reset();
  EXPECT_THAT(RefusalOf(flags), HasSubstr("--listen"));
}

TEST(RunConfig, NeedsAnAddressToAdvertiseWhenItListensOnAll) {
  for (const char* listen : {"0.0.0.0", "0.0.0.0:7000", "[::]", "[::]:7000", "::", "[0::0]",
                             "0:0:0:0:0:0:0:0", "[::0.0.0.0]:7835"}) {
    RunSettings flags = Minimal();
    flags.listen = listen;
    EXPECT_THAT(RefusalOf(flags), HasSubstr("--advertise")) << listen;
    flags.advertise = "10.0.0.1";
    EXPECT_TRUE(MakeRunConfig(flags, {}).ok()) << listen;
    flags.advertise = listen;
    EXPECT_THAT(RefusalOf(flags), HasSubstr("--advertise")) << listen;
  }
}

TEST(RunConfig, AdvertisesThePortThatItListensOnUnlessTold) {
  struct Case {
    const char* listen;
    const char* advertise;
    const char* host;
    int port;
  };
  const Case cases[] = {
      {"0.0.0.0:7000", "10.0.0.1", "10.0.0.1", 7000},
      {"0.0.0.0:7000", "10.0.0.1:7001", "10.0.0.1", 7001},
      {"0.0.0.0:7000", "10.0.0.1:7835", "10.0.0.1", 7835},
      {"[::]:7000", "fd00::1", "fd00::1", 7000},
      {"[::]:7000", "[fd00::1]", "fd00::1", 7000},
      {"[::]:7000", "[fd00::1]:7835", "fd00::1", 7835},
      {"[::]:7000", "[fd00::1]:7001", "fd00::1", 7001},
      {"[::]:7000", "fd00::7835", "fd00::7835", 7000},
      {"[::]:7000", "fd00::7:7835", "fd00::7:7835", 7000},
      {"10.0.0.1:7000", "10.9.9.9", "10.9.9.9", 7000},
  };
  for (const Case& c : cases) {
    RunSettings flags = Minimal();
    flags.listen = c.listen;
    flags.advertise = c.advertise;
    absl::StatusOr<RunConfig> config = MakeRunConfig(flags, {});
    ASSERT_TRUE(config.ok()) << config.status();
    EXPECT_EQ(config->advertise_host, c.host) << c.advertise;
    EXPECT_EQ(config->advertise_port, c.port) << c.advertise;
  }
}

TEST(RunConfig, TakesIpv6) {
  for (const char* listen : {"fd00::1", "[fd00::1]", "[fd00::1]:7835"}) {
    RunSettings flags = Minimal();
    flags.listen = listen;
    absl::StatusOr<RunConfig> config = MakeRunConfig(flags, {});
    ASSERT_TRUE(config.ok()) << config.status();
    EXPECT_EQ(config->listen_address, "[fd00::1]:7835");
    EXPECT_EQ(config->advertise_host, "fd00::1");
  }
}

TEST(RunConfig, AdvertisesNoHostNames) {
  RunSettings flags = Minimal();
  flags.advertise = "curator.example";
  EXPECT_THAT(RefusalOf(flags), HasSubstr("curator.example"));
  flags = Minimal();
  flags.listen = "localhost";
  EXPECT_THAT(RefusalOf(flags), HasSubstr("localhost"));
}

TEST(RunConfig, RefusesPortsAndAddressesThatAreNone) {
  for (const char* listen : {"10.0.0.1:0", "10.0.0.1:65536", "10.0.0.1:x", "10.0.0.1:", ":7835",
                             "[fd00::1", "fd00::1:7835:x", "10.0.0.1 10.0.0.2"}) {
    RunSettings flags = Minimal();
    flags.listen = listen;
    EXPECT_FALSE(RefusalOf(flags).empty()) << listen;
    flags = Minimal();
    flags.advertise = listen;
    EXPECT_FALSE(RefusalOf(flags).empty()) << listen;
  }
}

TEST(RunConfig, RefusesLeasesThatCannotBeKept) {
  for (const char* ttl : {"2999ms", "0", "-5s", "5", "soon", "11m", "inf", ""}) {
    RunSettings flags = Minimal();
    flags.lease_ttl = ttl;
    EXPECT_THAT(RefusalOf(flags), HasSubstr("--lease-ttl")) << ttl;
  }
  RunSettings flags = Minimal();
  flags.lease_ttl = "3s";
  EXPECT_TRUE(MakeRunConfig(flags, {}).ok());
}

TEST(RunConfig, TakesLimitsFromTheFileAndFromFlagsOverIt) {
  RunSettings file;
  file.limits = {{"new-nodes", "20"}};
  EXPECT_EQ(MakeRunConfig(Minimal(), file)->limits.new_nodes, 20);
  RunSettings flags = Minimal();
  flags.limits = {{"new-nodes", "30"}};
  EXPECT_EQ(MakeRunConfig(flags, file)->limits.new_nodes, 30);
  for (const auto& [name, number] :
       std::vector<std::pair<std::string, std::string>>{{"no-such-limit", "1"},
                                                        {"", ""},
                                                        {"new-nodes", ""},
                                                        {"new-nodes", "0"},
                                                        {"new-nodes", "x"},
                                                        {"new-nodes", "-1"},
                                                        {"new-nodes", "99999999999999999999"}}) {
    flags.limits = {{name, number}};
    EXPECT_THAT(RefusalOf(flags), HasSubstr("new-nodes")) << name << "=" << number;
  }
}

TEST(RunConfig, RefusesUnknownLogLevels) {
  RunSettings flags = Minimal();
  flags.log_level = "loud";
  EXPECT_THAT(RefusalOf(flags), HasSubstr("loud"));
}

class RunSettingsFile : public testing::Test {
 protected:
  absl::StatusOr<RunSettings> Load(const std::string& text) {
    std::ofstream(path_) << text;
    return LoadRunSettings(path_);
  }
  std::string RefusalOf(const std::string& text) {
    absl::StatusOr<RunSettings> settings = Load(text);
    EXPECT_FALSE(settings.ok()) << text;
    return settings.ok() ? "" : UsageErrorOf(settings.status());
  }

  testing_support::TemporaryDirectory directory_;
  const std::string path_ = directory_.path() + "/curatord.yaml";
};

TEST_F(RunSettingsFile, HasEveryFlag) {
  absl::StatusOr<RunSettings> settings = Load(
      "# a comment\n"
      "data-dir: /d\n"
      "store: sqlite:///s.db\n"
      "listen: '[fd00::1]:7835'\n"
      "advertise: 10.0.0.1\n"
      "lease-ttl: 15s\n"
      "fast-takeover: off\n"
      "log-level: warning\n");
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_EQ(settings->data_dir, "/d");
  EXPECT_EQ(settings->store, "sqlite:///s.db");
  EXPECT_EQ(settings->listen, "[fd00::1]:7835");
  EXPECT_EQ(settings->advertise, "10.0.0.1");
  EXPECT_EQ(settings->lease_ttl, "15s");
  EXPECT_EQ(settings->fast_takeover, "off");
  EXPECT_EQ(settings->log_level, "warning");
}

TEST_F(RunSettingsFile, TakesAnEtcdAsAMapping) {
  absl::StatusOr<RunSettings> settings = Load(
      "store:\n"
      "  endpoints: [h1:2379, h2]\n"
      "  prefix: a b/\n"
      "  ca: etcd/ca.pem\n"
      "  user: curator\n"
      "  password-file: /etc/password\n");
  ASSERT_TRUE(settings.ok()) << settings.status();
  absl::StatusOr<EtcdUrl> url = ParseEtcdUrl(settings->store.value_or(""));
  ASSERT_TRUE(url.ok()) << url.status();
  EXPECT_EQ(url->endpoints.size(), 2u);
  EXPECT_EQ(url->prefix, "a b/");
  EXPECT_TRUE(url->tls);
  EXPECT_EQ(url->ca_file, directory_.path() + "/etcd/ca.pem");
  EXPECT_EQ(url->password_file, "/etc/password");
}

TEST_F(RunSettingsFile, NamesWhatIsWrongWithAnEtcd) {
  EXPECT_THAT(UsageErrorOf(Load("store:\n  endpoints: [a]\n  prefx: b\n").status()),
              HasSubstr(":3: unknown key \"prefx\" of store"));
  EXPECT_THAT(UsageErrorOf(Load("store:\n  prefix: b\n").status()), HasSubstr("no endpoints"));
  EXPECT_THAT(UsageErrorOf(Load("store:\n  endpoints: a\n  tls: maybe\n").status()),
              HasSubstr(":3: "));
}

TEST(RunConfig, TurnsFastTakeoverOffOnlyWhenToldSo) {
  RunSettings settings = Minimal();
  EXPECT_TRUE(MakeRunConfig(settings, {})->fast_takeover);
  settings.fast_takeover = "off";
  EXPECT_FALSE(MakeRunConfig(settings, {})->fast_takeover);
  settings.fast_takeover = "perhaps";
  EXPECT_THAT(RefusalOf(settings), HasSubstr("neither on nor off"));
}

TEST_F(RunSettingsFile, MayBeEmpty) {
  for (const char* text : {"", "\n", "# nothing\n", "{}\n"}) {
    absl::StatusOr<RunSettings> settings = Load(text);
    ASSERT_TRUE(settings.ok()) << settings.status();
    EXPECT_FALSE(settings->listen.has_value());
  }
}

TEST_F(RunSettingsFile, NamesUnknownKeysWithTheirLine) {
  const std::string text = RefusalOf("listen: 10.0.0.1\n\nlisten-address: 10.0.0.2\n");
  EXPECT_THAT(text, HasSubstr(path_ + ":3:"));
  EXPECT_THAT(text, HasSubstr("listen-address"));
}

TEST_F(RunSettingsFile, NamesWrongTypesWithTheirLine) {
  EXPECT_THAT(RefusalOf("listen: 10.0.0.1\nstore: [a, b]\n"), HasSubstr(path_ + ":2:"));
  EXPECT_THAT(RefusalOf("store:\n  url: x\n"), HasSubstr(path_ + ":2:"));
  EXPECT_THAT(RefusalOf("listen:\n"), HasSubstr("listen"));
  EXPECT_THAT(RefusalOf("- listen\n"), HasSubstr(path_ + ":1:"));
  EXPECT_THAT(RefusalOf("just a word\n"), HasSubstr(path_ + ":1:"));
  EXPECT_THAT(RefusalOf("[a, b]: c\n"), HasSubstr(path_ + ":1:"));
}

TEST_F(RunSettingsFile, NamesTheLineThatIsNoYaml) {
  EXPECT_THAT(RefusalOf("listen: 10.0.0.1\nstore: [a\n"), HasSubstr(path_ + ":"));
  EXPECT_THAT(RefusalOf("listen: 1\n\tstore: 2\n"), HasSubstr(path_ + ":2:"));
}

TEST_F(RunSettingsFile, ThatIsMissingOrADirectoryIsAnError) {
  absl::StatusOr<RunSettings> missing = LoadRunSettings(directory_.path() + "/none.yaml");
  EXPECT_EQ(missing.status().code(), absl::StatusCode::kNotFound);
  EXPECT_FALSE(LoadRunSettings(directory_.path()).ok());
}

TEST_F(RunSettingsFile, HasPathsRelativeToItself) {
  absl::StatusOr<RunSettings> settings = Load("data-dir: data/../curator\n");
  ASSERT_TRUE(settings.ok());
  EXPECT_EQ(settings->data_dir, directory_.path() + "/curator");
}

}  // namespace
}  // namespace curatord
