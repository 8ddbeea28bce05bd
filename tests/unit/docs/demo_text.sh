#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# docs/demo.md shows the output of the demo: each of its lines must fit a format in
# tools/demo/, and each format must have a line there.
set -eu
cd "$(dirname "$0")/../../.."
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# The lines that the calls of printf() print, as regular expressions. A line of output may
# come from several calls: they print to their newline one after the other.
formats()
{
	awk '
	/^\t*printf\("/ { on = 1; whole = 0 }
	on && !whole {
		rest = $0
		while (match(rest, /"([^"\\]|\\.)*"/)) {
			text = text substr(rest, RSTART + 1, RLENGTH - 2)
			rest = substr(rest, RSTART + RLENGTH)
			# Arguments can be strings, too: the format ends at the first comma.
			if (rest ~ /^[,)]/) {
				whole = 1
				break
			}
		}
	}
	on && /;$/ {
		n = split(text, line, /\\n/)
		for (i = 1; i <= n; i++) {
			gsub(/[][.*^$?+(){}|]/, "\\\\&", line[i])
			gsub(/%-?[0-9]*(s|d|lu|llu|u)/, ".+", line[i])
			if (line[i] != "" && line[i] !~ /^WRONG/)
				print "^" line[i] "$"
		}
		on = 0
		text = ""
	}' tools/demo/dmem-demo.c tools/demo/demo.c tools/demo/camera.c tools/demo/reserve.c
}

formats | sort -u >"$dir/formats"
# The first block of the page.
awk '/^```/ { if (on++) exit; next } on && $0 != ""' docs/demo.md >"$dir/shown"
[ "$(wc -l <"$dir/formats")" -ge 20 ] || { echo "tools/demo has few formats"; exit 1; }
[ "$(wc -l <"$dir/shown")" -ge 40 ] || { echo "docs/demo.md has no output"; exit 1; }

bad=0
grep -vEf "$dir/formats" "$dir/shown" >"$dir/wrong" && {
	sed 's/^/docs\/demo.md, but not printed by tools\/demo: /' "$dir/wrong"
	bad=1
}
while read -r format; do
	grep -qE "$format" "$dir/shown" || { echo "printed by tools/demo, but not in docs/demo.md: $format"; bad=1; }
done <"$dir/formats"
exit $bad
