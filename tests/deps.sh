#!/bin/sh
# Installs what forge is built and tested with: Debian packages, and the npm package that versions are compared with, into
# build/. Does nothing, and needs no network and no root, where all are there.
set -eu
cd "$(dirname "$0")/.."

packages="gcc clang make pkg-config protobuf-c-compiler
libglib2.0-dev libgit2-dev libcurl4-openssl-dev libzmq3-dev libjansson-dev librocksdb-dev libyaml-dev
libprotobuf-c-dev libsodium-dev libclang-rt-dev
git lighttpd openssh-client openssh-server openssl python3 python3-pytest python3-yaml perl clang-format cppcheck strace
iproute2 minisat python3-pytest-xdist"

install_packages() {
	root=
	if [ "$(id -u)" -ne 0 ]; then
		command -v sudo >/dev/null || { echo "missing: $* (install them as root)" >&2; return 1; }
		root=sudo
	fi
	echo "installing: $*"
	$root apt-get update -qq && DEBIAN_FRONTEND=noninteractive $root apt-get install -y -qq --no-install-recommends "$@"
}

missing=
for package in $packages; do
	status=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)
	[ "$status" = "install ok installed" ] || missing="$missing $package"
done
# shellcheck disable=SC2086
[ -z "$missing" ] || install_packages $missing

# The oracle of tests/oracle/. Its commands may come from anywhere, so they are looked for and not Debian's packages. One test
# needs it and says so if it is not there: no reason to end here.
install_oracle() {
	oracle=build/oracle
	# The lock is copied last of all, so it tells that the rest is there.
	if command -v node >/dev/null && cmp -s tests/oracle/package-lock.json "$oracle/installed"; then
		return 0
	fi
	if ! command -v node >/dev/null; then
		install_packages nodejs npm || return 1
	elif ! command -v npm >/dev/null; then
		# Debian's npm would bring Debian's node over another one.
		dpkg-query -S "$(readlink -f "$(command -v node)")" >/dev/null 2>&1 || return 1
		install_packages npm || return 1
	fi
	mkdir -p "$oracle"
	cp tests/oracle/package.json tests/oracle/package-lock.json "$oracle"
	rm -f "$oracle/installed"
	(cd "$oracle" && npm ci --prefer-offline --fetch-retries=1 --ignore-scripts --no-audit --no-fund --loglevel=error) || return 1
	cp tests/oracle/package-lock.json "$oracle/installed"
}

install_oracle || echo "NOT INSTALLED: node and the npm package semver; versions are not compared with npm's" >&2
