#include "server/wire_format.h"

namespace curatord {
namespace {

bool ConsumeVarint(absl::string_view* message, uint64_t* value) {
  *value = 0;
  for (size_t i = 0; i < message->size() && i < 10; ++i) {
    const auto byte = static_cast<unsigned char>((*message)[i]);
    *value |= uint64_t{byte & 0x7fu} << (7 * i);
    if (byte < 0x80) {
      message->remove_prefix(i + 1);
      return true;
    }
  }
  return false;
}

}  // namespace

absl::optional<WireField> ConsumeWireField(absl::string_view* message) {
  uint64_t tag;
  uint64_t size;
  while (ConsumeVarint(message, &tag)) {
    WireField field;
    field.number = static_cast<int>(tag >> 3);
    switch (tag & 7) {
      case 0:
        if (!ConsumeVarint(message, &field.varint)) return absl::nullopt;
        return field;
      case 1:
        size = 8;
        break;
      case 2:
        if (!ConsumeVarint(message, &size) || size > message->size()) return absl::nullopt;
        field.is_bytes = true;
        field.bytes = message->substr(0, size);
        message->remove_prefix(size);
        return field;
      case 5:
        size = 4;
        break;
      default:
        return absl::nullopt;
    }
    if (size > message->size()) return absl::nullopt;
    message->remove_prefix(size);
  }
  return absl::nullopt;
}

}  // namespace curatord
