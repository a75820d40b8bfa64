"""The paths of the earlier systems, with their names, types, defaults and null behaviour.

As the old servers did, they ignore unknown parameters, and move a number beyond its range to the
nearest allowed one. Where the values of the old servers were wrong, those here are right.
"""

from services.gateway.compatibility import astro, iss, jwst, osdr, refreshing, space

ROUTES = (
    *iss.ROUTES,
    *osdr.ROUTES,
    *space.ROUTES,
    *jwst.ROUTES,
    *astro.ROUTES,
    *refreshing.ROUTES,
)
