// PEM blocks of a file, by type.
#ifndef LIBCLIENT_IDENTITY_PEM_H_
#define LIBCLIENT_IDENTITY_PEM_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace curator::identity {

struct PemBlock {
  std::string type;  // "CERTIFICATE"
  std::string data;  // decoded
};

// All well-formed blocks in their order; text around them is ignored. A block
// that is cut off or garbled ends the reading.
std::vector<PemBlock> ReadPem(absl::string_view text);

std::string WritePem(const std::string& type, absl::string_view data);

// "a CERTIFICATE and a PUBLIC KEY", "no PEM block": for messages.
std::string DescribeBlocks(const std::vector<PemBlock>& blocks);

}  // namespace curator::identity

#endif  // LIBCLIENT_IDENTITY_PEM_H_
