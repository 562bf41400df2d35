#include "kubernetes/node-agent/cluster_config.h"

#include <fmt/format.h>

#include <fstream>
#include <optional>
#include <sstream>

#include "common/text/base64.h"
#include "common/text/configuration_text.h"

namespace nvccd::agent {
namespace {

constexpr std::size_t largest_file = 1 << 20;

std::unexpected<Error> invalid(std::string cause, std::string advice = {}) {
  return std::unexpected(
      Error{.kind = ErrorKind::invalid_config, .cause = std::move(cause), .advice = std::move(advice)});
}

std::optional<std::string> read_small_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(largest_file, '\0');
  if (!file.read(text.data(), static_cast<std::streamsize>(text.size())) && !file.eof()) return std::nullopt;
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

std::string trimmed(std::string text) {
  constexpr auto blanks = " \t\r\n";
  text.erase(text.find_last_not_of(blanks) + 1);
  text.erase(0, text.find_first_not_of(blanks));
  return text;
}

// ---- kubeconfig ----

// A map of the file: what is below a path of it.
class Section {
 public:
  Section(const ConfigurationText& text, std::string path) : text_(text), path_(std::move(path)) {}

  bool has(std::string_view key) const { return text_.has(path_of(key)); }
  // "" where there is none, or it is no text.
  std::string text(std::string_view key) const { return text_.find(path_of(key)).value_or(""); }
  Section below(std::string_view key) const { return {text_, path_of(key)}; }

 private:
  std::string path_of(std::string_view key) const {
    return path_.empty() ? std::string(key) : fmt::format("{}/{}", path_, key);
  }

