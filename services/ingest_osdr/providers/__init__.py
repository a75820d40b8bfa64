"""The catalogue, fetched study by study, and what stands in for it."""
