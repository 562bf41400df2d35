// Our description of the API, and the one that the kubelet is made from, say the same.
//
//     published-api-test PUBLISHED OURS    (both as protoc --descriptor_set_out writes them)
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <stdexcept>
#include <string>

namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;

std::string published_file;
std::string our_file;

class Api {
 public:
  // The last file of the set is the one that was described, those before it are its imports.
  explicit Api(const std::string& path) {
    std::ifstream input(path);
    google::protobuf::FileDescriptorSet set;
    if (!set.ParseFromIstream(&input)) throw std::runtime_error("cannot read " + path);
    for (const auto& description : set.file())
      file_ = pool_.BuildFile(description);
    if (file_ == nullptr) throw std::runtime_error(path + " describes no API");
  }
  const FileDescriptor& file() const { return *file_; }

 private:
  google::protobuf::DescriptorPool pool_;
  const FileDescriptor* file_ = nullptr;
};

std::string to_line(const FieldDescriptor& field) {
  const Descriptor* type = field.message_type();
  return field.containing_type()->full_name() + "." + field.name() + " = " + std::to_string(field.number()) +
         " " + (field.is_repeated() ? "repeated " : "") +
         (type != nullptr ? type->full_name() : field.type_name());
}

void add_message(std::set<std::string>& lines, const Descriptor& message) {
  lines.insert("message " + message.full_name());
  for (int i = 0; i < message.field_count(); ++i)
    lines.insert(to_line(*message.field(i)));
  for (int i = 0; i < message.nested_type_count(); ++i)
    add_message(lines, *message.nested_type(i));
}

// One line for everything that a peer depends on.
std::set<std::string> to_lines(const FileDescriptor& file) {
  std::set<std::string> lines{"package " + file.package()};
  for (int i = 0; i < file.message_type_count(); ++i)
    add_message(lines, *file.message_type(i));
  for (int i = 0; i < file.service_count(); ++i)
    for (int j = 0; j < file.service(i)->method_count(); ++j) {
      const auto& method = *file.service(i)->method(j);
      lines.insert("rpc " + method.full_name() + " " + (method.client_streaming() ? "stream " : "") +
                   method.input_type()->full_name() + " -> " + (method.server_streaming() ? "stream " : "") +
                   method.output_type()->full_name());
    }
  return lines;
}

TEST(PublishedApi, OursIsTheSame) {
  const Api published(published_file);
  const Api ours(our_file);
  const auto lines = to_lines(published.file());
  EXPECT_EQ(lines.count("v1beta1.ContainerAllocateResponse.devices = 3 repeated v1beta1.DeviceSpec"), 1U)
      << "this test does not see what it should";
  EXPECT_EQ(to_lines(ours.file()), lines);
}

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (argc != 3) return 2;
  published_file = argv[1];
  our_file = argv[2];
  return RUN_ALL_TESTS();
}
