#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# usage: deps.sh build|demo|check|bench|lint|deb|all
#
# Installs the Debian packages that a target needs and that are missing. As
# root; anyone else is told their names. Starts no service: while packages
# are installed, policy-rc.d refuses to (invoke-rc.d(8)).
set -eu

build="gcc libc6-dev meson ninja-build pkg-config libsodium-dev libmnl-dev
libjansson-dev libhttp-parser-dev liblua5.4-dev gettext"
demo="$build iproute2 curl"
check="$demo procps g++ clang libclang-rt-14-dev libcmocka-dev wrk nginx-light tshark
python3 binutils clang-format man-db netbase patch"
lint="$build clang-tidy cppcheck"
bench="$demo wrk ethtool liblwip-dev golang-go golang-gvisor-gvisor-dev
python3 valgrind"
deb="$build debhelper dpkg-dev fakeroot lintian python3"

case "${1:-}" in
build) want=$build ;;
demo) want=$demo ;;
check) want=$check ;;
bench) want=$bench ;;
lint) want=$lint ;;
deb) want=$deb ;;
all) want="$check $lint $bench $deb" ;;
*) echo "usage: deps.sh build|demo|check|bench|lint|deb|all" >&2; exit 64 ;;
esac

if ! command -v dpkg-query >/dev/null; then
	echo "deps: this is no Debian; the packages that are needed are:" $want
	exit 0
fi

missing=
for p in $want; do
	status=$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null || :)
	[ "$status" = installed ] || missing="$missing $p"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ]; then
	echo "deps: these packages are missing; as root:" >&2
	echo "  apt-get install --no-install-recommends$missing" >&2
	exit 3
fi

policy=/usr/sbin/policy-rc.d made_policy=
log=$(mktemp)
trap 'rm -f "$log"; [ -z "$made_policy" ] || rm -f "$policy"' EXIT
trap 'exit 3' INT TERM
if [ ! -e "$policy" ]; then
	made_policy=yes
	printf '#!/bin/sh\nexit 101\n' > "$policy"
	chmod +x "$policy"
fi
export DEBIAN_FRONTEND=noninteractive
echo "deps: installing$missing"
get() {
	apt-get install -y -qq --no-install-recommends $missing >"$log" 2>&1
}
if ! get; then
	apt-get update -qq
	get || { tail -n 20 "$log" >&2; exit 3; }
fi
