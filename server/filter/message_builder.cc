#include "server/filter/message_builder.h"

#include <cstdint>
#include <limits>
#include <string>

#include "absl/strings/str_cat.h"
#include "server/filter/message_fields.h"
#include "server/filter/type.h"

namespace curatord::filter {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::MessageFactory;
using google::protobuf::Reflection;

absl::Status Store(Message& message, const Value& value, Work& work);

absl::Status Misfit(const FieldDescriptor& field, const Value& value) {
  return absl::InvalidArgumentError(
      absl::StrCat("field \"", field.name(), "\" cannot be a ", TypeName(value)));
}

absl::Status OutOfRange(const FieldDescriptor& field) {
  return absl::InvalidArgumentError(absl::StrCat("out of range of field \"", field.name(), "\""));
}

bool IsInt32(int64_t number) {
  return number >= std::numeric_limits<int32_t>::min() &&
         number <= std::numeric_limits<int32_t>::max();
}

// Sets a singular field or adds to a repeated one.
class Target {
 public:
  Target(Message& message, const FieldDescriptor& field)
      : message_(message),
        field_(field),
        reflection_(*message.GetReflection()),
        adds_(field.is_repeated()) {}

  absl::Status Put(const Value& value, Work& work) {
    if (field_.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      return Store(adds_ ? *reflection_.AddMessage(&message_, &field_)
                         : *reflection_.MutableMessage(&message_, &field_),
                   value, work);
    }
    const Type type = Type::OfField(field_);
    if (value.kind() != (adds_ ? type.element() : type).kind()) return Misfit(field_, value);
    switch (field_.cpp_type()) {
      case FieldDescriptor::CPPTYPE_BOOL:
        return adds_ ? Do(&Reflection::AddBool, value.bool_value())
                     : Do(&Reflection::SetBool, value.bool_value());
      case FieldDescriptor::CPPTYPE_INT32:
        if (!IsInt32(value.int_value())) return OutOfRange(field_);
        return adds_ ? Do(&Reflection::AddInt32, static_cast<int32_t>(value.int_value()))
                     : Do(&Reflection::SetInt32, static_cast<int32_t>(value.int_value()));
      case FieldDescriptor::CPPTYPE_ENUM:
        if (!IsInt32(value.int_value())) return OutOfRange(field_);
        return adds_ ? Do(&Reflection::AddEnumValue, static_cast<int>(value.int_value()))
                     : Do(&Reflection::SetEnumValue, static_cast<int>(value.int_value()));
      case FieldDescriptor::CPPTYPE_INT64:
        return adds_ ? Do(&Reflection::AddInt64, value.int_value())
                     : Do(&Reflection::SetInt64, value.int_value());
      case FieldDescriptor::CPPTYPE_UINT32:
        if (value.uint_value() > std::numeric_limits<uint32_t>::max()) return OutOfRange(field_);
        return adds_ ? Do(&Reflection::AddUInt32, static_cast<uint32_t>(value.uint_value()))
                     : Do(&Reflection::SetUInt32, static_cast<uint32_t>(value.uint_value()));
      case FieldDescriptor::CPPTYPE_UINT64:
        return adds_ ? Do(&Reflection::AddUInt64, value.uint_value())
                     : Do(&Reflection::SetUInt64, value.uint_value());
      case FieldDescriptor::CPPTYPE_FLOAT:
        return adds_ ? Do(&Reflection::AddFloat, ToFloat(value.double_value()))
                     : Do(&Reflection::SetFloat, ToFloat(value.double_value()));
      case FieldDescriptor::CPPTYPE_DOUBLE:
        return adds_ ? Do(&Reflection::AddDouble, value.double_value())
                     : Do(&Reflection::SetDouble, value.double_value());
      case FieldDescriptor::CPPTYPE_STRING:
        if (absl::Status s = work.SpendOnBytes(value.text().size()); !s.ok()) return s;
        return adds_ ? Do(&Reflection::AddString, std::string(value.text()))
                     : Do(&Reflection::SetString, std::string(value.text()));
      case FieldDescriptor::CPPTYPE_MESSAGE:
        break;
    }
    return Misfit(field_, value);
  }

