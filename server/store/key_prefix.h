// Keys that begin with a prefix, as a range of the byte order.
#ifndef SERVER_STORE_KEY_PREFIX_H_
#define SERVER_STORE_KEY_PREFIX_H_

#include <string>

#include "absl/strings/string_view.h"

namespace curatord {

// The smallest key greater than every key with `prefix`; "" if there is none
// (the prefix is empty or nothing but 0xff).
inline std::string PrefixEnd(absl::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && static_cast<unsigned char>(end.back()) == 0xff) end.pop_back();
  if (!end.empty()) ++end.back();
  return end;
}

}  // namespace curatord

#endif  // SERVER_STORE_KEY_PREFIX_H_
