#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# install.sh install|uninstall|uninstall-commands: "make install" and "make uninstall".
#
#   TAGS     the parts: systemd, tools, containers and slurm, with commas between them;
#            unset, all but slurm
#   PREFIX   /usr unless set
#   DESTDIR  a directory in place of /
#   OPTIONS  further options of "meson setup"
#   BUILD    the build directory: build-install unless set
#
# uninstall-commands prints the commands that uninstall runs. They come from meson's list of
# installed files, so BUILD must be configured.
set -eu
cd "$(dirname "$0")/.."
BUILD=${BUILD:-build-install}
. scripts/lib/common.sh
. scripts/lib/build-dir.sh

TAGS=${TAGS:-systemd,tools,containers}
PREFIX=${PREFIX:-/usr}
DESTDIR=${DESTDIR:-}

# has_tag TAG: succeeds if TAGS contains it.
has_tag()
{
	case ,$TAGS, in *,"$1",*) ;; *) false ;; esac
}

# Manuals are part of the installation, so a build without them is an error.
setup()
{
	_tools=disabled
	if has_tag tools; then
		_tools=enabled
	elif ! has_tag systemd && ! has_tag containers && ! has_tag slurm; then
		die "TAGS=$TAGS: give systemd, tools, containers or slurm, or more of them with commas"
	fi
	# shellcheck disable=SC2086 # a list of options
	build_setup --prefix="$PREFIX" -Dbuildtype=debugoptimized -Dtools="$_tools" -Dman=enabled \
		-Dtests=false ${OPTIONS:-}
}

# Prints TAG, SOURCE and DESTINATION of each installed file and directory, separated by tabs.
plan()
{
	meson introspect --install-plan "$BUILD" | sed 's/}, */\n/g' |
	sed -n 's/.*"\([^"]*\)": {"destination": "\([^"]*\)",.* "tag": "\([^"]*\)".*/\3\t\1\t\2/p' |
	sed "s,\t{prefix},\t$PREFIX,"
}

# quoted PATH: prints the path, quoted for the shell if it needs that.
quoted()
{
	case $1 in
	*[!A-Za-z0-9/._@%+:,=-]*) printf "'%s'\n" "$(printf '%s\n' "$1" | sed "s/'/'\\\\''/g")" ;;
	*) printf '%s\n' "$1" ;;
	esac
}

# removals KIND: prints the commands that remove the generator, the units, or the rest.
removals()
{
	while IFS="$(printf '\t')" read -r _tag _from _to; do
		has_tag "$_tag" || continue
		case $_to in
		*/dmem-generator) _kind=generator ;;
		*.service) _kind=unit ;;
		/*) _kind=rest ;;
		*) die "meson installs to '$_to', which is no path" ;;
		esac
		[ "$_kind" = "$1" ] || continue
		if [ -d "$_from" ]; then
			echo "rm -rf $(quoted "$DESTDIR$_to")"
			echo "rmdir $(quoted "$DESTDIR${_to%/*}") 2>/dev/null || :"
		else
			echo "rm -f $(quoted "$DESTDIR$_to")"
		fi
	done <"$BUILD/plan"
}

# systemctl_line ARGUMENT...: prints a command that calls systemctl where systemd runs. With
# DESTDIR, prints nothing.
systemctl_line()
{
	[ -n "$DESTDIR" ] || ! has_tag systemd || echo "[ ! -d /run/systemd/system ] || systemctl $*"
}

# Removes the generator and the units before the programs. The reload in between drops the
# units that the generator wrote, so that no loaded unit has a command that is gone.
uninstall_commands()
{
	plan >"$BUILD/plan"
	[ -s "$BUILD/plan" ] || die "meson lists no file that $BUILD installs"
	systemctl_line 'disable dmem-controller.service || :'
	removals generator
	removals unit
	systemctl_line daemon-reload
	removals rest
}

case ${1:-} in
install)
	setup
	meson_ninja "$BUILD"
	# shellcheck disable=SC2086 # an option or none
	meson install -C "$BUILD" --no-rebuild --quiet --tags "$TAGS" ${DESTDIR:+--destdir "$DESTDIR"}
	[ -n "$DESTDIR" ] || ! has_tag systemd ||
	echo "now: systemctl daemon-reload && systemctl enable --now dmem-controller.service"
	;;
uninstall)
	setup
	sh -ec "$(uninstall_commands)"
	;;
uninstall-commands)
	uninstall_commands
	;;
*)
	die "usage: scripts/install.sh install|uninstall|uninstall-commands"
	;;
esac
