// Fills the store of a cluster, beside its curators, with nodes that are UP: the
// record, the join key and the certificate of each, in batches.
#ifndef TESTS_BENCH_SEED_H_
#define TESTS_BENCH_SEED_H_

#include <string>

namespace curator::bench {

struct SeedOptions {
  std::string store_url;
  int nodes = 1000;
  // How many of the nodes the driver can speak for, and how many more keys it gets
  // whose nodes are not there yet: first those, then these, in `actors_file`.
  int actors = 64;
  int strangers = 0;
  std::string actors_file;
};

void Seed(const SeedOptions& options);

// Record of a node such as a cluster has many of: about 300 bytes.
std::string OrdinaryNode(const std::string& public_key, const std::string& join_key, int number);

}  // namespace curator::bench

#endif  // TESTS_BENCH_SEED_H_
