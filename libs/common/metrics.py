"""The metric catalogue: every metric of the suite, its unit, and what to do when it is bad.

Names end in their unit. Labels have few values, all known beforehand: never an id, an address or
a message. Every process has its own registry; one process is one scrape target.
"""

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

# Otherwise each counter and histogram has one more series, which nobody needs.
disable_created_metrics()  # type: ignore[no-untyped-call]  # the library has no types for it

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)

_AGE_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600, 3600)
_SIZE_BUCKETS = (1, 2, 5, 10, 50, 100, 500, 1000, 2000)

# --- upstreams and polling -----------------------------------------------------------------------

# Growing while `outcome="ok"` does not: read the source's reason in /api/v1/sources.
UPSTREAM_CALLS = Counter(
    "cassiopeia_upstream_calls_total",
    "Calls to an upstream, by how they ended.",
    ["upstream", "outcome"],
    registry=REGISTRY,
)
UPSTREAM_SECONDS = Histogram(
    "cassiopeia_upstream_call_duration_seconds",
    "Time from the request to the end of the body.",
    ["upstream"],
    registry=REGISTRY,
)
# At 0 the next calls are skipped: lengthen the polling period, or get a key with a larger limit.
UPSTREAM_BUDGET = Gauge(
    "cassiopeia_upstream_calls_left",
    "Calls that the upstream's limit still allows in the present window.",
    ["upstream"],
    registry=REGISTRY,
)
# 0 on every replica for longer than a lease: nobody polls; check the connection to the broker.
SOURCE_LEADER = Gauge(
    "cassiopeia_source_leader",
    "1 on the replica that holds the lease of the source.",
    ["source"],
    registry=REGISTRY,
)
SOURCE_STATE = Gauge(
    "cassiopeia_source_state",
    "1 for the state that the source is in, 0 for the others; only the leader's is true.",
    ["source", "state"],
    registry=REGISTRY,
)
SOURCE_CONTENT_TIME = Gauge(
    "cassiopeia_source_content_timestamp_seconds",
    "Unix time that the newest datum of the source speaks of.",
    ["source", "origin"],
    registry=REGISTRY,
)
POLLS = Counter(
    "cassiopeia_source_polls_total",
    "Polls of a source, by provider and result.",
    ["source", "provider", "result"],
    registry=REGISTRY,
)

# --- streams -------------------------------------------------------------------------------------

EVENTS_PUBLISHED = Counter(
    "cassiopeia_events_published_total",
    "Events that a stream accepted.",
    ["stream"],
    registry=REGISTRY,
)
ENTRIES_CONSUMED = Counter(
    "cassiopeia_stream_entries_total",
    "Stream entries that a consumer has done with.",
    ["stream", "group", "result"],
    registry=REGISTRY,
)
# Mostly 1 at a high rate of events: the consumer is not the bottleneck. Mostly the maximum: it is.
BATCH_SIZE = Histogram(
    "cassiopeia_stream_batch_entries",
    "Entries per batch.",
    ["stream", "group"],
    buckets=_SIZE_BUCKETS,
    registry=REGISTRY,
)
BATCH_SECONDS = Histogram(
    "cassiopeia_stream_batch_duration_seconds",
    "Time to handle one batch, from decoding to acknowledgement.",
    ["stream", "group"],
    registry=REGISTRY,
)
# Growing for minutes: add replicas of the consumer, or find out why the database is slow.
STREAM_LAG = Gauge(
    "cassiopeia_stream_lag_entries",
    "Entries that the group has not been given yet.",
    ["stream", "group"],
    registry=REGISTRY,
)
STREAM_PENDING = Gauge(
    "cassiopeia_stream_pending_entries",
    "Entries that were given to a consumer of the group and not acknowledged yet.",
    ["stream", "group"],
    registry=REGISTRY,
)
# Growing while the lag is 0: an entry fails again and again, or its consumer is dead and no other
# reclaims the entry. Nothing younger than this is trimmed, so memory grows with it.
STREAM_OLDEST = Gauge(
    "cassiopeia_stream_oldest_unacknowledged_age_seconds",
    "Age of the oldest entry that the group has not acknowledged; 0 when there is none.",
    ["stream", "group"],
    registry=REGISTRY,
)
# Growing for days at an even rate of events: look at the oldest unacknowledged entry of each group,
# including groups that somebody made by hand (XINFO GROUPS).
STREAM_LENGTH = Gauge(
    "cassiopeia_stream_length_entries",
    "Entries of the stream, acknowledged ones within its retention included.",
    ["stream"],
    registry=REGISTRY,
)
# 1: most entries are rejected, so the consumer stands still. The service's log has the reason.
STREAM_HALTED = Gauge(
    "cassiopeia_stream_halted_state",
    "1 while the consumer stands still because of its dead-letter limit.",
    ["stream", "group"],
    registry=REGISTRY,
)
# Above 0: a consumer died, or an entry fails again and again; read the service's log.
ENTRIES_RECLAIMED = Counter(
    "cassiopeia_stream_entries_reclaimed_total",
    "Entries taken over from a consumer that did not acknowledge them in time.",
    ["stream", "group"],
    registry=REGISTRY,
)
# Any increase deserves a look at cassiopeia:events:dead.
DEAD_LETTERS = Counter(
    "cassiopeia_dead_letters_total",
    "Entries and bodies that nobody could take.",
    ["stream"],
    registry=REGISTRY,
)
# Any increase for `share="entries"` is a loss: they were accepted, and could have been replayed.
DEAD_LETTERS_DISPLACED = Counter(
    "cassiopeia_dead_letters_displaced_total",
    "Dead letters that went because newer ones of their share took their place.",
    ["share"],
    registry=REGISTRY,
)
EVENT_AGE = Histogram(
    "cassiopeia_event_age_at_commit_seconds",
    "Time from the stream's acceptance of an event to the commit of its row.",
    ["stream"],
    buckets=_AGE_BUCKETS,
    registry=REGISTRY,
)

