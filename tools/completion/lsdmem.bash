# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# bash completion of lsdmem(8). What there is to choose from, lsdmem tells itself.

# The columns of the view that the command line asks for.
_lsdmem_columns()
{
	local view='' w

	for w in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
		case $w in
		--tree) view=' for --tree' ;;
		--buffers) view=' for --buffers' ;;
		--*) ;;
		-*t*) view=' for --tree' ;;
		-*B*) view=' for --buffers' ;;
		esac
	done
	"$1" --help | awk -v "head=Available output columns$view:" \
		'/^Available/ { on = ($0 == head); next } !NF { on = 0 } on { print $1 }'
}

# A list with commas, of which the last word is not complete.
_lsdmem_list()
{
	local cur=$2 done='' left='' c

	case $cur in
	*,*) done=${cur%,*},; cur=${cur##*,} ;;
	+*) done=+; cur=${cur#+} ;;
	esac
	for c in $(_lsdmem_columns "$1"); do
		case ",${done#+}" in
		*",$c,"*) ;;
		*) left="$left $done$c" ;;
		esac
	done
	compopt -o nospace 2>/dev/null || :
	mapfile -t COMPREPLY < <(compgen -W "$left" -- "$done${cur^^}")
}

_lsdmem()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}

	COMPREPLY=()
	# "--output=" comes as three words.
	if [ "$cur" = = ]; then
		cur=
	elif [ "$prev" = = ]; then
		prev=${COMP_WORDS[COMP_CWORD-2]}
	fi
	case $prev in
	--output|-o|-[!-]*o)
		_lsdmem_list "$1" "$cur"
		return
		;;
	--sysroot)
		mapfile -t COMPREPLY < <(compgen -d -- "$cur")
		return
		;;
	esac
	case $cur in
	-*)
		mapfile -t COMPREPLY < <(compgen -W "$("$1" --help | sed -n '/^Options/,/^Avail/p' | grep -o -e '^ -[a-zA-Z]' -e ' --[a-z-]*' | sort -u)" -- "$cur")
		;;
	*)
		# A name with a colon is in several words here: then nothing is found.
		mapfile -t COMPREPLY < <(compgen -W "$("$1" -rn -o NAME 2>/dev/null)" -- "$cur")
		;;
	esac
}

complete -F _lsdmem lsdmem
