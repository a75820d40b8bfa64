"""Simulators of the upstreams: their wire formats, their limits, and the ways in which they fail.

One file per upstream. A test runs one with `async with running(WhereTheIss()) as simulator` and
hands `simulator.url` to what it tests; `python -m tests.upstreams` serves all of them by hand.
"""
