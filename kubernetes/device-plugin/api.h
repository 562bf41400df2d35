// The kubelet's device plugin API, as protoc and its gRPC plugin have written it.
#pragma once

#include "device_plugin.grpc.pb.h"
#include "device_plugin.pb.h"
