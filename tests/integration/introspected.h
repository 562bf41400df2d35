// What a service says of itself on the bus.
#pragma once

#include <string>
#include <vector>

#include "tests/support/private_bus.h"

namespace nvccd::test {

struct IntrospectedMember {
  std::string path;
  std::string interface;
  std::string name;
  std::string types;  // of a method's arguments; of a property
};

struct Introspected {
  std::vector<IntrospectedMember> methods;
  std::vector<IntrospectedMember> properties;
};

// Of every object of org.nvccd1. Throws std::runtime_error when one does not answer.
Introspected introspect(Client& client);

}  // namespace nvccd::test
