# Becomes the service, or one of its commands: `exec` leaves no shell between Docker's signals and Python.
#
# Docker gives every container a host name that it keeps over restarts: just what a replica's name has to be.
export CASSIOPEIA_REPLICA="${CASSIOPEIA_REPLICA:-$(uname -n)}"
exec python -m "services.$SERVICE" "$@"
