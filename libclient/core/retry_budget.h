// Keeps retries of a whole Client in proportion to its successes, so that a
// struggling leader is not buried by those who want it most. An empty budget
// slows retries down (Backoff::kMax apart); it never fails a call.
#ifndef LIBCLIENT_CORE_RETRY_BUDGET_H_
#define LIBCLIENT_CORE_RETRY_BUDGET_H_

namespace curator::core {

class RetryBudget {
 public:
  // One retry of a call that reached a leader. False if there is no token left.
  bool Spend();
  // One call succeeded.
  void Earn();
  double tokens() const { return tokens_; }

  static constexpr double kCapacity = 20;
  static constexpr double kEarned = 0.5;

 private:
  double tokens_ = kCapacity;
};

}  // namespace curator::core

#endif  // LIBCLIENT_CORE_RETRY_BUDGET_H_
