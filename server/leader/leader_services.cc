#include "server/leader/leader_services.h"

#include "server/boot_clock.h"
#include "server/leader/aaa_service.h"
#include "server/leader/cluster_operations_service.h"
#include "server/leader/curator_service.h"
#include "server/leader/management_service.h"
#include "server/leader/node_feed.h"
#include "server/leader/nodes_service.h"

namespace curatord {

struct LeaderServices::Services {
  Services(LeaderContext context, ClusterState* state)
      : registrations(context.limits, BootTime),
        consensus(context.leadership->store(), context.leadership->role().leader_id),
        feed(NodeFeed::Of(state)),
        paced_writes(context.leadership, context.limits),
        leader([this, &context] {
          context.registrations = &registrations;
          context.consensus = &consensus;
          context.paced_writes = &paced_writes;
          context.work = &work;
          context.feed = feed.get();
          return std::move(context);
        }()),
        management(leader),
        curator(leader),
        aaa(leader),
        operations(leader),
        nodes(leader) {}
  ~Services() {
    work.Stop();
    feed->Stop();
  }
  Registrations registrations;
  ConsensusStatus consensus;
  const std::shared_ptr<NodeFeed> feed;
  PacedWrites paced_writes;
  WorkThread work;
  const LeaderContext leader;
  ManagementService management;
  CuratorService curator;
  AaaService aaa;
  ClusterOperationsService operations;
  NodesService nodes;
};

LeaderServices::LeaderServices(const LeaderContext& context, ClusterState* state)
    : services_(std::make_unique<Services>(context, state)) {}

LeaderServices::~LeaderServices() = default;

void LeaderServices::Stop() { services_->paced_writes.Stop(); }

void LeaderServices::RegisterWith(grpc::ServerBuilder* builder) {
  builder->RegisterService(&services_->management);
  builder->RegisterService(&services_->curator);
  builder->RegisterService(&services_->aaa);
  builder->RegisterService(&services_->operations);
  builder->RegisterService(&services_->nodes);
}

}  // namespace curatord
