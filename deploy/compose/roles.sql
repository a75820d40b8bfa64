-- Runs once, on an empty volume, as the superuser. The roles are those of `make run` (docs/architecture/embedded.md).

-- From where the services read them, so that each password stands in one file.
\set owner_password `sed 's|.*://[^:]*:||; s|@.*||' /run/secrets/database_url`
\set gateway_password `sed 's|.*://[^:]*:||; s|@.*||' /run/secrets/gateway_database_url`

-- CREATEROLE lets a migration create the reader where it is missing; the grant gives the owner over the reader what it
-- would have if it had created the reader itself.
CREATE ROLE cassiopeia LOGIN CREATEROLE PASSWORD :'owner_password';
CREATE ROLE cassiopeia_reader NOLOGIN;
GRANT cassiopeia_reader TO cassiopeia WITH ADMIN TRUE, INHERIT FALSE, SET FALSE;
CREATE ROLE cassiopeia_gateway LOGIN PASSWORD :'gateway_password' IN ROLE cassiopeia_reader;
ALTER ROLE cassiopeia_gateway SET default_transaction_read_only = on;

-- The server's own C.UTF-8 sorts alike in every image, whatever its C library does: no index is broken by a new one.
CREATE DATABASE cassiopeia OWNER cassiopeia TEMPLATE template0 ENCODING 'UTF8'
  LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C';
