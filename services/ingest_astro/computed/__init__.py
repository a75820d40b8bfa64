"""Astronomical events computed here, one file per kind. Pure: no I/O, no clock.

Every search starts at a point of a fixed grid (a day number, a lunation), never at the start of the
window that was asked for. So an event is the same to the last digit, whenever and for whichever
window it is computed, and computing it again publishes nothing new.
"""
