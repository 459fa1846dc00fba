#!/bin/sh
# Runs one test program for prove. An assertion that fails ends the program with "Bail out!", at which prove would stop
# everything; here it ends that program alone, which prove counts as failed by its plan and status.
set -u
status_file=$(mktemp)
trap 'rm -f "$status_file"' EXIT
{ "$@"; echo $? > "$status_file"; } | sed 's/^Bail out!/# &/'
exit "$(cat "$status_file")"
