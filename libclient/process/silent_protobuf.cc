// protobuf writes a line of its own to stderr when text that is not UTF-8 is to be sent,
// between the program's errors. The server refuses such a request and says the same.
#include "google/protobuf/stubs/logging.h"

namespace {

[[maybe_unused]] const auto previous = google::protobuf::SetLogHandler(nullptr);

}  // namespace