BROKER_MEMORY = Gauge(
    "cassiopeia_broker_memory_used_bytes",
    "Memory that the broker uses.",
    registry=REGISTRY,
)
BROKER_MEMORY_LIMIT = Gauge(
    "cassiopeia_broker_memory_limit_bytes",
    "Memory at which the broker refuses to take more: its maxmemory, or what was configured.",
    registry=REGISTRY,
)
# 1: act now, while everything still works. Find out which stream grows and why, or give the broker
# more memory.
BROKER_MEMORY_ALERT = Gauge(
    "cassiopeia_broker_memory_alert_state",
    "1 while the broker uses more of its memory than is wise.",
    registry=REGISTRY,
)

# --- storage -------------------------------------------------------------------------------------

ROWS_WRITTEN = Counter(
    "cassiopeia_rows_written_total",
    "Rows that were new to their table.",
    ["table"],
    registry=REGISTRY,
)
# A steady increase without a restart means that something publishes twice.
ROWS_REPEATED = Counter(
    "cassiopeia_rows_repeated_total",
    "Events that were stored already.",
    ["table"],
    registry=REGISTRY,
)
# Increasing: a source sends events that are older than its table's retention. Lengthen the
# retention, or ignore it.
ROWS_EXPIRED = Counter(
    "cassiopeia_rows_expired_total",
    "Events that came when their table had dropped their time already.",
    ["table"],
    registry=REGISTRY,
)

# --- backups -------------------------------------------------------------------------------------

# Older than the period of the backups: read the log of the process that takes them.
BACKUP_LAST = Gauge(
    "cassiopeia_backup_last_success_timestamp_seconds",
    "Unix time at which the newest backup was begun; 0 when there is none.",
    registry=REGISTRY,
)
BACKUP_SECONDS = Gauge(
    "cassiopeia_backup_duration_seconds",
    "Time that the newest backup took.",
    registry=REGISTRY,
)
# Suddenly smaller: find out what is missing before the older backups are removed.
BACKUP_BYTES = Gauge(
    "cassiopeia_backup_size_bytes",
    "Size of the newest backup.",
    registry=REGISTRY,
)
BACKUPS_FAILED = Counter(
    "cassiopeia_backups_failed_total",
    "Backups that could not be taken.",
    registry=REGISTRY,
)

# --- gateway -------------------------------------------------------------------------------------

HTTP_REQUESTS = Counter(
    "cassiopeia_http_requests_total",
    "Requests, by route template and status.",
    ["route", "method", "status"],
    registry=REGISTRY,
)
HTTP_SECONDS = Histogram(
    "cassiopeia_http_request_duration_seconds",
    "Time from the request's head until its answer is made; live streams are left out.",
    ["route"],
    registry=REGISTRY,
)
# Mostly `fwd=miss` at a steady load: the lifetimes in services/gateway/cache are too short for it.
CACHE_ANSWERS = Counter(
    "cassiopeia_cache_answers_total",
    "Answers from history, by kind and by whether they were kept, stale, or made.",
    ["kind", "how"],
    registry=REGISTRY,
)
# `by` tells what the decision was based on: a lease, the broker, this process's memory, or this
# process alone.
LIMITER_DECISIONS = Counter(
    "cassiopeia_limiter_decisions_total",
    "Requests admitted and refused by the rate limit.",
    ["decision", "by"],
    registry=REGISTRY,
)
# 0: each replica applies its share of the limit alone; find out why the broker does not answer.
LIMITER_SHARED = Gauge(
    "cassiopeia_limiter_shared_state",
    "1 while all replicas keep one limit together, 0 while the broker is away.",
    registry=REGISTRY,
)
# Growing quickly: somebody sends requests that are not HTTP.
HTTP_REJECTED = Counter(
    "cassiopeia_http_rejected_total",
    "Requests that could not be read, and clients that were too slow, by reason.",
    ["reason"],
    registry=REGISTRY,
)
# Above a second for minutes: the gateway reads events more slowly than they come. Find out what
# keeps its loop busy (cassiopeia_loop_lateness_seconds). If it is the number of clients, add
# replicas: they share the clients.
GATEWAY_STREAM_AGE = Gauge(
    "cassiopeia_gateway_stream_age_seconds",
    "Age of the newest stream entry that this gateway has read, at the time when it was read.",
    ["stream"],
    registry=REGISTRY,
)
LIVE_CLIENTS = Gauge(
    "cassiopeia_live_clients",
    "Open live streams.",
    registry=REGISTRY,
)
# Growing: clients read more slowly than events come; they are told how many events they lost.
LIVE_DROPPED = Counter(
    "cassiopeia_live_events_dropped_total",
    "Events that slow clients lost from their queue.",
    registry=REGISTRY,
)

# --- process -------------------------------------------------------------------------------------

LOOP_LATENESS = Gauge(
    "cassiopeia_loop_lateness_seconds",
    "How late the event loop woke up at its last heartbeat.",
    registry=REGISTRY,
)


def exposition() -> bytes:
    """Return all metrics of this process in the Prometheus text format."""
    return generate_latest(REGISTRY)
