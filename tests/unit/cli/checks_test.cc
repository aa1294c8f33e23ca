// What doctor says about each thing that can be wrong.
#include "cli/commands/checks.h"

#include <sys/stat.h>

#include <set>

#include "absl/strings/str_cat.h"
#include "cli/exit_code.h"
#include "cli/files.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/cli/credential_files.h"

namespace curator::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

Subject Lab() {
  Subject subject;
  subject.context = "lab";
  return subject;
}

ProbeResult Result(Verdict verdict, const std::string& node, const std::string& leader) {
  ProbeResult result;
  result.endpoint.address = absl::StrCat("10.0.0.", node, ":7835");
  result.endpoint.verdict = verdict;
  result.endpoint.node_id = node;
  result.endpoint.leader_id = leader;
  return result;
}

TEST(Advice, EachVerdictHasItsOwn) {
  const struct {
    Verdict verdict;
    const char* says;
  } cases[] = {
      {Verdict::kUnresolvable, "curatorctl -c lab context explain"},
      {Verdict::kUnreachable, "firewall"},
      {Verdict::kRefused, "curatorctl -c lab wait --for leader"},
      {Verdict::kNotTls, "correct the port"},
      {Verdict::kWrongCa, "curatorctl -c lab trust show"},
      {Verdict::kWrongNode, "curatorctl -c lab cluster status"},
      {Verdict::kExpired, "date -u"},
      {Verdict::kRejectedOurCertificate, "curatorctl -c lab cred show"},
      {Verdict::kStaleLeader, "steps down by itself"},
      {Verdict::kSilent, "restart curatord"},
      {Verdict::kUnknown, "version --server"},
  };
  std::set<std::string> seen;
  for (const auto& c : cases) {
    const Check check = CheckEndpoint(Lab(), Result(c.verdict, "1", ""));
    EXPECT_FALSE(check.healthy) << check.verdict;
    EXPECT_EQ(check.verdict, ToString(c.verdict));
    EXPECT_THAT(check.advice, HasSubstr(c.says)) << check.verdict;
    EXPECT_TRUE(seen.insert(check.advice).second) << "the same words twice: " << check.advice;
  }
  for (const Verdict verdict : {Verdict::kLeader, Verdict::kFollower}) {
    const Check check = CheckEndpoint(Lab(), Result(verdict, "1", "1"));
    EXPECT_TRUE(check.healthy);
    EXPECT_THAT(check.advice, IsEmpty());
  }
}

TEST(Advice, ALeaderThatNobodyCouldConfirmIsNotIll) {
  const Check check = CheckEndpoint(Lab(), Result(Verdict::kUnknown, "1", "1"));
  EXPECT_TRUE(check.healthy);
  EXPECT_THAT(check.advice, HasSubstr("takeownership"));
}

TEST(Advice, WithoutAContextNoneIsNamed) {
  EXPECT_THAT(CheckEndpoint({}, Result(Verdict::kWrongCa, "1", "")).advice,
              HasSubstr("curatorctl trust show"));
}

TEST(Leadership, IsWellWhereOneLeadsAndAllAgree) {
  const Check check = CheckLeadership(
      Lab(), {Result(Verdict::kLeader, "1", "1"), Result(Verdict::kFollower, "2", "1")});
  EXPECT_TRUE(check.healthy);
  EXPECT_EQ(check.verdict, "ok");
  EXPECT_EQ(check.target, "1");
}

TEST(Leadership, IsIllWithNoneSeveralOrDissenters) {
  const ProbeResult leader = Result(Verdict::kLeader, "1", "1");
  const ProbeResult other = Result(Verdict::kLeader, "2", "2");
  const ProbeResult dissenter = Result(Verdict::kFollower, "3", "2");
  const ProbeResult stale = Result(Verdict::kStaleLeader, "4", "4");
  const auto verdict = [](const std::vector<ProbeResult>& results) {
    const Check check = CheckLeadership(Lab(), results);
    EXPECT_FALSE(check.healthy);
    EXPECT_THAT(check.advice, Not(IsEmpty()));
    return check.verdict;
  };
  EXPECT_EQ(verdict({}), "none");
  EXPECT_EQ(verdict({dissenter, stale}), "none");
  EXPECT_EQ(verdict({leader, other}), "several");
  EXPECT_EQ(verdict({leader, dissenter}), "disagree");
  EXPECT_TRUE(CheckLeadership(Lab(), {leader, stale}).healthy);
}

TEST(Leadership, WithoutACertificateItStaysUnconfirmed) {
  const ProbeResult claim = Result(Verdict::kUnknown, "1", "1");
  const Check check = CheckLeadership(Lab(), {claim, Result(Verdict::kFollower, "2", "1")});
  EXPECT_TRUE(check.healthy);
  EXPECT_EQ(check.verdict, "unconfirmed");
  EXPECT_FALSE(CheckLeadership(Lab(), {claim, Result(Verdict::kFollower, "2", "3")}).healthy);
}

TEST(Parts, ThatDoNotRunAreNamedWithTheirError) {
  ProbeResult result = Result(Verdict::kFollower, "1", "2");
  result.parts = {{"election", "running", "", {}}, {"listener", "backing-off", "port taken", {}}};
  const std::vector<Check> checks = CheckParts(Lab(), result);
  ASSERT_EQ(checks.size(), 1U);
  EXPECT_EQ(checks[0].verdict, "backing-off");
  EXPECT_THAT(checks[0].target, HasSubstr("listener"));
  EXPECT_THAT(checks[0].detail, HasSubstr("port taken"));
}

