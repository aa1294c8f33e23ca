// Lender: lends one thing to one caller at a time, in turn, with a deadline. Used
// for database connections: I/O is done while a connection is on loan, and a
// mutex is never held over I/O nor can it be given up waiting for.
#ifndef SERVER_STORE_LENDER_H_
#define SERVER_STORE_LENDER_H_

#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace curatord {

template <typename T>
class Lender {
 public:
  // Gives the thing back when it goes. Must not outlive the lender.
  class Loan {
   public:
    Loan() = default;
    Loan(Loan&& other) noexcept : lender_(std::exchange(other.lender_, nullptr)) {}
    Loan& operator=(Loan&&) = delete;
    ~Loan() {
      if (lender_ != nullptr) lender_->Return();
    }
    explicit operator bool() const { return lender_ != nullptr; }
    T& operator*() const { return *lender_->thing_; }

   private:
    friend class Lender;
    explicit Loan(Lender* lender) : lender_(lender) {}

    Lender* lender_ = nullptr;
  };

  explicit Lender(std::unique_ptr<T> thing) : thing_(std::move(thing)) {}

  // False if it did not come free by `deadline`.
  Loan Borrow(absl::Time deadline) ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    const auto is_free = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return !lent_; };
    if (!mutex_.AwaitWithDeadline(absl::Condition(&is_free), deadline)) return Loan();
    lent_ = true;
    return Loan(this);
  }

 private:
  void Return() ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    lent_ = false;
  }

  const std::unique_ptr<T> thing_;  // *thing_ belongs to whoever has the loan
  absl::Mutex mutex_;
  bool lent_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace curatord

#endif  // SERVER_STORE_LENDER_H_
