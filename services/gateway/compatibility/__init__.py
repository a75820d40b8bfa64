"""The paths of the earlier systems, with their names, types, defaults and null behaviour.

They ignore parameters that they do not know, and bring numbers into their range, as the old
servers did; the values are right where the old ones were not.
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
