#!/bin/sh
# Installs the Debian packages that forge is built and tested with; does nothing, and needs no network and no root,
# where all are there.
set -eu

packages="gcc clang make pkg-config protobuf-c-compiler
libglib2.0-dev libgit2-dev libcurl4-openssl-dev libzmq3-dev libjansson-dev librocksdb-dev libyaml-dev
libprotobuf-c-dev libsodium-dev libclang-rt-dev
git lighttpd openssh-client openssh-server openssl python3 python3-pytest python3-yaml perl clang-format cppcheck strace"

missing=
for package in $packages; do
	status=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)
	[ "$status" = "install ok installed" ] || missing="$missing $package"
done
[ -z "$missing" ] && exit 0

root=
if [ "$(id -u)" -ne 0 ]; then
	command -v sudo >/dev/null || { echo "missing:$missing (install them as root)" >&2; exit 1; }
	root=sudo
fi
echo "installing:$missing"
$root apt-get update -qq
# shellcheck disable=SC2086
DEBIAN_FRONTEND=noninteractive $root apt-get install -y -qq --no-install-recommends $missing
