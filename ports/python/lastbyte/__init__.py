"""Run a command, and get every byte of its output before its exit."""