 private:
  template <typename T, typename U>
  absl::Status Do(void (Reflection::*method)(Message*, const FieldDescriptor*, T) const, U value) {
    (reflection_.*method)(&message_, &field_, std::move(value));
    return absl::OkStatus();
  }

  // Beyond the range of float a conversion is undefined.
  static float ToFloat(double number) {
    if (number > std::numeric_limits<float>::max()) return std::numeric_limits<float>::infinity();
    if (number < std::numeric_limits<float>::lowest()) {
      return -std::numeric_limits<float>::infinity();
    }
    return static_cast<float>(number);
  }

  Message& message_;
  const FieldDescriptor& field_;
  const Reflection& reflection_;
  const bool adds_;
};

// A message that is null is one that is not there; but JSON has a null of its own.
bool IsAbsent(const FieldDescriptor& field, const Value& value) {
  return value.kind() == Kind::kNull && field.message_type() != nullptr &&
         field.message_type()->well_known_type() != Descriptor::WELLKNOWNTYPE_VALUE;
}

absl::Status PutAll(Message& message, const FieldDescriptor& field, const Value& list, Work& work) {
  if (list.kind() != Kind::kList) return Misfit(field, list);
  const size_t size = list.size();
  if (absl::Status s = work.Spend(static_cast<int64_t>(size)); !s.ok()) return s;
  for (size_t i = 0; i < size; ++i) {
    const absl::StatusOr<Value> element = list.Element(i);
    if (!element.ok()) return element.status();
    if (IsAbsent(field, *element)) continue;
    if (absl::Status s = Target(message, field).Put(*element, work); !s.ok()) return s;
  }
  return absl::OkStatus();
}

absl::Status PutEntries(Message& message, const FieldDescriptor& field, const Value& map,
                        Work& work) {
  if (map.kind() != Kind::kMap) return Misfit(field, map);
  const size_t size = map.size();
  if (absl::Status s = work.Spend(static_cast<int64_t>(size)); !s.ok()) return s;
  for (size_t i = 0; i < size; ++i) {
    const absl::StatusOr<Value> key = map.Key(i);
    if (!key.ok()) return key.status();
    const absl::StatusOr<Value> value = map.ValueAt(i);
    if (!value.ok()) return value.status();
    if (IsAbsent(*field.message_type()->map_value(), *value)) continue;
    Message& entry = *message.GetReflection()->AddMessage(&message, &field);
    if (absl::Status s = Target(entry, FieldNumbered(entry, 1)).Put(*key, work); !s.ok()) return s;
    if (absl::Status s = Target(entry, FieldNumbered(entry, 2)).Put(*value, work); !s.ok())
      return s;
  }
  return absl::OkStatus();
}

void PutSecondsAndNanos(Message& message, int64_t seconds, int64_t nanos) {
  const Reflection& reflection = *message.GetReflection();
  reflection.SetInt64(&message, &FieldNumbered(message, 1), seconds);
  reflection.SetInt32(&message, &FieldNumbered(message, 2), static_cast<int32_t>(nanos));
}

// google.protobuf.Value: its fields are null, number, string, bool, struct and list.
absl::Status StoreJson(Message& message, const Value& value, Work& work) {
  switch (value.kind()) {
    case Kind::kNull:
      return Target(message, FieldNumbered(message, 1)).Put(Value::Int(0), work);
    case Kind::kInt:
      return Target(message, FieldNumbered(message, 2))
          .Put(Value::Double(static_cast<double>(value.int_value())), work);
    case Kind::kUint:
      return Target(message, FieldNumbered(message, 2))
          .Put(Value::Double(static_cast<double>(value.uint_value())), work);
    case Kind::kDouble:
      return Target(message, FieldNumbered(message, 2)).Put(value, work);
    case Kind::kString:
      return Target(message, FieldNumbered(message, 3)).Put(value, work);
    case Kind::kBool:
      return Target(message, FieldNumbered(message, 4)).Put(value, work);
    case Kind::kMap:
      return Target(message, FieldNumbered(message, 5)).Put(value, work);
    case Kind::kList:
      return Target(message, FieldNumbered(message, 6)).Put(value, work);
    default:
      return absl::InvalidArgumentError(absl::StrCat("JSON has no ", TypeName(value)));
  }
}

// Makes `message`, which is empty, what the value says.
absl::Status Store(Message& message, const Value& value, Work& work) {
  if (absl::Status s = work.Spend(1); !s.ok()) return s;
  const Descriptor& type = *message.GetDescriptor();
  switch (type.well_known_type()) {
    case Descriptor::WELLKNOWNTYPE_TIMESTAMP:
      if (value.kind() == Kind::kTimestamp) {
        const int64_t seconds = absl::ToUnixSeconds(value.time());
        PutSecondsAndNanos(message, seconds,
                           absl::ToInt64Nanoseconds(value.time() - absl::FromUnixSeconds(seconds)));
        return absl::OkStatus();
      }
      break;
    case Descriptor::WELLKNOWNTYPE_DURATION:
      if (value.kind() == Kind::kDuration) {
        const int64_t nanos = absl::ToInt64Nanoseconds(value.duration());
        PutSecondsAndNanos(message, nanos / 1'000'000'000, nanos % 1'000'000'000);
        return absl::OkStatus();
      }
      break;
    case Descriptor::WELLKNOWNTYPE_DOUBLEVALUE:
    case Descriptor::WELLKNOWNTYPE_FLOATVALUE:
    case Descriptor::WELLKNOWNTYPE_INT64VALUE:
    case Descriptor::WELLKNOWNTYPE_UINT64VALUE:
    case Descriptor::WELLKNOWNTYPE_INT32VALUE:
    case Descriptor::WELLKNOWNTYPE_UINT32VALUE:
    case Descriptor::WELLKNOWNTYPE_STRINGVALUE:
    case Descriptor::WELLKNOWNTYPE_BYTESVALUE:
    case Descriptor::WELLKNOWNTYPE_BOOLVALUE:
      return Target(message, FieldNumbered(message, 1)).Put(value, work);
    case Descriptor::WELLKNOWNTYPE_VALUE:
      return StoreJson(message, value, work);
    case Descriptor::WELLKNOWNTYPE_LISTVALUE:
      return PutAll(message, FieldNumbered(message, 1), value, work);
    case Descriptor::WELLKNOWNTYPE_STRUCT:
      return PutEntries(message, FieldNumbered(message, 1), value, work);
    default:
      if (value.kind() == Kind::kMessage && value.message().GetDescriptor() == &type) {
        const auto bytes = static_cast<int64_t>(value.message().ByteSizeLong());
        if (absl::Status s = work.Spend(bytes); !s.ok()) return s;
        message.CopyFrom(value.message());
        return absl::OkStatus();
      }
      break;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("a ", type.name(), " cannot be made of a ", TypeName(value)));
}

}  // namespace

absl::StatusOr<std::shared_ptr<Message>> NewMessage(const Descriptor& type) {
  const Message* prototype = type.file()->pool() == DescriptorPool::generated_pool()
                                 ? MessageFactory::generated_factory()->GetPrototype(&type)
                                 : nullptr;
  if (prototype == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat("a filter cannot make a ", type.full_name()));
  }
  return std::shared_ptr<Message>(prototype->New());
}

absl::Status SetField(Message& message, const FieldDescriptor& field, const Value& value,
                      Work& work) {
  if (field.is_map()) return PutEntries(message, field, value, work);
  if (field.is_repeated()) return PutAll(message, field, value, work);
  if (IsAbsent(field, value)) return absl::OkStatus();
  return Target(message, field).Put(value, work);
}

}  // namespace curatord::filter
