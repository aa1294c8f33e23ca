#include "libclient/net/cancellation.h"

namespace curator {

Cancellation::Cancellation() : state_(std::make_shared<State>()) {}

void Cancellation::Cancel() const { state_->source.request_stop(); }

bool Cancellation::cancelled() const { return state_->source.stop_requested(); }

}  // namespace curator
