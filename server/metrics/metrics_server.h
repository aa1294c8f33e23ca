// MetricsServer: answers GET /metrics over plain HTTP, on an address of its own, and
// nothing else. Without authentication, as Prometheus expects it: the address belongs
// into a network of the operator's.
//
// One slow or silent client does not keep the others waiting; it is cut off after
// ten seconds.
//
// Threads: Run uses the calling thread, which serves all connections.
// Shutdown: Stop makes Run return OK; for good.
#ifndef SERVER_METRICS_METRICS_SERVER_H_
#define SERVER_METRICS_METRICS_SERVER_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libclient/core/endpoint.h"

namespace curatord {

class MetricsServer {
 public:
  // Listens on `address` from here on. `text` is one scrape; called on Run's thread.
  static absl::StatusOr<std::unique_ptr<MetricsServer>> Listen(
      const curator::core::Endpoint& address, std::function<std::string()> text);
  ~MetricsServer();

  absl::Status Run();
  void Stop();

 private:
  class Loop;
  explicit MetricsServer(std::unique_ptr<Loop> loop);

  const std::unique_ptr<Loop> loop_;
};

}  // namespace curatord

#endif  // SERVER_METRICS_METRICS_SERVER_H_
