// What a name in a filter can mean, besides its variables: constants of enums, types,
// messages.
#ifndef SERVER_FILTER_NAMES_H_
#define SERVER_FILTER_NAMES_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"
#include "server/filter/value.h"

namespace curatord::filter {

// Qualified names are resolved from the package of the message outwards, as protobuf
// does it: from metropolis.proto.api, common.NodeState.NODE_STATE_UP is found too.
// Besides, each value of an enum that the message uses, however deep in its fields, is
// a constant by its plain name: NODE_STATE_UP, as it is in existing servers.
class Names {
 public:
  explicit Names(const google::protobuf::Descriptor& message);

  // A value of an enum or a type; `rooted` names are absolute.
  std::optional<Value> FindConstant(absl::string_view name, bool rooted) const;

  const google::protobuf::Descriptor* FindMessage(absl::string_view name, bool rooted) const;

 private:
  void AddEnumsUsedBy(const google::protobuf::Descriptor& message);
  void AddEnum(const google::protobuf::EnumDescriptor& type);
  std::optional<Value> FindAbsolute(const std::string& name) const;

  const google::protobuf::DescriptorPool& pool_;
  const std::string package_;
  // None where enums give one name to different numbers.
  absl::flat_hash_map<std::string, std::optional<int64_t>> enum_values_;
};

}  // namespace curatord::filter

#endif  // SERVER_FILTER_NAMES_H_
