"""The shared kernel: events, streams, polling, storage access and the process runtime."""
