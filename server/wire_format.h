// Pieces of serialized protobuf messages. The serialized forms of some fields, one
// after another, are that of the message that has them all: so what is kept
// serialized is completed by appending to it.
#ifndef SERVER_WIRE_FORMAT_H_
#define SERVER_WIRE_FORMAT_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace curatord {

inline void AppendVarint(uint64_t value, std::string* out) {
  while (value >= 0x80) {
    out->push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out->push_back(static_cast<char>(value));
}

// A field of an integer, a bool or an enum; not of sint or fixed types.
inline void AppendVarintField(int number, uint64_t value, std::string* out) {
  AppendVarint(static_cast<uint64_t>(number) << 3, out);
  AppendVarint(value, out);
}

// A field of a string or a message.
inline void AppendField(int number, absl::string_view bytes, std::string* out) {
  AppendVarint(static_cast<uint64_t>(number) << 3 | 2, out);
  AppendVarint(bytes.size(), out);
  out->append(bytes.data(), bytes.size());
}

// A field of a serialized message.
struct WireField {
  int number = 0;
  bool is_bytes = false;    // a string or a message; else a varint
  absl::string_view bytes;  // is_bytes
  uint64_t varint = 0;      // else
};

// Takes the first field off `*message`, passing over those of fixed types. None: there
// is no more, or what follows is damaged.
absl::optional<WireField> ConsumeWireField(absl::string_view* message);

}  // namespace curatord

#endif  // SERVER_WIRE_FORMAT_H_
