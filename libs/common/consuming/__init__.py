"""Reading a stream with a consumer group: batches, redelivery, dead-letter limit, watch."""
