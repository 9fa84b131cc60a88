#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/event.h"
#include "model/ids.h"
#include "model/rows.h"

/// Packed columns: lists and events inside one row, as a version byte and varints
/// (docs/formats/metadata-schema.md). An empty value packs to no bytes at all (NULL).
namespace aiflow::sqlite {

std::string Pack(const std::vector<Offset>& offsets);
std::string Pack(const std::vector<uint8_t>& slots);
std::string Pack(const std::vector<std::pair<TaskIndex, int64_t>>& fired);
std::string Pack(const std::vector<TaskSnapshot>& statuses);
std::string Pack(const Event& event);

/// False when the bytes are damaged or of a newer version.
[[nodiscard]] bool Unpack(std::string_view bytes, std::vector<Offset>* offsets);
[[nodiscard]] bool Unpack(std::string_view bytes, std::vector<uint8_t>* slots);
[[nodiscard]] bool Unpack(std::string_view bytes,
                          std::vector<std::pair<TaskIndex, int64_t>>* fired);
[[nodiscard]] bool Unpack(std::string_view bytes, std::vector<TaskSnapshot>* statuses);
[[nodiscard]] bool Unpack(std::string_view bytes, Event* event);

template <typename T>
concept Packable = std::same_as<T, std::vector<Offset>> || std::same_as<T, std::vector<uint8_t>> ||
    std::same_as<T, std::vector<std::pair<TaskIndex, int64_t>>> ||
    std::same_as<T, std::vector<TaskSnapshot>> || std::same_as<T, Event>;

}  // namespace aiflow::sqlite
