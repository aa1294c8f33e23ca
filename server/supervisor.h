// Supervisor: keeps the long-running parts of a curatord running. A part that
// ends is logged with its cause and started again after a backoff; its health
// can be asked at any time. Nothing dies silently.
//
// Threads: one for each part.
// Shutdown: Stop tells every part (Part::stop), joins all. Also by the destructor.
#ifndef SERVER_SUPERVISOR_H_
#define SERVER_SUPERVISOR_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace curatord {

enum class PartHealth { kRunning, kBackingOff, kStopped };

struct PartStatus {
  std::string name;
  PartHealth health = PartHealth::kRunning;
  std::string last_error;
  uint64_t restarts = 0;
  absl::Time since;
};

class Supervisor {
 public:
  Supervisor();
  ~Supervisor();
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  // `run` blocks until it fails or is stopped; `stop` makes it return soon, and
  // may be called from any thread, also when `run` is not running. `health`, if any, says
  // that something is wrong with what the part is for although it runs; thread-safe.
  void Start(std::string name, std::function<absl::Status()> run, std::function<void()> stop,
             std::function<absl::Status()> health = nullptr);

  // Ends the parts in reverse order of their start, each before the next.
  void Stop();

  std::vector<PartStatus> Status() const;

 private:
  struct Part;
  void Run(Part* part);

  mutable absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::unique_ptr<Part>> parts_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace curatord

#endif  // SERVER_SUPERVISOR_H_
