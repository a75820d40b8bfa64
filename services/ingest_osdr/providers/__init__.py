"""The catalogue, fetched study by study, and its stand-in."""
