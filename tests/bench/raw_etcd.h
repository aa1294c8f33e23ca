// What etcd takes from a plain loop: puts, each guarded by the create revision of
// another key as a curator's writes are.
#ifndef TESTS_BENCH_RAW_ETCD_H_
#define TESTS_BENCH_RAW_ETCD_H_

#include <string>

#include "tests/bench/closed_loop.h"

namespace curator::bench {

struct RawEtcdOptions {
  std::string address;
  int connections = 1;
  int keys = 256;
  int bytes = 300;  // of a value
  Load load;
};

void MeasureRawPuts(const RawEtcdOptions& options, const Processes& processes);

}  // namespace curator::bench

#endif  // TESTS_BENCH_RAW_ETCD_H_