TEST(ConfigFileCheck, TellsUnreadableMissingAndUnsafe) {
  const CredentialFiles files;
  const std::string path = files.folder() + "/config.yaml";
  const ConfigFile none = ConfigFile::NoneAt(path);
  EXPECT_EQ(CheckConfigFile(none, {}).verdict, "missing");
  EXPECT_TRUE(CheckConfigFile(none, {}).healthy);
  const Check unreadable = CheckConfigFile(none, Failure(ExitCode::kUsage, "line 3 is wrong"));
  EXPECT_FALSE(unreadable.healthy);
  EXPECT_EQ(unreadable.detail, "line 3 is wrong");
  ASSERT_TRUE(WriteFileAtomically(path, "contexts: {}\n", 0600).ok());
  EXPECT_EQ(CheckConfigFile(*ConfigFile::Load(path), {}).verdict, "ok");
  chmod(path.c_str(), 0666);
  EXPECT_EQ(CheckConfigFile(*ConfigFile::Load(path), {}).verdict, "unsafe");
}

class CredentialCheck : public ::testing::Test {
 protected:
  Subject Subjected() const {
    Subject subject = Lab();
    subject.ca = {files_.path("ca.pem"), files_.ca().sha256()};
    subject.credential = {files_.path("owner.pem"), files_.path("owner-key.pem")};
    return subject;
  }
  // Of key and certificate: what is wrong first, or "ok".
  std::string Verdict(const Subject& subject, const absl::optional<ClusterCa>& ca,
                      absl::Time now = absl::Now()) {
    identity_.reset();
    for (const Check& check : CheckCredential(subject, ca, now, identity_)) {
      if (check.verdict == "ok") continue;
      EXPECT_THAT(check.advice, Not(IsEmpty()));
      return absl::StrCat(check.check, " ", check.verdict);
    }
    return "ok";
  }

  CredentialFiles files_;
  absl::optional<Identity> identity_;
};

TEST_F(CredentialCheck, IsFineWhereAllBelongsTogether) {
  absl::optional<ClusterCa> ca;
  EXPECT_TRUE(CheckCa(Subjected(), ca).healthy);
  ASSERT_TRUE(ca.has_value());
  EXPECT_EQ(Verdict(Subjected(), ca), "ok");
  EXPECT_TRUE(identity_.has_value());
  EXPECT_EQ(Verdict(Subjected(), absl::nullopt), "ok");
}

TEST_F(CredentialCheck, NamesWhatIsWrong) {
  const CredentialFiles other;
  Subject subject = Subjected();
  EXPECT_EQ(Verdict(subject, other.ca()), "certificate wrong-ca");
  EXPECT_FALSE(identity_.has_value());
  EXPECT_EQ(Verdict(subject, absl::nullopt, absl::InfiniteFuture()), "certificate expired");
  chmod(subject.credential.key_file.c_str(), 0640);
  EXPECT_EQ(Verdict(subject, files_.ca()), "key unsafe");
  subject.credential.key_file = other.path("owner-key.pem");
  EXPECT_EQ(Verdict(subject, files_.ca()), "certificate mismatch");
  subject.credential.key_file = files_.path("missing.pem");
  EXPECT_EQ(Verdict(subject, files_.ca()), "key missing");
  subject = Subjected();
  subject.credential.certificate_file = files_.path("missing.pem");
  chmod(subject.credential.key_file.c_str(), 0600);
  EXPECT_EQ(Verdict(subject, files_.ca()), "certificate missing");
  subject.credential = {};
  EXPECT_EQ(Verdict(subject, files_.ca()), "certificate missing");
}

TEST_F(CredentialCheck, ThePinIsComparedWithTheFile) {
  const auto verdict = [](const Subject& subject) {
    absl::optional<ClusterCa> ca;
    const Check check = CheckCa(subject, ca);
    EXPECT_EQ(check.healthy, check.advice.empty()) << check.verdict;
    return check.verdict;
  };
  Subject subject = Subjected();
  EXPECT_EQ(verdict(subject), "ok");
  subject.ca.sha256 = std::string(64, 'a');
  EXPECT_EQ(verdict(subject), "mismatch");
  subject.ca.file.clear();
  EXPECT_EQ(verdict(subject), "ok");  // whoever answers is compared with it
  subject.ca = {};
  EXPECT_EQ(verdict(subject), "not-pinned");
  subject.ca.file = files_.path("missing.pem");
  EXPECT_EQ(verdict(subject), "missing");
  subject.ca.file = files_.path("owner-key.pem");
  EXPECT_EQ(verdict(subject), "unreadable");
}

TEST(CheckList, HasTheFieldsOfItsKind) {
  Check check = CheckEndpoint(Lab(), Result(Verdict::kFollower, "1", "2"));
  check.took = absl::Milliseconds(12);
  const Document document = CheckListDocument({check}, false);
  EXPECT_EQ(document.kind, "CheckList");
  const Value& item = document.Rows().front();
  for (const char* field : {"check", "target", "phase", "verdict", "detail", "advice", "ms"}) {
    EXPECT_NE(item.Find(field), nullptr) << field;
  }
  EXPECT_EQ(*item.Find("ms")->number(), 12);
}

}  // namespace
}  // namespace curator::cli
