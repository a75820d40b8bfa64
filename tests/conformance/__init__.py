"""The API against its own description: schemathesis with all of its checks."""
