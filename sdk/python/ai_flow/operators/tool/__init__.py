"""What the operators share that run a command-line tool. Private to the SDK."""
