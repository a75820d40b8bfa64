"""The API's description: for programs at `/openapi.json`, for people at `/docs`."""
