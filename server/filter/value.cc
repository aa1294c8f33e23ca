#include "server/filter/value.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"
#include "server/filter/message_fields.h"

namespace curatord::filter {

using google::protobuf::FieldDescriptor;

Value Value::String(std::string text) {
  auto owner = std::make_shared<const std::string>(std::move(text));
  const absl::string_view view = *owner;
  return String(view, std::move(owner));
}

Value Value::Bytes(std::string bytes) {
  auto owner = std::make_shared<const std::string>(std::move(bytes));
  const absl::string_view view = *owner;
  return Bytes(view, std::move(owner));
}

Value Value::List(std::vector<Value> elements) {
  auto data = std::make_shared<ListData>();
  data->elements = std::move(elements);
  return List(std::move(data));
}

Value Value::List(std::shared_ptr<const ListData> data) {
  ListRep rep{data.get(), {}};
  return Value(Rep(std::in_place_index<9>, rep), std::move(data));
}

Value Value::Map(std::shared_ptr<const MapData> data) {
  MapRep rep{data.get(), {}};
  return Value(Rep(std::in_place_index<10>, rep), std::move(data));
}

Value Value::RepeatedField(const google::protobuf::Message& message, const FieldDescriptor& field,
                           Owner owner) {
  const Repeated repeated{&message, &field};
  if (field.is_map()) {
    return Value(Rep(std::in_place_index<10>, MapRep{nullptr, repeated}), std::move(owner));
  }
  return Value(Rep(std::in_place_index<9>, ListRep{nullptr, repeated}), std::move(owner));
}

absl::string_view Value::text() const {
  switch (kind()) {
    case Kind::kString:
      return std::get<5>(rep_);
    case Kind::kBytes:
      return std::get<6>(rep_);
    default:
      return std::get<12>(rep_);
  }
}

size_t Value::size() const {
  const auto field_size = [](const Repeated& r) {
    return static_cast<size_t>(r.message->GetReflection()->FieldSize(*r.message, r.field));
  };
  if (const auto* list = std::get_if<9>(&rep_)) {
    return list->data != nullptr ? list->data->elements.size() : field_size(list->repeated);
  }
  const MapRep& map = std::get<10>(rep_);
  return map.data != nullptr ? map.data->entries.size() : field_size(map.repeated);
}

absl::StatusOr<Value> Value::Element(size_t index) const {
  const ListRep& list = std::get<9>(rep_);
  if (list.data != nullptr) return list.data->elements[index];
  return RepeatedElement(*list.repeated.message, *list.repeated.field, static_cast<int>(index),
                         owner_);
}

absl::StatusOr<Value> Value::Key(size_t index) const {
  const MapRep& map = std::get<10>(rep_);
  if (map.data != nullptr) return map.data->entries[index].first;
  return MapFieldKey(*map.repeated.message, *map.repeated.field, static_cast<int>(index), owner_);
}

absl::StatusOr<Value> Value::ValueAt(size_t index) const {
  const MapRep& map = std::get<10>(rep_);
  if (map.data != nullptr) return map.data->entries[index].second;
  return MapFieldValue(*map.repeated.message, *map.repeated.field, static_cast<int>(index), owner_);
}

absl::StatusOr<std::optional<size_t>> Value::Find(const Value& key) const {
  const std::optional<MapKey> wanted = KeyOf(key);
  if (!wanted.has_value()) return std::nullopt;
  const MapRep& map = std::get<10>(rep_);
  if (map.data != nullptr) {
    const auto found = map.data->index.find(*wanted);
    if (found == map.data->index.end()) return std::nullopt;
    return found->second;
  }
  // Protobuf's lookup by key is not open to reflection; map fields are small.
  const size_t count = size();
  for (size_t i = 0; i < count; ++i) {
    const absl::StatusOr<Value> candidate = Key(i);
    if (!candidate.ok()) return candidate.status();
    if (KeyOf(*candidate) == wanted) return i;
  }
  return std::nullopt;
}

const ListData* Value::constants() const {
  const ListData* data = std::get<9>(rep_).data;
  return data != nullptr && !data->keys.empty() ? data : nullptr;
}

std::optional<MapKey> KeyOf(const Value& value) {
  switch (value.kind()) {
    case Kind::kBool:
      return MapKey(value.bool_value());
    case Kind::kInt:
      return MapKey(value.int_value());
    case Kind::kUint:
      if (value.uint_value() <= static_cast<uint64_t>(INT64_MAX)) {
        return MapKey(static_cast<int64_t>(value.uint_value()));
      }
      return MapKey(value.uint_value());
    case Kind::kDouble: {
      const double number = value.double_value();
      if (std::trunc(number) != number) return std::nullopt;
      if (number >= -0x1p63 && number < 0x1p63) return MapKey(static_cast<int64_t>(number));
      if (number >= 0x1p63 && number < 0x1p64) return MapKey(static_cast<uint64_t>(number));
      return std::nullopt;
    }
    case Kind::kString:
      return MapKey(value.text());
    default:
      return std::nullopt;
  }
}

absl::StatusOr<bool> MapData::Insert(Value key, Value value) {
  const std::optional<MapKey> map_key = KeyOf(key);
  if (!map_key.has_value() || key.kind() == Kind::kDouble) {
    return absl::InvalidArgumentError(
        absl::StrCat("a map cannot have a key of type ", TypeName(key)));
  }
  if (!index.emplace(*map_key, entries.size()).second) return false;
  entries.emplace_back(std::move(key), std::move(value));
  return true;
}

absl::string_view TypeName(Kind kind) {
  switch (kind) {
    case Kind::kNull:
      return "null_type";
    case Kind::kBool:
      return "bool";
    case Kind::kInt:
      return "int";
    case Kind::kUint:
      return "uint";
    case Kind::kDouble:
      return "double";
    case Kind::kString:
      return "string";
    case Kind::kBytes:
      return "bytes";
    case Kind::kTimestamp:
      return "google.protobuf.Timestamp";
    case Kind::kDuration:
      return "google.protobuf.Duration";
    case Kind::kList:
      return "list";
    case Kind::kMap:
      return "map";
    case Kind::kMessage:
      return "message";
    case Kind::kType:
      return "type";
    case Kind::kDyn:
      return "dyn";
  }
  return "";
}

absl::string_view TypeName(const Value& value) {
  if (value.kind() == Kind::kMessage) return value.message().GetDescriptor()->full_name();
  return TypeName(value.kind());
}

}  // namespace curatord::filter
