"""Speed and size, each figure where it can be as a ratio to a bare loop of the same run."""
