"""NASA's open science datasets: the catalogue of the Open Science Data Repository."""
