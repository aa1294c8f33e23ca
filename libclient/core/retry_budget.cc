#include "libclient/core/retry_budget.h"

#include <algorithm>

namespace curator::core {

bool RetryBudget::Spend() {
  if (tokens_ < 1) return false;
  tokens_ -= 1;
  return true;
}

void RetryBudget::Earn() { tokens_ = std::min(kCapacity, tokens_ + kEarned); }

}  // namespace curator::core
