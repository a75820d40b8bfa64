"""GraphQL over the same repositories and models as the rest of the API."""
