// Loads an amount, then reports the sum: aiflow workflow-execution start sales_cpp --param amount=5
#include <aiflow/main.h>
#include <aiflow_sqlite/sqlite_operator.h>

int main(int argc, char** argv) {
  aiflow::Workflow flow("sales_cpp");
  flow.StringParam("day", "today").IntegerParam("amount", 12);
  aiflow_sqlite::SqliteTask load(
      flow, "load", "sales.db",
      {"CREATE TABLE IF NOT EXISTS sales(day, amount)", "INSERT INTO sales VALUES (:day, :amount)",
       "SELECT sum(amount) FROM sales"});
  load.Retries(3, std::chrono::seconds(1));
  aiflow::BashTask report(flow, "report", "echo \"sold: $AIFLOW_OUTPUT_LOAD\"");
  report.StartAfter({load});
  return aiflow::Main(argc, argv, {&flow});
}
