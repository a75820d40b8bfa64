"""Speed and size; where possible a figure is a ratio to a bare loop measured in the same run."""
