// All nodes of the cluster, three ways: listed, watched, and as etcd's keys.
#ifndef TESTS_BENCH_LISTINGS_H_
#define TESTS_BENCH_LISTINGS_H_

#include <string>

#include "tests/bench/access.h"
#include "tests/bench/process_times.h"

namespace curator::bench {

// Management.GetNodes `times` times over one connection: a line for each.
void MeasureGetNodes(const Access& access, int times, const Processes& processes);

// The same through curator.v1.Nodes.List.
void MeasureListNodes(const Access& access, int times, const Processes& processes);

// A Watch of all nodes, until it has caught up; `times` times, each ended then.
void MeasureWatchAll(const Access& access, int times, const Processes& processes);

struct EtcdRangeOptions {
  std::string address;
  int page = 5000;          // keys
  bool everything = false;  // as a curator reads when it starts; else the nodes' records
  int times = 1;
};

// Straight from etcd, in pages that all show one revision.
void MeasureEtcdRange(const EtcdRangeOptions& options, const Processes& processes);

}  // namespace curator::bench

#endif  // TESTS_BENCH_LISTINGS_H_
