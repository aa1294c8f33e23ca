// The embedded store's file: where it may be, how it comes to be, and whether
// what is there is one.
#ifndef SERVER_STORE_SQLITE_FILE_H_
#define SERVER_STORE_SQLITE_FILE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/store/sqlite_database.h"

namespace curatord {

// In the database's header: "Cura".
inline constexpr int64_t kSqliteApplicationId = 0x43757261;
inline constexpr int64_t kSqliteSchemaVersion = 1;

// By statfs's f_type: locks or shared memory do not hold between the hosts, or
// not reliably, so processes would not see each other.
bool IsNetworkFileSystem(uint64_t file_system_type);

// Whether `path` can hold a store: kNotFound (no such directory),
// kPermissionDenied, kFailedPrecondition (network file system),
// kInvalidArgument (something else than a file is there).
absl::Status CheckSqliteLocation(const std::string& path);

// Makes an empty store, mode 0600, that appears at `path` complete or not at all.
// OK as well if another process was faster. What it writes until then is called
// `path`.new-XXXXXX; a crash may leave it behind.
absl::Status CreateSqliteFile(const std::string& path);

// Opens a connection to a store. kDataLoss: not ours, or not even to be read;
// kFailedPrecondition: from a later version.
absl::StatusOr<std::unique_ptr<SqliteDatabase>> OpenSqliteFile(const std::string& path);

// kDataLoss if the file's structure is damaged. Takes 0.3 s at most: files over
// 128 MiB are not looked at; what is wrong there is met in use.
absl::Status CheckSqliteStructure(SqliteDatabase* database);

}  // namespace curatord

#endif  // SERVER_STORE_SQLITE_FILE_H_
