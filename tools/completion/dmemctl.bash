# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2012
# bash completion of dmemctl(8). Verbs and options are those of its --help.

_dmemctl_verbs()
{
	"$1" --help | sed -n 's/^  \([a-z][a-z]*\) .*/\1/p'
}

_dmemctl_options()
{
	# shellcheck disable=SC2086 # a verb, or none
	"$1" $2 --help | awk '/^ +-/ {
		for (i = 1; i <= 2; i++) {
			sub(/[[=,].*/, "", $i)
			if ($i ~ /^-/)
				print $i
		}
	}'
}

_dmemctl_units()
{
	systemctl list-units --all --plain --no-legend --no-pager --full 2>/dev/null | awk '{ print $1 }'
}

# "cma/camera=", and the heaps' names, of this machine or of --sysroot.
_dmemctl_regions()
{
	local root='' i

	for ((i = 1; i < COMP_CWORD; i++)); do
		[ "${COMP_WORDS[i]}" != --sysroot ] || root=${COMP_WORDS[i+1]}
		[ "$root" != = ] || root=${COMP_WORDS[i+2]}
	done
	{
		awk '{ print $1 }' "$root/sys/fs/cgroup/dmem.capacity"
		ls "$root/sys/class/dma_heap" | sed 's,^,dma_heap/,'
	} 2>/dev/null | sed 's/$/=/'
}

# The same names, without "=".
_dmemctl_names()
{
	_dmemctl_regions | sed 's/=$//'
}

# The regions of the controller, without the heaps' names.
_dmemctl_areas()
{
	_dmemctl_regions | sed -n '/^dma_heap/!s/=$//p'
}

# _dmemctl_ended COMMAND END: what the command prints, each with the end.
_dmemctl_ended()
{
	"$1" | sed "s/\$/$2/"
}

_dmemctl_watched()
{
	_dmemctl_units
	_dmemctl_names
}

# The columns after "Columns:", of which the list has some already.
_dmemctl_columns()
{
	local done='' cur=$3 c

	case $cur in
	*,*) done=${cur%,*},; cur=${cur##*,} ;;
	+*) done=+; cur=${cur#+} ;;
	esac
	for c in $("$1" "$2" --help | awk 'on { print $1 } /^Columns:/ { on = 1 }'); do
		case ",${done#+}" in
		*",$c,"*) ;;
		*) case $c in "${cur^^}"*) echo "$done$c" ;; esac ;;
		esac
	done
}

# _dmemctl_offer WORD COMMAND...: what the command prints, and starts with the word.
_dmemctl_offer()
{
	local word=$1

	shift
	mapfile -t COMPREPLY < <(compgen -W "$("$@" | sed 's/\\/\\\\/g')" -- "$word")
}

_dmemctl()
{
	local cur='' head='' option='' verb='' w i

	COMPREPLY=()
	# bash has cut the words at "=", "@" and ":": this one begins where a blank was.
	for ((i = COMP_CWORD; i > 0; i--)); do
		w=${COMP_WORDS[i]}
		[ "$i" = "$COMP_CWORD" ] || head=$w$head
		cur=$w$cur
		case $w in -*) break ;; esac
		case ${COMP_WORDS[i-1]} in
		=|@|:) continue ;;
		esac
		case $w in =|@|:) continue ;; esac
		break
	done
	case $cur in
	--*=*) option=${cur%%=*}; cur=${cur#*=}; head=${head#*=} ;;
	*) option=${COMP_WORDS[i-1]} ;;
	esac
	for w in "${COMP_WORDS[@]:1:i-1}"; do
		case " $(_dmemctl_verbs "$1" | tr '\n' ' ')" in
		*" $w "*) verb=$w; break ;;
		esac
	done
	case $verb$option in
	*--sysroot|plan--units|plan--check-units|verify--root|cdi--output|cdi-o) mapfile -t COMPREPLY < <(compgen -d -- "$cur") ;;
	record--output|metrics--output|metrics-o|history--output|history-o|watch--replay|plan--svg|plan--dts|plan--dtb|plan--alerts|cdi--plan|cdi--hook)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		;;
	record--interval|record--max-size|record--count|plan--headroom|plan--quantile|plan--add|history--since|history--until) ;;
	plan--without|plan--reserve-first) _dmemctl_offer "$cur" _dmemctl_units ;;
	plan--scale|plan--set)
		compopt -o nospace 2>/dev/null || :
		_dmemctl_offer "$cur" _dmemctl_ended _dmemctl_units =
		;;
	plan--merge|plan--split)
		compopt -o nospace 2>/dev/null || :
		_dmemctl_offer "$cur" _dmemctl_ended _dmemctl_areas "$([ "$option" = --merge ] && echo , || echo :)"
		;;
	plan--size)
		compopt -o nospace 2>/dev/null || :
		_dmemctl_offer "$cur" _dmemctl_ended _dmemctl_areas =
		;;
	plan--accept) mapfile -t COMPREPLY < <(compgen -W 'machine quantile changes' -- "$cur") ;;
	plan--from) mapfile -t COMPREPLY < <(compgen -W 'prometheus' -- "$cur") ;;
	plan--by) mapfile -t COMPREPLY < <(compgen -W 'machine model' -- "$cur") ;;
	history--unit) _dmemctl_offer "$cur" _dmemctl_units ;;
	history--region) _dmemctl_offer "$cur" _dmemctl_areas ;;
	doctor--prove) _dmemctl_offer "$cur" _dmemctl_names ;;
	*--max|*--min|*--low)
		compopt -o nospace 2>/dev/null || :
		_dmemctl_offer "$cur" _dmemctl_regions
		;;
	show--output|show-o|watch--output|watch-o)
		compopt -o nospace 2>/dev/null || :
		mapfile -t COMPREPLY < <(_dmemctl_columns "$1" "$verb" "$cur")
		;;
	watch--sort|watch-s)
		mapfile -t COMPREPLY < <(compgen -W 'name charged peak free refused new' -- "$cur")
		;;
	watch--color)
		mapfile -t COMPREPLY < <(compgen -W 'auto always never' -- "$cur")
		;;
	*)
		case $verb,$cur in
		*,-*) _dmemctl_offer "$cur" _dmemctl_options "$1" "$verb" ;;
		,*) _dmemctl_offer "$cur" _dmemctl_verbs "$1" ;;
		verify,*|plan,*|history,*) mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
		run,*) mapfile -t COMPREPLY < <(compgen -c -- "$cur") ;;
		doctor,*) ;;
		cdi,*)
			compopt -o nospace 2>/dev/null || :
			_dmemctl_offer "$cur" _dmemctl_regions
			;;
		*,/*) mapfile -t COMPREPLY < <(compgen -d -- "$cur") ;;
		watch,*) _dmemctl_offer "$cur" _dmemctl_watched ;;
		*) _dmemctl_offer "$cur" _dmemctl_units ;;
		esac
		;;
	esac
	# Of the word as bash cut it, only what comes after.
	COMPREPLY=("${COMPREPLY[@]#"$head"}")
}

complete -F _dmemctl dmemctl
