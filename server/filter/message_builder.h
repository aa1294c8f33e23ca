// Makes the message of an expression like Type{field: value}.
#ifndef SERVER_FILTER_MESSAGE_BUILDER_H_
#define SERVER_FILTER_MESSAGE_BUILDER_H_

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "server/filter/value.h"
#include "server/filter/work.h"

namespace curatord::filter {

// An empty message; kInvalidArgument for a type that is not compiled into the program.
absl::StatusOr<std::shared_ptr<google::protobuf::Message>> NewMessage(
    const google::protobuf::Descriptor& type);

// kInvalidArgument for a value that the field cannot hold, as a number out of its range.
// Null leaves a message field unset.
absl::Status SetField(google::protobuf::Message& message,
                      const google::protobuf::FieldDescriptor& field, const Value& value,
                      Work& work);

}  // namespace curatord::filter

#endif  // SERVER_FILTER_MESSAGE_BUILDER_H_
