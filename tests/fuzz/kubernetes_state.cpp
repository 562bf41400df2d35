// Whatever stands in a state file: a state of which nothing dangerous follows, or an error that says what is
// wrong.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "common/formats/resource_name.h"
#include "kubernetes/device-plugin/allocation.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void check(const nvccd::kubernetes::Advertisement& advertisement) {
  using namespace nvccd::kubernetes;
  for (const auto& [resource, units] : advertisement.resources) {
    require(!nvccd::problem_of_resource_name(resource) && !units.empty());
    Ids ids;
    for (const Unit& unit : units) {
      require(!unit.id.empty() && unit.id.size() <= 63);
      ids.push_back(unit.id);
      for (const std::string& node : unit.nodes)
        require(node.starts_with("/dev/vfio/") && node.find("..") == std::string::npos);
    }
    const std::vector<Ids> request{ids};
    if (const auto nodes = allocate(advertisement, resource, request)) require(!nodes->at(0).empty());
    const auto preferred = prefer(units, {.available = ids, .must_include = {}, .size = ids.size()});
    require(preferred && preferred->size() == ids.size());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto state = nvccd::parse_state({reinterpret_cast<const char*>(data), size});
  if (state)
    check(nvccd::kubernetes::advertise(*state));
  else
    require(!state.error().cause.empty());
  return 0;
}
