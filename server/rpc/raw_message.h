// Messages as bytes, for methods that are served raw: without a protobuf message in
// between.
#ifndef SERVER_RPC_RAW_MESSAGE_H_
#define SERVER_RPC_RAW_MESSAGE_H_

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/proto_buffer_reader.h"
#include "grpcpp/support/slice.h"
#include "server/rpc/malformed_request.h"

namespace curatord {

// The methods that are registered raw; whatever looks at messages without knowing their
// type has to know these. `method`: "/package.Service/Method".
inline bool IsServedRaw(absl::string_view method) {
  return method == "/curator.v1.Nodes/List" ||
         method == "/metropolis.node.core.curator.proto.api.Curator/Watch" ||
         method == "/metropolis.proto.api.Management/GetNodes";
}

// Takes the bytes over without copying them.
inline grpc::Slice ToSlice(std::string bytes) {
  auto* owned = new std::string(std::move(bytes));
  return grpc::Slice(
      owned->data(), owned->size(), [](void* string) { delete static_cast<std::string*>(string); },
      owned);
}

template <typename Message>
absl::Status ParseRaw(const grpc::ByteBuffer& raw, Message* message) {
  grpc::ByteBuffer bytes = raw;  // reading is for those who may change it
  grpc::ProtoBufferReader reader(&bytes);
  if (reader.status().ok() && message->ParseFromZeroCopyStream(&reader)) return absl::OkStatus();
  return absl::InvalidArgumentError(kMalformedRequestText);
}

}  // namespace curatord

#endif  // SERVER_RPC_RAW_MESSAGE_H_
