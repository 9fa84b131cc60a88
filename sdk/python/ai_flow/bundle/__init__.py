"""What is uploaded: a workflow file with its artifacts, and what it compiles to."""
