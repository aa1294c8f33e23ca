// Files of secrets that others than their owner can read or write.
#ifndef LIBCLIENT_CLIENT_EXPOSED_FILES_H_
#define LIBCLIENT_CLIENT_EXPOSED_FILES_H_

#include <string>
#include <vector>

namespace curator {

// A sentence for each of `paths`, files and directories, that is exposed: which, how, and
// what to do. Of those that do not exist there is none. Where the directory is closed to
// others there is: it is opened, or its files are copied, without a look at their modes.
std::vector<std::string> ExposedFilesOf(const std::vector<std::string>& paths);

}  // namespace curator

#endif  // LIBCLIENT_CLIENT_EXPOSED_FILES_H_