  const ConfigurationText& text_;
  std::string path_;
};

// The entry of this name in a list such as "clusters", without its wrapping.
std::optional<Section> named(const Section& config, const char* list, const char* wrapping,
                             const std::string& name) {
  for (std::size_t number = 0;; ++number) {
    const auto key = std::to_string(number);
    if (!config.below(list).has(key)) return std::nullopt;
    if (const auto entry = config.below(list).below(key); entry.text("name") == name) {
      if (!entry.has(wrapping)) return std::nullopt;
      return entry.below(wrapping);
    }
  }
}

// A text in PEM that stands in the file itself (in base64) or in a file of its own.
Result<std::optional<Pem>> read_pem(const Section& section, const std::string& key,
                                    const std::filesystem::path& directory) {
  if (const std::string encoded = section.text(key + "-data"); !encoded.empty()) {
    auto decoded = decode_base64(encoded);
    if (!decoded || decoded->empty()) return invalid(key + "-data is not base64");
    return Pem::of_text(*std::move(decoded));
  }
  if (const std::string path = section.text(key); !path.empty()) return Pem::in_file(directory / path);
  return std::nullopt;
}

Result<Endpoint> read_cluster(const Section& cluster, const std::filesystem::path& directory) {
  std::string url = cluster.text("server");
  while (url.ends_with('/'))
    url.pop_back();
  if (!url.starts_with("https://"))
    return invalid(fmt::format("the server \"{}\" is not reached by https", url),
                   "credentials are sent over https only");
  if (cluster.text("insecure-skip-tls-verify") == "true")
    return invalid("insecure-skip-tls-verify is not supported",
                   "give the cluster's certificate-authority instead");
  if (cluster.has("proxy-url")) return invalid("proxy-url is not supported");
  auto authority = read_pem(cluster, "certificate-authority", directory);
  if (!authority) return std::unexpected(authority.error());
  if (!*authority)
    return invalid("the cluster has no certificate-authority",
                   "give the one that signs the API server's certificate; no other is trusted");
  return Endpoint{.url = std::move(url),
                  .authority = **std::move(authority),
                  .tls_server_name = cluster.text("tls-server-name")};
}

Result<ClusterConfig> read_user(const Section& user, const std::filesystem::path& directory,
                                Endpoint endpoint) {
  for (const char* key : {"exec", "auth-provider", "username", "password"})
    if (user.has(key))
      return invalid(fmt::format("users[].user.{} is not supported", key),
                     "use a service account's token (token or tokenFile) or a client certificate");
  auto certificate = read_pem(user, "client-certificate", directory);
  if (!certificate) return std::unexpected(certificate.error());
  auto key = read_pem(user, "client-key", directory);
  if (!key) return std::unexpected(key.error());
  endpoint.certificate = *std::move(certificate);
  endpoint.key = *std::move(key);
  const std::string token_file = user.text("tokenFile");
  return ClusterConfig{.endpoint = std::move(endpoint),
                       .token_file = token_file.empty() ? std::filesystem::path() : directory / token_file,
                       .inline_token = user.text("token")};
}

Result<ClusterConfig> to_config(const Section& file, const std::filesystem::path& directory) {
  const std::string current = file.text("current-context");
  if (current.empty()) return invalid("there is no current-context");
  const auto context = named(file, "contexts", "context", current);
  if (!context) return invalid(fmt::format("there is no context \"{}\"", current));
  const std::string cluster_name = context->text("cluster");
  const auto cluster = named(file, "clusters", "cluster", cluster_name);
  if (!cluster) return invalid(fmt::format("there is no cluster \"{}\"", cluster_name));
  const std::string user_name = context->text("user");
  const auto user = named(file, "users", "user", user_name);
  if (!user) return invalid(fmt::format("there is no user \"{}\"", user_name));

  auto endpoint = read_cluster(*cluster, directory);
  if (!endpoint) return std::unexpected(endpoint.error());
  auto config = read_user(*user, directory, *std::move(endpoint));
  if (config && config->token_file.empty() && config->inline_token.empty() && !config->endpoint.certificate)
    return invalid(fmt::format("user \"{}\" has neither a token nor a client certificate", user_name));
  return config;
}

}  // namespace

std::string ClusterConfig::token() const {
  std::string token =
      trimmed(token_file.empty() ? inline_token : read_small_file(token_file).value_or(std::string()));
  // A token that could break out of its header counts as none.
  return token.find_first_of("\r\n") == std::string::npos ? token : std::string();
}

Result<ClusterConfig> in_cluster_config(const std::filesystem::path& directory,
                                        const std::function<const char*(const char*)>& environment) {
  const char* host = environment("KUBERNETES_SERVICE_HOST");
  const char* port = environment("KUBERNETES_SERVICE_PORT");
  if (host == nullptr || port == nullptr || *host == '\0' || *port == '\0')
    return invalid("this is no pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set",
                   "outside of a pod give a kubeconfig file with --kubeconfig");
  const bool bare_ipv6 = std::string_view(host).contains(':') && *host != '[';
  ClusterConfig config{
      .endpoint = {.url = fmt::format("https://{}:{}", bare_ipv6 ? fmt::format("[{}]", host) : host, port),
                   .authority = Pem::in_file(directory / "ca.crt")},
      .token_file = directory / "token",
      .inline_token = {}};
  if (config.token().empty())
    return invalid(fmt::format("there is no token in {}", config.token_file.string()),
                   "the pod needs its service account's token");
  return config;
}

Result<ClusterConfig> read_kubeconfig(const std::filesystem::path& file) {
  const auto text = read_small_file(file);
  if (!text) return invalid(fmt::format("cannot read {}", file.string()));
  auto config = parse_kubeconfig(*text, std::filesystem::absolute(file).parent_path());
  if (!config) config.error().cause = file.string() + ": " + config.error().cause;
  return config;
}

Result<ClusterConfig> parse_kubeconfig(const std::string& text, const std::filesystem::path& directory) {
  const auto yaml = parse_yaml(text);
  if (!yaml) return std::unexpected(yaml.error());
  return to_config({*yaml, ""}, directory);
}

}  // namespace nvccd::agent
