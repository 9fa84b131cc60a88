# Loads an amount, then reports the sum: aiflow workflow-execution start sales --param amount=5
from ai_flow.model.workflow import Workflow
from ai_flow.operators.bash import BashOperator
from aiflow_sqlite import SqliteOperator

with Workflow("sales", params={"day": "today", "amount": 12}) as workflow:
    load = SqliteOperator(
        "load",
        "sales.db",
        [
            "CREATE TABLE IF NOT EXISTS sales(day, amount)",
            "INSERT INTO sales VALUES (:day, :amount)",
            "SELECT sum(amount) AS total FROM sales",
        ],
        retries=3,
        retry_delay=1,
    )
    BashOperator("report", 'echo "sold: $AIFLOW_OUTPUT_LOAD"').start_after(load)
