#!/bin/sh
# Makes the passwords and URLs that compose.yaml reads, in secrets/. Existing files stay as they are.
set -eu
cd "$(dirname "$0")"

# Compose mounts each file with its mode, and every image reads it as a different user. So the files are readable for
# all, but only the owner of the folder can reach them.
mkdir -p secrets
chmod 700 secrets
# roles.sql is mounted as well; after a checkout with a strict umask, PostgreSQL could not read it.
chmod a+r roles.sql

# 192 bits, in characters that need no quoting in a URL, SQL and a configuration file.
password() {
    od -A n -t x1 -N 24 /dev/urandom | tr -d ' \n'
}

# Renamed when it is complete, so that a run that is killed leaves no half-written secret.
keep() {
    [ -e "secrets/$1" ] && return
    printf '%s\n' "$2" >"secrets/.new"
    chmod 644 "secrets/.new"
    mv "secrets/.new" "secrets/$1"
    echo "made secrets/$1"
}

keep postgres_password "$(password)"
keep database_url "postgresql://cassiopeia:$(password)@postgres:5432/cassiopeia"
keep gateway_database_url "postgresql://cassiopeia_gateway:$(password)@postgres:5432/cassiopeia"
keep valkey.conf "requirepass $(password)"
keep redis_url "redis://:$(sed -n 's/^requirepass //p' secrets/valkey.conf)@valkey:6379/0"

# Optional keys: an empty file means that there is none.
for name in nasa_api_key launchlibrary_token jwstapi_key astronomyapi_id astronomyapi_secret api_keys token_secret; do
    keep "$name" ""
done
