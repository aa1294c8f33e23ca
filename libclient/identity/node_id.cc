#include "libclient/identity/node_id.h"

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "libclient/identity/key.h"

namespace curator::identity {
namespace {

constexpr char kPrefix[] = "metropolis-";
constexpr size_t kPrefixSize = sizeof(kPrefix) - 1;
constexpr size_t kIdBytes = 16;

}  // namespace

std::string NodeIdFromPublicKey(absl::string_view public_key) {
  if (public_key.size() != kPublicKeySize) return "";
  return absl::StrCat(kPrefix, absl::BytesToHexString(public_key.substr(0, kIdBytes)));
}

bool IsNodeId(absl::string_view text) {
  return text.size() == kPrefixSize + 2 * kIdBytes && absl::StartsWith(text, kPrefix) &&
         text.find_first_not_of("0123456789abcdef", kPrefixSize) == absl::string_view::npos;
}

}  // namespace curator::identity
