#include "server/store/sqlite_watch.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"

namespace curatord {
namespace {

constexpr absl::Duration kTimer = absl::Milliseconds(50);
// The log is written before it is synced, and read only once it is: after news of
// the write, look again at short intervals until the commit shows.
constexpr absl::Duration kQuickLook = absl::Milliseconds(1);
constexpr int kQuickLooks = 20;
constexpr absl::Duration kReadTimeout = absl::Seconds(5);
constexpr size_t kEnoughEvents = 1000;

}  // namespace

struct SqliteWatches::Registration {
  // Constant after construction.
  std::string prefix;
  std::function<void(const WatchBatch&)> on_batch;
  std::function<void(absl::Status)> on_end;

  // Of the delivering thread.
  int64_t next_revision = 1;
  bool ended = false;
};

// Who is to be called, shared with the handles, which may be destroyed at any time
// and by any thread.
class SqliteWatches::Registry {
 public:
  void Add(std::shared_ptr<Registration> watch) ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    watches_.push_back(std::move(watch));
    has_new_ = true;
  }

  // Returns once no callback of `watch` runs, nor ever will.
  void Remove(const Registration* watch) ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    watches_.erase(std::remove_if(watches_.begin(), watches_.end(),
                                  [watch](const auto& other) { return other.get() == watch; }),
                   watches_.end());
    const auto is_left_alone = [this, watch]()
                                   ABSL_NO_THREAD_SAFETY_ANALYSIS { return delivering_ != watch; };
    mutex_.Await(absl::Condition(&is_left_alone));
  }

  // For the delivering thread. Between a successful Enter and Leave the watch's
  // handle cannot go.
  bool Enter(const Registration* watch) ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    const bool is_there = std::any_of(watches_.begin(), watches_.end(),
                                      [watch](const auto& other) { return other.get() == watch; });
    if (is_there) delivering_ = watch;
    return is_there;
  }
  void Leave() ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    delivering_ = nullptr;
  }

  std::vector<std::shared_ptr<Registration>> All() ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    has_new_ = false;
    return watches_;
  }
  bool has_new() ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    return has_new_;
  }

  void Stop() ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    stopped_ = true;
  }
  bool stopped() ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    return stopped_;
  }

 private:
  absl::Mutex mutex_;
  std::vector<std::shared_ptr<Registration>> watches_ ABSL_GUARDED_BY(mutex_);
  bool has_new_ ABSL_GUARDED_BY(mutex_) = false;
  const Registration* delivering_ ABSL_GUARDED_BY(mutex_) = nullptr;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
};

class SqliteWatches::Handle final : public Watch {
 public:
  Handle(std::shared_ptr<Registry> registry, const Registration* watch)
      : registry_(std::move(registry)), watch_(watch) {}
  ~Handle() override { registry_->Remove(watch_); }

 private:
  const std::shared_ptr<Registry> registry_;
  const Registration* const watch_;  // the registry's
};

absl::StatusOr<std::unique_ptr<SqliteWatches>> SqliteWatches::Open(const std::string& path,
                                                                   const LeaseClock& clock) {
  absl::StatusOr<std::unique_ptr<SqliteSession>> session = SqliteSession::Open(path, clock);
  if (!session.ok()) return session.status();
  // Not make_unique: the thread starts last.
  auto watches = std::unique_ptr<SqliteWatches>(new SqliteWatches(std::move(session).value()));
  if (absl::Status opened = watches->wake_.Open(); !opened.ok()) return opened;
  watches->inotify_fd_ = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  if (watches->inotify_fd_ >= 0) {
    // By path, not by descriptor; the log stays the same file while we are connected.
    inotify_add_watch(watches->inotify_fd_, watches->session_->database().wal_path().c_str(),
                      IN_MODIFY);
  }
  watches->thread_ = std::thread([watches = watches.get()] { watches->Run(); });
  return watches;
}

SqliteWatches::SqliteWatches(std::unique_ptr<SqliteSession> session)
    : registry_(std::make_shared<Registry>()), session_(std::move(session)) {}

SqliteWatches::~SqliteWatches() {
  registry_->Stop();
  wake_.Wake();
  if (thread_.joinable()) thread_.join();
  if (inotify_fd_ >= 0) close(inotify_fd_);
}

std::unique_ptr<Watch> SqliteWatches::Start(std::string prefix, int64_t from_revision,
                                            std::function<void(const WatchBatch&)> on_batch,
                                            std::function<void(absl::Status)> on_end) {
  auto watch = std::make_shared<Registration>();
  watch->prefix = std::move(prefix);
  watch->on_batch = std::move(on_batch);
  watch->on_end = std::move(on_end);
  watch->next_revision = from_revision;
  auto handle = std::make_unique<Handle>(registry_, watch.get());
  registry_->Add(std::move(watch));
  wake_.Wake();
  return handle;
}

void SqliteWatches::Run() {
  while (!registry_->stopped()) {
    absl::StatusOr<int64_t> version = session_->DataVersion();
    if (!version.ok()) {
      EndAll(version.status());
    } else if (*version != seen_version_ || registry_->has_new()) {
      // What is written from here on has another version, and is seen next time.
      seen_version_ = *version;
      quick_looks_ = 0;
      DeliverAll();
    }
    WaitForNews();
  }
}

void SqliteWatches::WaitForNews() {
  if (quick_looks_ > 0) --quick_looks_;
  const bool log_written = wake_.Wait(quick_looks_ > 0 ? kQuickLook : kTimer, inotify_fd_);
  if (!log_written) return;
  quick_looks_ = kQuickLooks;
  alignas(inotify_event) char events[4096];
  while (read(inotify_fd_, events, sizeof events) > 0) {
  }
}

void SqliteWatches::DeliverAll() {
  bool more = true;
  while (more && !registry_->stopped()) {
    more = false;
    for (const std::shared_ptr<Registration>& watch : registry_->All()) {
      if (watch->ended || registry_->stopped() || !registry_->Enter(watch.get())) continue;
      more |= DeliverOne(*watch);
      registry_->Leave();
    }
  }
}

bool SqliteWatches::DeliverOne(Registration& watch) {
  absl::StatusOr<SqliteChanges> changes =
      watch.next_revision < 1
          ? absl::InvalidArgumentError(absl::StrCat("no revision ", watch.next_revision))
          : session_->ChangesFrom(watch.next_revision, watch.prefix, kEnoughEvents,
                                  absl::Now() + kReadTimeout);
  if (!changes.ok()) {
    watch.ended = true;
    watch.on_end(changes.status());
    return false;
  }
  if (changes->through_revision < watch.next_revision) return false;  // nothing new
  watch.next_revision = changes->through_revision + 1;
  watch.on_batch(WatchBatch{std::move(changes->events), changes->through_revision});
  return changes->through_revision < changes->store_revision;
}

void SqliteWatches::EndAll(const absl::Status& cause) {
  for (const std::shared_ptr<Registration>& watch : registry_->All()) {
    if (watch->ended || !registry_->Enter(watch.get())) continue;
    watch->ended = true;
    watch->on_end(cause);
    registry_->Leave();
  }
}

}  // namespace curatord
