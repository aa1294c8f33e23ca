#include "server/filter/message_fields.h"

#include <string>
#include <utility>
#include <vector>

#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"
#include "server/filter/limits.h"
#include "server/filter/time.h"

namespace curatord::filter {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

absl::StatusOr<Value> JsonValue(const Message& message, const Owner& owner, int depth);

// `seconds` and `nanos` of a Timestamp or a Duration. The generated classes, which are
// what there is in a server, are read without reflection.
template <typename Generated>
std::pair<int64_t, int32_t> SecondsAndNanos(const Message& message) {
  if (const auto* known = google::protobuf::DynamicCastToGenerated<Generated>(&message)) {
    return {known->seconds(), known->nanos()};
  }
  const Reflection& reflection = *message.GetReflection();
  return {reflection.GetInt64(message, &FieldNumbered(message, 1)),
          reflection.GetInt32(message, &FieldNumbered(message, 2))};
}

// A singular field or, with an index, an element.
class Slot {
 public:
  Slot(const Message& message, const FieldDescriptor& field, int index)
      : message_(message),
        field_(field),
        reflection_(*message.GetReflection()),
        index_(index),
        singular_(index < 0) {}

  absl::StatusOr<Value> Get(const Owner& owner, int depth) const {
    switch (field_.cpp_type()) {
      case FieldDescriptor::CPPTYPE_BOOL:
        return Value::Bool(singular_ ? reflection_.GetBool(message_, &field_)
                                     : reflection_.GetRepeatedBool(message_, &field_, index_));
      case FieldDescriptor::CPPTYPE_INT32:
        return Value::Int(singular_ ? reflection_.GetInt32(message_, &field_)
                                    : reflection_.GetRepeatedInt32(message_, &field_, index_));
      case FieldDescriptor::CPPTYPE_INT64:
        return Value::Int(singular_ ? reflection_.GetInt64(message_, &field_)
                                    : reflection_.GetRepeatedInt64(message_, &field_, index_));
      case FieldDescriptor::CPPTYPE_ENUM:
        return Value::Int(singular_ ? reflection_.GetEnumValue(message_, &field_)
                                    : reflection_.GetRepeatedEnumValue(message_, &field_, index_));
      case FieldDescriptor::CPPTYPE_UINT32:
        return Value::Uint(singular_ ? reflection_.GetUInt32(message_, &field_)
                                     : reflection_.GetRepeatedUInt32(message_, &field_, index_));
      case FieldDescriptor::CPPTYPE_UINT64:
        return Value::Uint(singular_ ? reflection_.GetUInt64(message_, &field_)
                                     : reflection_.GetRepeatedUInt64(message_, &field_, index_));
      case FieldDescriptor::CPPTYPE_FLOAT:
        return Value::Double(singular_ ? reflection_.GetFloat(message_, &field_)
                                       : reflection_.GetRepeatedFloat(message_, &field_, index_));
      case FieldDescriptor::CPPTYPE_DOUBLE:
        return Value::Double(singular_ ? reflection_.GetDouble(message_, &field_)
                                       : reflection_.GetRepeatedDouble(message_, &field_, index_));
      case FieldDescriptor::CPPTYPE_STRING:
        return Text(owner);
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return JsonValue(singular_ ? reflection_.GetMessage(message_, &field_)
                                   : reflection_.GetRepeatedMessage(message_, &field_, index_),
                         owner, depth);
    }
    return absl::InternalError("a field of unknown type");
  }

 private:
  Value Text(const Owner& owner) const {
    std::string scratch;
    const std::string& text =
        singular_ ? reflection_.GetStringReference(message_, &field_, &scratch)
                  : reflection_.GetRepeatedStringReference(message_, &field_, index_, &scratch);
    const bool is_bytes = field_.type() == FieldDescriptor::TYPE_BYTES;
    if (&text == &scratch) {
      return is_bytes ? Value::Bytes(std::move(scratch)) : Value::String(std::move(scratch));
    }
    return is_bytes ? Value::Bytes(text, owner) : Value::String(text, owner);
  }

