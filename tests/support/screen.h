// What a terminal shows of what a program has written to it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace nvccd::test {

// Knows what nvccctl uses: CR, LF, cursor up, erasing to the end of the line and of the screen; colours are
// not shown. Throws std::runtime_error for any other control sequence. Lines break at the right edge; nothing
// scrolls away.
class Screen {
 public:
  explicit Screen(std::size_t columns) : columns_(columns) {}

  void write(std::string_view text);

  // Without blanks at the ends of lines, and without empty lines at the end.
  std::string text() const;

 private:
  void put(char c);
  // Returns what follows the sequence.
  std::string_view obey(std::string_view sequence);
  void line_feed();

  std::size_t columns_;
  std::vector<std::string> lines_{1};
  std::size_t row_ = 0;
  std::size_t column_ = 0;
};

inline std::string screen_after(std::string_view output, std::size_t columns = 80) {
  Screen screen(columns);
  screen.write(output);
  return screen.text();
}

}  // namespace nvccd::test
