#!/bin/sh
# SPDX-License-Identifier: MIT
# Finds the agent on a host and becomes it; where there is none, asks for its bytes, keeps them and
# becomes that. It never runs a file from a folder that somebody else could write to.
#
#   $1  the agent's digest (SHA-256, in hexadecimal)
#   $2  the machine it is for, as `uname -m` says it; empty: the host may be any
#   $3  its size in bytes
#   $4  "anew": an agent that is there is removed, not run; else empty
#
# The program holds this file, and makes one line for `sh -c` of it: without lines that are comments
# and without indentation, joined by blanks. So each command ends as it must in a line; there is no
# quote of the kind that is around the whole, and no exclamation mark, which csh and fish would take.
#
# shellcheck disable=SC3067 # -O: dash, bash, ksh and busybox know it
sha=$1 machine=$2 size=$3 anew=$4;
f=agent-$sha;
own() { [ -L "$1" ] && return 1; [ -O "$1" ] && [ -d "$1" ]; };
# Every run but the first ends here: tests are built in, so the agent is the next program. What is
# printed says that one was there. When it does not speak, it is damaged, and the second try removes
# it; its content is not looked at in every run, which would cost a program more.
run() {
	own "$1" && [ -O "$1/$f" ] && [ -x "$1/$f" ] && [ -s "$1/$f" ] || return 1;
	if [ "$anew" ]; then rm -f "$1/$f"; return; fi;
	printf "\n\001PROVISION-FOUND\001\n" && exec "$1/$f";
};
h=${HOME:-/nonexistent}/.cache/provision;
run /var/lib/provision/bin; run "$h";
umask 077; u=$(id -u); m=$(uname -m);
[ "${machine:-$m}" = "$m" ] || { echo "this agent is for $machine, the host is $m" >&2; exit 1; };
run "/var/tmp/provision-$u"; run "/dev/shm/provision-$u";
# Can this folder be used? It is ours alone, and programs may run in it (noexec).
use() {
	mkdir -p "$1" 2>/dev/null; own "$1" || return 1;
	case $(ls -ld "$1") in d????[-]??[-]*) ;; *) return 1;; esac;
	t=$1/new-$$; echo exit 0 2>/dev/null >"$t" && chmod 700 "$t" && "$t" 2>/dev/null; r=$?;
	rm -f "$t"; return $r;
};
d=;
[ "$u" = 0 ] && use /var/lib/provision/bin && d=/var/lib/provision/bin;
for x in "$h" "/var/tmp/provision-$u" "/dev/shm/provision-$u"; do
	[ "$d" ] || { use "$x" && d=$x; };
done;
[ "$d" ] || {
	tried="/var/lib/provision/bin (root), $h, /var/tmp and /dev/shm";
	echo "no folder that user $u owns alone and may run programs in: tried $tried" >&2; exit 1;
};
printf "\n\001PROVISION-NEED\001\n";
t=$d/new-$$; head -c "$size" >"$t" || { rm -f "$t"; exit 1; };
s=$(sha256sum <"$t");
[ "${s%% *}" = "$sha" ] || { rm -f "$t"; echo "the agent did not arrive whole in $d" >&2; exit 1; };
# The name under which it is looked for, only now that it is whole and on the disk.
chmod 700 "$t" || exit 1; sync "$t" 2>/dev/null || sync || exit 1; mv -f "$t" "$d/$f" || exit 1;
# Three others stay, and this one, whatever the clock says of the others.
n=0;
# shellcheck disable=SC2045 # by time: nothing but ls sorts so, and the names are agents
for x in $(ls -t "$d"); do
	case $x in
		"$f") ;;
		agent-*) n=$((n + 1)); [ $n -gt 3 ] && rm -f "$d/$x";;
	esac;
done;
exec "$d/$f";
