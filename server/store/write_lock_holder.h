// Who holds the embedded store's write lock, for people.
#ifndef SERVER_STORE_WRITE_LOCK_HOLDER_H_
#define SERVER_STORE_WRITE_LOCK_HOLDER_H_

#include <string>

namespace curatord {

// "process 4711 (curatord, stopped)", or "" if it is not another process, or not
// to be found out. The caller has a connection open to the database whose shared
// memory file this is: the lock is asked for on the descriptor SQLite has, since
// to close one of our own would drop the locks SQLite holds.
std::string DescribeWriteLockHolder(const std::string& shm_path);

}  // namespace curatord

#endif  // SERVER_STORE_WRITE_LOCK_HOLDER_H_
