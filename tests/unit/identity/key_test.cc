#include "libclient/identity/key.h"

#include <openssl/pem.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libclient/identity/node_id.h"
#include "libclient/identity/openssl.h"
#include "libclient/identity/pem.h"
#include "tests/unit/identity/forge.h"

namespace curator::identity {
namespace {

using ::testing::AllOf;
using testing::ForgeKey;
using ::testing::HasSubstr;
using testing::KeyKind;

// RFC 8032, section 7.1, test 1.
constexpr char kSeedHex[] = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
constexpr char kPublicHex[] = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

std::string Raw() { return absl::HexStringToBytes(absl::StrCat(kSeedHex, kPublicHex)); }

std::string Message(const absl::Status& status) {
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  return std::string(status.message());
}

TEST(PrivateKey, DerivesThePublicHalfAsTheStandardSays) {
  const absl::StatusOr<PrivateKey> key = PrivateKey::FromRaw(Raw());
  ASSERT_TRUE(key.ok()) << key.status();
  EXPECT_EQ(absl::BytesToHexString(key->public_key()), kPublicHex);
  EXPECT_EQ(key->ToRaw(), Raw());
}

TEST(PrivateKey, ReadsBackEveryFormItWrites) {
  const PrivateKey key = PrivateKey::Generate();
  const absl::StatusOr<PrivateKey> from_pkcs8 = PrivateKey::FromPem(key.ToPem());
  const absl::StatusOr<PrivateKey> from_owner = PrivateKey::FromPem(key.ToOwnerPem());
  ASSERT_TRUE(from_pkcs8.ok()) << from_pkcs8.status();
  ASSERT_TRUE(from_owner.ok()) << from_owner.status();
  EXPECT_EQ(from_pkcs8->ToRaw(), key.ToRaw());
  EXPECT_EQ(from_owner->ToRaw(), key.ToRaw());
}

TEST(PrivateKey, WritesTheOwnersKeyAs64RawBytes) {
  const PrivateKey key = *PrivateKey::FromRaw(Raw());
  const std::vector<PemBlock> blocks = ReadPem(key.ToOwnerPem());
  ASSERT_EQ(blocks.size(), 1u);
  EXPECT_EQ(blocks[0].type, "METROPOLIS INITIAL OWNER PRIVATE KEY");
  EXPECT_EQ(blocks[0].data, Raw());
}

// RFC 8410, section 10.3.
TEST(PrivateKey, IsWrittenAsTheStandardSays) {
  const std::string pem =
      "-----BEGIN PRIVATE KEY-----\n"
      "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
      "-----END PRIVATE KEY-----\n";
  const absl::StatusOr<PrivateKey> key = PrivateKey::FromPem(pem);
  ASSERT_TRUE(key.ok()) << key.status();
  EXPECT_EQ(key->ToPem(), pem);
  EXPECT_EQ(absl::BytesToHexString(key->public_key()),
            "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1");
}

TEST(PrivateKey, IsReadByOpenSslAndReadsWhatOpenSslWrites) {
  const PrivateKey key = PrivateKey::Generate();
  const std::string pem = key.ToPem();
  const BioPtr bio = ReadingBio(pem);
  const EvpKeyPtr read(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
  ASSERT_NE(read, nullptr);
  EXPECT_EQ(RawEd25519PublicKey(read.get()), key.public_key());

  const EvpKeyPtr other = ForgeKey(KeyKind::kEd25519);
  const absl::StatusOr<PrivateKey> parsed =
      PrivateKey::FromPem(testing::PrivateKeyPem(other.get()));
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->public_key(), RawEd25519PublicKey(other.get()));
}

TEST(PrivateKey, IgnoresTextAndOtherBlocksAroundIt) {
  const PrivateKey key = PrivateKey::Generate();
  const absl::StatusOr<PrivateKey> parsed = PrivateKey::FromPem(
      absl::StrCat("the owner's\n", PublicKeyToPem(key.public_key()), "\n", key.ToPem(), "end\n"));
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->public_key(), key.public_key());
}

TEST(PrivateKey, NamesTheTypeOfAKeyItRefuses) {
  EXPECT_THAT(
      Message(PrivateKey::FromPem(testing::PrivateKeyPem(ForgeKey(KeyKind::kRsa).get())).status()),
      AllOf(HasSubstr("Ed25519"), HasSubstr("RSA-2048")));
  EXPECT_THAT(
      Message(
          PrivateKey::FromPem(testing::PrivateKeyPem(ForgeKey(KeyKind::kEcdsa).get())).status()),
      HasSubstr("ECDSA prime256v1"));
  EXPECT_THAT(Message(PrivateKey::FromPem(WritePem("EC PRIVATE KEY", "x")).status()),
              HasSubstr("found a EC PRIVATE KEY"));
  EXPECT_THAT(Message(PrivateKey::FromPem(WritePem("ENCRYPTED PRIVATE KEY", "x")).status()),
              HasSubstr("found a ENCRYPTED PRIVATE KEY"));
}

TEST(PrivateKey, SaysWhatItFoundInsteadOfAKey) {
  const PrivateKey key = PrivateKey::Generate();
  EXPECT_THAT(Message(PrivateKey::FromPem("").status()), HasSubstr("no PEM block"));
  EXPECT_THAT(Message(PrivateKey::FromPem("hello").status()), HasSubstr("no PEM block"));
  EXPECT_THAT(Message(PrivateKey::FromPem(PublicKeyToPem(key.public_key())).status()),
              HasSubstr("found a PUBLIC KEY"));
  EXPECT_THAT(Message(PrivateKey::FromPem(key.ToPem() + key.ToPem()).status()),
              HasSubstr("expected one private key"));
  EXPECT_THAT(Message(PrivateKey::FromPem(WritePem("PRIVATE KEY", "garbage")).status()),
              HasSubstr("PKCS#8"));
}

TEST(PrivateKey, RefusesEveryTruncationOfItsFile) {
  const std::string pem = PrivateKey::Generate().ToPem();
  for (size_t size = 0; size + 1 < pem.size(); ++size) {
    EXPECT_FALSE(PrivateKey::FromPem(pem.substr(0, size)).ok()) << size;
  }
}

TEST(PrivateKey, RefusesRawBytesWhoseHalvesDoNotMatch) {
  std::string raw = Raw();
  raw[63] = static_cast<char>(raw[63] ^ 1);
  EXPECT_THAT(Message(PrivateKey::FromRaw(raw).status()), HasSubstr("does not belong"));
  EXPECT_THAT(
      Message(PrivateKey::FromPem(WritePem("METROPOLIS INITIAL OWNER PRIVATE KEY", raw)).status()),
      HasSubstr("does not belong"));
  EXPECT_THAT(Message(PrivateKey::FromRaw(raw.substr(0, 32)).status()),
              AllOf(HasSubstr("64 bytes"), HasSubstr("found 32")));
}

TEST(PrivateKey, LeavesNothingInTheErrorQueue) {
  ERR_clear_error();
  EXPECT_FALSE(PrivateKey::FromPem(WritePem("PRIVATE KEY", "garbage")).ok());
  EXPECT_FALSE(PublicKeyFromPem(WritePem("PUBLIC KEY", "garbage")).ok());
  EXPECT_EQ(ERR_peek_error(), 0u);
}

TEST(PublicKey, ReadsBackWhatItWrites) {
  const std::string raw = PrivateKey::Generate().public_key();
  const absl::StatusOr<std::string> read = PublicKeyFromPem(PublicKeyToPem(raw));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, raw);
  EXPECT_EQ(PublicKeyToPem(raw.substr(1)), "");
}

