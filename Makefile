# SPDX-License-Identifier: GPL-2.0-or-later
# What can be done here. The work is in scripts/.

help:
	@sed -n 's/^#: //p' Makefile

#: make run          boot the patched kernel and watch a cap hold (12 minutes the first time)
#: make test         the tests of the host (3 minutes);  T=lsdmem for one program,
#:                   T=lsdmem.test_usage for one function, UPDATE=1 to write expected files
#: make check        all test suites;  SUITE=unit (host only), core, media, systemd,
#:                   containers, tools or arm32;  SUITE=debug, kcsan and upstream only in check-all
#: make check-all    make check, and what takes longer
#: make shell        a root shell in the guest; "exit" powers it off
#: make kernel       build the patched kernel
#: make vm           ... with its device tree and root file system
#: make -s paths     where they are, and the command line that boots them
#: make tree         put the series on the kernel's source, as a git tree
#: make series       turn that tree's commits into patches again
#: make checkpatch   checkpatch, W=1, sparse and kernel-doc over the series
#: make bisect       build each patch alone, with the options on and off;  FROM=37 for those
#:                   from there on
#: make torture      random operations for a long time;  TIME=600 SEED=7 EPOCH=2 to begin with
#:                   that;  SCRIPT=FILE for the operations that a failure has told
#: make mutants      break one line at a time and see a test fail;  MUTANT=7 for one,
#:                   MUTANT=systemd for the programs for systemd
#: make example      record README's example anew: docs/example.history and docs/example.svg
#: make bench        what a charge costs, in instructions
#: make bench-plan   what dmemctl plan costs with large histories, on this machine
#: make install      build and install everything;  DESTDIR=DIR PREFIX=/usr, TAGS=systemd or
#:                   TAGS=tools for one part, OPTIONS='...' for meson setup
#: make uninstall    remove the installed files;  the same variables
#: make deb          ... as a Debian package;  DEB_ARCH=arm64 for a board
#: make kernel-deb   a kernel as a Debian package;  KERNEL_CONFIG=FILE KERNEL_ARCH=arm64
#: make kernel-config  has that file what the series needs?
#: make clean        remove what is built here
#: make distclean    remove the cache too
#:
#: KERNEL_SRC=/path     use this kernel source instead of the distribution's
#: DEBIAN_MIRROR=URL    use this mirror instead of the one in apt's sources
#: DMEM_CACHE=/path     keep what is slow to build there (8 GB)

check:
	@scripts/go.sh check $(SUITE)

test:
	@T='$(T)' UPDATE='$(UPDATE)' scripts/test.sh

bench-plan:
	@scripts/lib/bench-plan.sh

mutants:
	@scripts/go.sh mutants $(MUTANT)

torture:
	@TIME='$(TIME)' SEED='$(SEED)' EPOCH='$(EPOCH)' SCRIPT='$(SCRIPT)' scripts/go.sh torture

install uninstall:
	@scripts/install.sh $@

bisect:
	@scripts/go.sh bisect $(FROM)

kernel vm shell paths run check-all tree series checkpatch bench example deb kernel-deb kernel-config clean distclean:
	@scripts/go.sh $@

.PHONY: help kernel vm shell paths run test check check-all tree series checkpatch bisect torture mutants bench bench-plan example deb kernel-deb kernel-config install uninstall clean distclean
