"""Dead letters as an operator meets them: listed, read, replayed, dropped."""
