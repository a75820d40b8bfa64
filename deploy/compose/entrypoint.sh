# Becomes the service, or one of its commands. With `exec`, no shell stays between Docker's signals and Python.
#
# Docker gives every container a host name that it keeps over restarts, which is what a replica's name needs to be.
export CASSIOPEIA_REPLICA="${CASSIOPEIA_REPLICA:-$(uname -n)}"
exec python -m "services.$SERVICE" "$@"
