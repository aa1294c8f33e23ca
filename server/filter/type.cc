#include "server/filter/type.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace curatord::filter {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

Type OfSingular(const FieldDescriptor& field) {
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      return Kind::kBool;
    case FieldDescriptor::CPPTYPE_INT32:
    case FieldDescriptor::CPPTYPE_INT64:
    case FieldDescriptor::CPPTYPE_ENUM:
      return Kind::kInt;
    case FieldDescriptor::CPPTYPE_UINT32:
    case FieldDescriptor::CPPTYPE_UINT64:
      return Kind::kUint;
    case FieldDescriptor::CPPTYPE_FLOAT:
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return Kind::kDouble;
    case FieldDescriptor::CPPTYPE_STRING:
      return field.type() == FieldDescriptor::TYPE_BYTES ? Kind::kBytes : Kind::kString;
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return Type::OfMessage(*field.message_type());
  }
  return Kind::kDyn;
}

// Null is also a message that is not there.
bool MayBeNull(const Type& type) {
  return type.nullable() || type.kind() == Kind::kNull || type.kind() == Kind::kMessage ||
         type.kind() == Kind::kTimestamp || type.kind() == Kind::kDuration;
}

}  // namespace

Type Type::List(Type element) {
  Type type(Kind::kList);
  type.element_ = std::make_shared<const Type>(std::move(element));
  return type;
}

Type Type::Map(Type key, Type value) {
  Type type(Kind::kMap);
  type.key_ = std::make_shared<const Type>(std::move(key));
  type.element_ = std::make_shared<const Type>(std::move(value));
  return type;
}

Type Type::Message(const Descriptor* descriptor) {
  Type type(Kind::kMessage);
  type.message_ = descriptor;
  return type;
}

Type Type::Nullable(Kind kind) {
  Type type(kind);
  type.nullable_ = true;
  return type;
}

Type Type::OfField(const FieldDescriptor& field) {
  if (field.is_map()) {
    return Map(OfSingular(*field.message_type()->map_key()),
               OfSingular(*field.message_type()->map_value()));
  }
  return field.is_repeated() ? List(OfSingular(field)) : OfSingular(field);
}

Type Type::OfMessage(const Descriptor& descriptor) {
  switch (descriptor.well_known_type()) {
    case Descriptor::WELLKNOWNTYPE_TIMESTAMP:
      return Kind::kTimestamp;
    case Descriptor::WELLKNOWNTYPE_DURATION:
      return Kind::kDuration;
    case Descriptor::WELLKNOWNTYPE_DOUBLEVALUE:
    case Descriptor::WELLKNOWNTYPE_FLOATVALUE:
      return Nullable(Kind::kDouble);
    case Descriptor::WELLKNOWNTYPE_INT64VALUE:
    case Descriptor::WELLKNOWNTYPE_INT32VALUE:
      return Nullable(Kind::kInt);
    case Descriptor::WELLKNOWNTYPE_UINT64VALUE:
    case Descriptor::WELLKNOWNTYPE_UINT32VALUE:
      return Nullable(Kind::kUint);
    case Descriptor::WELLKNOWNTYPE_STRINGVALUE:
      return Nullable(Kind::kString);
    case Descriptor::WELLKNOWNTYPE_BYTESVALUE:
      return Nullable(Kind::kBytes);
    case Descriptor::WELLKNOWNTYPE_BOOLVALUE:
      return Nullable(Kind::kBool);
    case Descriptor::WELLKNOWNTYPE_VALUE:
    case Descriptor::WELLKNOWNTYPE_ANY:
      return Kind::kDyn;
    case Descriptor::WELLKNOWNTYPE_LISTVALUE:
      return List(Kind::kDyn);
    case Descriptor::WELLKNOWNTYPE_STRUCT:
      return Map(Kind::kString, Kind::kDyn);
    default:
      return Message(&descriptor);
  }
}

std::string Type::ToString() const {
  switch (kind_) {
    case Kind::kList:
      return absl::StrCat("list(", element().ToString(), ")");
    case Kind::kMap:
      return absl::StrCat("map(", key().ToString(), ", ", element().ToString(), ")");
    case Kind::kMessage:
      return message_ == nullptr ? "message" : message_->name();
    case Kind::kTimestamp:
      return "timestamp";
    case Kind::kDuration:
      return "duration";
    case Kind::kNull:
      return "null";
    default:
      return std::string(TypeName(kind_));
  }
}

std::optional<Type> Join(const Type& a, const Type& b) {
  if (a.kind() == Kind::kDyn || b.kind() == Kind::kDyn) return Type();
  if (a.kind() == Kind::kNull && MayBeNull(b)) return b;
  if (b.kind() == Kind::kNull && MayBeNull(a)) return a;
  if (a.kind() != b.kind()) return std::nullopt;
  switch (a.kind()) {
    case Kind::kMessage:
      if (a.message() != b.message()) return std::nullopt;
      return a;
    case Kind::kList: {
      std::optional<Type> element = Join(a.element(), b.element());
      if (!element.has_value()) return std::nullopt;
      return Type::List(*std::move(element));
    }
    case Kind::kMap: {
      std::optional<Type> key = Join(a.key(), b.key());
      std::optional<Type> value = Join(a.element(), b.element());
      if (!key.has_value() || !value.has_value()) return std::nullopt;
      return Type::Map(*std::move(key), *std::move(value));
    }
    default:
      return a.nullable() ? a : b;
  }
}

}  // namespace curatord::filter
