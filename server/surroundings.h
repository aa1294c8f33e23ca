// What a curatord asks of its process and of the files around it, once at its start.
#ifndef SERVER_SURROUNDINGS_H_
#define SERVER_SURROUNDINGS_H_

#include "server/config.h"

namespace curatord {

// The memory of this process holds keys: it leaves no core, and other processes of the same
// user may not read it. Not inherited by programs that it runs.
void DisableCoreDumps();

// Connections are bounded by descriptors, and service managers start with few of many.
void RaiseDescriptorLimit();

// Warns, by name, of what others can read or write, and of a store that is talked to in
// clear beyond this machine.
void WarnOfExposure(const RunConfig& config);

}  // namespace curatord

#endif  // SERVER_SURROUNDINGS_H_
