#include "server/filter/names.h"

#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"

namespace curatord::filter {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;

// Longer than any name there is; a filter can ask for longer ones, many times over.
constexpr size_t kMaxName = 512;

// Calls `visit` with package.name, parent-of-package.name, ..., name until it is true.
template <typename Visit>
void ForEachScope(absl::string_view package, absl::string_view name, bool rooted, Visit visit) {
  if (name.size() > kMaxName) return;
  if (rooted) package = "";
  while (!package.empty()) {
    if (visit(absl::StrCat(package, ".", name))) return;
    const size_t dot = package.rfind('.');
    package = package.substr(0, dot == absl::string_view::npos ? 0 : dot);
  }
  visit(std::string(name));
}

std::optional<Value> FindStandardType(absl::string_view name) {
  for (const Kind kind :
       {Kind::kNull, Kind::kBool, Kind::kInt, Kind::kUint, Kind::kDouble, Kind::kString,
        Kind::kBytes, Kind::kTimestamp, Kind::kDuration, Kind::kList, Kind::kMap, Kind::kType}) {
    if (TypeName(kind) == name) return Value::Type(TypeName(kind));
  }
  return std::nullopt;
}

}  // namespace

Names::Names(const Descriptor& message)
    : pool_(*message.file()->pool()), package_(message.file()->package()) {
  AddEnumsUsedBy(message);
}

std::optional<Value> Names::FindConstant(absl::string_view name, bool rooted) const {
  if (const auto found = enum_values_.find(name); found != enum_values_.end() && !rooted) {
    if (found->second.has_value()) return Value::Int(*found->second);
  }
  std::optional<Value> constant;
  ForEachScope(package_, name, rooted, [this, &constant](const std::string& full_name) {
    constant = FindAbsolute(full_name);
    return constant.has_value();
  });
  return constant;
}

const Descriptor* Names::FindMessage(absl::string_view name, bool rooted) const {
  const Descriptor* message = nullptr;
  ForEachScope(package_, name, rooted, [this, &message](const std::string& full_name) {
    message = pool_.FindMessageTypeByName(full_name);
    return message != nullptr;
  });
  return message;
}

std::optional<Value> Names::FindAbsolute(const std::string& name) const {
  if (std::optional<Value> type = FindStandardType(name); type.has_value()) return type;
  if (const Descriptor* message = pool_.FindMessageTypeByName(name)) {
    return Value::Type(message->full_name());
  }
  // Protobuf itself has the values as siblings of their enum, CEL inside of it.
  const size_t dot = name.rfind('.');
  if (dot == std::string::npos) return std::nullopt;
  const EnumDescriptor* type = pool_.FindEnumTypeByName(name.substr(0, dot));
  if (type == nullptr) return std::nullopt;
  const EnumValueDescriptor* value = type->FindValueByName(name.substr(dot + 1));
  if (value == nullptr) return std::nullopt;
  return Value::Int(value->number());
}

void Names::AddEnumsUsedBy(const Descriptor& message) {
  absl::flat_hash_set<const Descriptor*> seen = {&message};
  std::vector<const Descriptor*> open = {&message};
  while (!open.empty()) {
    const Descriptor& type = *open.back();
    open.pop_back();
    for (int i = 0; i < type.enum_type_count(); ++i) AddEnum(*type.enum_type(i));
    for (int i = 0; i < type.field_count(); ++i) {
      const FieldDescriptor& field = *type.field(i);
      if (field.enum_type() != nullptr) AddEnum(*field.enum_type());
      if (field.message_type() != nullptr && seen.insert(field.message_type()).second) {
        open.push_back(field.message_type());
      }
    }
  }
}

void Names::AddEnum(const EnumDescriptor& type) {
  for (int i = 0; i < type.value_count(); ++i) {
    const int64_t number = type.value(i)->number();
    const auto [entry, added] = enum_values_.emplace(type.value(i)->name(), number);
    if (!added && entry->second != number) entry->second = std::nullopt;
  }
}

}  // namespace curatord::filter
