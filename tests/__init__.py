"""The tests of the project, and the simulators of its upstreams."""
