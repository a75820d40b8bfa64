"""Where the International Space Station is: fetched, or computed when it cannot be fetched."""
