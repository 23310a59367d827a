"""What runs as a function: code that is handed one message at a time and may be killed at any moment."""
