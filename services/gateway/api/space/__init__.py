"""`/api/v1/space/...`: pictures of the day, asteroids, space weather, launches."""

from services.gateway.api.space import apod, cmes, flares, launches, neo

ROUTES = (*apod.ROUTES, *neo.ROUTES, *flares.ROUTES, *cmes.ROUTES, *launches.ROUTES)
