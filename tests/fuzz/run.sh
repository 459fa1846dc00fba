#!/bin/sh
# Runs each fuzz target of a build for some seconds, with its corpus, and says in one line how it went. What makes one
# fail is kept in the build's folder, as crash-…, oom-… or timeout-….
#   run.sh BUILD SECONDS [TARGET…]
set -u

build=$1
seconds=$2
shift 2
# shellcheck disable=SC2046,SC2012
[ $# -gt 0 ] || set -- $(cd tests/fuzz && ls fuzz_*.c | sed 's/^fuzz_//; s/\.c$//')

failed=0
for target in "$@"; do
	new=$build/corpus/$target
	findings=$build/findings/$target
	log=$build/fuzz_$target.log
	mkdir -p "$new" "$findings"
	G_SLICE=always-malloc "$build/tests/fuzz/fuzz_$target" -max_total_time="$seconds" -max_len=16384 -timeout=10 \
		-rss_limit_mb=2048 -malloc_limit_mb=512 -print_final_stats=1 -dict=tests/fuzz/words.dict \
		-artifact_prefix="$findings/" "$new" "tests/fuzz/corpus/$target" >"$log" 2>&1
	status=$?
	executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
	covered=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -1)
	peak=$(sed -n 's/^stat::peak_rss_mb: *//p' "$log")
	if [ $status -eq 0 ]; then
		echo "$target: ${executions:-0} executions, ${covered:-0} edges, ${peak:-0} MB: nothing found"
	else
		failed=1
		echo "$target: FAILED: $(grep -m 1 -E 'ERROR|error:|ASSERT|Assert' "$log" | cut -c 1-200); see $log"
	fi
done
exit $failed
