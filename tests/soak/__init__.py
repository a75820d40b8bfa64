"""The long run: does anything grow that should not?"""
