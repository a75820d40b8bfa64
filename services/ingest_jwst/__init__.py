"""Publishes the public pictures of the James Webb Space Telescope."""
