// Where the programs say what they do.
#pragma once

#include <string>

namespace nvccd {

// Whether what is printed goes to the journal anyway: systemd says so in JOURNAL_STREAM, which child
// processes inherit even if their output goes elsewhere.
bool prints_to_journal();

// From now on spdlog writes to the journal under this name, or to the terminal. `level` as spdlog names them.
void set_up_log(const std::string& name, const std::string& level, bool to_journal);

}  // namespace nvccd
