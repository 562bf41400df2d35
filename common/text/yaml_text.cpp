#include <fmt/format.h>
#include <yaml.h>

#include <memory>

#include "common/text/configuration_text.h"

namespace nvccd {
namespace {

// Deeper than any setting that is looked for; aliases can make a document endless.
constexpr int max_depth = 6;
constexpr std::size_t max_nodes = 20'000;

struct ParserDeleter {
  void operator()(yaml_parser_t* parser) const { yaml_parser_delete(parser); }
};
struct DocumentDeleter {
  void operator()(yaml_document_t* document) const { yaml_document_delete(document); }
};

std::string_view text_of(const yaml_node_t& node) {
  const std::string_view text(reinterpret_cast<const char*>(node.data.scalar.value), node.data.scalar.length);
  const bool is_null = text == "~" || text == "null" || text == "Null" || text == "NULL";
  return is_null && node.data.scalar.style == YAML_PLAIN_SCALAR_STYLE ? std::string_view() : text;
}

class Flattener {
 public:
  explicit Flattener(yaml_document_t& document) : document_(document) {}

  void add(int index, const std::string& path, int depth) {
    const yaml_node_t* node = yaml_document_get_node(&document_, index);
    if (node == nullptr || depth > max_depth || ++visited_ > max_nodes) return;
    if (node->type == YAML_SCALAR_NODE) return result_.set(path, std::string(text_of(*node)));
    const auto below = [&](std::string_view name) {
      return path.empty() ? std::string(name) : fmt::format("{}/{}", path, name);
    };
    const auto& pairs = node->data.mapping.pairs;
    const auto& items = node->data.sequence.items;
    const bool is_map = node->type == YAML_MAPPING_NODE;
    if (is_map ? pairs.start == pairs.top : items.start == items.top) return result_.set(path, "");
    if (!is_map) {
      std::size_t number = 0;
      for (const auto* item = items.start; item < items.top; ++item)
        add(*item, below(std::to_string(number++)), depth + 1);
    } else {
      for (const auto* pair = pairs.start; pair < pairs.top; ++pair) {
        const yaml_node_t* key = yaml_document_get_node(&document_, pair->key);
        if (key != nullptr && key->type == YAML_SCALAR_NODE)
          add(pair->value, below(text_of(*key)), depth + 1);
      }
    }
  }

  ConfigurationText result() && { return std::move(result_); }

 private:
  yaml_document_t& document_;
  ConfigurationText result_;
  std::size_t visited_ = 0;
};

}  // namespace

Result<ConfigurationText> parse_yaml(const std::string& text) {
  yaml_parser_t parser;
  if (yaml_parser_initialize(&parser) == 0)
    return std::unexpected(Error{.cause = "cannot read YAML: out of memory"});
  const std::unique_ptr<yaml_parser_t, ParserDeleter> parser_owner(&parser);
  yaml_parser_set_input_string(&parser, reinterpret_cast<const unsigned char*>(text.data()), text.size());
  yaml_document_t document;
  if (yaml_parser_load(&parser, &document) == 0)
    return std::unexpected(
        Error{.kind = ErrorKind::invalid_config,
              .cause = fmt::format("line {}: {}", parser.problem_mark.line + 1,
                                   parser.problem == nullptr ? "this is no YAML" : parser.problem)});
  const std::unique_ptr<yaml_document_t, DocumentDeleter> document_owner(&document);
  Flattener flattener(document);
  flattener.add(1, "", 0);  // nodes are counted from 1, the root first
  return std::move(flattener).result();
}

}  // namespace nvccd
