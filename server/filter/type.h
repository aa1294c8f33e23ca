// The types that the checker reasons about.
#ifndef SERVER_FILTER_TYPE_H_
#define SERVER_FILTER_TYPE_H_

#include <memory>
#include <optional>
#include <string>

#include "google/protobuf/descriptor.h"
#include "server/filter/value.h"

namespace curatord::filter {

// dyn is what is known only once there is a value: it fits everything. The elements of
// an empty list are dyn too, so there are no type variables.
class Type {
 public:
  // NOLINTNEXTLINE(google-explicit-constructor): a kind is the type it names.
  Type(Kind kind = Kind::kDyn) : kind_(kind) {}
  static Type List(Type element);
  static Type Map(Type key, Type value);
  static Type Message(const google::protobuf::Descriptor* descriptor);
  // Of what protobuf has a wrapper for: the value or null.
  static Type Nullable(Kind kind);

  // Of a field as CEL sees it, and of a message (message_fields.h).
  static Type OfField(const google::protobuf::FieldDescriptor& field);
  static Type OfMessage(const google::protobuf::Descriptor& descriptor);

  Kind kind() const { return kind_; }
  bool nullable() const { return nullable_; }
  const google::protobuf::Descriptor* message() const { return message_; }
  // dyn for what has none.
  Type key() const { return key_ == nullptr ? Type() : *key_; }
  Type element() const { return element_ == nullptr ? Type() : *element_; }  // of a map: its value

  std::string ToString() const;

 private:
  Kind kind_;
  bool nullable_ = false;
  const google::protobuf::Descriptor* message_ = nullptr;
  std::shared_ptr<const Type> key_;
  std::shared_ptr<const Type> element_;
};

// The type that values of both have, as for the branches of a conditional; none if no
// value of the one can be of the other.
std::optional<Type> Join(const Type& a, const Type& b);

}  // namespace curatord::filter

#endif  // SERVER_FILTER_TYPE_H_
