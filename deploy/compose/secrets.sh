#!/bin/sh
# Makes the passwords and URLs that compose.yaml reads, in secrets/. What is there already stays.
set -eu
cd "$(dirname "$0")"

# Compose mounts a file as it is, and every image reads it as a user of its own: so the files are readable, and the
# folder lets nobody but its owner reach them.
mkdir -p secrets
chmod 700 secrets
# Also mounted; a checkout with a strict umask would hide it from PostgreSQL.
chmod a+r roles.sql

# 192 bits that a URL, SQL and a configuration take without quoting.
password() {
    od -A n -t x1 -N 24 /dev/urandom | tr -d ' \n'
}

# Renamed when it is whole: what a killed run left is no secret yet.
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

# Keys that nobody needs: empty is none.
for name in nasa_api_key launchlibrary_token jwstapi_key astronomyapi_id astronomyapi_secret api_keys token_secret; do
    keep "$name" ""
done
