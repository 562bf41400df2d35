#include <gtest/gtest.h>

#include "client/table.h"

namespace nvccd::client {
namespace {

const std::vector<Column> columns{{.heading = "WHO"},
                                  {.heading = "NAME", .elided_to = 6, .dispensable = 1},
                                  {.heading = "STATE"},
                                  {.heading = "WHERE", .dispensable = 2}};
const std::vector<Row> rows{{{"a"}, {"a rather long name"}, {"ready"}, {"here"}},
                            {{"bcd"}, {"another [short]", Colour::none, "short"}, {"failed"}, {"there"}}};

TEST(Table, IsAsWideAsItsContentWhereThereIsNoLimit) {
  EXPECT_EQ(render_table(columns, rows, {}),
            "WHO  NAME                STATE   WHERE\n"
            "a    a rather long name  ready   here\n"
            "bcd  another [short]     failed  there\n");
  EXPECT_EQ(render_table(columns, rows, {.width = 38}), render_table(columns, rows, {}));
}

TEST(Table, ShortensNamesFirst) {
  EXPECT_EQ(render_table(columns, rows, {.width = 30}),
            "WHO  NAME        STATE   WHERE\n"
            "a    a rathe...  ready   here\n"
            "bcd  short       failed  there\n");
}

TEST(Table, LeavesOutWhatIsDispensableNext) {
  EXPECT_EQ(render_table(columns, rows, {.width = 20}),
            "WHO  NAME    STATE\n"
            "a    a r...  ready\n"
            "bcd  short   failed\n");
  EXPECT_EQ(render_table(columns, rows, {.width = 5}),
            "WHO  STATE\n"
            "a    ready\n"
            "bcd  failed\n");
}

TEST(Table, ColoursDoNotMoveTheColumns) {
  EXPECT_EQ(render_table({{}, {}}, {{{"failed", Colour::red}, {"x"}}, {{"ok"}, {"y"}}}, {.colour = true}),
            "\033[31mfailed\033[0m  x\nok      y\n");
  EXPECT_EQ(render_table({{}}, {{{"failed", Colour::red}}}, {}), "failed\n");
}

TEST(Table, PrintsNoControlCharacters) {
  EXPECT_EQ(render_table({{}}, {{{"a\033[31mb"}}}, {}), "a?[31mb\n");
}

}  // namespace
}  // namespace nvccd::client
