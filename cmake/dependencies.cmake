# Everything from outside, found once. All are packages of Debian 12 and Ubuntu 24.04.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(CURL 7.85 REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(LibArchive REQUIRED)
find_package(Protobuf REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(spdlog REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(tl-expected REQUIRED)
find_package(date REQUIRED)
find_package(prometheus-cpp CONFIG REQUIRED)
pkg_check_modules(GRPC REQUIRED IMPORTED_TARGET grpc++)
pkg_check_modules(GRPC_REFLECTION IMPORTED_TARGET grpc++_reflection)
find_program(GRPC_CPP_PLUGIN grpc_cpp_plugin REQUIRED)

# google/api/annotations.proto comes with the PyPI package googleapis-common-protos, which
# scripts/setup puts into .venv.
file(GLOB AIFLOW_SITE_PACKAGES ${PROJECT_SOURCE_DIR}/.venv/lib/python3*/site-packages)
find_path(GOOGLEAPIS_PROTO_DIR google/api/annotations.proto
  HINTS ${AIFLOW_SITE_PACKAGES} NO_DEFAULT_PATH REQUIRED)
