#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# usage: deb-test.sh DIR
#
# Unpacks the packages of DIR and uses what is in them, with nothing of this
# tree: the command, its pages and completion; a program built by liblull-dev.
set -eu
dir=${1:?usage: deb-test.sh DIR}
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
trap 'exit 1' INT TERM
fail() { echo "deb-test: $*" >&2; exit 1; }

unpack() { dpkg-deb -x "$(ls "$dir/$1"_*.deb)" "$root/$1"; }

unpack lull
lull=$root/lull/usr/bin/lull
case $("$lull" --version) in
"lull "[0-9]*) ;;
*) fail "lull --version" ;;
esac
"$lull" --help | sed -n 's/^  \([a-z][a-z]*\) .*/\1/p' >"$root/commands"
[ -s "$root/commands" ] || fail "lull --help lists no command"
while read -r command; do
	"$lull" "$command" --help >/dev/null || fail "lull $command --help"
	[ -f "$root/lull/usr/share/man/man1/lull-$command.1.gz" ] ||
		fail "no page of lull $command"
done <"$root/commands"
"$lull" sim --seeds 1..1 >/dev/null || fail "lull sim finds no lull-sim"
"$lull" lab run open >/dev/null || fail "lull lab finds no lull-lab or script"
bash -n "$root/lull/usr/share/bash-completion/completions/lull"
ldd "$lull" | grep -q liblull && fail "lull needs liblull0"

# Both, as the package's dependency says.
for package in liblull0 liblull-dev; do
	dpkg-deb -x "$(ls "$dir/$package"_*.deb)" "$root/dev"
done
lib=$(dirname "$(ls "$root"/dev/usr/lib/*/liblull.so)")
use() {
	PKG_CONFIG_SYSROOT_DIR=$root/dev PKG_CONFIG_PATH=$lib/pkgconfig \
		pkg-config "$@"
}
example=$root/dev/usr/share/doc/liblull-dev/examples/echo.c
# No option for it has a blank in it.
cc -D_GNU_SOURCE $(use --cflags lull) -o "$root/echo" "$example" \
	$(use --libs lull) || fail "the example does not build"
LD_LIBRARY_PATH=$lib ldd "$root/echo" | grep -q "$lib/liblull.so.0" ||
	fail "the example is not linked with liblull.so.0"
cc -D_GNU_SOURCE $(use --cflags lull) -o "$root/echo-static" "$example" \
	"$lib/liblull.a" -lsodium -lmnl || fail "nor with liblull.a"
echo "deb-test: the packages work"
