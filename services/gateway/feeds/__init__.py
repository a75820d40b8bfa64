"""The same resources in the formats of other programs: calendars and news readers."""
