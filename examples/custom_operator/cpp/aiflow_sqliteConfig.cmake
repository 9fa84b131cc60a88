# find_package(aiflow_sqlite): the target aiflow_sqlite::aiflow_sqlite.
include(CMakeFindDependencyMacro)
find_dependency(aiflow)
find_dependency(SQLite3)
include(${CMAKE_CURRENT_LIST_DIR}/aiflow_sqliteTargets.cmake)
