"""The broker, in any of its forms: one server, a cluster, or a service that sentinels watch."""

from libs.common.broker.clients import (
    READ_BLOCK_MS,
    SOCKET_TIMEOUT_S,
    TAKEN_WITHIN_S,
    answered_within,
    broker_info,
    check_broker,
    connect,
    connection_options,
    create_broker,
    wait_for_broker,
)
from libs.common.broker.entries import BODY_FIELD, PlainFormat, as_bytes, body_of, text
from libs.common.broker.entry_ids import EntryId
from libs.common.broker.groups import (
    agree_on_layout,
    ensure_groups,
    group_info,
    prepare_streams,
    require_group,
    stored_layout,
)
from libs.common.broker.publishing import PIPELINE_LENGTH, Publisher
from libs.common.broker.reading import StreamReader

__all__ = [
    "BODY_FIELD",
    "PIPELINE_LENGTH",
    "READ_BLOCK_MS",
    "SOCKET_TIMEOUT_S",
    "TAKEN_WITHIN_S",
    "EntryId",
    "PlainFormat",
    "Publisher",
    "StreamReader",
    "agree_on_layout",
    "answered_within",
    "as_bytes",
    "body_of",
    "broker_info",
    "check_broker",
    "connect",
    "connection_options",
    "create_broker",
    "ensure_groups",
    "group_info",
    "prepare_streams",
    "require_group",
    "stored_layout",
    "text",
    "wait_for_broker",
]