  const Message& message_;
  const FieldDescriptor& field_;
  const Reflection& reflection_;
  const int index_;
  const bool singular_;
};

absl::StatusOr<Value> JsonList(const Message& message, const Owner& owner, int depth) {
  const FieldDescriptor& values = FieldNumbered(message, 1);
  const int size = message.GetReflection()->FieldSize(message, &values);
  std::vector<Value> elements;
  elements.reserve(static_cast<size_t>(size));
  for (int i = 0; i < size; ++i) {
    absl::StatusOr<Value> element = Slot(message, values, i).Get(owner, depth);
    if (!element.ok()) return element;
    elements.push_back(*std::move(element));
  }
  return Value::List(std::move(elements));
}

absl::StatusOr<Value> JsonObject(const Message& message, const Owner& owner, int depth) {
  const FieldDescriptor& fields = FieldNumbered(message, 1);
  const int size = message.GetReflection()->FieldSize(message, &fields);
  auto map = std::make_shared<MapData>();
  for (int i = 0; i < size; ++i) {
    const Message& entry = message.GetReflection()->GetRepeatedMessage(message, &fields, i);
    absl::StatusOr<Value> key = Slot(entry, FieldNumbered(entry, 1), -1).Get(owner, depth);
    if (!key.ok()) return key;
    absl::StatusOr<Value> value = Slot(entry, FieldNumbered(entry, 2), -1).Get(owner, depth);
    if (!value.ok()) return value;
    const absl::StatusOr<bool> inserted = map->Insert(*std::move(key), *std::move(value));
    if (!inserted.ok()) return inserted.status();
  }
  return Value::Map(std::move(map));
}

absl::StatusOr<Value> JsonValue(const Message& message, const Owner& owner, int depth) {
  if (depth > kMaxDepth) return absl::InvalidArgumentError("JSON nested too deeply");
  switch (message.GetDescriptor()->well_known_type()) {
    case Descriptor::WELLKNOWNTYPE_TIMESTAMP: {
      const auto [seconds, nanos] = SecondsAndNanos<google::protobuf::Timestamp>(message);
      return TimestampOf(seconds, nanos);
    }
    case Descriptor::WELLKNOWNTYPE_DURATION: {
      const auto [seconds, nanos] = SecondsAndNanos<google::protobuf::Duration>(message);
      return DurationOf(seconds, nanos);
    }
    case Descriptor::WELLKNOWNTYPE_DOUBLEVALUE:
    case Descriptor::WELLKNOWNTYPE_FLOATVALUE:
    case Descriptor::WELLKNOWNTYPE_INT64VALUE:
    case Descriptor::WELLKNOWNTYPE_UINT64VALUE:
    case Descriptor::WELLKNOWNTYPE_INT32VALUE:
    case Descriptor::WELLKNOWNTYPE_UINT32VALUE:
    case Descriptor::WELLKNOWNTYPE_STRINGVALUE:
    case Descriptor::WELLKNOWNTYPE_BYTESVALUE:
    case Descriptor::WELLKNOWNTYPE_BOOLVALUE:
      return Slot(message, FieldNumbered(message, 1), -1).Get(owner, depth + 1);
    case Descriptor::WELLKNOWNTYPE_VALUE: {
      const FieldDescriptor* kind = message.GetReflection()->GetOneofFieldDescriptor(
          message, message.GetDescriptor()->oneof_decl(0));
      if (kind == nullptr || kind->cpp_type() == FieldDescriptor::CPPTYPE_ENUM) return Value();
      return Slot(message, *kind, -1).Get(owner, depth + 1);
    }
    case Descriptor::WELLKNOWNTYPE_LISTVALUE:
      return JsonList(message, owner, depth + 1);
    case Descriptor::WELLKNOWNTYPE_STRUCT:
      return JsonObject(message, owner, depth + 1);
    default:
      return Value::Message(message, owner);
  }
}

bool IsWrapper(const Descriptor& type) {
  switch (type.well_known_type()) {
    case Descriptor::WELLKNOWNTYPE_DOUBLEVALUE:
    case Descriptor::WELLKNOWNTYPE_FLOATVALUE:
    case Descriptor::WELLKNOWNTYPE_INT64VALUE:
    case Descriptor::WELLKNOWNTYPE_UINT64VALUE:
    case Descriptor::WELLKNOWNTYPE_INT32VALUE:
    case Descriptor::WELLKNOWNTYPE_UINT32VALUE:
    case Descriptor::WELLKNOWNTYPE_STRINGVALUE:
    case Descriptor::WELLKNOWNTYPE_BYTESVALUE:
    case Descriptor::WELLKNOWNTYPE_BOOLVALUE:
      return true;
    default:
      return false;
  }
}

const Message& MapEntry(const Message& message, const FieldDescriptor& field, int index) {
  return message.GetReflection()->GetRepeatedMessage(message, &field, index);
}

}  // namespace

const FieldDescriptor& FieldNumbered(const Message& message, int number) {
  return *message.GetDescriptor()->FindFieldByNumber(number);
}

absl::StatusOr<Value> FieldValue(const Message& message, const FieldDescriptor& field,
                                 const Owner& owner) {
  if (field.is_repeated()) return Value::RepeatedField(message, field, owner);
  if (field.message_type() != nullptr && IsWrapper(*field.message_type()) &&
      !message.GetReflection()->HasField(message, &field)) {
    return Value();
  }
  return Slot(message, field, -1).Get(owner, 0);
}

bool FieldIsSet(const Message& message, const FieldDescriptor& field) {
  const Reflection& reflection = *message.GetReflection();
  if (field.is_repeated()) return reflection.FieldSize(message, &field) > 0;
  return reflection.HasField(message, &field);
}

absl::StatusOr<Value> RepeatedElement(const Message& message, const FieldDescriptor& field,
                                      int index, const Owner& owner) {
  return Slot(message, field, index).Get(owner, 0);
}

absl::StatusOr<Value> MapFieldKey(const Message& message, const FieldDescriptor& field, int index,
                                  const Owner& owner) {
  const Message& entry = MapEntry(message, field, index);
  return Slot(entry, *field.message_type()->map_key(), -1).Get(owner, 0);
}

absl::StatusOr<Value> MapFieldValue(const Message& message, const FieldDescriptor& field, int index,
                                    const Owner& owner) {
  const Message& entry = MapEntry(message, field, index);
  return Slot(entry, *field.message_type()->map_value(), -1).Get(owner, 0);
}

absl::StatusOr<Value> MessageValue(const Message& message, const Owner& owner) {
  return JsonValue(message, owner, 0);
}

}  // namespace curatord::filter
