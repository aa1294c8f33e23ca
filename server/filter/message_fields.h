// What CEL sees of a protobuf message, by reflection.
//
// Timestamps, durations, wrappers and the JSON types of google.protobuf are the values
// that they stand for; every other message is a view. Enums are integers.
#ifndef SERVER_FILTER_MESSAGE_FIELDS_H_
#define SERVER_FILTER_MESSAGE_FIELDS_H_

#include "absl/status/statusor.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "server/filter/value.h"

namespace curatord::filter {

// Of a well-known type, whose numbers are.
const google::protobuf::FieldDescriptor& FieldNumbered(const google::protobuf::Message& message,
                                                       int number);

// `owner` keeps the message and may be null. The errors of all of these are times
// beyond what CEL can express and JSON nested too deeply. JSON is copied, and that is
// not charged to the evaluation: a node has none.

// A field that is not set is its default; a wrapper that is not set is null.
absl::StatusOr<Value> FieldValue(const google::protobuf::Message& message,
                                 const google::protobuf::FieldDescriptor& field,
                                 const Owner& owner);

// CEL's has(): a field with presence is set, another one is not its default.
bool FieldIsSet(const google::protobuf::Message& message,
                const google::protobuf::FieldDescriptor& field);

absl::StatusOr<Value> RepeatedElement(const google::protobuf::Message& message,
                                      const google::protobuf::FieldDescriptor& field, int index,
                                      const Owner& owner);
absl::StatusOr<Value> MapFieldKey(const google::protobuf::Message& message,
                                  const google::protobuf::FieldDescriptor& field, int index,
                                  const Owner& owner);
absl::StatusOr<Value> MapFieldValue(const google::protobuf::Message& message,
                                    const google::protobuf::FieldDescriptor& field, int index,
                                    const Owner& owner);

absl::StatusOr<Value> MessageValue(const google::protobuf::Message& message, const Owner& owner);

}  // namespace curatord::filter

#endif  // SERVER_FILTER_MESSAGE_FIELDS_H_
