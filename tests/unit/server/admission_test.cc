// Whose certificate counts. What a node is told is in tests/cluster/departure_test.cc, what
// an owner that was replaced is told in tests/cluster/owner_test.cc.
#include "server/leader/admission.h"

#include <string>

#include "libclient/identity/certificate.h"
#include "server/pki/cluster_owner.h"
#include "tests/unit/server/decision_fixture.h"

namespace curatord {
namespace {

using curator::identity::PrivateKey;
using testing_support::kUnauthenticated;

class AdmissionOfUsers : public testing_support::DecisionTest {
 protected:
  Caller User(const PrivateKey& key, const std::string& name = "owner") const {
    Caller caller;
    caller.kind = Caller::Kind::kUser;
    caller.name = name;
    caller.public_key = key.public_key();
    caller.certificate =
        IssueUserCertificate(cluster_.pki.ca, cluster_.pki.ca_key, key.public_key(), name).der();
    caller.must_be_member = true;
    return caller;
  }
  Caller Owner() const {
    Caller caller = User(cluster_.owner_key);
    caller.certificate = cluster_.owner_certificate.der();
    return caller;
  }
  void ReplaceOwner(const std::string& public_key) {
    Apply({Operation::Put(std::string(keys::kInitialOwner), OwnerRecordOf(public_key))});
  }

  const PrivateKey other_ = PrivateKey::Generate();
};

TEST_F(AdmissionOfUsers, TakesTheCertificateThatIsStored) {
  EXPECT_TRUE(CheckNotRevoked(Owner(), state_).ok());
  EXPECT_TRUE(CheckNotReplaced(Owner(), state_).ok());
}

TEST_F(AdmissionOfUsers, RefusesAnotherCertificateOfTheSameKey) {
  Caller caller = Owner();
  caller.certificate += "x";
  EXPECT_EQ(CheckNotRevoked(caller, state_).code(), kUnauthenticated);
}

TEST_F(AdmissionOfUsers, RefusesAllWhileNoneIsStored) {
  Apply({Operation::Delete(std::string(keys::kOwnerCertificate))});
  EXPECT_EQ(CheckNotRevoked(Owner(), state_).code(), kUnauthenticated);
}

// As a leader of an earlier version may leave it.
TEST_F(AdmissionOfUsers, RefusesTheStoredOneOnceTheOwnerHasAnotherKey) {
  ReplaceOwner(other_.public_key());
  EXPECT_EQ(CheckNotRevoked(Owner(), state_).code(), kUnauthenticated);
  EXPECT_EQ(CheckNotReplaced(Owner(), state_).code(), kUnauthenticated);
}

TEST_F(AdmissionOfUsers, RefusesAllWithoutAnOwner) {
  Apply({Operation::Delete(std::string(keys::kInitialOwner))});
  EXPECT_EQ(CheckNotRevoked(Owner(), state_).code(), kUnauthenticated);
}

TEST_F(AdmissionOfUsers, RefusesAUserOfAnotherName) {
  const Caller caller = User(cluster_.owner_key, "somebody");
  Apply({Operation::Put(std::string(keys::kOwnerCertificate), caller.certificate)});
  EXPECT_EQ(CheckNotRevoked(caller, state_).code(), kUnauthenticated);
}

TEST_F(AdmissionOfUsers, AsksNothingOfCallsThatAreForEverybody) {
  Caller caller = User(other_);
  caller.must_be_member = false;
  EXPECT_TRUE(CheckNotRevoked(caller, state_).ok());
  EXPECT_TRUE(CheckNotReplaced(caller, state_).ok());
}

// A follower may know of the new owner and not yet of its certificate, or of nothing yet.
TEST_F(AdmissionOfUsers, OfAFollowerWaitsForNoCertificate) {
  ReplaceOwner(other_.public_key());
  EXPECT_TRUE(CheckNotReplaced(User(other_), state_).ok());
  const ClusterState empty(&store_);
  EXPECT_TRUE(CheckNotReplaced(Owner(), empty).ok());
}

}  // namespace
}  // namespace curatord
