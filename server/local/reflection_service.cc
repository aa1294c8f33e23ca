#include "server/local/reflection_service.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "server/leader/admission.h"
#include "server/rpc/exchange_stream.h"
#include "server/rpc/services.h"

namespace curatord {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;
using google::protobuf::FileDescriptorProto;
using grpc::reflection::v1alpha::FileDescriptorResponse;
using grpc::reflection::v1alpha::ServerReflectionRequest;
using grpc::reflection::v1alpha::ServerReflectionResponse;

constexpr char kReflectionMethod[] =
    "grpc.reflection.v1alpha.ServerReflection.ServerReflectionInfo";

// Imports first.
void AddTo(DescriptorPool* pool, const FileDescriptor* file) {
  if (pool->FindFileByName(file->name()) != nullptr) return;
  for (int i = 0; i < file->dependency_count(); ++i) AddTo(pool, file->dependency(i));
  FileDescriptorProto proto;
  file->CopyTo(&proto);
  pool->BuildFile(proto);
}

// What the served services are made of. A pool of its own also because the one that
// is generated remembers every name that it was asked for in vain.
const DescriptorPool& ServedSchema() {
  static const DescriptorPool* const schema = [] {
    auto* pool = new DescriptorPool;
    for (const ServedService& served : kServedServices) {
      const auto* service =
          DescriptorPool::generated_pool()->FindServiceByName(std::string(served.name));
      if (service != nullptr) AddTo(pool, service->file());
    }
    return pool;
  }();
  return *schema;
}

// What was asked for stands in the answer beside it.
void AnswerNotFound(ServerReflectionResponse* response) {
  response->mutable_error_response()->set_error_code(grpc::StatusCode::NOT_FOUND);
  response->mutable_error_response()->set_error_message("not served here");
}

// `file`, then what it imports, each once.
void AddFiles(const FileDescriptor* file, absl::flat_hash_set<const FileDescriptor*>* added,
              FileDescriptorResponse* files) {
  if (!added->insert(file).second) return;
  FileDescriptorProto proto;
  file->CopyTo(&proto);
  files->add_file_descriptor_proto(proto.SerializeAsString());
  for (int i = 0; i < file->dependency_count(); ++i) AddFiles(file->dependency(i), added, files);
}

void AnswerFile(const FileDescriptor* file, ServerReflectionResponse* response) {
  if (file == nullptr) {
    AnswerNotFound(response);
    return;
  }
  absl::flat_hash_set<const FileDescriptor*> added;
  AddFiles(file, &added, response->mutable_file_descriptor_response());
}

void AnswerExtensionNumbers(const std::string& type_name, ServerReflectionResponse* response) {
  const Descriptor* type = ServedSchema().FindMessageTypeByName(type_name);
  if (type == nullptr) {
    AnswerNotFound(response);
    return;
  }
  auto* numbers = response->mutable_all_extension_numbers_response();
  numbers->set_base_type_name(type->full_name());
  std::vector<const FieldDescriptor*> extensions;
  ServedSchema().FindAllExtensions(type, &extensions);
  for (const FieldDescriptor* extension : extensions) {
    numbers->add_extension_number(extension->number());
  }
}

class ReflectionStream final
    : public ExchangeStream<ServerReflectionRequest, ServerReflectionResponse> {
 public:
  explicit ReflectionStream(bool leads) : leads_(leads) {}

 private:
  void OnRequest(const ServerReflectionRequest& request) override {
    Reply(Reflect(request, leads_));
  }

  const bool leads_;
};

}  // namespace

ServerReflectionResponse Reflect(const ServerReflectionRequest& request, bool leads) {
  const DescriptorPool& schema = ServedSchema();
  ServerReflectionResponse response;
  response.set_valid_host(request.host());
  *response.mutable_original_request() = request;
  switch (request.message_request_case()) {
    case ServerReflectionRequest::kListServices:
      for (const ServedService& served : kServedServices) {
        if (!leads && served.leader_only) continue;
        response.mutable_list_services_response()->add_service()->set_name(
            std::string(served.name));
      }
      break;
    case ServerReflectionRequest::kFileByFilename:
      AnswerFile(schema.FindFileByName(request.file_by_filename()), &response);
      break;
    case ServerReflectionRequest::kFileContainingSymbol:
      AnswerFile(schema.FindFileContainingSymbol(request.file_containing_symbol()), &response);
      break;
    case ServerReflectionRequest::kFileContainingExtension: {
      const auto& wanted = request.file_containing_extension();
      const Descriptor* type = schema.FindMessageTypeByName(wanted.containing_type());
      const FieldDescriptor* extension =
          type == nullptr ? nullptr : schema.FindExtensionByNumber(type, wanted.extension_number());
      AnswerFile(extension == nullptr ? nullptr : extension->file(), &response);
      break;
    }
    case ServerReflectionRequest::kAllExtensionNumbersOfType:
      AnswerExtensionNumbers(request.all_extension_numbers_of_type(), &response);
      break;
    case ServerReflectionRequest::MESSAGE_REQUEST_NOT_SET:
      response.mutable_error_response()->set_error_code(grpc::StatusCode::UNIMPLEMENTED);
      response.mutable_error_response()->set_error_message("a request that is not known here");
      break;
  }
  return response;
}

grpc::ServerBidiReactor<ServerReflectionRequest, ServerReflectionResponse>*
ReflectionService::ServerReflectionInfo(grpc::CallbackServerContext* context) {
  auto stream = std::make_shared<ReflectionStream>(leadership_ != nullptr);
  auto* reactor = stream->Own();
  absl::StatusOr<Caller> caller = authorizer_->Authorize(*context, kReflectionMethod);
  if (!caller.ok()) {
    stream->End(caller.status());
  } else if (leadership_ == nullptr) {
    if (absl::Status stands = CheckNotReplaced(*caller, *state_); !stands.ok()) {
      stream->End(stands);
    } else {
      stream->Read();
    }
  } else if (!CheckNotRevoked(*caller, *state_).ok()) {
    ConfirmRevoked(leadership_, *caller, kReflectionMethod,
                   [stream](const absl::Status& refusal) { stream->End(refusal); });
  } else if (TakePlace(streams_, *caller, stream)) {
    stream->Read();
  }
  return reactor;
}

}  // namespace curatord
