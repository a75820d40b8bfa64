"""What happens in the sky: computed, and confirmed by AstronomyAPI where credentials are set."""
