// How the server is reached, and how it has to prove its identity.
#pragma once

#include <optional>
#include <string>
#include <utility>

namespace nvccd::agent {

// A text in PEM, or the file that holds it, which is read at each new connection. An empty Pem fails each
// request.
class Pem {
 public:
  static Pem in_file(std::string path) { return {true, std::move(path)}; }
  static Pem of_text(std::string text) { return {false, std::move(text)}; }

  bool is_file() const { return is_file_; }
  const std::string& value() const { return value_; }  // path or text
  bool operator==(const Pem&) const = default;

 private:
  Pem(bool is_file, std::string value) : is_file_(is_file), value_(std::move(value)) {}

  bool is_file_;
  std::string value_;
};

struct Endpoint {
  std::string url;  // "https://host:port", perhaps with a path; no slash at its end
  // The authority that must have signed the server's certificate; no other counts, so this cannot be left
  // out.
  Pem authority;
  std::string tls_server_name = {};               // "": the host of the URL
  std::optional<Pem> certificate = {}, key = {};  // of the client
};

}  // namespace nvccd::agent
