"""Settings: what is wrong is said with its name, its value and what was expected."""

import os
from pathlib import Path

import pytest

from libs.common.errors import ConfigurationError
from libs.common.settings import ServiceSettings, load_settings
from services.ingest_iss.settings import IngestIssSettings
from services.persistence.settings import PersistenceSettings


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away every setting that the tests were started with."""
    for name in os.environ:
        if name.startswith("CASSIOPEIA_") or name in ("WHERE_ISS_URL", "ISS_EVERY_SECONDS"):
            monkeypatch.delenv(name)


def complaint_about(
    monkeypatch: pytest.MonkeyPatch, model: type[ServiceSettings], **variables: str
) -> str:
    """Return what is said about the variables."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as caught:
        load_settings(model)
    return str(caught.value)


def test_defaults_suffice() -> None:
    """Without any variable, every service has settings that work on one machine."""
    persistence = load_settings(PersistenceSettings)
    assert persistence.redis_url.get_secret_value() == "redis://127.0.0.1:6379/0"
    assert persistence.batch_size == 2_000
    assert load_settings(IngestIssSettings).iss_poll_seconds == 5


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("CASSIOPEIA_BATCH_SIZE", "0", "expected greater than or equal to 1"),
        ("CASSIOPEIA_BATCH_SIZE", "many", "expected a valid integer"),
        ("CASSIOPEIA_BATCH_SIZE", "", "expected a valid integer"),
        ("CASSIOPEIA_METRICS_PORT", "70000", "expected less than or equal to 65535"),
        ("CASSIOPEIA_LOG_LEVEL", "loud", "expected 'debug', 'info', 'warning' or 'error'"),
        ("CASSIOPEIA_REPLICA", "a b", "expected to match pattern"),
        ("CASSIOPEIA_STOP_SECONDS", "inf", "expected less than or equal to 60"),
    ],
)
def test_a_wrong_value_is_named(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, expected: str
) -> None:
    """The message has the variable, its value and what was expected, in one line."""
    message = complaint_about(monkeypatch, PersistenceSettings, **{variable: value})
    assert message.startswith(f"{variable}={value}: ")
    assert expected in message
    assert "\n" not in message


def test_every_wrong_value_gets_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two wrong variables make two lines, so that one restart mends both."""
    message = complaint_about(
        monkeypatch,
        PersistenceSettings,
        CASSIOPEIA_BATCH_SIZE="0",
        CASSIOPEIA_MAX_DELIVERIES="none",
    )
    assert [line.partition("=")[0] for line in message.splitlines()] == [
        "CASSIOPEIA_BATCH_SIZE",
        "CASSIOPEIA_MAX_DELIVERIES",
    ]


@pytest.mark.parametrize("variable", ["CASSIOPEIA_WHERETHEISS_URL", "WHERE_ISS_URL"])
def test_a_wrong_value_is_named_as_it_was_set(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """A variable that has an older name is complained about under the name that was used."""
    message = complaint_about(monkeypatch, IngestIssSettings, **{variable: "nope"})
    assert message.startswith(f"{variable}=nope: expected a valid URL")


def test_an_older_name_works(monkeypatch: pytest.MonkeyPatch) -> None:
    """The earlier systems' variables are read, and the new ones go before them."""
    monkeypatch.setenv("ISS_EVERY_SECONDS", "60")
    assert load_settings(IngestIssSettings).iss_poll_seconds == 60
    monkeypatch.setenv("CASSIOPEIA_ISS_POLL_SECONDS", "7")
    assert load_settings(IngestIssSettings).iss_poll_seconds == 7


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("CASSIOPEIA_REDIS_URL", "hunter2@localhost", "redis://"),
        ("CASSIOPEIA_REDIS_URL", "http://:hunter2@localhost", "redis://"),
        ("CASSIOPEIA_REDIS_URL", "redis://:hunter2@localhost:port", "redis://"),
        ("CASSIOPEIA_REDIS_URL", "", "redis://"),
        ("CASSIOPEIA_REDIS_URL", "redis+sentinel://:hunter2@one", "redis://"),
        ("CASSIOPEIA_DATABASE_URL", "mysql://u:hunter2@localhost/db", "postgresql://"),
        ("CASSIOPEIA_DATABASE_URL", "hunter2", "postgresql://"),
        ("CASSIOPEIA_DATABASE_URL", "", "postgresql://"),
    ],
)
def test_a_wrong_secret_is_named_but_not_shown(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, expected: str
) -> None:
    """A wrong server address is complained about without what it holds."""
    message = complaint_about(monkeypatch, PersistenceSettings, **{variable: value})
    assert message.startswith(f"{variable}=***: expected {expected}")
    assert "hunter2" not in message


