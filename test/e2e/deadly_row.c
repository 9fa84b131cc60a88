/* Preloaded into a server: it dies on the spot when it is about to store a run of the task that
 * AIFLOW_TEST_DEADLY_TASK names. What a fault in the server would do, without one in its code. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef int (*bind_text64)(sqlite3_stmt*, int, const char*, sqlite3_uint64, void (*)(void*),
                           unsigned char);

static void die_if_deadly(sqlite3_stmt* statement, const char* text, size_t size) {
  const char* deadly = getenv("AIFLOW_TEST_DEADLY_TASK");
  if (deadly == NULL || text == NULL || size != strlen(deadly)) return;
  if (memcmp(text, deadly, size) != 0) return;
  const char* sql = sqlite3_sql(statement);
  if (sql != NULL && strstr(sql, "INSERT INTO task_execution") != NULL) kill(getpid(), SIGKILL);
}

int sqlite3_bind_text64(sqlite3_stmt* statement, int index, const char* text, sqlite3_uint64 size,
                        void (*destroy)(void*), unsigned char encoding) {
  bind_text64 next = (bind_text64)dlsym(RTLD_NEXT, "sqlite3_bind_text64");
  die_if_deadly(statement, text, (size_t)size);
  return next(statement, index, text, size, destroy, encoding);
}
