"""Tests of the shared kernel that need no service."""