def test_wrong_partitions_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The part at fault is shown, with what was expected in its place."""
    message = complaint_about(
        monkeypatch, PersistenceSettings, CASSIOPEIA_STREAM_PARTITIONS="osdr=2,iss=many"
    )
    assert message.startswith("CASSIOPEIA_STREAM_PARTITIONS=osdr=2,iss=many: expected NAME=COUNT")
    assert "'iss=many'" in message


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:p@h:5432/d",
        "postgres:///d?host=/run/postgresql",
        "host=/run/postgresql dbname=d user=u",
    ],
)
def test_every_address_that_postgresql_knows_is_taken(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    """URLs, sockets and keyword lists are all addresses of a database."""
    monkeypatch.setenv("CASSIOPEIA_DATABASE_URL", url)
    assert load_settings(PersistenceSettings).database_url.get_secret_value() == url


def test_a_password_in_an_open_setting_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """An upstream's address is no secret, but a password inside of it is."""
    message = complaint_about(
        monkeypatch, IngestIssSettings, CASSIOPEIA_CELESTRAK_URL="ftp://user:hunter2@mirror"
    )
    assert message.startswith("CASSIOPEIA_CELESTRAK_URL=ftp://***@mirror: URL scheme should")


def test_a_secret_comes_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`<NAME>_FILE` points to the value; the line break at its end does not belong to it."""
    file = tmp_path / "redis_url"
    file.write_text("redis://:from-the-file@broker:6379/0\n")
    monkeypatch.setenv("CASSIOPEIA_REDIS_URL_FILE", str(file))
    settings = load_settings(PersistenceSettings)
    assert settings.redis_url.get_secret_value() == "redis://:from-the-file@broker:6379/0"
    assert "from-the-file" not in repr(settings)


def test_a_secret_set_twice_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Value and file together are a contradiction that names both variables, and no value."""
    file = tmp_path / "redis_url"
    file.write_text("redis://:from-the-file@broker")
    message = complaint_about(
        monkeypatch,
        PersistenceSettings,
        CASSIOPEIA_REDIS_URL="redis://:from-the-environment@broker",
        CASSIOPEIA_REDIS_URL_FILE=str(file),
    )
    assert message == (
        "CASSIOPEIA_REDIS_URL and CASSIOPEIA_REDIS_URL_FILE are both set: keep one of them"
    )


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00secret"], ids=["missing", "not text"])
def test_a_file_that_cannot_be_read_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None
) -> None:
    """A missing or binary secret file stops the start with the variable and the path."""
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    message = complaint_about(
        monkeypatch, PersistenceSettings, CASSIOPEIA_DATABASE_URL_FILE=str(file)
    )
    assert message.startswith(f"CASSIOPEIA_DATABASE_URL_FILE={file}: expected a readable text file")


def test_an_empty_variable_points_to_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """`<NAME>_FILE=` is as good as not set, as compose files write it."""
    monkeypatch.setenv("CASSIOPEIA_REDIS_URL_FILE", "")
    assert load_settings(PersistenceSettings).redis_url.get_secret_value().startswith("redis://")


def test_settings_do_not_change() -> None:
    """What was read once stays as it is."""
    settings = load_settings(PersistenceSettings)
    with pytest.raises(ValueError, match="frozen"):
        settings.batch_size = 1  # type: ignore[misc]


def test_secrets_are_known_to_the_redactor(monkeypatch: pytest.MonkeyPatch) -> None:
    """All secret settings, and only those, are handed to the log's redactor."""
    monkeypatch.setenv("CASSIOPEIA_REDIS_URL", "redis://:one@a")
    monkeypatch.setenv("CASSIOPEIA_DATABASE_URL", "postgresql://u:two@b/d")
    assert sorted(load_settings(PersistenceSettings).secret_values()) == [
        "postgresql://u:two@b/d",
        "redis://:one@a",
    ]


@pytest.mark.parametrize(
    ("url", "shown", "expected"),
    [
        ("https://user:hunter2@mirror/v1", "https://***@mirror/v1", "without user and password"),
        ("https://hunter2@mirror/v1", "https://***@mirror/v1", "without user and password"),
        ("https://u:hun/ter2@mirror", "https://***@mirror", "valid URL"),
        ("https://mirror/v1?k=hunter2", "https://mirror/v1?***", "without `?` and `#`"),
        ("https://mirror/v1#x", "https://mirror/v1#x", "without `?` and `#`"),
    ],
)
def test_an_upstreams_address_holds_no_secret(
    monkeypatch: pytest.MonkeyPatch, url: str, shown: str, expected: str
) -> None:
    """Events tell where they come from; a password there would be told to everybody."""
    message = complaint_about(monkeypatch, IngestIssSettings, CASSIOPEIA_CELESTRAK_URL=url)
    assert message.startswith(f"CASSIOPEIA_CELESTRAK_URL={shown}: ")
    assert expected in message
