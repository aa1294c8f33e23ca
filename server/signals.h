// SIGTERM and SIGINT as something to wait for. Block them before the first thread
// is started, so that every thread inherits it.
#ifndef SERVER_SIGNALS_H_
#define SERVER_SIGNALS_H_

namespace curatord {

// Also ignores SIGPIPE and SIGXFSZ: a closed connection, or a file that may not grow, is
// an error, not an end.
void BlockStopSignals();

// Has this process be stopped as if by SIGTERM, from within.
void RequestStop();

// Waits for the first one; from then on a second one ends the process at once,
// with exit code 130 or 143.
int WaitForStopSignal();

}  // namespace curatord

#endif  // SERVER_SIGNALS_H_
