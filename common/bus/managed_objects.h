// Objects as ObjectManager tells of them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "common/bus/property_map.h"

namespace nvccd::client {

using Interfaces = std::map<std::string, PropertyMap>;     // by the interface's name
using ManagedObjects = std::map<std::string, Interfaces>;  // by the object's path

// Reads the a{sa{sv}} at the message's position. Negative errno when the message is not as it should be.
int read_interfaces(sd_bus_message* message, Interfaces& interfaces);
// The same for a{oa{sa{sv}}}.
int read_objects(sd_bus_message* message, ManagedObjects& objects);

// The objects of one interface, made into views.
template <typename View>
std::vector<View> views(const ManagedObjects& objects, const std::string& interface,
                        View (*to_view)(const PropertyMap&)) {
  std::vector<View> found;
  for (const auto& [path, interfaces] : objects)
    if (const auto place = interfaces.find(interface); place != interfaces.end())
      found.push_back(to_view(place->second));
  return found;
}

}  // namespace nvccd::client