TEST(PublicKey, NamesWhatItFoundInstead) {
  EXPECT_THAT(
      Message(PublicKeyFromPem(testing::PublicKeyPem(ForgeKey(KeyKind::kRsa).get())).status()),
      HasSubstr("RSA-2048"));
  EXPECT_THAT(Message(PublicKeyFromPem(PrivateKey::Generate().ToPem()).status()),
              HasSubstr("found a PRIVATE KEY"));
  EXPECT_THAT(Message(PublicKeyFromPem(WritePem("PUBLIC KEY", "garbage")).status()),
              HasSubstr("garbled"));
}

TEST(NodeId, IsTheFirstHalfOfTheKeyInHex) {
  const std::string key = absl::HexStringToBytes(kPublicHex);
  EXPECT_EQ(NodeIdFromPublicKey(key), "metropolis-d75a980182b10ab7d54bfed3c964073a");
  EXPECT_TRUE(IsNodeId(NodeIdFromPublicKey(key)));
  EXPECT_EQ(NodeIdFromPublicKey(key.substr(1)), "");
}

TEST(NodeId, RefusesOtherText) {
  EXPECT_FALSE(IsNodeId(""));
  EXPECT_FALSE(IsNodeId("metropolis-"));
  EXPECT_FALSE(IsNodeId("metropolis-D75A980182B10AB7D54BFED3C964073A"));
  EXPECT_FALSE(IsNodeId("metropolis-d75a980182b10ab7d54bfed3c964073"));
  EXPECT_FALSE(IsNodeId("metropolis-d75a980182b10ab7d54bfed3c964073a0"));
  EXPECT_FALSE(IsNodeId("metropolisxd75a980182b10ab7d54bfed3c964073a"));
  EXPECT_FALSE(IsNodeId("metropolis-d75a980182b10ab7d54bfed3c964073/"));
}

TEST(ConstantTimeEqual, ComparesContentAndSize) {
  EXPECT_TRUE(ConstantTimeEqual("", ""));
  EXPECT_TRUE(ConstantTimeEqual("abc", "abc"));
  EXPECT_FALSE(ConstantTimeEqual("abc", "abd"));
  EXPECT_FALSE(ConstantTimeEqual("abc", "abcd"));
}

TEST(Sha256Hex, MatchesTheStandard) {
  EXPECT_EQ(Sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace curator::identity
