// Whatever stands in a settings file: values, or an error that names a place in the file.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "common/config/settings_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto loaded = nvccd::parse_settings(text, "fuzz.toml");
  if (!loaded && !loaded.error().cause.starts_with("fuzz.toml:")) std::abort();
  // The default mode can never be ppcie, whatever the file says.
  if (loaded && loaded->settings.mode.default_mode == nvccd::Mode::ppcie) std::abort();
  return 0;
}
