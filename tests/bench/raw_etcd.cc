#include "tests/bench/raw_etcd.h"

#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "etcd/rpc.grpc.pb.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/support/channel_arguments.h"
#include "tests/bench/access.h"

namespace curator::bench {
namespace {

constexpr char kFence[] = "curator_bench/fence";

// A fresh key to guard by: its create revision.
int64_t PutFence(etcdserverpb::KV::Stub* etcd) {
  etcdserverpb::TxnRequest request;
  request.add_success()->mutable_request_delete_range()->set_key(kFence);
  etcdserverpb::TxnResponse deleted;
  grpc::ClientContext delete_context;
  grpc::Status status = etcd->Txn(&delete_context, request, &deleted);
  if (!status.ok()) Fail(absl::StrCat("etcd: ", status.error_message()));
  etcdserverpb::PutRequest put;
  put.set_key(kFence);
  etcdserverpb::PutResponse answer;
  grpc::ClientContext put_context;
  status = etcd->Put(&put_context, put, &answer);
  if (!status.ok()) Fail(absl::StrCat("etcd: ", status.error_message()));
  return answer.header().revision();
}

struct TxnCall {
  grpc::ClientContext context;
  etcdserverpb::TxnResponse response;
};

}  // namespace

void MeasureRawPuts(const RawEtcdOptions& options, const Processes& processes) {
  std::vector<std::unique_ptr<etcdserverpb::KV::Stub>> stubs;
  for (int i = 0; i < options.connections; ++i) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    stubs.push_back(etcdserverpb::KV::NewStub(grpc::CreateCustomChannel(
        absl::StrCat("ipv4:", options.address), grpc::InsecureChannelCredentials(), arguments)));
  }
  const int64_t fence = PutFence(stubs.front().get());
  std::vector<etcdserverpb::TxnRequest> requests(static_cast<size_t>(options.keys));
  for (size_t i = 0; i < requests.size(); ++i) {
    etcdserverpb::Compare* guard = requests[i].add_compare();
    guard->set_key(kFence);
    guard->set_target(etcdserverpb::Compare::CREATE);
    guard->set_result(etcdserverpb::Compare::EQUAL);
    guard->set_create_revision(fence);
    etcdserverpb::PutRequest* put = requests[i].add_success()->mutable_request_put();
    put->set_key(absl::StrCat("curator_bench/", i));
    put->set_value(std::string(static_cast<size_t>(options.bytes), 'x'));
  }
  LoadResult result =
      RunClosedLoop(options.load, processes, [&](int lane, int64_t call, Done done) {
        auto txn = std::make_shared<TxnCall>();
        stubs[static_cast<size_t>(lane % options.connections)]->async()->Txn(
            &txn->context, &requests[static_cast<size_t>(call % options.keys)], &txn->response,
            [txn, done = std::move(done)](const grpc::Status& status) {
              if (status.ok() && !txn->response.succeeded()) Fail("etcd: the fence fell");
              done(status);
            });
      });
  Report report("raw-puts");
  report.Add("connections", options.connections).Add("bytes", options.bytes);
  AddLoad(options.load, std::move(result), &report);
  report.Print();
}

}  // namespace curator::bench
