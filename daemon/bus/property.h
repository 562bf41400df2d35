// Properties of bus objects as tables: a row says under which name and how a value is shown, and from the
// same row follows when the value has changed.
//
// `T` below is the class of the exported objects; T::published() returns the value whose parts are shown.
#pragma once

#include <systemd/sd-bus.h>

#include <array>
#include <concepts>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "daemon/bus/call.h"
#include "daemon/bus/text.h"

namespace nvccd::dbus {

struct ObjectPath {
  std::string text;
  bool operator==(const ObjectPath&) const = default;
};

// ---- how C++ types look on the bus ----

template <typename T>
struct Wire;

template <typename T, char code>
struct BasicWire {
  static constexpr char signature[] = {code, '\0'};
  static int append(sd_bus_message* reply, T value) {
    return sd_bus_message_append_basic(reply, code, &value);
  }
};
template <>
struct Wire<std::uint16_t> : BasicWire<std::uint16_t, 'q'> {};
template <>
struct Wire<std::int32_t> : BasicWire<std::int32_t, 'i'> {};
template <>
struct Wire<std::uint32_t> : BasicWire<std::uint32_t, 'u'> {};
template <>
struct Wire<std::uint64_t> : BasicWire<std::uint64_t, 't'> {};
template <>
struct Wire<double> : BasicWire<double, 'd'> {};

template <>
struct Wire<bool> {
  static constexpr char signature[] = "b";
  static int append(sd_bus_message* reply, bool value) {
    return sd_bus_message_append(reply, "b", int{value});
  }
};
template <>
struct Wire<std::string> {
  static constexpr char signature[] = "s";
  static int append(sd_bus_message* reply, const std::string& value) {
    return sd_bus_message_append_basic(reply, 's', to_utf8(value).c_str());
  }
};
template <>
struct Wire<ObjectPath> {
  static constexpr char signature[] = "o";
  static int append(sd_bus_message* reply, const ObjectPath& value) {
    return sd_bus_message_append_basic(reply, 'o', value.text.c_str());
  }
};
template <typename T>
struct Wire<std::vector<T>> {
  static constexpr char signature[] = {'a', Wire<T>::signature[0], '\0'};
  static int append(sd_bus_message* reply, const std::vector<T>& values) {
    int r = sd_bus_message_open_container(reply, 'a', Wire<T>::signature);
    for (const T& value : values)
      if (r >= 0) r = Wire<T>::append(reply, value);
    return r < 0 ? r : sd_bus_message_close_container(reply);
  }
};

// ---- rows ----

template <typename T>
using PublishedBy = std::remove_cvref_t<decltype(std::declval<const T&>().published())>;

template <typename T>
struct Property {
  const char* name;
  sd_bus_vtable row;
  bool (*differs)(const PublishedBy<T>&, const PublishedBy<T>&);
};

// `Part` is a function (a lambda without captures) from the published value to the value of this property.
template <typename T, std::uint64_t flags = SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE, typename Part>
constexpr Property<T> property(const char* name, Part) {
  using Published = PublishedBy<T>;
  using Value = std::invoke_result_t<Part, const Published&>;
  constexpr sd_bus_property_get_t get = [](sd_bus*, const char*, const char*, const char*,
                                           sd_bus_message* reply, void* userdata,
                                           sd_bus_error* error) noexcept {
    return at_c_boundary(error, [&] {
      return Wire<Value>::append(reply, Part{}(static_cast<const T*>(userdata)->published()));
    });
  };
  return {
      .name = name,
      .row = SD_BUS_PROPERTY(name, Wire<Value>::signature, get, 0, flags),
      .differs = [](const Published& before, const Published& now) { return Part{}(before) != Part{}(now); }};
}

inline constexpr std::uint64_t constant = SD_BUS_VTABLE_PROPERTY_CONST;

// The whole vtable: methods and signals, then the properties.
template <typename T, std::size_t members, std::size_t properties>
constexpr auto make_vtable(const sd_bus_vtable (&member_rows)[members],
                           const Property<T> (&property_rows)[properties]) {
  std::array<sd_bus_vtable, members + properties + 2> table{};
  std::size_t end = 0;
  table[end++] = sd_bus_vtable SD_BUS_VTABLE_START(0);
  for (const sd_bus_vtable& row : member_rows)
    table[end++] = row;
  for (const Property<T>& row : property_rows)
    table[end++] = row.row;
  table[end] = sd_bus_vtable SD_BUS_VTABLE_END;
  return table;
}

// Names of the properties in which the two values differ.
template <typename T>
std::vector<const char*> changed_properties(std::span<const Property<T>> properties,
                                            const PublishedBy<T>& before, const PublishedBy<T>& now) {
  std::vector<const char*> names;
  for (const Property<T>& property : properties)
    if (property.differs(before, now)) names.push_back(property.name);
  return names;
}

// Sends PropertiesChanged, if anything changed. That a signal cannot be sent is logged and survived.
void emit_changed(sd_bus* bus, const std::string& path, const char* interface,
                  std::vector<const char*> names);

}  // namespace nvccd::dbus
