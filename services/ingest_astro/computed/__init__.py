"""Astronomical events computed here, a file per kind. Pure: no I/O, no clock.

Every search begins at a point of a fixed grid (a day number, a lunation), never at the beginning
of the window that was asked for. So the same event comes out the same to the last digit, whenever
and for whatever window it is computed, and computing again publishes nothing new.
"""
