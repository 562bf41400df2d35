#include "introspected.h"

#include <regex>
#include <stdexcept>

namespace nvccd::test {
namespace {

// The text is sd-bus's own, an element a line.
void read_object(Client& client, const std::string& path, Introspected& all) {
  const Reply reply = client.call(path, "org.freedesktop.DBus.Introspectable", "Introspect");
  if (!reply.ok()) throw std::runtime_error(path + " cannot be introspected: " + reply.error_name);
  const std::string xml = reply.read_string();
  static const std::regex element("<(interface|method|property|arg|node) ([^>]*)>");
  static const std::regex name("name=\"([^\"]*)\"");
  static const std::regex type("type=\"([^\"]*)\"");
  const auto attribute = [](const std::string& text, const std::regex& wanted) {
    std::smatch match;
    return std::regex_search(text, match, wanted) ? match[1].str() : "";
  };
  std::string interface;
  for (auto match = std::sregex_iterator(xml.begin(), xml.end(), element); match != std::sregex_iterator();
       ++match) {
    const std::string kind = (*match)[1];
    const std::string attributes = (*match)[2];
    const IntrospectedMember member{path, interface, attribute(attributes, name),
                                    attribute(attributes, type)};
    if (kind == "interface") interface = member.name;
    if (kind == "method") all.methods.push_back(member);
    if (kind == "property") all.properties.push_back(member);
    if (kind == "arg" && attributes.contains("direction=\"in\"")) all.methods.back().types += member.types;
    if (kind == "node") read_object(client, (path == "/" ? "" : path) + "/" + member.name, all);
  }
}

}  // namespace

Introspected introspect(Client& client) {
  Introspected all;
  read_object(client, "/", all);
  return all;
}

}  // namespace nvccd::test
