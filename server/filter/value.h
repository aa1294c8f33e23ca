// A value of CEL.
//
// Strings, lists, maps and messages are views: into the message that is filtered, into
// the compiled filter, or into something made during the evaluation, which `owner`
// then keeps. So reading a field copies nothing, and a value must not outlive its
// evaluation.
#ifndef SERVER_FILTER_VALUE_H_
#define SERVER_FILTER_VALUE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/variant.h"
#include "google/protobuf/message.h"

namespace curatord::filter {

// In the order of Value's representations; kDyn is a type only.
enum class Kind : uint8_t {
  kNull,
  kBool,
  kInt,
  kUint,
  kDouble,
  kString,
  kBytes,
  kTimestamp,
  kDuration,
  kList,
  kMap,
  kMessage,
  kType,
  kDyn,
};

class Value;
struct ListData;
struct MapData;
using Owner = std::shared_ptr<const void>;

class Value {
 public:
  // Null.
  Value() = default;

  static Value Bool(bool value) { return Value(Rep(std::in_place_index<1>, value)); }
  static Value Int(int64_t value) { return Value(Rep(std::in_place_index<2>, value)); }
  static Value Uint(uint64_t value) { return Value(Rep(std::in_place_index<3>, value)); }
  static Value Double(double value) { return Value(Rep(std::in_place_index<4>, value)); }
  static Value String(std::string text);
  static Value String(absl::string_view view, Owner owner) {
    return Value(Rep(std::in_place_index<5>, view), std::move(owner));
  }
  static Value Bytes(std::string bytes);
  static Value Bytes(absl::string_view view, Owner owner) {
    return Value(Rep(std::in_place_index<6>, view), std::move(owner));
  }
  // The caller has checked the range (time.h).
  static Value Timestamp(absl::Time time) { return Value(Rep(std::in_place_index<7>, time)); }
  static Value Duration(absl::Duration span) { return Value(Rep(std::in_place_index<8>, span)); }
  static Value List(std::vector<Value> elements);
  static Value List(std::shared_ptr<const ListData> data);
  static Value Map(std::shared_ptr<const MapData> data);
  static Value Message(const google::protobuf::Message& message, Owner owner) {
    return Value(Rep(std::in_place_index<11>, &message), std::move(owner));
  }
  // A repeated field that is not a map, or one that is.
  static Value RepeatedField(const google::protobuf::Message& message,
                             const google::protobuf::FieldDescriptor& field, Owner owner);
  // `name` must outlive the value: of a descriptor or of TypeName.
  static Value Type(absl::string_view name) { return Value(Rep(std::in_place_index<12>, name)); }

  Kind kind() const { return static_cast<Kind>(rep_.index()); }

  // Each only for a value of its kind.
  bool bool_value() const { return std::get<1>(rep_); }
  int64_t int_value() const { return std::get<2>(rep_); }
  uint64_t uint_value() const { return std::get<3>(rep_); }
  double double_value() const { return std::get<4>(rep_); }
  absl::string_view text() const;  // kString, kBytes, kType
  absl::Time time() const { return std::get<7>(rep_); }
  absl::Duration duration() const { return std::get<8>(rep_); }
  const google::protobuf::Message& message() const { return *std::get<11>(rep_); }

  // Lists and maps: the number of elements.
  size_t size() const;
  // An element of a list. Fails only where the element is a time out of CEL's range.
  absl::StatusOr<Value> Element(size_t index) const;
  // The pairs of a map, in no particular order.
  absl::StatusOr<Value> Key(size_t index) const;
  absl::StatusOr<Value> ValueAt(size_t index) const;
  // The index of a key, if it is there. 1, 1u and 1.0 are the same key.
  absl::StatusOr<std::optional<size_t>> Find(const Value& key) const;
  // The elements of a list of constants, by which `in` is a lookup; else null.
  const ListData* constants() const;

  const Owner& owner() const { return owner_; }
  // The same without a share in the owner: for a literal, which the filter keeps.
  Value Borrowed() const { return Value(rep_); }

 private:
  struct Repeated {
    const google::protobuf::Message* message;
    const google::protobuf::FieldDescriptor* field;
  };
  struct ListRep {
    const ListData* data = nullptr;
    Repeated repeated = {};
  };
  struct MapRep {
    const MapData* data = nullptr;
    Repeated repeated = {};
  };
  using Rep = std::variant<std::monostate, bool, int64_t, uint64_t, double, absl::string_view,
                           absl::string_view, absl::Time, absl::Duration, ListRep, MapRep,
                           const google::protobuf::Message*, absl::string_view>;

  explicit Value(const Rep& rep, Owner owner = nullptr) : rep_(rep), owner_(std::move(owner)) {}

  Rep rep_;
  Owner owner_;
};

// What a map is looked up by. Numbers that are equal are one key.
using MapKey = absl::variant<bool, int64_t, uint64_t, absl::string_view>;

// None for what equals no key: a fraction, a list, ... The key is a view of the value.
std::optional<MapKey> KeyOf(const Value& value);

struct ListData {
  std::vector<Value> elements;
  // Filled for lists of constants which are all possible keys.
  absl::flat_hash_set<MapKey> keys;
};

struct MapData {
  std::vector<std::pair<Value, Value>> entries;
  absl::flat_hash_map<MapKey, size_t> index;

  // False if the key is there, kInvalidArgument if it is none that a map may have.
  absl::StatusOr<bool> Insert(Value key, Value value);
};

// The name CEL has for the type of a value: "int", "google.protobuf.Timestamp".
absl::string_view TypeName(Kind kind);
absl::string_view TypeName(const Value& value);

}  // namespace curatord::filter

#endif  // SERVER_FILTER_VALUE_H_
